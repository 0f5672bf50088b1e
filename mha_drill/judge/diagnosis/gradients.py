"""Gradients that are missing or are not the slope that was measured; weights nobody registered. Judge side."""

from __future__ import annotations

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.recording import Call, Recording

DETACHING = frozenset({"detach", "detach_", "data", "item", "numpy", "tolist", "__array__", "clone_detached"})


def gradient_findings(examination: Examination) -> list[Finding]:
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
                False,
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
        return [*loose, Finding("detached-graph", "any", line, False, ", ".join(bad[:3]))]
    return [*loose, Finding("wrong-gradient", "any", line, False, ", ".join(bad[:3]))]


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


def _matters(recording: Recording, call: Call) -> bool:
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
        ) or (assessment.recording.weights[value.number] and len(value.shape) >= 2):
            call = next((call for call in assessment.recording.calls if value.number in call.inputs), None)
            found.append(
                Finding("unregistered-parameters", "project", call.line if call else None, False, name)
            )
    return found[:1]
