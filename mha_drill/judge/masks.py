"""What a mask argument means and whether it does what it should, where the problem leaves it open. Judge side."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from mha_drill.attention.faults import constant_fill, mask_faults
from mha_drill.attention.steps import Fault, walk_through
from mha_drill.judge.assessment import flat
from mha_drill.judge.binding import OF_CONTEXT
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.hypotheses import reproduces
from mha_drill.judge.lines.handed import beside
from mha_drill.judge.lines.left_out import unmasked_line
from mha_drill.judge.matching import WEAKEST_FILL, close, nearest
from mha_drill.judge.measured import measure
from mha_drill.judge.observation import Observation
from mha_drill.judge.plain import gives, plain_material
from mha_drill.judge.probes import CROSS, SQUARE, MaskForm, Probe
from mha_drill.judge.stepmap import MASKINGS, SOFTMAXES, places
from mha_drill.judge.uses import last_use, parameter_of, used_under_other_conditions
from mha_drill.judge.wiring import CHANNELS

MOST_FORMS = 80
FILLING = ("masked_fill", "masked_fill_", "where")
NOTHING = 1e-30


def mask_probe(examination: Examination) -> Probe:
    """Return the probe that masks are tried on: more keys than queries where that works."""
    if examination.cross is not None and examination.agrees(examination.cross):
        return CROSS
    return SQUARE


def found_form(
    examination: Examination, faults: tuple[Fault, ...] = ()
) -> tuple[MaskForm, Observation] | None:
    """Return the first convention that the submission masks right under, its known faults aside, with that call."""
    if examination.binding.call.mask is None:
        return None
    for form in examination.mask_forms()[:MOST_FORMS]:
        observation = examination.case.observe(mask_probe(examination), form, trace=True)
        if examination.case.runner.stopped:
            return None
        if observation.error is None and _as_known(examination, observation, faults):
            return form, observation
    return None


def _as_known(examination: Examination, observation: Observation, faults: tuple[Fault, ...]) -> bool:
    """Whether a call is right but for the faults that are known."""
    if not faults and examination.agrees(examination.square):
        return examination.agrees(observation)
    return _explains(examination, observation, faults)


# Names that mean a mask of keys and nothing else: not `head_mask`, not `query_mask`.
PLAIN_MASK = re.compile(r"(key_?|k_?|src_?|tgt_?|source_?)?(padding|pad|attn|attention)?_?mask")


def mask_findings_of(examination: Examination, faults: tuple[Fault, ...]) -> list[Finding]:
    """Return what is wrong with each mask argument: of the first all that can be, of others that they do nothing."""
    found = [mask_finding(examination, faults)]
    call = examination.binding.call
    if call.style == "cross" and OF_CONTEXT.match(call.mask or ""):
        return [finding for finding in found if finding is not None]  # the others are for self-attention
    for name in call.other_masks:
        if PLAIN_MASK.fullmatch(name.lower()):
            other = mask_finding(examination.with_mask(name), faults)
            if other is not None and other.code in ("mask-missing", "crash"):
                found.append(other)
    return [finding for finding in found if finding is not None]


def mask_finding(examination: Examination, faults: tuple[Fault, ...] = ()) -> Finding | None:
    """Return what is wrong with the mask argument beside the known faults.

    None where it is right, absent, or cannot be fed.
    """
    if examination.binding.call.mask is None or examination.square.error is not None:
        return None
    known = _as_known(examination, examination.square, faults)
    right = found_form(examination, faults) if known else None
    if right is not None:
        return (
            weak_fill(examination, right[1], faults)
            or _weak_as_bool(examination, *right, faults)
            or _mixed_elsewhere(examination, right[0])
        )
    forms = examination.mask_forms()[:MOST_FORMS]
    if not known:
        # Whether it does anything at all shows with fewer.
        forms = tuple(
            form for form in forms if (form.meaning, form.dtype) in (("drop", "bool"), ("add", "float"))
        )
    tried = [examination.case.observe(mask_probe(examination), form, trace=True) for form in forms]
    ran = [observation for observation in tried if observation.error is None]
    if not ran:
        return _never_runs(tried, examination.case.runner.source) or _on_projected(
            examination, _of_queries(examination)
        )
    bare = examination.case.observe(mask_probe(examination), trace=True)
    wanted = bare.output
    if wanted is None:
        return None
    outputs = [observation.output for observation in ran]
    # One of the masks that ran must have hidden something, whichever way the file reads it.
    hid = any(observation.mask is not None and observation.mask.meaning == "drop" for observation in ran)
    if (hid or examination.binding.call.lengths) and all(
        output is not None and close(wanted, output, 1e-9) for output in outputs
    ):
        return _without_effect(examination, ran[0])
    if not known or any(fault.step == "mask" or fault.code == "missing-softmax" for fault in faults):
        return None
    if any(fault.step == "softmax" for fault in faults):
        return _named_late(examination, ran, faults)
    if np.isfinite(wanted).all() and not any(
        output is not None and np.isfinite(output).all() for output in outputs
    ):
        line = _late_fill_line(examination, ran[0])
        if line is not None:
            return Finding("mask-after-softmax", "mask", line, True)
        return Finding("nan-output", "any", _mask_line(examination, ran[0], late=False), True)
    return (
        _named_mask(examination, ran, faults)
        or _misplaced(examination, bare, ran)
        or _on_projected(examination, ran)
    )


def _mixed_elsewhere(examination: Examination, right: MaskForm) -> Finding | None:
    """Return that items get each other's masks, where a mask that all items share is right and hides it."""
    if "b" in right.axes or right.axes == "lengths":
        return None
    for form in examination.mask_forms()[:MOST_FORMS]:
        if form.axes not in ("b1ls", "bls", "bhls") or form.meaning != right.meaning:
            continue
        observation = examination.case.observe(mask_probe(examination), form, trace=True)
        weights = _weights(examination, observation) if observation.error is None else None
        if weights is not None and _misread(observation, weights) == "batch-mixing":
            return Finding(
                "batch-mixing", "any", _mask_line(examination, observation, late=False), True, "mask"
            )
    return None


