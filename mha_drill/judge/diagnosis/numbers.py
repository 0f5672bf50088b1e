"""Why the merged heads are not the reference's, and what is wrong after them. Judge side."""

from __future__ import annotations

import re

import numpy as np

from mha_drill.attention.steps import Fault
from mha_drill.judge.assessment import Assessment, flat, shared_by_heads
from mha_drill.judge.diagnosis.detours import detour_findings
from mha_drill.judge.diagnosis.mixing import RESHAPING, first_unknown
from mha_drill.judge.diagnosis.places import (
    NEAR,
    cut_line,
    line_of,
    merged_line,
    place_of,
    return_line,
    spec_requires_output,
)
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding, side_said
from mha_drill.judge.firststep import first_difference
from mha_drill.judge.hypotheses import explain
from mha_drill.judge.lines.definitions import definition_of, factor_line, triangle_line
from mha_drill.judge.lines.exchanged import swapped_line
from mha_drill.judge.lines.handed import beside
from mha_drill.judge.lines.left_out import unweighted_line
from mha_drill.judge.matching import close, order_of
from mha_drill.judge.plain import explain_plain, plain_material
from mha_drill.judge.probes import Probe
from mha_drill.judge.recording import NORMS, Recording
from mha_drill.judge.stepmap import MASKINGS, SCALINGS, SOFTMAXES

# After these the output is as wide as before.
UNCHANGING = frozenset({"dropout", "contiguous", "detach", "to"})


def number_findings(
    examination: Examination, wired: list[Finding]
) -> tuple[list[Finding], tuple[Fault, ...]]:
    """Why the numbers are not the reference's: findings, and the wrong steps that reproduce them."""
    square = examination.square
    found = _shape_findings(examination, wired)
    assessment = examination.assessed(square)
    if not examination.spec.projections and (assessment is None or assessment.roles is None):
        plain = explain_plain(examination)
        named = _named(examination, plain.faults)
        if plain.ending:
            normed = [
                call for call in square.answer.get("calls", []) if call["name"].rsplit(".", 1)[-1] in NORMS
            ]
            line = normed[-1]["line"] if normed else line_of(examination, "output")
            named.append(Finding(plain.ending, "output", line, True))
        return (found or named or [_unexplained(examination, assessment)]), plain.faults
    if (
        assessment is None
        or assessment.roles is None
        or assessment.material is None
        or assessment.tail is None
    ):
        if not found and assessment is not None and assessment.roles is None:
            found = detour_findings(examination)
        return found or [_unexplained(examination, assessment)], ()
    if not assessment.whole and not found:
        return [_incomplete(examination, assessment)], ()
    tail = assessment.tail
    if tail.fault not in ("", "unknown"):
        found.append(Finding(tail.fault, "output", tail.line, True))
        if tail.fault == "extra-normalization" and tail.residual_line is not None:
            found.append(Finding("extra-residual", "output", tail.residual_line, True))
        if tail.call is None and spec_requires_output(examination):
            found.append(Finding("missing-output-projection", "output", merged_line(examination), True))
    if order_of(_merged(assessment), tail.merged, examination.tolerance) is not None and _proper(
        examination, assessment
    ):
        return (found if found or wired else [_unexplained(examination, assessment)]), ()
    if not np.isfinite(tail.merged).any() and np.isfinite(_merged(assessment)).all():
        line = first_unknown(assessment.recording) or line_of(examination, "softmax", "score")
        return [*found, Finding("nan-output", "any", line)], ()
    without = _without_softmax(assessment)
    if without and assessment.material.allowed is not None:
        # Whatever the fill makes of unweighted scores, the numbers behind them say nothing.
        return [*found, _unweighted(examination, assessment)], ()
    other = examination.assessed(examination.other)
    confirm = [other] if other is not None and other.material is not None and other.tail is not None else []
    faults = explain(
        [assessment, *confirm],
        separate=examination.binding.call.separate,
        causal_problem=examination.spec.causal,
        tolerance=examination.tolerance,
    )
    if not faults and without:
        return [*found, _unweighted(examination, assessment)], ()
    if not faults:
        found = found or _beside_the_heads(examination, assessment)
        return found or [_unexplained(examination, assessment)], ()
    return found + _named(examination, faults), faults


