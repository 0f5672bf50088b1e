"""From an examination to findings: which mistakes, at which lines. Judge side.

Wiring first (who is projected by what), then what was repaired on the way, then numbers, then what follows
the heads, then lengths, masks, gradients and behaviour.
"""

from __future__ import annotations

import numpy as np

from mha_drill.attention.steps import Fault
from mha_drill.judge.assessment import Assessment
from mha_drill.judge.crashes import crash_findings
from mha_drill.judge.evidence import Observation
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding, distinct
from mha_drill.judge.hypotheses import explain
from mha_drill.judge.matching import close, order_of
from mha_drill.judge.roles import Side
from mha_drill.judge.stepmap import Place, places

STEP_OF_REPAIR = {"non-contiguous-view": "merge", "key-not-transposed": "score", "dropout-in-eval": "dropout"}
DETACHING = frozenset({"detach", "detach_", "data", "item", "numpy", "tolist", "__array__", "clone_detached"})


def diagnose(examination: Examination) -> list[Finding]:
    """Return the mistakes of a submission that could be bound, by step; empty for a right one."""
    findings = builtin_used(examination)
    if findings:
        return findings
    square = examination.square
    findings = repaired(square)
    if square.error is not None:
        return distinct([*findings, *crash_findings(examination, square)])
    output = examination.output(square)
    if output is None:
        return distinct([*findings, Finding("wrong-output-type", "output", _return_line(examination))])
    wired = wiring_findings(examination)
    numbers = [] if examination.agrees(square) else number_findings(examination, wired)
    findings += wired + numbers
    if not numbers:
        findings += length_findings(examination)
    findings += (
        mask_findings(examination) if not any(item.step in ("mask", "split") for item in numbers) else []
    )
    findings += gradient_findings(examination, findings)
    findings += behaviour_findings(examination, findings)
    if _only_consequence(findings, numbers):
        findings = [item for item in findings if item.code != "wrong-value"]
    return distinct(findings)


def _only_consequence(findings: list[Finding], numbers: list[Finding]) -> bool:
    """Whether an unexplained wrong value stands beside a mistake that can be its cause."""
    causes = {
        "batch-mixing",
        "nondeterministic",
        "mutates-input",
        "hard-coded-shape",
        "shared-across-heads",
        "unstable-softmax",
        "nan-output",
    }
    return any(item.code == "wrong-value" for item in numbers) and any(
        item.code in causes for item in findings
    )


def place_of(examination: Examination, step: str) -> Place | None:
    """Return where a step happens in the submission, read off the square probe."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return None
    return places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail).get(step)


def line_of(examination: Examination, *steps: str) -> int | None:
    """Return the line of the first of `steps` that the submission has."""
    for step in steps:
        place = place_of(examination, step)
        if place is not None and place.line is not None:
            return place.line
    return None


def builtin_used(examination: Examination) -> list[Finding]:
    """Attention ready made, where no hand-written path is left."""
    names = ("scaled_dot_product_attention", "multi_head_attention_forward", "_native_multi_head_attention")
    square = examination.square
    for call in square.answer.get("calls", []):
        if call["name"].rsplit(".", 1)[-1] in names:
            return [Finding("builtin-used", "any", call["line"])]
    error = square.error
    if (
        error is not None
        and error["type"] == "AttributeError"
        and any(name in error["message"] for name in names)
    ):
        return [Finding("builtin-used", "any", error["line"])]
    if (
        any(kind == "MultiheadAttention" for _, kind in square.answer.get("modules", []))
        and error is not None
    ):
        return [Finding("builtin-used", "any", error["line"])]
    return []


def repaired(observation: Observation) -> list[Finding]:
    """What had to be repaired for the call to go on."""
    return [
        Finding(
            item["code"],
            _step_of_view(observation, item),
            item["line"],
            True,
            shapes=tuple(tuple(shape) for shape in item["shapes"]),
        )
        for item in observation.repairs
    ]


def _step_of_view(observation: Observation, repair: dict[str, object]) -> str:
    return STEP_OF_REPAIR[str(repair["code"])]


def wiring_findings(examination: Examination) -> list[Finding]:
    """Who is projected by what: shared, missing and swapped maps, small maps for every head, loose parameters."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return []
    roles = assessment.roles
    found = _misplaced(examination, assessment)
    if not examination.spec.projections:
        return found or _swapped(examination, assessment)
    sides = {"q": roles.query, "k": roles.key, "v": roles.value}
    for position, (name, side) in enumerate(sides.items()):
        if not side.weights:
            found.append(
                Finding(
                    "missing-projection", "project", side.line or line_of(examination, "score"), True, name
                )
            )
            continue
        for other_name in list(sides)[:position]:
            other = sides[other_name]
            if _same_rows(side, other) and any(
                item.code in ("weigh-wrong-tensor", "swapped-inputs") for item in found
            ):
                continue
            if _same_weights(assessment, side, other):
                found.append(Finding("shared-projection", "project", side.line, True, f"{other_name}{name}"))
                break
        if any(_slice_only(assessment, index) for index in side.projections if index >= 0):
            found.append(Finding("shared-across-heads", "project", side.line, True, name))
    if any(item.code in ("weigh-wrong-tensor", "swapped-inputs") for item in found):
        return found
    found += _swapped(examination, assessment)
    if (
        assessment.tail is not None
        and assessment.tail.call is not None
        and not any(item.code == "shared-projection" for item in found)
    ):
        matrices = _matrices(assessment, assessment.tail.weights)
        for name, side in sides.items():
            if matrices and matrices & _matrices(assessment, side.weights):
                found.append(Finding("shared-projection", "output", assessment.tail.line, True, f"{name}o"))
                break
    if (
        spec_requires_output(examination)
        and assessment.tail is not None
        and assessment.tail.call is None
        and not assessment.tail.fault
    ):
        found.append(
            Finding("missing-output-projection", "output", line_of(examination, "merge", "weigh"), True)
        )
    return found