# What no mask of any form could help: the branch of the mask itself is broken.
BROKEN = frozenset({"NameError", "UnboundLocalError", "AttributeError", "IndexError", "TypeError"})


def _never_runs(tried: list[Observation], source: str) -> Finding | None:
    """Return a crash where masks of every form raise the same at one line, and not for their shape."""
    errors = [observation.error for observation in tried if observation.error is not None]
    raised = {(error["type"], error["line"]) for error in errors}
    if len(raised) != 1 or not errors or len(errors) < len(tried):
        return None
    kind, line = raised.pop()
    ambiguous = (
        "Boolean value of Tensor" in errors[0]["message"] or "truth value of an array" in errors[0]["message"]
    )
    if (kind not in BROKEN and not ambiguous) or line is None:
        return None
    message = errors[0]["message"].splitlines()[0]
    asked = re.search(r"'Tensor' object has no attribute '(\w+)'", message)
    if asked and re.search(rf"\bdef {asked[1]}\b|\bself\.{asked[1]}\s*=", source):
        return None  # not a tensor but an object of the file's own, `mask.mask`
    return Finding("crash", "load", line, False, detail=f"{kind}: {message}")


def _late_fill_line(examination: Examination, observation: Observation) -> int | None:
    """Return the line that fills weights, made by a softmax, with what is no weight."""
    assessment = examination.assessed(observation)
    if assessment is None:
        return None
    recording = assessment.recording
    made = [call for call in recording.calls if call.short in SOFTMAXES and call.outputs]
    if not made:
        return None
    reached = recording.after(made[-1:])
    for call in recording.calls:
        filled = any(
            (array := recording.values[item].array) is not None and not np.isfinite(array).all()
            for item in call.outputs
        )
        if call.index > made[-1].index and filled:
            late = call.short in MASKINGS and any(reached[item] for item in call.inputs)
            return call.line if late else None
    return None


