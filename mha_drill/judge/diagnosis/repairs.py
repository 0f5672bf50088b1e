"""What was seen on the way of a call: ready-made attention, and faults repaired so that it could go on. Judge side."""

from __future__ import annotations

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.observation import Observation

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


def repaired(observation: Observation) -> list[Finding]:
    """What had to be repaired for the call to go on."""
    return [
        Finding(
            item["code"],
            STEP_OF_REPAIR[item["code"]],
            item["line"],
            False,
            shapes=tuple(tuple(shape) for shape in item["shapes"]),
        )
        for item in observation.repairs
    ]