def _incomplete(examination: Examination, assessment: Assessment) -> Finding:
    """Say that some tokens are left out: by a size written into the code, where fewer tokens come out right."""
    line = _dropping_line(assessment) or line_of(examination, "score")
    few = examination.case.observe(Probe("few", query_length=3, key_length=3, seed=17), trace=True)
    if examination.agrees(few):
        return Finding("hard-coded-shape", "split", line)
    return Finding("wrong-value", "score", line)


def _dropping_line(assessment: Assessment) -> int | None:
    """Return the line of the last call before the scores that keeps fewer tokens than it is given."""
    recording, labels = assessment.recording, assessment.wiring.labels
    line = None
    for call in recording.calls:
        if assessment.roles is not None and call.index >= assessment.roles.scores[0].index:
            break
        given = {
            int(token) for number in call.inputs if number in labels for token in labels[number].token.flat
        }
        kept = {
            int(token) for number in call.outputs if number in labels for token in labels[number].token.flat
        }
        if kept and kept < given:
            line = call.line
    return line


def _named(examination: Examination, faults: tuple[Fault, ...]) -> list[Finding]:
    return [_finding_of(examination, fault) for fault in faults]


def _shape_findings(examination: Examination, wired: list[Finding]) -> list[Finding]:
    """An output that is not (B, L, D)."""
    square = examination.square
    output = square.output
    assert output is not None
    line = return_line(examination)
    if output.shape[:2] == (square.probe.batch, square.probe.query_length):
        line = _last_map_line(examination) or line
    elif output.ndim == 2:
        line = _flattening_line(examination) or line
    variant = "" if examination.spec.projections else "plain"
    if _returned_later(examination):
        variant, line = "swapped", return_line(examination)
    wrong = Finding("wrong-output-shape", "output", line, False, variant, shapes=(output.shape,))
    if output.ndim != 3 or output.shape[:2] != (square.probe.batch, square.probe.query_length):
        return [wrong]
    missing = any(item.code == "missing-output-projection" for item in wired)
    if (
        spec_requires_output(examination)
        and output.shape[-1] != examination.binding.base.width
        and not missing
    ):
        return [wrong]
    permitted = examination.case.permitted(square)
    material = None if examination.spec.projections else plain_material(square, permitted)
    if material is not None and output.shape[-1] != material.value.shape[-1]:
        return [wrong]
    return []


def _returned_later(examination: Examination) -> bool:
    """Whether what is returned second is shaped as the output should be, and the first as weights."""
    square = examination.square
    probe, output, second = square.probe, square.output, square.tensor(1)
    rows = (probe.batch, probe.query_length)
    weights = output is not None and output.shape[-2:] == (probe.query_length, probe.key_length)
    wide = next(iter(square.inputs.values())).shape[-1]
    return weights and second is not None and second.shape == (*rows, wide) != getattr(output, "shape", ())


def _last_map_line(examination: Examination) -> int | None:
    """Return where the map is made that gave the output, where it hangs on the instance."""
    assessment = examination.assessed(examination.square)
    calls = [] if assessment is None else assessment.recording.calls
    last = next((call for call in reversed(calls) if call.outputs and call.short not in UNCHANGING), None)
    if assessment is None or last is None or last.short != "linear":
        return None
    values = (assessment.recording.values[number] for number in last.inputs)
    owner = next((value.name.split(".")[0] for value in values if value.kind == "parameter"), "")
    return definition_of(examination.case.runner.source, owner, examination.binding.definition.line)


def _flattening_line(examination: Examination) -> int | None:
    """Return the line of the last call that gave what had more axes only two."""
    assessment = examination.assessed(examination.square)
    for call in reversed([] if assessment is None else assessment.recording.calls):
        shapes = [assessment.recording.values[item].shape for item in (*call.inputs[:1], *call.outputs)]  # type: ignore[union-attr]
        if call.short in RESHAPING and len(shapes) == 2 and len(shapes[0]) > len(shapes[1]) == 2:
            return call.line
    return None