def _misplaced(examination: Examination, assessment: Assessment) -> list[Finding]:
    """One tensor used in two places while the one that belongs there is made and never used."""
    roles, wiring = assessment.roles, assessment.wiring
    assert roles is not None
    used = {index for side in (roles.query, roles.key, roles.value) for index in side.projections}
    tail = assessment.tail
    idle = [
        item
        for item in wiring.projections
        if item.index not in used and (tail is None or item.call is not tail.call)
    ]
    if examination.spec.projections and not idle:
        return []
    same = _same_rows
    if same(roles.value, roles.key) or same(roles.value, roles.query):
        which = "k" if same(roles.value, roles.key) else "q"
        return [Finding("weigh-wrong-tensor", "weigh", line_of(examination, "weigh"), True, which)]
    if same(roles.query, roles.key):
        return [
            Finding(
                "swapped-inputs",
                "project",
                line_of(examination, "score"),
                True,
                "one tensor as query and key",
            )
        ]
    return []


def _same_rows(one: Side, two: Side) -> bool:
    return (
        one.projections == two.projections
        and one.source == two.source
        and one.rows.shape == two.rows.shape
        and bool((one.rows == two.rows).all())
    )


def spec_requires_output(examination: Examination) -> bool:
    """Whether the problem asks for an output projection."""
    return bool(examination.spec.output_projection == "required")


def _matrices(assessment: Assessment, names: frozenset[str]) -> frozenset[str]:
    """Return those of the weights that are matrices: biases may be shared by accident of naming only."""
    shapes = {value.name: value.shape for value in assessment.recording.values if value.kind != "call"}
    return frozenset(name for name in names if len(shapes.get(name, ())) >= 2)


def _same_weights(assessment: Assessment, one: Side, two: Side) -> bool:
    """Whether two sides come from one map: the same call's same channels, or two calls of one matrix."""
    if set(one.projections) & set(two.projections):
        return one.rows.shape == two.rows.shape and order_of(_rows(one), _rows(two), 1e-12) is not None
    projections = assessment.wiring.projections
    for index in one.projections:
        for other in two.projections:
            if index < 0 or other < 0:
                continue
            if _weight_numbers(assessment, index) == _weight_numbers(assessment, other):
                return True
            if _matrices(assessment, projections[index].weights) & _matrices(
                assessment, projections[other].weights
            ) and _weight_values(assessment, index, other):
                return True
    return False


