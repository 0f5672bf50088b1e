"""Whether a file writes attention in columns, softmax(K^T Q) with a column for each query. Judge side."""

from __future__ import annotations

import re

from mha_drill.judge.recording import Call, Recording
from mha_drill.judge.roles import Roles
from mha_drill.judge.wiring import equation


def in_columns(recording: Recording, roles: Roles) -> bool:
    """Whether the values are weighed along the first of the scores' two axes: that of their left operand."""
    call = roles.weighs[0]
    reached = recording.after(list(roles.scores))
    number = next((item for item in call.inputs if reached[item]), None)
    if number is None:
        return False
    first = _contracts_first(call, number)
    return first is not None and first != _turned(recording, number, reached)


def _contracts_first(call: Call, number: int) -> bool | None:
    """Whether a product sums over the last axis but one of an operand; None where it cannot be told."""
    if call.short == "einsum":
        parsed = equation(call, len(call.inputs))
        if parsed is None:
            return None
        terms, out = parsed
        letters = terms[call.inputs.index(number)]
        inner = [letter for letter in letters if letter not in out]
        return len(inner) == 1 and letters[-2:-1] == inner[0]
    if call.short in ("matmul", "__matmul__", "bmm", "mm"):
        return call.inputs.index(number) == 1
    return None


def _turned(recording: Recording, number: int, reached: list[bool]) -> bool:
    """Whether the last two axes were exchanged an odd number of times since the scores."""
    odd = False
    while (call := recording.producer.get(number)) is not None:
        before = next((item for item in call.inputs if reached[item]), None)
        if before is None:
            return odd
        odd ^= _exchanges(call, len(recording.values[before].shape))
        number = before
    return odd


def _exchanges(call: Call, axes: int) -> bool:
    """Whether a call exchanges the last two axes."""
    if call.short in ("mT", "t"):
        return True
    if call.short == "T":
        return axes == 2
    named = [int(text) % axes for text in re.findall(r"-?\d+", call.literals)] if axes else []
    if call.short in ("transpose", "swapaxes", "movedim", "swapdims"):
        return sorted(named) == [axes - 2, axes - 1]
    return call.short == "permute" and named[-2:] == [axes - 1, axes - 2]