def _beside_the_heads(examination: Examination, assessment: Assessment) -> list[Finding]:
    """Name what was done to right heads before, or without, an output projection: normalised, or an input added."""
    recording, roles, tail = assessment.recording, assessment.roles, assessment.tail
    assert roles is not None and tail is not None
    merged, reached = _merged(assessment), recording.after(list(roles.weighs))
    for call in recording.calls:
        if call.short in NORMS and call.outputs and reached[call.outputs[0]]:
            given = next((recording.values[item].array for item in call.inputs if reached[item]), None)
            if given is not None and given.size == merged.size:
                rows = given.reshape(merged.shape).astype(np.float64)
                if order_of(merged, rows, examination.tolerance) is not None:
                    return [Finding("extra-normalization", "merge", call.line, True)]
    for name, array in examination.square.inputs.items():
        if array.size == merged.size == tail.merged.size and tail.call is None and array.ndim == 3:
            rows = tail.merged - array.reshape(merged.shape)
            if order_of(merged, rows, examination.tolerance) is not None:
                line = _adding_line(recording, reached, name) or return_line(examination)
                return [Finding("extra-residual", "output", line, True)]
    return []


def _adding_line(recording: Recording, reached: list[bool], name: str) -> int | None:
    """Return the line of the first sum of what attention made and something of an input's alone."""
    for call in recording.calls:
        if call.short.strip("_") in ("add", "radd", "iadd") and any(reached[item] for item in call.inputs):
            others = [item for item in call.inputs if not reached[item]]
            if any(recording.content[item] == {name} for item in others):
                return call.line
    return None


def _unweighted(examination: Examination, assessment: Assessment) -> Finding:
    """Say that the values are weighed by the scores: no softmax at all, or one that nobody takes."""
    roles, line = assessment.roles, line_of(examination, "weigh")
    assert roles is not None
    reached = assessment.recording.after(list(roles.scores))
    made = [call for call in assessment.recording.calls if call.short in SOFTMAXES and call.outputs]
    if any(reached[call.outputs[0]] for call in made if call.index < roles.weighs[0].index):
        return Finding("weigh-wrong-tensor", "weigh", line, True, "scores")
    return Finding("missing-softmax", "softmax", unweighted_line(examination.case.runner.source, line), True)


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


def _merged(assessment: Assessment) -> np.ndarray:
    assert assessment.walk is not None
    return flat(assessment.walk["merge"])


def _proper(examination: Examination, assessment: Assessment) -> bool:
    roles = assessment.roles
    assert roles is not None
    sides, heads = (roles.query, roles.key, roles.value), examination.case.heads
    return all(
        side.proper and (side.heads in heads or shared_by_heads(side, sides, heads[0])) for side in sides
    )


def _finding_of(examination: Examination, fault: Fault) -> Finding:
    if fault.code == "scale-after-softmax":
        line = _late_scale(examination) or line_of(examination, "softmax")
    elif fault.code == "mask-after-softmax" or fault.variant == "causal, late":
        line = _late_mask(examination) or line_of(examination, "softmax")
    elif fault.code == "missing-softmax":
        assessment = examination.assessed(examination.square)
        if fault.variant == "" and assessment is not None and assessment.roles is not None:
            return _unweighted(examination, assessment)
        line = line_of(examination, "softmax", "weigh")
    else:
        side = side_said(fault.variant) if fault.step in ("project", "split") else ""
        line = cut_line(examination, side) if fault.step == "split" else None
        line = line or line_of(examination, *[f"{fault.step}:{side}"] * bool(side), *NEAR[fault.step])
    source = examination.case.runner.source
    if fault.code == "wrong-scale" and line is not None:
        line = factor_line(source, line)
    if fault.code == "mask-off-by-one":
        assessment, place = examination.assessed(examination.square), place_of(examination, "mask")
        if assessment is not None:
            masking = None if place is None else place.call
            line = triangle_line(source, assessment.recording, masking, line)
    if fault.code == "swapped-inputs" and (sides := re.fullmatch(r"(\w)\w* and (\w)\w*", fault.variant)):
        line = swapped_line(source, sides[2], sides[1]) or swapped_line(source, sides[1], sides[2]) or line
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
            return beside(examination.case.runner.source, call, place.call) or call.line
    return None


def _late_scale(examination: Examination) -> int | None:
    return _late(examination, SCALINGS)


def _late_mask(examination: Examination) -> int | None:
    return _late(examination, MASKINGS | {"mul", "__mul__", "mul_", "__imul__"})


def _unexplained(examination: Examination, assessment: Assessment | None) -> Finding:
    """Say the first step whose tensor the submission never has."""
    if assessment is None or assessment.walk is None:
        return Finding("wrong-value", "any", return_line(examination))
    step = first_difference(assessment)
    return Finding(
        "wrong-value", step, line_of(examination, *NEAR.get(step, ("output",))) or return_line(examination)
    )
