"""Gradients that are missing or are not the slope that was measured; weights nobody registered. Judge side."""

from __future__ import annotations

from typing import Any

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.lines.definitions import definition_path
from mha_drill.judge.lines.handed import without_gradient_line
from mha_drill.judge.recording import Call, Recording, Value

DETACHING = frozenset({"detach", "detach_", "data", "item", "numpy", "tolist", "__array__"})
# These give Python or numpy what they read; nothing recorded comes of them.
LEAVING = frozenset({"numpy", "tolist", "__array__", "item"})
# Without gradient by nature: comparisons, and tensors of constants shaped like another.
CONSTANTS = frozenset(
    """
    ge gt lt le eq ne argmax isnan zeros_like ones_like empty_like full_like new_zeros new_ones new_full
    """.split()
)


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
    loose = _unregistered(examination) + _frozen(examination)
    reaches = bool(answer.get("reaches", True))
    if reaches and not bad:
        return loose
    cut, by_hand = _cut(examination)
    silent = all(
        examination.gradients[name]["none"] or examination.gradients[name]["claimed"] == 0 for name in bad
    )
    # A false backward also runs its forward without gradients, but what comes of it is handed over unseen.
    lost = not reaches or by_hand or silent
    # One gradient alone is always some multiple of its slope.
    multiplied = _multiplied([examination.gradients[name] for name in bad]) and (len(bad) > 1 or not by_hand)
    code = "detached-graph" if lost and not multiplied else "wrong-gradient"
    line = _backward_line(examination) or cut if code == "wrong-gradient" else cut
    return [*loose, Finding(code, "any", line, False, ", ".join(bad[:3]))]


def _multiplied(gradients: list[dict[str, Any]]) -> bool:
    """Whether every gradient is its slope times one number: nothing is cut off, something is counted again."""
    if not gradients or not all(item["measured"] and item["claimed"] for item in gradients):
        return False
    ratios = [item["claimed"] / item["measured"] for item in gradients]
    return bool(max(ratios) - min(ratios) < 1e-4 * abs(max(ratios)))


def _backward_line(examination: Examination) -> int | None:
    """Return the line where a backward of the learner's own returns, or that hangs a hook on a tensor."""
    lines = examination.case.runner.source.splitlines()
    start = next((at for at, text in enumerate(lines) if text.strip().startswith("def backward")), None)
    if start is None:
        return next((at for at, text in enumerate(lines, 1) if "register_hook(" in text), None)
    return next((at + 1 for at in range(start, len(lines)) if lines[at].strip().startswith("return")), None)


def _cut(examination: Examination) -> tuple[int | None, bool]:
    """Return the line where the graph is cut, and whether a call that detaches does it.

    A cut is a value without gradient made from one with.
    """
    assessment = examination.case.assessed(examination.graded)
    if assessment is None:
        return None, False
    recording = assessment.recording
    lines: list[int | None] = []
    for call in recording.calls:
        if call.short in CONSTANTS or not any(recording.values[number].grad for number in call.inputs):
            continue
        cut = any(
            not recording.values[number].grad and recording.values[number].dtype.startswith("float")
            for number in call.outputs
        )
        leaves = call.short in LEAVING and not call.outputs
        line = without_gradient_line(examination.case.runner.source, call) or call.line
        if (cut or leaves) and _matters(recording, call):
            if call.short in DETACHING or _goes_on(recording, call):
                return line, True
            lines.append(line)
    return (lines[0] if lines else None), False


def _goes_on(recording: Recording, call: Call) -> bool:
    """Whether the last value recorded is made from what a call gave, with no gradient come from nowhere between."""
    values = recording.values
    for item in recording.calls:
        inputs = [values[number] for number in item.inputs]
        given = any(values[number].grad and number not in item.inputs for number in item.outputs)
        if inputs and given and not any(value.grad for value in inputs):
            return False
    last = next((item for item in reversed(recording.calls) if item.outputs), call)
    return last is not call and recording.depends(last.outputs[0], set(call.outputs))


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
    width, source = examination.binding.base.width, examination.case.runner.source
    used = {value.name: value for value in assessment.recording.values if value.kind == "unregistered"}
    found = []
    for name, value in used.items():
        call = next((call for call in assessment.recording.calls if value.number in call.inputs), None)
        if call is None:
            continue
        learns = value.grad or answer["tensors"].get(name, {}).get("grad") or len(value.shape) >= 2
        if (assessment.recording.weights[value.number] and learns) or _is_bias(value, call, width):
            line = definition_path(source, name, examination.binding.definition.line) or call.line
            found.append(Finding("unregistered-parameters", "project", line, False, name))
    return found[:1]


def _frozen(examination: Examination) -> list[Finding]:
    """Weights of projections that are parameters and take no gradient: they never learn."""
    assessment = examination.assessed(examination.square)
    if assessment is None or not examination.square.answer.get("module"):
        return []
    recording, source = assessment.recording, examination.case.runner.source
    for projection in assessment.wiring.projections:
        for value in (recording.values[number] for number in projection.call.inputs):
            if value.kind == "parameter" and not value.grad and len(value.shape) >= 2:
                line = _switched_line(source) or definition_path(
                    source, value.name, examination.binding.definition.line
                )
                return [Finding("detached-graph", "any", line, False, value.name)]
    return []


def _switched_line(source: str) -> int | None:
    """Return the first line that switches `requires_grad` off."""
    lines = enumerate(source.splitlines(), 1)
    return next((at for at, text in lines if "requires_grad" in text and "False" in text), None)


def _is_bias(value: Value, call: Call, width: int) -> bool:
    """Whether a call adds a row or a column of numbers, not all zero, to what it projects."""
    array = value.array
    if array is None or array.dtype.kind != "f" or array.size != width or max(array.shape) != width:
        return False
    if call.short in ("linear", "addmm"):
        return bool(array.any()) and value.number in (call.inputs[0], call.inputs[-1])
    return bool(array.any()) and call.short in ("add", "__add__", "__radd__", "add_", "__iadd__")
