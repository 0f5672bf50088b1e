"""Where each of the ten steps happens in a trace: line and shape, read off the roles. Judge side."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mha_drill.judge.recording import CONVOLUTIONS, NORMS, PRODUCTS, Call, Recording
from mha_drill.judge.roles import Roles
from mha_drill.judge.tail import Tail
from mha_drill.judge.wiring import Wiring

SCALINGS = frozenset(
    """
    div __truediv__ div_ __itruediv__ true_divide divide mul __mul__ __rmul__
    mul_ __imul__ multiply sqrt rsqrt pow
    """.split()
)
MASKINGS = frozenset(
    """
    masked_fill masked_fill_ where __setitem__ tril triu add __add__ add_
    __iadd__ masked_scatter index_fill maximum minimum
    """.split()
)
CUTS = frozenset({"view", "reshape", "unflatten", "rearrange"})
SUMS = frozenset({"add", "__add__", "__radd__", "add_", "__iadd__"})
SUBTRACTIONS = frozenset({"sub", "__sub__", "sub_", "__isub__", "subtract"})
SOFTMAXES = frozenset({"softmax", "log_softmax", "softmax_"})
BY_HAND = frozenset({"exp", "exp_", "exp2"})
MOVES = frozenset({"transpose", "permute", "swapaxes", "movedim", "T", "mT", "rearrange"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step happens: the call that makes its result."""

    line: int | None
    shape: tuple[int, ...] | None
    call: Call | None = None


def places(recording: Recording, wiring: Wiring, roles: Roles, tail: Tail | None) -> dict[str, Place]:
    """Return the place of each step that the trace shows; a step done by no call of its own is absent."""
    found: dict[str, Place] = {}

    def put(step: str, call: Call | None) -> None:
        if call is not None and call.outputs:
            found[step] = Place(call.line, recording.values[call.outputs[0]].shape, call)

    score, weigh = roles.scores[0], roles.weighs[0]
    if roles.query.projections:
        first = (
            min(index for index in roles.query.projections if index >= 0)
            if max(roles.query.projections) >= 0
            else None
        )
        if first is not None:
            put("project", wiring.projections[first].call)
    put("split", last_layout(recording, next(item for item in score.inputs if recording.content[item])))
    put("score", score)
    between = _between(recording, score, weigh)
    softmax = next((call for call in between if call.short in SOFTMAXES), None) or next(
        (call for call in between if call.short in BY_HAND), None
    )
    before = [call for call in between if softmax is None or call.index < softmax.index]
    put(
        "scale",
        next((call for call in before if _scales(recording, call)), None) or _folded(recording, roles, score),
    )
    put(
        "mask",
        next((call for call in before if _masks(recording, call)), None)
        or next((call for call in before if _multiplies(recording, call)), None),
    )
    if softmax is not None and softmax.short in BY_HAND:
        softmax = next(
            (
                call
                for call in between
                if call.index > softmax.index and call.short.strip("_") in ("div", "truediv", "itruediv")
            ),
            softmax,
        )
    put("softmax", softmax)
    put("dropout", next((call for call in between if "dropout" in call.short), None))
    put("weigh", weigh)
    end = tail.call if tail is not None else None
    after = [
        call
        for call in _after(recording, roles.weighs[-1])
        if (end is None or call.index < end.index) and call.short not in PRODUCTS | CONVOLUTIONS | NORMS
    ]
    put("merge", after[-1] if after else None)
    put("output", end)
    return found


def _between(recording: Recording, start: Call, end: Call) -> list[Call]:
    reached = recording.after([start])
    return [
        call
        for call in recording.calls
        if start.index < call.index < end.index
        and call.outputs
        and any(reached[item] for item in call.inputs)
    ]


def _after(recording: Recording, start: Call) -> list[Call]:
    reached = recording.after([start])
    return [
        call
        for call in recording.calls
        if call.index > start.index and call.outputs and any(reached[item] for item in call.inputs)
    ]


def last_layout(recording: Recording, number: int) -> Call | None:
    """Return the call that gave a value its heads: the last layout call before it is multiplied."""
    found = None
    for _ in range(12):
        call = recording.producer.get(number)
        if call is None or call.short in PRODUCTS | CONVOLUTIONS:
            break
        if found is None and call.short not in SCALINGS and call.short not in ("add", "__add__"):
            found = call
        content = [item for item in call.inputs if recording.content[item]]
        if not content:
            break
        number = content[0]
    return found


def first_layout(recording: Recording, number: int) -> Call | None:
    """Return the first call after its projection that gives a value other axes: where it is cut into heads."""
    found: list[Call] = []
    for _ in range(12):
        call = recording.producer.get(number)
        content = [] if call is None else [item for item in call.inputs if recording.content[item]]
        if call is None or call.short in PRODUCTS | CONVOLUTIONS or not content:
            break
        if call.short in CUTS and call.outputs:
            found.insert(0, call)
        number = content[0]
    # What a map of the file's own only puts back into rows is not cut yet.
    axes = [len(recording.values[call.outputs[0]].shape) for call in found]
    return next(
        (call for call, count in zip(found, axes, strict=True) if count > 3), found[0] if found else None
    )


def _scales(recording: Recording, call: Call) -> bool:
    """Whether a call multiplies its one content operand by a single number."""
    if call.short not in SCALINGS:
        return False
    others = [item for item in call.inputs if not recording.content[item]]
    if sum(bool(recording.content[item]) for item in call.inputs) != 1:
        return False
    return all(_count(recording, item) == 1 for item in others)


def _folded(recording: Recording, roles: Roles, score: Call) -> Call | None:
    """Return a scaling of query or key done before the scores."""
    for start in score.inputs[:2]:
        number = start
        for _ in range(12):
            call = recording.producer.get(number)
            if call is None:
                break
            if _scales(recording, call):
                return call
            content = [item for item in call.inputs if recording.content[item]]
            if not content:
                break
            number = content[0]
    return None


def _masks(recording: Recording, call: Call) -> bool:
    if call.short not in MASKINGS | SUBTRACTIONS:
        return False
    if call.short in SUMS | SUBTRACTIONS:
        others = [item for item in call.inputs if not recording.content[item]]
        return any(_count(recording, item) > 1 for item in others)
    return True


def _multiplies(recording: Recording, call: Call) -> bool:
    """Whether a call multiplies the scores by what is neither a number nor made from an input's content."""
    if call.short.strip("_") not in ("mul", "imul", "rmul", "multiply"):
        return False
    others = [item for item in call.inputs if not recording.content[item]]
    return any(_count(recording, item) > 1 and not recording.weights[item] for item in others)


def _count(recording: Recording, number: int) -> int:
    """Return how many elements a value has."""
    return math.prod(recording.values[number].shape)
