"""What the gradients must be: measured in the judge, from outputs alone. Judge side; for `examination` and `audit`.

The runner hands over whole gradients and the values they were taken at. Only then are directions drawn, from the
gradients themselves, and the submission is called a little to either side: whoever makes gradients up has to know
the slopes in directions that nobody knows yet.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mha_drill.judge.ahead import together

if TYPE_CHECKING:
    from mha_drill.judge.answers import Answer
    from mha_drill.judge.evidence import Case
    from mha_drill.judge.observation import Observation

FINE, COARSE_STEP = 1e-5, 1e-2
# Short enough that curvature does not show at the coarse step either.
LENGTH = 3.0
# One direction through everything at once; leaf by leaf only where that does not fit.
FIT = 1e-6
# The upstream gradient that the hidden tests use; those of a sum and of a mean over a large batch, as of losses.
USUAL, OF_SUM, OF_MEAN = 3, -1, -2
LEAST = 1e-6


@dataclass(slots=True)
class Slopes:
    """The gradients of one call and the means to measure them again.

    turn: which draw of directions. salt: with a secret one, nobody can work them out from the claims beforehand.
    options: what is asked for beside the call, as without the repairs of the trace.
    """

    case: Case
    observation: Observation
    step: float = FINE
    turn: int = 0
    salt: bytes = b""
    options: dict[str, Any] = field(default_factory=dict)
    _directions: dict[str, np.ndarray] = field(default_factory=dict)
    _sent: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        experiment, arrays, _ = self.case.again(self.observation)
        self._sent = {name: arrays[at] for name, at in experiment["inputs"].items()}
        digest = hashlib.sha256(str(self.turn).encode() + self.salt)
        for name in self.told:
            claim = self.claim(name)
            digest.update(name.encode() + (b"" if claim is None else claim.tobytes()))
        generator = np.random.default_rng(int.from_bytes(digest.digest(), "big"))
        for name, item in self.told.items():
            drawn = generator.standard_normal(item["shape"])
            self._directions[name] = LENGTH * drawn / max(float(np.linalg.norm(drawn)), 1e-300)

    @property
    def told(self) -> dict[str, Any]:
        """What the runner said of each leaf."""
        return dict(self.observation.answer.get("gradients", {}))

    def claim(self, name: str) -> np.ndarray | None:
        """Return the gradient that back-propagation gave a leaf, None where it gave none."""
        return self._array(name, "array")

    def value(self, name: str) -> np.ndarray:
        """Return the numbers of a leaf: for an input those that were sent, whatever has become of them."""
        kind, _, own = name.partition(":")
        found = self._sent.get(own) if kind == "input" else None
        if found is None or found.size != math.prod(self.told[name]["shape"]):
            found = self._array(name, "value")
        assert found is not None
        return found

    def _array(self, name: str, kind: str) -> np.ndarray | None:
        item = self.told[name]
        if item[kind] is None:
            return None
        found: np.ndarray = self.observation.arrays[item[kind]].reshape(item["shape"])
        return found.astype(np.float64)

    def claimed(self, name: str) -> float:
        """Return what the gradient of a leaf says of its direction."""
        return self.along(name, self.claim(name))

    def along(self, name: str, gradient: np.ndarray | None) -> float:
        """Return what a gradient says of the direction of a leaf."""
        return 0.0 if gradient is None else float((gradient * self._directions[name]).sum())

    def compared(self) -> dict[str, dict[str, Any]]:
        """Return for each leaf: whether there is no gradient, the slope it claims, the slope measured or None."""
        told = self.told
        if not told:
            return {}
        total = sum(self.claimed(name) for name in told)
        (whole,) = self.measured([tuple(told)])
        fits = whole is not None and abs(whole - total) <= FIT * max(1.0, abs(total))
        alone = [name for name in told if not fits or self.claim(name) is None]
        slopes = dict(zip(alone, self.measured([(name,) for name in alone]), strict=True))
        return {
            name: {
                "none": self.claim(name) is None,
                "claimed": self.claimed(name),
                "measured": slopes.get(name, self.claimed(name)),
            }
            for name in told
        }

    def measured(self, groups: Collection[tuple[str, ...]]) -> list[float | None]:
        """Return for each group of leaves the slope of the output along their directions together."""
        calls = [self.moved(names, sign * self.step) for names in groups for sign in (1, -1)]
        answers = self.case.ask_all(*together(calls)) if calls else []
        return [
            self.slope(answers[2 * at], answers[2 * at + 1]) if 2 * at + 1 < len(answers) else None
            for at in range(len(groups))
        ]

    def to_either_side(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return the outputs with every leaf moved along its direction, and against it."""
        calls = [self.moved(tuple(self.told), sign * self.step) for sign in (1, -1)]
        answers = self.case.ask_all(*together(calls))
        outputs = [output_of(*answer) for answer in answers]
        return (outputs[0], outputs[1]) if len(outputs) == 2 else (None, None)

    def moved(self, names: Collection[str], step: float) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return an experiment that calls with some leaves moved along their directions, and its arrays."""
        experiment, arrays, _ = self.case.again(self.observation, **self.options)
        move = {}
        for name in names:
            array = self.value(name) + step * self._directions[name]
            kind, _, own = name.partition(":")
            if kind == "input" and own in experiment["inputs"]:
                arrays[experiment["inputs"][own]] = array
            else:
                move[name] = len(arrays)
                arrays.append(array)
        return experiment | {"move": move}, arrays

    def slope(self, above: Answer, below: Answer) -> float | None:
        """Return the slope between the answers to two moves to either side; None where one has no output."""
        return slope_between(output_of(*above), output_of(*below), 2 * self.step)

    def slope_to(self, moved: Answer) -> float | None:
        """Return the slope from the call itself to the answer to one move; None where there is no output."""
        experiment, arrays = self.moved((), 0.0)
        own = output_of(*self.case.ask(experiment, arrays))  # as the runner laid it out
        return slope_between(output_of(*moved), own, self.step)


def slope_between(
    one: np.ndarray | None, two: np.ndarray | None, apart: float, kind: int = USUAL
) -> float | None:
    """Return the slope between two outputs for an upstream gradient; None where one is missing."""
    if one is None or two is None or one.size != two.size:
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        return float(((one - two) * upstream_of(one.size, kind)).sum() / apart)


def upstream_of(size: int, kind: int = USUAL) -> np.ndarray:
    """Return a gradient that is handed to back-propagation, (size,): drawn, or that of a plain loss."""
    if kind in (OF_SUM, OF_MEAN):
        return np.full(size, 1.0 if kind == OF_SUM else LEAST)
    return np.random.default_rng(kind).standard_normal(size)


def output_of(answer: dict[str, Any], arrays: list[np.ndarray]) -> np.ndarray | None:
    """Return the first returned tensor as the runner laid it out, (size,) in float64; None where there is none."""
    items = answer.get("output", {}).get("items", [])
    if answer["error"] is not None or not items or items[0]["array"] is None:
        return None
    found: np.ndarray = arrays[items[0]["array"]]
    return found.astype(np.float64).ravel() if found.dtype.kind in "fiu" else None