def _rows(side: Side) -> np.ndarray:
    return side.rows.reshape(-1, side.rows.shape[-1])


def _weight_numbers(assessment: Assessment, index: int) -> tuple[int, ...]:
    recording, call = assessment.recording, assessment.wiring.projections[index].call
    return tuple(
        number for number in call.inputs if recording.weights[number] and not recording.content[number]
    )


def _weight_values(assessment: Assessment, index: int, other: int) -> bool:
    """Whether two calls use the same matrix by value: slices of one fused weight differ, two takes of one do not."""
    recording = assessment.recording
    arrays = [
        [recording.values[number].array for number in _weight_numbers(assessment, item)]
        for item in (index, other)
    ]
    matrices = [
        next((array for array in each if array is not None and array.ndim >= 2), None) for each in arrays
    ]
    one, two = matrices
    return one is not None and two is not None and one.shape == two.shape and bool((one == two).all())


def _slice_only(assessment: Assessment, index: int) -> bool:
    """Whether a projection has fewer weights than channels times width: every head uses one small map."""
    projection = assessment.wiring.projections[index]
    recording = assessment.recording
    channels = len(next(iter(projection.rows.values()), ()))
    sizes = [recording.values[number].array for number in _weight_numbers(assessment, index)]
    matrix = max((array.size for array in sizes if array is not None), default=0)
    source = next(
        (value for value in recording.values if value.kind == "input" and value.name == projection.source),
        None,
    )
    if source is None or not channels:
        return False
    return matrix < channels * source.shape[-1] and projection.call.short in (
        "linear",
        "matmul",
        "__matmul__",
        "einsum",
    )


def _swapped(examination: Examination, assessment: Assessment) -> list[Finding]:
    """Sides that are made from another's input."""
    roles = assessment.roles
    assert roles is not None
    style = examination.binding.call.style
    wanted = {"qkv": ("q", "k", "v"), "cross": ("q", "context", "context")}.get(style)
    if wanted is None:
        return []
    sides = (roles.query, roles.key, roles.value)
    wrong = [
        (name, side) for name, side, source in zip("qkv", sides, wanted, strict=True) if side.source != source
    ]
    return [
        Finding(
            "swapped-inputs",
            "project",
            side.line or line_of(examination, "score"),
            True,
            f"{name} from {side.source}",
        )
        for name, side in wrong
    ]


def number_findings(examination: Examination, wired: list[Finding]) -> list[Finding]:
    """Why the numbers are not the reference's."""
    square = examination.square
    output = examination.output(square)
    assert output is not None
    found: list[Finding] = []
    assessment = examination.assessed(square)
    width = examination.binding.base.width
    if output.shape[:2] != (square.probe.batch, square.probe.query_length) or output.ndim != 3:
        found.append(
            Finding("wrong-output-shape", "output", _return_line(examination), True, shapes=(output.shape,))
        )
    elif (
        examination.spec.output_projection == "required"
        and output.shape[-1] != width
        and any(item.code == "missing-output-projection" for item in wired) is False
    ):
        found.append(
            Finding("wrong-output-shape", "output", _return_line(examination), True, shapes=(output.shape,))
        )
    if assessment is None or assessment.roles is None or assessment.material is None:
        return found or [_unexplained(examination, assessment)]
    tail = assessment.tail
    if tail is not None and tail.fault not in ("", "unknown"):
        found.append(Finding(tail.fault, "output", tail.line, True))
        if tail.fault == "extra-normalization" and tail.residual_line is not None:
            found.append(Finding("extra-residual", "output", tail.residual_line, True))
        if tail.call is None and spec_requires_output(examination):
            found.append(
                Finding("missing-output-projection", "output", line_of(examination, "merge", "weigh"), True)
            )
    if tail is None:
        return found or [_unexplained(examination, assessment)]
    if order_of(_merged(assessment), tail.merged, examination.tolerance) is not None and _proper(
        examination, assessment
    ):
        if found or wired:
            return found
        return [_unexplained(examination, assessment)]
    if _without_softmax(assessment):
        return [*found, Finding("missing-softmax", "softmax", line_of(examination, "weigh"), True)]
    confirm = [
        item
        for item in (examination.assessed(examination.other),)
        if item is not None and item.material is not None and item.tail is not None
    ]
    faults = explain(
        [assessment, *confirm],
        separate=examination.binding.call.separate,
        causal_problem=examination.spec.causal,
        tolerance=examination.tolerance,
    )
    if not faults:
        found = [item for item in found if item.code != "wrong-output-shape"] or found
        return found or [_unexplained(examination, assessment)]
    return found + [_finding_of(examination, fault) for fault in faults]


