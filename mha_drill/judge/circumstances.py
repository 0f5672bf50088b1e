"""Calls as a learner will make them and no probe does: larger, on paths of torch's own, self-attention. Judge side.

Used by `audit`. The probes are small, in double precision, and of one width and one number of heads; what is right
there alone is wrong wherever it is used. A file that cannot be made or called so raises, and nothing is held
against it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mha_drill.judge.ahead import Asked
from mha_drill.judge.bending import BENT, WRONG, gradients_of, unlike
from mha_drill.judge.crashes import ended
from mha_drill.judge.examination import BARE, Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.repeating import observed, pace_again
from mha_drill.judge.resizing import Resized
from mha_drill.judge.slopes import output_of
from mha_drill.judge.ways import BUILTINS

# How often a sequence and an item are repeated, where that takes no more than a part of the limit; so many pairs of
# positions take as long as the slowest of the probes.
OFTEN, MOST_ITEMS = 6, 8
PART, CELLS = 10, 50
# A file whose calls take so many seconds has loops over positions, perhaps one in another, and the way back through
# them takes a multiple.
LOOPS, IN_LOOPS = 5e-3, 3


@dataclass
class Circumstances:
    """What is asked beside the probes.

    known: a call without a mask that the reference confirms. losses: the same with gradients, None where there are
    none.
    """

    examination: Examination
    known: Wish
    losses: Wish | None

    def asked(self) -> Iterator[Wish | Asked]:
        """Yield the calls that `held` will look at."""
        calls: tuple[Wish | Asked | None, ...] = (self._ready_made, self._grown)
        yield from (call for call in calls if call is not None)
        yield from self._resized.asked()

    def held(self) -> Finding | None:
        """Return what is held against the submission."""
        found = self._by_itself() or self._when_grown() or self._resized.held()
        how = self.examination.case.runner.ended
        if how and found is None:
            # What raises is seen by whoever calls it; what hangs there, or ends the process, is not.
            return (
                Finding("time-limit", "load")
                if how == "hung"
                else ended(how, self.examination.case.runner.source)
            )
        return found

    @cached_property
    def _resized(self) -> Resized:
        return Resized(self.examination, self.known, self.losses)

    # -- with what torch has ready made -----------------------------------------------------------

    @cached_property
    def _ready_made(self) -> Wish | None:
        """The known call where torch's own attention is there, which is hidden everywhere else."""
        if not any(name in self.examination.case.runner.source for name in BUILTINS):
            return None
        return replace(self.known, options=BARE | {"builtin": True, "flags_off": False})

    def _by_itself(self) -> Finding | None:
        """Whether a path of torch's own comes to something else than the file's."""
        if self._ready_made is None:
            return None
        one, two = (observed(self.examination, wish).output for wish in (self.known, self._ready_made))
        return None if one is None or two is None or close(one, two, COARSE) else WRONG

    # -- larger ---------------------------------------------------------------------------------

    @cached_property
    def _grown(self) -> Asked | None:
        """The known call with its items and its sequences repeated, under a causal mask with more behind them."""
        case, binding = self.examination.case, self.examination.binding
        if binding.four_axes or binding.idle_mask is not None or binding.exact_context:
            return None
        experiment, arrays, _ = case.experiment(binding, self.known.probe, repair=False)
        sizes = self._larger()
        if sizes is None:
            return None
        items, often = sizes
        along = 0 if binding.by_position else 1
        axes = (often, items, 1) if binding.by_position else (items, often, 1)
        generator = np.random.default_rng(secrets.randbits(63))
        grown = []
        for array in arrays:
            larger = np.tile(array, axes)
            if self.examination.spec.causal:
                behind = _behind(array, along)
                larger[behind] = generator.standard_normal(larger[behind].shape)
            grown.append(larger)
        if self.losses is not None:
            width = self.examination.graded.items[0]["shape"][-1]
            upstream = np.ones((*grown[0].shape[:2], width))
            if self.examination.spec.causal:
                upstream[_behind(arrays[0], along)] = 0.0
            experiment |= {"grad": [len(grown)], "weights_only": True, "trace": None}
            grown.append(upstream)
        return experiment, grown

    def _larger(self) -> tuple[int, int] | None:
        """Return how often items and sequences are repeated; None where a slow file would take too long for it."""
        case, probe = self.examination.case, self.known.probe
        pace = pace_again(self.examination, self.known)
        most = CELLS * case.runner.time_limit / PART / max(pace, 1e-4)
        often, cells = OFTEN - secrets.randbelow(2), probe.batch * probe.query_length * probe.key_length
        for items, times in ((MOST_ITEMS, often), (1, often), (1, 3), (1, 2)):
            takes = cells * items * times**2 * (1 if pace < LOOPS else IN_LOOPS * times)
            if takes <= most:
                return items, times
        return None

    def _when_grown(self) -> Finding | None:
        """Whether what is repeated does not come out repeated: attention is a mean, which does not mind."""
        if self._grown is None:
            return None
        case, once = self.examination.case, observed(self.examination, self.known).output
        answer, results = case.ask(*self._grown)
        if self.examination.binding.by_position:
            results = case.turned(answer, results)
        if answer["error"] is not None or once is None:
            return None
        found, shape = output_of(answer, results), answer["output"]["items"][0].get("shape", [])
        if found is None or len(shape) != 3 or shape[0] % len(once) or shape[1] % once.shape[1]:
            return WRONG
        found, items, often = found.reshape(shape), shape[0] // len(once), shape[1] // once.shape[1]
        if self.examination.spec.causal:
            found, often = found[:, : once.shape[1]], 1
        if not close(np.tile(once, (items, often, 1)), found, self.examination.tolerance):
            return WRONG
        return self._bent_when_grown(Observation(self.known.probe, answer, results, {}), items * often)

    def _bent_when_grown(self, grown: Observation, often: int) -> Finding | None:
        """Whether the weights do not get so often what they get for what is repeated."""
        if self.losses is None or "backward_error" in grown.answer:
            return None
        before = observed(self.examination, self.losses)
        wanted = {
            name: gradient
            for name, gradient in gradients_of(before, before.answer["regraded"][1]).items()
            if not name.startswith("input:")
        }
        told = {name: None if found is None else found / often for name, found in gradients_of(grown).items()}
        return BENT if unlike(wanted, told, COARSE) else None


def _behind(array: np.ndarray, along: int) -> tuple[slice, ...]:
    """Return where a sequence that was made longer goes on."""
    return (slice(None),) * along + (slice(array.shape[along], None),)
