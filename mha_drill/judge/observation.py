"""How a submission is made and called, which calls are wished for, and what one call was: records. Judge side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mha_drill.judge.assessment import Assessment
from mha_drill.judge.binding import Call, Sizes
from mha_drill.judge.candidates import Definition
from mha_drill.judge.probes import MaskForm, Probe


@dataclass(slots=True)
class Observation:
    """One call of the submission: what went in, what came out or was raised."""

    probe: Probe
    answer: dict[str, Any]
    arrays: list[np.ndarray]
    inputs: dict[str, np.ndarray]
    allowed: np.ndarray | None = None
    mask: MaskForm | None = None
    _assessment: Assessment | None = None

    @property
    def error(self) -> dict[str, Any] | None:
        """The exception the call raised, as data."""
        return self.answer.get("error")

    @property
    def stage(self) -> str:
        """`construct` or `call`: how far it came."""
        return str(self.answer.get("stage", ""))

    @property
    def items(self) -> list[dict[str, Any]]:
        """The returned things, in order."""
        return list(self.answer.get("output", {}).get("items", []))

    def tensor(self, index: int) -> np.ndarray | None:
        """Return the returned tensor at `index`, or None."""
        if index >= len(self.items) or self.items[index].get("array") is None:
            return None
        found: np.ndarray = self.arrays[self.items[index]["array"]]
        return found

    @property
    def output(self) -> np.ndarray | None:
        """The first returned tensor as float64."""
        found = self.tensor(0)
        return None if found is None or found.dtype.kind not in "fiu" else found.astype(np.float64)

    @property
    def shaped(self) -> bool:
        """Whether the output is a tensor of three axes, of the query's batch and length."""
        rows = (self.probe.batch, self.probe.query_length)
        return self.output is not None and self.output.ndim == 3 and self.output.shape[:2] == rows

    @property
    def legible(self) -> bool:
        """Whether the trace, if there is one, has the numbers of all that calls gave: what is too large is left out."""
        values = self.answer.get("values", [])
        return all(item["array"] is not None for item in values if item["origin"] == "call")

    @property
    def repairs(self) -> list[dict[str, Any]]:
        """What was repaired on the way."""
        return list(self.answer.get("repairs", []))


@dataclass(frozen=True, slots=True)
class Wish:
    """A call that is or will be asked for: on which probe, under which mask, in what way."""

    probe: Probe
    mask: MaskForm | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from other calls of the same submission."""
        return (
            self.probe,
            self.mask,
            tuple(sorted((name, str(value)) for name, value in self.options.items())),
        )


@dataclass(frozen=True, slots=True)
class Binding:
    """How the submission is made and called: constructor values by name, the call, the base sizes.

    four_axes: where heads stand among the axes of what it takes, (N, H, L, d) or (N, L, H, d); 0 for three axes.
    """

    definition: Definition
    construct: dict[str, Any] | None
    call: Call
    base: Sizes
    dtype: str = "float64"
    numpy: bool = False
    by_position: bool = False
    idle_mask: MaskForm | None = None
    exact_context: bool = False
    set_globals: bool = False
    flags_off: bool = False
    four_axes: int = 0

    def say(self) -> list[str]:
        """Return the binding in code's words, for `--verbose`."""
        made = ", ".join(f"{name}={_say(value)}" for name, value in (self.construct or {}).items())
        called = ", ".join(f"{name}={source}" for name, source in self.call.arguments)
        lines = [f"{self.definition.name}({made})"] if self.construct is not None else []
        return [*lines, f"{'forward' if self.construct is not None else self.definition.name}({called})"]


def _say(value: Any) -> str:
    return f"<{value['$']}>" if isinstance(value, dict) else repr(value)