def _without_softmax(assessment: Assessment) -> bool:
    """Whether what weighs the values are the scaled scores themselves, whatever the mask made of the rest."""
    roles, walk = assessment.roles, assessment.walk
    assert roles is not None and walk is not None
    call = roles.weighs[0]
    for number in call.inputs:
        array = assessment.recording.values[number].array
        for name in ("scale", "score"):
            wanted = walk[name].numpy()
            if array is None or array.size != wanted.size:
                continue
            array = array.reshape(wanted.shape)
            seen = (
                np.ones(wanted.shape, dtype=bool)
                if assessment.material is None or assessment.material.allowed is None
                else np.broadcast_to(assessment.material.allowed.numpy(), wanted.shape)
            )
            if close(wanted[seen], array[seen]):
                return True
    return False


def _merged(assessment: Assessment):  # type: ignore[no-untyped-def]
    from mha_drill.judge.assessment import flat

    assert assessment.walk is not None
    return flat(assessment.walk["merge"])


def _proper(examination: Examination, assessment: Assessment) -> bool:
    roles = assessment.roles
    assert roles is not None
    return all(
        side.proper and side.heads in examination.case.heads for side in (roles.query, roles.key, roles.value)
    )


# Where to look for the line of a wrong step: the step itself, else the nearest one the file has.
NEAR = {
    "project": ("project", "score"),
    "split": ("split", "project"),
    "score": ("score",),
    "scale": ("scale", "score"),
    "mask": ("mask", "softmax", "scale", "score"),
    "softmax": ("softmax", "weigh"),
    "dropout": ("dropout", "softmax"),
    "weigh": ("weigh",),
    "merge": ("merge", "weigh"),
    "output": ("output", "merge"),
}


def _finding_of(examination: Examination, fault: Fault) -> Finding:
    if fault.code == "scale-after-softmax":
        line = _late_scale(examination) or line_of(examination, "softmax")
    elif fault.code == "mask-after-softmax":
        line = _late_mask(examination) or line_of(examination, "softmax")
    elif fault.code in ("missing-softmax",):
        line = line_of(examination, "softmax", "weigh")
    else:
        line = line_of(examination, *NEAR[fault.step])
    return Finding(fault.code, fault.step, line, True, fault.variant)


def _late(examination: Examination, names: frozenset[str]) -> int | None:
    """Return the line of the first call of those names after the softmax."""
    assessment = examination.assessed(examination.square)
    place = place_of(examination, "softmax")
    if assessment is None or place is None or place.call is None:
        return None
    reached = assessment.recording.after([place.call])
    for call in assessment.recording.calls:
        if (
            call.index > place.call.index
            and call.short in names
            and any(reached[number] for number in call.inputs)
        ):
            return call.line
    return None


def _late_scale(examination: Examination) -> int | None:
    from mha_drill.judge.stepmap import SCALINGS

    return _late(examination, SCALINGS)


def _late_mask(examination: Examination) -> int | None:
    from mha_drill.judge.stepmap import MASKINGS

    return _late(examination, MASKINGS | {"mul", "__mul__", "mul_", "__imul__"})


def _unexplained(examination: Examination, assessment: Assessment | None) -> Finding:
    """Say the first step whose tensor the submission never has."""
    if assessment is None or assessment.walk is None:
        return Finding("wrong-value", "any", _return_line(examination))
    from mha_drill.judge.firststep import first_difference

    step = first_difference(assessment)
    return Finding(
        "wrong-value", step, line_of(examination, *NEAR.get(step, ("output",))) or _return_line(examination)
    )


def _return_line(examination: Examination) -> int | None:
    calls = [call for call in examination.square.answer.get("calls", []) if call["line"] is not None]
    return calls[-1]["line"] if calls else None