def _named_late(
    examination: Examination, ran: list[Observation], faults: tuple[Fault, ...]
) -> Finding | None:
    """Return that the mask is put on the weights, beside a softmax that is wrong itself."""
    for observation in ran:
        for fault in mask_faults():
            if fault.code == "mask-after-softmax" and _explains(examination, observation, (*faults, fault)):
                line = _mask_line(examination, observation, late=True)
                return Finding(fault.code, "mask", line, True, fault.variant)
    return None


def _named_mask(
    examination: Examination, ran: list[Observation], faults: tuple[Fault, ...]
) -> Finding | None:
    """Return the mask fault that, beside the known ones, gives what some masked call gave."""
    for observation in ran:
        for fault in mask_faults():
            if fault.code in ("mask-missing", "mask-inverted"):
                continue
            if _explains(examination, observation, (*faults, fault)):
                late = fault.code == "mask-after-softmax"
                line = _mask_line(examination, observation, late=late)
                return Finding(fault.code, "mask", line, True, fault.variant)
    for observation in ran:
        weak = weak_fill(examination, observation, faults) or _fitted_fill(examination, observation, faults)
        if weak is not None:
            return weak
    return None


def _fitted_fill(
    examination: Examination, observation: Observation, faults: tuple[Fault, ...]
) -> Finding | None:
    """Return a weak fill that was found by trying: where the scores are not seen as one tensor."""
    assessment = examination.assessed(observation) if examination.spec.projections else None
    if assessment is None or assessment.material is None or assessment.tail is None:
        return None
    material, merged = assessment.material, np.sort(assessment.tail.merged, axis=1)

    def gap(fill: float) -> float:
        walk = walk_through(material, (*faults, Fault("", "mask", "", {"mask": constant_fill(fill)})))
        tried = flat(walk["merge"])
        return (
            float("inf")
            if tried.shape != merged.shape
            else float(((np.sort(tried, axis=1) - merged) ** 2).sum())
        )

    fill = nearest(gap, [-(10 ** (power / 10)) for power in range(-20, 40)])
    fault = Fault("mask-fill-value", "mask", f"{fill:.3g}", {"mask": constant_fill(fill)})
    if fill <= WEAKEST_FILL or not reproduces(assessment, (*faults, fault), 1e-5):
        return None
    return Finding(fault.code, "mask", _mask_line(examination, observation, late=False), True, fault.variant)


def _misplaced(examination: Examination, bare: Observation, ran: list[Observation]) -> Finding | None:
    """Return what is wrong where the mask acts on the weights, and in no form where it should.

    Another batch item's mask is `batch-mixing`. A mask that leaves the weights as they were hides nothing of the
    keys: what it does with the output is the file's own affair.
    """
    before = _weights(examination, bare)
    for observation in ran:
        weights = _weights(examination, observation)
        if before is None or weights is None or weights.shape != before.shape or close(before, weights, 1e-9):
            continue
        line = _mask_line(examination, observation, late=False)
        code = _misread(observation, weights)
        mixed = code == "batch-mixing"
        return Finding(code, "any" if mixed else "mask", line, code != "wrong-value", "mask" if mixed else "")
    return None


# A mask that fits no scores may fit queries.
QUERY_FORMS = tuple(
    MaskForm(axes, meaning, dtype)
    for axes in ("b1l1", "bl", "bl1", "l1")
    for meaning, dtype in (("drop", "bool"), ("keep", "int"), ("add", "float"))
)


def _of_queries(examination: Examination) -> list[Observation]:
    """Return the calls that run with a mask over the queries instead of the keys."""
    probe = mask_probe(examination)
    tried = (examination.case.observe(probe, form, trace=True) for form in QUERY_FORMS)
    return [observation for observation in tried if observation.error is None]


def _on_projected(examination: Examination, ran: list[Observation]) -> Finding | None:
    """Return that the mask meets nothing but a projected query, key or value, and so no score."""
    if not PLAIN_MASK.fullmatch(str(examination.binding.call.mask).lower()):
        return None
    for observation in ran:
        assessment = examination.assessed(observation)
        if assessment is None:
            continue
        recording, labels = assessment.recording, assessment.wiring.labels
        of_mask = {value.number for value in recording.values if value.origin == "input:mask"}
        met = []
        for call in recording.calls:
            if of_mask & set(call.inputs):
                content = [number for number in call.inputs if recording.content[number]]
                met += [(call, number) for number in content if call.outputs]
                of_mask.update(() if content else call.outputs)
        if met and all(number in labels and (labels[number].channel >= CHANNELS).all() for _, number in met):
            return Finding("wrong-value", "mask", met[0][0].line)
    return None


