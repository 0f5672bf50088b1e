"""What was seen on the way of a call: ready-made attention, and faults repaired so that it could go on. Judge side."""

from __future__ import annotations

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.observation import Observation
from mha_drill.judge.recording import Recording
from mha_drill.judge.stepmap import MOVES, last_layout

STEP_OF_REPAIR = {"non-contiguous-view": "merge", "key-not-transposed": "score", "dropout-in-eval": "dropout"}


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


def repaired(observation: Observation, recording: Recording | None = None) -> list[Finding]:
    """What had to be repaired for the call to go on; with its trace, whether a key was only never cut into heads."""
    found = [
        Finding(
            item["code"],
            STEP_OF_REPAIR[item["code"]],
            item["line"],
            False,
            shapes=tuple(tuple(shape) for shape in item["shapes"]),
        )
        for item in observation.repairs
    ]
    return [_of_split(item, recording) or item for item in found] if recording is not None else found


def _of_split(finding: Finding, recording: Recording) -> Finding | None:
    """Return the split to blame where a key was transposed, and its heads do not stand where the query's do."""
    if finding.code != "key-not-transposed":
        return None
    for call in recording.calls:
        if call.repaired != finding.code or call.line != finding.line or len(call.inputs) < 2:
            continue
        query, turned = (recording.values[number].shape for number in call.inputs[:2])
        maker = recording.producer.get(call.inputs[1])
        if maker is None or maker.short not in MOVES or not maker.inputs or len(turned) != 4:
            return None
        key = recording.values[maker.inputs[0]].shape
        kept = turned == (*key[:2], key[3], key[2])
        if kept and (key[2], key[3]) == (query[1], query[3]) and key[1] != query[1]:
            layout = last_layout(recording, maker.inputs[0])
            line = layout.line if layout is not None else finding.line
            return Finding("split-without-transpose", "split", line, False, "k", shapes=(key,))
    return None