def length_findings(examination: Examination) -> list[Finding]:
    """Right for as many keys as queries; wrong for other lengths or sizes."""
    found: list[Finding] = []
    for observation in (examination.other, examination.one):
        if not examination.agrees(observation) and not found:
            line = observation.error["line"] if observation.error else line_of(examination, "split", "merge")
            if observation is examination.one and observation.error is None:
                continue
            found.append(Finding("hard-coded-shape", "split", line, True))
    if found or examination.spec.inputs != "qkv":
        return found
    for crossed in (examination.cross, examination.fewer):
        if crossed is None or examination.agrees(crossed):
            continue
        if crossed.error is not None:
            return [
                Finding("cross-length", "split", crossed.error["line"], True, detail=crossed.error["message"])
            ]
        return [Finding("cross-length", "split", line_of(examination, "split", "score"), True)]
    return found


def mask_findings(examination: Examination) -> list[Finding]:
    """What the mask argument does, where there is one and the problem leaves it open."""
    from mha_drill.judge.masks import mask_finding

    if examination.spec.causal:
        return fill_findings(examination)
    finding = mask_finding(examination)
    return [finding] if finding is not None else []


def fill_findings(examination: Examination) -> list[Finding]:
    """A fill so weak that large scores see past it: above -1e4."""
    from mha_drill.judge.masks import weak_fill

    finding = weak_fill(examination, examination.square)
    return [finding] if finding is not None else []


def gradient_findings(examination: Examination, known: list[Finding]) -> list[Finding]:
    """Gradients that are missing or are not the slope that was measured."""
    if examination.binding.numpy or examination.graded.error is not None:
        return []
    answer = examination.graded.answer
    if answer.get("backward_error"):
        return [
            Finding(
                "wrong-gradient",
                "any",
                answer["backward_error"]["line"],
                True,
                detail=answer["backward_error"]["message"],
            )
        ]
    bad = examination.wrong_slopes
    loose = _unregistered(examination)
    reaches = bool(answer.get("reaches", True))
    if reaches and not bad:
        return loose
    line = _detached_line(examination)
    if not reaches and not _learns(examination):
        return loose
    if (
        line is not None
        or not reaches
        or all(
            examination.gradients[name]["none"] or examination.gradients[name]["claimed"] == 0 for name in bad
        )
    ):
        return [*loose, Finding("detached-graph", "any", line, True, ", ".join(bad[:3]))]
    return [*loose, Finding("wrong-gradient", "any", line, True, ", ".join(bad[:3]))]


def _learns(examination: Examination) -> bool:
    """Whether anything of the submission or its inputs could take a gradient at all."""
    return not examination.binding.numpy


def _detached_line(examination: Examination) -> int | None:
    """Return the line where the graph is cut: a value without gradient made from one with."""
    assessment = examination.case.assessed(examination.graded)
    if assessment is None:
        return None
    recording = assessment.recording
    for call in recording.calls:
        feeds = [number for number in call.inputs if recording.values[number].grad]
        cut = [
            number
            for number in call.outputs
            if not recording.values[number].grad and recording.values[number].dtype.startswith("float")
        ]
        if (
            feeds
            and (call.short in DETACHING or cut)
            and call.short
            not in (
                "ge",
                "gt",
                "lt",
                "le",
                "eq",
                "ne",
                "argmax",
                "zeros_like",
                "ones_like",
                "isnan",
                "empty_like",
                "full_like",
                "new_zeros",
                "new_ones",
                "new_full",
                "masked_fill_mask",
            )
        ):
            if (
                call.short in DETACHING
                and not call.outputs
                and call.short not in ("numpy", "tolist", "__array__", "item")
            ):
                continue
            if _matters(recording, call):
                return call.line
    return None


def _matters(recording, call) -> bool:  # type: ignore[no-untyped-def]
    """Whether what a cut gives goes into the output other than as the maximum that softmax takes off."""
    if not call.outputs:
        return True
    users = recording.users.get(call.outputs[0], [])
    source = recording.producer.get(call.inputs[0])
    if source is not None and source.short in ("amax", "max"):
        return False
    return bool(users)


