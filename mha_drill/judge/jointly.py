"""Circumstances that come together, as they do where a file is used. Judge side; for `audit`.

Training runs in single precision and under a mask, inference without gradients. What is wrong only where two of these
meet is wrong at every step of a training. A file that cannot be called so raises, and nothing is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mha_drill.judge.bending import BENT, gradients_of
from mha_drill.judge.examination import BARE, Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.repeating import later, observed

# Of gradients in single precision, relative to the largest.
ROUGH = 2e-3


@dataclass
class Jointly:
    """Calls that the reference confirms, each once more in training and once more in inference, in single precision.

    losses: the same calls with gradients, none where there are none to ask for.
    """

    examination: Examination
    known: Sequence[Wish]
    losses: Sequence[Wish]

    def __post_init__(self) -> None:
        single = {"dtype": "float32"} | BARE
        self._inference = [
            replace(wish, options=single | {"no_grad": True, "clocks": later(1)}) for wish in self.known
        ]
        self._training = [
            replace(
                wish,
                probe=replace(wish.probe, train=True),
                options=wish.options
                | {"dtype": "float32", "upstreams": wish.options["upstreams"][-1:]}
                | {"clocks": later(1), "twice": False},
            )
            for wish in self.losses
        ]

    def asked(self) -> Iterator[Wish]:
        """Yield the calls that `held` will look at."""
        yield from self._inference
        yield from self._training

    def held(self, *, training: bool) -> Finding | None:
        """Return what is held against the submission. training: whether it computes the same in training."""
        for known, wish in zip(self.known, self._inference, strict=True):
            if self._differs(observed(self.examination, known), observed(self.examination, wish)):
                return Finding("wrong-value", "any")
        for losses, wish in zip(self.losses, self._training, strict=True) if training else ():
            before, after = observed(self.examination, losses), observed(self.examination, wish)
            if self._differs(before, after):
                return Finding("wrong-value", "any")
            if self._bent(before, after):
                return BENT
        return None

    @staticmethod
    def _differs(before: Observation, after: Observation) -> bool:
        one, two = before.output, after.output
        if after.error is not None or one is None:
            return False
        return two is None or not close(one, two, COARSE)

    @staticmethod
    def _bent(before: Observation, after: Observation) -> bool:
        if after.error is not None or "backward_error" in after.answer:
            return False
        told = gradients_of(after)
        for name, wanted in gradients_of(before).items():
            found = told.get(name)
            if wanted is not None and (found is None or not close(wanted, found, ROUGH)):
                return True
        return False
