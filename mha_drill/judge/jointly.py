"""Circumstances that come together, as they do where a file is used. Judge side; for `audit`.

Training runs in single precision and under a mask, inference without gradients. What is wrong only where two of these
meet is wrong at every step of a training. A file that cannot be called so raises, and nothing is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from mha_drill.judge.bending import BENT, WRONG, gradients_of, unlike
from mha_drill.judge.examination import BARE, Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.repeating import later, observed

# Of gradients in single precision, relative to the largest.
ROUGH = 2e-3
SINGLE = {"dtype": "float32"}


@dataclass
class Jointly:
    """Two calls in single precision: one in inference, one in training with its gradients.

    known: a call that the reference confirms. losses: another with gradients, None where there are none to ask for.
    """

    examination: Examination
    known: Wish
    losses: Wish | None

    def asked(self) -> Iterator[Wish]:
        """Yield the calls that `held` will look at."""
        yield self._inference
        if self._training is not None:
            yield self._training

    @cached_property
    def _inference(self) -> Wish:
        return replace(self.known, options=BARE | SINGLE | {"no_grad": True, "clocks": later(1)})

    @cached_property
    def _training(self) -> Wish | None:
        if self.losses is None:
            return None
        probe, options = replace(self.losses.probe, train=True), self.losses.options
        once = {"upstreams": options["upstreams"][-1:], "clocks": later(1), "twice": False}
        return replace(self.losses, probe=probe, options=options | SINGLE | once)

    def held(self, *, training: bool) -> Finding | None:
        """Return what is held against the submission. training: whether it computes the same in training."""
        if self._differs(observed(self.examination, self.known), observed(self.examination, self._inference)):
            return WRONG
        if not training or self.losses is None or self._training is None:
            return None
        before, after = observed(self.examination, self.losses), observed(self.examination, self._training)
        if self._differs(before, after):
            return WRONG
        return BENT if self._bent(before, after) else None

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
        return unlike(gradients_of(before), gradients_of(after), ROUGH)