def _unregistered(examination: Examination) -> list[Finding]:
    """Weights that an `nn.Module` uses and `parameters()` does not list."""
    answer = examination.square.answer
    if not answer.get("module"):
        return []
    assessment = examination.assessed(examination.square)
    if assessment is None:
        return []
    used = {value.name: value for value in assessment.recording.values if value.kind == "unregistered"}
    found = []
    for name, value in used.items():
        if (
            assessment.recording.weights[value.number]
            and (value.grad or answer["tensors"].get(name, {}).get("grad"))
            or (assessment.recording.weights[value.number] and len(value.shape) >= 2)
        ):
            call = next((call for call in assessment.recording.calls if value.number in call.inputs), None)
            found.append(
                Finding("unregistered-parameters", "project", call.line if call else None, True, name)
            )
    return found[:1]


def behaviour_findings(examination: Examination, known: list[Finding]) -> list[Finding]:
    """What shows only when it is called again: randomness, dropout, changed inputs, mixed batches, overflow."""
    found: list[Finding] = []
    one, two = examination.quiet
    if examination.has_dropout:
        found += [item for item in repaired(one) if item.code == "dropout-in-eval"]
    first, second = examination.output(one), examination.output(two)
    if first is not None and second is not None and not close(first, second, 1e-12):
        found.append(Finding("nondeterministic", "any", _random_line(examination), True))
    noisy = examination.noisy
    if noisy is not None and not found:
        first, second = (examination.output(item) for item in noisy)
        if first is not None and second is not None and close(first, second, 1e-12):
            found.append(Finding("dropout-missing", "dropout", _line_of_parameter(examination), True))
    if examination.square.answer.get("changed"):
        found.append(
            Finding(
                "mutates-input",
                "any",
                _writing_line(examination),
                True,
                ", ".join(examination.square.answer["changed"]),
            )
        )
    if any(item.code == "wrong-value" for item in known):
        before, after = (examination.output(item) for item in examination.changed_batch)
        if (
            before is not None
            and after is not None
            and before.shape == after.shape
            and before.ndim == 3
            and not close(before[0], after[0], 1e-9)
        ):
            found.append(
                Finding("batch-mixing", "any", line_of(examination, "split", "score", "merge"), True)
            )
    found += _large_findings(examination, known)
    return found


def _large_findings(examination: Examination, known: list[Finding]) -> list[Finding]:
    output = examination.output(examination.large)
    calm = examination.output(examination.square)
    if output is None or calm is None:
        return []
    if not np.isfinite(calm).all():
        return [] if known else [Finding("nan-output", "any", line_of(examination, "softmax"), True)]
    if np.isfinite(output).all():
        if any(
            item.code in ("wrong-value", "missing-softmax")
            or item.step
            in ("softmax", "scale", "score", "mask", "split", "merge", "weigh", "project", "output")
            for item in known
        ):
            return []
        if examination.agrees(examination.square) and not examination.agrees(examination.large):
            return [Finding("unstable-softmax", "softmax", line_of(examination, "softmax"), True)]
        return []
    if any(item.code == "missing-softmax" for item in known):
        return []
    return [Finding("unstable-softmax", "softmax", line_of(examination, "softmax"), True)]


def _random_line(examination: Examination) -> int | None:
    names = (
        "rand",
        "randn",
        "rand_like",
        "randn_like",
        "bernoulli",
        "normal_",
        "uniform_",
        "dropout",
        "randperm",
        "bernoulli_",
        "randint",
    )
    for call in examination.square.answer.get("calls", []):
        if call["name"].rsplit(".", 1)[-1] in names:
            return int(call["line"]) if call["line"] else None
    return None


def _writing_line(examination: Examination) -> int | None:
    assessment = examination.assessed(examination.square)
    if assessment is None:
        return None
    for call in assessment.recording.calls:
        if call.short != "alias" and (
            call.short.endswith("_")
            and not call.short.endswith("__")
            or call.short == "__setitem__"
            or call.short.startswith("__i")
        ):
            return call.line
    return None


def _line_of_parameter(examination: Examination) -> int | None:
    """Return the line of the constructor's signature."""
    import re

    lines = examination.case.runner.source.splitlines()
    for number in range(examination.binding.definition.line, len(lines) + 1):
        if re.search(r"drop|\bp\b", lines[number - 1]):
            return number
    return examination.binding.definition.line
