"""What a mask argument means and whether it does what it should, where the problem leaves it open. Judge side."""

from __future__ import annotations

import numpy as np

from mha_drill.attention.faults import mask_faults
from mha_drill.attention.steps import Fault
from mha_drill.judge.assessment import Assessment
from mha_drill.judge.evidence import Observation
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.hypotheses import reproduces
from mha_drill.judge.matching import close
from mha_drill.judge.measured import WEAKEST_FILL
from mha_drill.judge.plain import gives, plain_material
from mha_drill.judge.probes import CROSS, SQUARE, MaskForm, Probe
from mha_drill.judge.stepmap import places

MOST_FORMS = 70


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


def mask_finding(examination: Examination, faults: tuple[Fault, ...] = ()) -> Finding | None:
    """Return what is wrong with the mask argument beside the known faults.

    None where it is right, absent, or cannot be fed.
    """
    if examination.binding.call.mask is None or not _as_known(examination, examination.square, faults):
        return None
    right = found_form(examination, faults)
    if right is not None:
        return weak_fill(examination, right[1])
    ran = [
        observation
        for form in examination.mask_forms()[:MOST_FORMS]
        if (observation := examination.case.observe(mask_probe(examination), form, trace=True)).error is None
    ]
    wanted = examination.output(examination.case.observe(mask_probe(examination), trace=True))
    if not ran or wanted is None:
        return None
    outputs = [examination.output(observation) for observation in ran]
    alone = examination.binding.call.masks == 1
    if alone and all(output is not None and close(wanted, output, 1e-9) for output in outputs):
        return Finding("mask-missing", "mask", _parameter_line(examination), True)
    if np.isfinite(wanted).all() and not any(
        output is not None and np.isfinite(output).all() for output in outputs
    ):
        return Finding("nan-output", "any", _mask_line(examination, ran[0], late=False), True)
    return _named_mask(examination, ran, faults)


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
        weak = weak_fill(examination, observation)
        if weak is not None:
            return weak
    return None


def _explains(examination: Examination, observation: Observation, faults: tuple[Fault, ...]) -> bool:
    """Whether the reference with these faults gives what a call gave."""
    if examination.spec.projections:
        assessment = examination.assessed(observation)
        return assessment is not None and reproduces(assessment, faults, examination.tolerance)
    material, output = plain_material(observation), examination.output(observation)
    return (
        material is not None and output is not None and gives(material, faults, output, examination.tolerance)
    )


def weak_fill(examination: Examination, observation: Observation) -> Finding | None:
    """Return a finding where forbidden scores are only lowered a little: a fill above -1e4."""
    assessment = examination.assessed(observation)
    if assessment is None or assessment.roles is None:
        return None
    recording = assessment.recording
    place = places(recording, assessment.wiring, assessment.roles, assessment.tail)
    if (
        "softmax" not in place
        or place["softmax"].call is None
        or "mask" not in place
        or place["mask"].call is None
    ):
        return None
    if place["mask"].call.index > place["softmax"].call.index:
        return None
    call = place["softmax"].call
    number = next((item for item in call.inputs if recording.content[item]), None)
    array = None if number is None else recording.values[number].array
    if array is None or array.size == 0 or call.short not in ("softmax", "log_softmax"):
        return None
    if not _masked_there(assessment, array):
        return None
    lowest = float(np.nanmin(array))
    if lowest > WEAKEST_FILL:
        return Finding("mask-fill-value", "mask", place["mask"].line, True, f"{lowest:.3g}")
    return None


def _masked_there(assessment: Assessment, array: np.ndarray) -> bool:
    """Whether what goes into the softmax is the scaled scores, changed at the forbidden places alone."""
    if assessment.walk is None or assessment.material is None or assessment.material.allowed is None:
        return False
    scores = assessment.walk["scale"].numpy()
    if array.size != scores.size:
        return True
    allowed = np.broadcast_to(assessment.material.allowed.numpy(), scores.shape)
    return close(scores[allowed], array.reshape(scores.shape)[allowed], 1e-5)


def _mask_line(examination: Examination, observation: Observation, *, late: bool) -> int | None:
    assessment = examination.assessed(observation)
    if assessment is None or assessment.roles is None:
        return None
    place = places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail)
    if late and "softmax" in place and place["softmax"].call is not None:
        for call in assessment.recording.calls:
            if call.index > place["softmax"].call.index and any(
                assessment.recording.values[number].name == "mask"
                or "mask" in assessment.recording.values[number].origin
                for number in call.inputs
            ):
                return call.line
            if call.index > place["softmax"].call.index and call.short in (
                "masked_fill",
                "masked_fill_",
                "where",
            ):
                return call.line
    return place["mask"].line if "mask" in place else place["softmax"].line if "softmax" in place else None


def _parameter_line(examination: Examination) -> int | None:
    import re

    lines = examination.case.runner.source.splitlines()
    name = examination.binding.call.mask or "mask"
    for number in range(examination.binding.definition.line, len(lines) + 1):
        if re.search(rf"\b{re.escape(name)}\b", lines[number - 1]):
            return number
    return None
