"""A trace as the judge reads it: values, the calls that made them, and what each depends on. Judge side."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

PRODUCTS = frozenset(
    {
        "matmul",
        "__matmul__",
        "__rmatmul__",
        "bmm",
        "mm",
        "einsum",
        "baddbmm",
        "linear",
        "addmm",
        "tensordot",
        "inner",
        "mv",
        "dot",
    }
)
CONVOLUTIONS = frozenset({"conv1d", "conv2d"})
NORMS = frozenset({"layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm", "normalize"})
# Of what else they are given these take the kind or the shape, and no numbers.
LIKE_ANOTHER = frozenset({"to", "type_as", "expand_as", "view_as", "reshape_as"})
CONTENT = ("q", "k", "v", "x", "context")


@dataclass(frozen=True, slots=True)
class Value:
    """One recorded tensor value. array is None where it was too large or of an odd kind."""

    number: int
    shape: tuple[int, ...]
    dtype: str
    grad: bool
    origin: str
    array: np.ndarray | None = field(repr=False)

    @property
    def kind(self) -> str:
        """`input`, `parameter`, `buffer`, `unregistered`, `constant` or `call`."""
        return self.origin.partition(":")[0]

    @property
    def name(self) -> str:
        """The name of an input, parameter or buffer."""
        return self.origin.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded torch call: short name, line in the learner's file, value numbers in and out.

    via: the lines that called the function it stands in, the nearest first.
    """

    index: int
    name: str
    line: int | None
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    literals: str
    repaired: str
    via: tuple[int, ...] = ()

    @property
    def outermost(self) -> int | None:
        """The line in the function that the drill itself called."""
        return self.via[-1] if self.via else self.line

    @property
    def short(self) -> str:
        """The function's own name; a property getter by the property: `T`, `mT`, `data`."""
        parts = self.name.split(".")
        return parts[-2] if parts[-1] == "__get__" and len(parts) > 1 else parts[-1]


class Recording:
    """One traced call of the submission."""

    def __init__(self, answer: dict[str, Any], arrays: list[np.ndarray]) -> None:
        self.values = [
            Value(
                number,
                tuple(item["shape"]),
                item["dtype"],
                bool(item["grad"]),
                item["origin"],
                None if item["array"] is None else arrays[item["array"]],
            )
            for number, item in enumerate(answer["values"])
        ]
        self.calls = [
            Call(
                index,
                item["name"],
                item["line"],
                tuple(item["in"]),
                tuple(item["out"]),
                item["args"],
                item.get("repaired", ""),
                tuple(item.get("via", ())),
            )
            for index, item in enumerate(answer["calls"])
        ]
        self.repairs: list[dict[str, Any]] = answer["repairs"]

    @cached_property
    def producer(self) -> dict[int, Call]:
        """The first call that made each value."""
        made: dict[int, Call] = {}
        for call in self.calls:
            for number in call.outputs:
                if number not in call.inputs:
                    made.setdefault(number, call)
        return made

    @cached_property
    def users(self) -> dict[int, list[Call]]:
        """The calls that take each value."""
        found: dict[int, list[Call]] = {}
        for call in self.calls:
            for number in dict.fromkeys(call.inputs):
                found.setdefault(number, []).append(call)
        return found

    @cached_property
    def content(self) -> list[frozenset[str]]:
        """For each value, the content inputs (`q`, `x`, `context`, ...) it depends on."""
        return self._spread(
            lambda value: {value.name} if value.kind == "input" and value.name in CONTENT else set()
        )

    @cached_property
    def weights(self) -> list[frozenset[str]]:
        """For each value, the weights it depends on: registered parameters and unregistered tensors that learn."""

        def own(value: Value) -> set[str]:
            if value.kind == "parameter" or (
                value.kind in ("unregistered", "buffer") and self._weightlike(value)
            ):
                return {value.name}
            return set()

        return self._spread(own)

    @staticmethod
    def _weightlike(value: Value) -> bool:
        """A buffer or loose tensor that is a matrix of numbers rather than a mask or a table of positions."""
        if value.grad:
            return True
        if (
            value.array is None
            or value.array.dtype.kind != "f"
            or value.array.ndim < 2
            or value.array.size < 12
        ):
            return False
        return bool(np.isfinite(value.array).all() and len(np.unique(value.array)) > 0.9 * value.array.size)

    def _spread(self, own: Any) -> list[frozenset[str]]:
        sets: list[frozenset[str]] = [frozenset(own(value)) for value in self.values]
        for call in self.calls:
            if not call.outputs:
                continue
            taken = call.inputs[:1] if call.short in LIKE_ANOTHER else call.inputs
            joined: frozenset[str] = frozenset().union(*(sets[number] for number in taken))
            for number in call.outputs:
                sets[number] = sets[number] | joined
        return sets

    def depends(self, number: int, sources: set[int]) -> bool:
        """Whether a value descends from any of `sources` (or is one of them)."""
        seen: set[int] = set()
        stack = [number]
        while stack:
            current = stack.pop()
            if current in sources:
                return True
            if current in seen:
                continue
            seen.add(current)
            if current in self.producer:
                stack.extend(self.producer[current].inputs)
        return False

    @cached_property
    def contractions(self) -> list[Call]:
        """The calls that multiply content with content: scores and weighted values, in order."""
        found = []
        for call in self.calls:
            if call.short in PRODUCTS | {"mul", "__mul__", "__rmul__", "multiply", "outer"} and call.outputs:
                operands = [number for number in call.inputs if self.content[number]]
                if len(operands) >= 2 and all(self.values[number].array is not None for number in operands):
                    found.append(call)
        return found

    def after(self, calls: list[Call]) -> list[bool]:
        """For each value, whether it descends from an output of `calls`."""
        reached = [False] * len(self.values)
        chosen = {call.index for call in calls}
        for call in self.calls:
            mark = call.index in chosen or any(reached[number] for number in call.inputs)
            for number in call.outputs:
                reached[number] = reached[number] or mark
        return reached