def _weights(examination: Examination, observation: Observation) -> np.ndarray | None:
    """Return what weighs the values in a call."""
    assessment = examination.assessed(observation)
    if assessment is None or assessment.roles is None or assessment.walk is None:
        return None
    reached = assessment.recording.after(list(assessment.roles.scores))
    shape = assessment.walk["score"].shape
    for number in assessment.roles.weighs[0].inputs:
        array = assessment.recording.values[number].array
        if reached[number] and array is not None and array.size == int(np.prod(shape)):
            return array.reshape(-1, *shape[-2:])
    return None


def _misread(observation: Observation, weights: np.ndarray) -> str:
    """Return the code of what the weights, (B*H, L, S), hide instead of what the mask forbids."""
    allowed = observation.allowed
    if allowed is None:
        return "wrong-value"
    grids = [np.broadcast_to(item[0], weights.shape[1:]) for item in allowed]
    hides = [weights[index] < NOTHING for index in range(len(weights))]
    heads = len(weights) // len(grids)
    own = [index // heads for index in range(len(weights))]
    lengths = observation.mask is not None and observation.mask.axes == "lengths"
    if lengths and all(np.array_equal(hidden, grids[at]) for hidden, at in zip(hides, own, strict=True)):
        return "mask-inverted"
    if lengths:
        counts = [int(grid[0].sum()) for grid in grids]
        kept = [{int((~row).sum()) for row in hidden} for hidden in hides]
        if any(
            all(seen == {counts[at] + off} for seen, at in zip(kept, own, strict=True)) for off in (1, -1)
        ):
            return "mask-off-by-one"
    for of in ([~grid for grid in grids], grids):
        owners = {at for hidden in hides for at, grid in enumerate(of) if np.array_equal(hidden, grid)}
        found = [any(np.array_equal(hidden, grid) for grid in of) for hidden in hides]
        if all(found) and len(owners) > 1 and len(grids) > 1:
            return "batch-mixing"
    return "wrong-value"


def _explains(examination: Examination, observation: Observation, faults: tuple[Fault, ...]) -> bool:
    """Whether the reference with these faults gives what a call gave."""
    assessment = examination.assessed(observation)
    seen = assessment is not None and assessment.roles is not None and assessment.tail is not None
    if examination.spec.projections or seen:
        return assessment is not None and reproduces(assessment, faults, examination.tolerance)
    permitted = examination.case.permitted(observation)
    material, output = plain_material(observation, permitted), observation.output
    return (
        material is not None and output is not None and gives(material, faults, output, examination.tolerance)
    )


def weak_fill(
    examination: Examination, observation: Observation, faults: tuple[Fault, ...] = ()
) -> Finding | None:
    """Return a finding where forbidden scores are only lowered a little: a fill above -1e4."""
    assessment = examination.assessed(observation)
    if assessment is None or assessment.material is None:
        return None
    try:
        facts = measure(assessment, walk_through(assessment.material, faults))
    except RuntimeError:
        return None
    line = _mask_line(examination, observation, late=False)
    if facts.weak is not None:
        return Finding("mask-fill-value", "mask", line, True, f"{facts.weak:.3g}")
    right = facts.factor is None and not faults and examination.agrees(observation)
    return (
        Finding("mask-fill-value", "mask", line) if right and _seen_past(examination, observation) else None
    )


LOUD = 16.0


def _seen_past(examination: Examination, observation: Observation) -> bool:
    """Whether large scores see past the mask: another last key changes rows that it is hidden from."""
    probe = replace(observation.probe, name="loud", spread=LOUD)
    one = examination.case.observe(probe, observation.mask, trace=True)
    two = examination.case.observe(replace(probe, last=88), observation.mask, trace=True)
    before, after = one.output, two.output
    allowed = examination.case.permitted(one)
    if before is None or after is None or allowed is None or before.shape != after.shape or before.ndim != 3:
        return False
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        return False
    hidden = np.broadcast_to(~allowed[:, 0, :, -1], before.shape[:2]).copy()
    hidden[:, -1] = False  # its query is another
    return bool(np.abs(before - after)[hidden].max(initial=0.0) > 1e-3 * np.abs(before).max())


def _weak_as_bool(
    examination: Examination, right: MaskForm, seen: Observation, faults: tuple[Fault, ...]
) -> Finding | None:
    """Return that a mask of yes and no, which the file takes beside numbers to add, only lowers scores a little.

    Numbers to add are right by chance where the file makes such from yes and no: `(1 - mask) * -9`.
    """
    made = right.meaning == "add" and _reckoned(examination, seen)
    if right.dtype == "bool" or not (made or "bool" in examination.case.runner.source):
        return None
    for meaning, dtype in (("drop", "bool"), ("keep", "bool"), *([("drop", "int"), ("keep", "int")] * made)):
        form = replace(right, meaning=meaning, dtype=dtype)
        observation = examination.case.observe(mask_probe(examination), form, trace=True)
        found = weak_fill(examination, observation, faults) if observation.error is None else None
        if found is not None and found.variant.startswith("-"):
            return found
    return None


def _reckoned(examination: Examination, observation: Observation) -> bool:
    """Whether the mask is multiplied, or taken from something, before it meets any content."""
    assessment = examination.assessed(observation)
    if assessment is None:
        return False
    recording = assessment.recording
    of_mask = {value.number for value in recording.values if value.origin == "input:mask"}
    for call in recording.calls:
        if of_mask & set(call.inputs) and not any(recording.content[number] for number in call.inputs):
            if call.short.strip("_") in (
                "rsub",
                "sub",
                "isub",
                "mul",
                "rmul",
                "imul",
                "multiply",
                "subtract",
            ):
                return True
            of_mask.update(call.outputs)
    return False


def _without_effect(examination: Examination, observation: Observation) -> Finding | None:
    """Return that the mask does nothing; None where it may do something under another condition of the file's own."""
    binding = examination.binding
    found = parameter_of(examination.case.runner.source, str(binding.call.mask), binding.definition.line)
    if found is None:
        return Finding("mask-missing", "mask", binding.definition.line, True)
    function, argument = found
    if used_under_other_conditions(function, argument.arg):
        return None
    line = (
        _lost_line(examination, observation)
        or unmasked_line(examination.case.runner.source, argument.arg, binding.definition.line)
        or last_use(function, argument.arg)
        or argument.lineno
    )
    return Finding("mask-missing", "mask", line, True)


def _lost_line(examination: Examination, observation: Observation) -> int | None:
    """Return the line of a masking whose result nobody takes."""
    assessment = examination.assessed(observation)
    if assessment is None:
        return None
    recording = assessment.recording
    of_mask = {value.number for value in recording.values if value.kind == "input" and value.name == "mask"}
    for call in recording.calls:
        taken = bool(of_mask & set(call.inputs))
        if taken:
            of_mask.update(call.outputs)
        made = [number for number in call.outputs if recording.content[number]]
        if taken and made and call.short in MASKINGS and not any(map(recording.users.get, made)):
            return call.line
    return None


def _mask_line(examination: Examination, observation: Observation, *, late: bool) -> int | None:
    assessment = examination.assessed(observation)
    if assessment is None:
        return None
    if assessment.roles is None:
        return next((call.line for call in assessment.recording.calls if call.short in FILLING), None)
    place = places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail)
    if late and "softmax" in place and place["softmax"].call is not None:
        for call in assessment.recording.calls:
            if call.index > place["softmax"].call.index and any(
                assessment.recording.values[number].name == "mask"
                or "mask" in assessment.recording.values[number].origin
                for number in call.inputs
            ):
                return beside(examination.case.runner.source, call, place["softmax"].call) or call.line
            if call.index > place["softmax"].call.index and call.short in FILLING:
                return beside(examination.case.runner.source, call, place["softmax"].call) or call.line
    return place["mask"].line if "mask" in place else place["softmax"].line if "softmax" in place else None
