"""Calls as a learner will make them and no probe does: larger, in single precision, self-attention. Judge side.

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
from mha_drill.judge.care import Care
from mha_drill.judge.crashes import ended
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.regrading import BENT, bent, gradients_of, losses_of
from mha_drill.judge.slopes import OF_SUM, output_of
from mha_drill.judge.ways import BUILTINS, resized

# Heads, and channels of one head, as the probes do not have them. Narrow: what no trace shows is told by an affine
# map, for which the probes must have more positions than channels.
SIZES = ((2, 7), (2, 9), (2, 11), (3, 6), (3, 7), (3, 9), (5, 3), (5, 4), (6, 3), (6, 5), (7, 4), (8, 2))
# How often a sequence and an item are repeated, where that takes no more than a part of the limit; so many pairs of
# positions take as long as the slowest of the probes.
OFTEN, MOST_ITEMS = 6, 8
PART, CELLS = 10, 50
WRONG = Finding("wrong-value", "any")
# Of gradients in single precision, relative to the largest.
ROUGH = 2e-3


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
        calls: tuple[Wish | Asked | None, ...] = (self._single, self._ready_made, self._grown)
        yield from (call for call in calls if call is not None)
        if self._other is not None:
            yield from (self._other.case.asked(wish) for wish in self._apart)

    def held(self) -> Finding | None:
        """Return what is held against the submission."""
        found = self._in_single() or self._by_itself() or self._when_grown() or self._at_other_sizes()
        how = self.examination.case.runner.ended
        if how and found is None:
            # What raises is seen by whoever calls it; what hangs there, or ends the process, is not.
            return (
                Finding("time-limit", "load")
                if how == "hung"
                else ended(how, self.examination.case.runner.source)
            )
        return found

    # -- in single precision --------------------------------------------------------------------

    @cached_property
    def _single(self) -> Wish | None:
        if self.losses is None or self.examination.binding.dtype == "float32":
            return None
        options = {"dtype": "float32", "upstreams": [OF_SUM], "clocks": [0.0], "twice": False}
        return replace(self.losses, options=self.losses.options | options)

    def _in_single(self) -> Finding | None:
        """Whether single precision, which is what torch has by default, comes to something else."""
        if self._single is None or self.losses is None:
            return None
        double, single = (_observed(self.examination, wish) for wish in (self.losses, self._single))
        one, two = double.output, single.output
        if single.error is not None or one is None or "backward_error" in single.answer:
            return None
        if two is None or not close(one, two, COARSE):
            return WRONG
        wanted, told = gradients_of(double, double.answer["regraded"][1]), gradients_of(single)
        for name, gradient in wanted.items():
            found = told.get(name)
            if gradient is not None and (found is None or not close(gradient, found, ROUGH)):
                return BENT
        return None

    # -- with what torch has ready made -----------------------------------------------------------

    @cached_property
    def _ready_made(self) -> Wish | None:
        """The known call where torch's own attention is there, which is hidden everywhere else."""
        if not any(name in self.examination.case.runner.source for name in BUILTINS):
            return None
        return replace(
            self.known, options={"builtin": True, "flags_off": False, "trace": None, "repair": False}
        )

    def _by_itself(self) -> Finding | None:
        """Whether a path of torch's own comes to something else than the file's."""
        if self._ready_made is None:
            return None
        one, two = (_observed(self.examination, wish).output for wish in (self.known, self._ready_made))
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
        most = CELLS * case.runner.time_limit / PART / max(case.pace, 1e-4)
        often = OFTEN - secrets.randbelow(2)
        for items, times in ((MOST_ITEMS, often), (1, often), (1, 3), (1, 2)):
            if probe.batch * items * probe.query_length * probe.key_length * times**2 <= most:
                return items, times
        return None

    def _when_grown(self) -> Finding | None:
        """Whether what is repeated does not come out repeated: attention is a mean, which does not mind."""
        if self._grown is None:
            return None
        case, once = self.examination.case, _observed(self.examination, self.known).output
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
        before = _observed(self.examination, self.losses)
        told = gradients_of(grown)
        for name, wanted in gradients_of(before, before.answer["regraded"][1]).items():
            found = told.get(name)
            if wanted is None or name.startswith("input:"):
                continue
            if found is None or not close(wanted, found / often, COARSE):
                return BENT
        return None

    # -- at other sizes, and of one tensor ------------------------------------------------------

    @cached_property
    def _other(self) -> Examination | None:
        """The submission with other heads and another width; as it is where it takes query and key apart."""
        case, base = self.examination.case, self.examination.binding.base
        heads, channels = secrets.choice(SIZES)
        if base.heads == 1:
            other = replace(base, width=heads * channels, head_dim=base.head_dim and channels)
        else:
            other = replace(base, heads=heads, width=heads * channels)
        binding = None
        if case.binding is not None and case.binding.construct is not None and not case.binding.set_globals:
            binding = resized(case, other)
        if binding is None and not self.examination.binding.call.separate:
            return None
        other_case = replace(case, binding=binding or case.binding, observed={})
        return Examination(other_case)

    @cached_property
    def _apart(self) -> list[Wish]:
        assert self._other is not None
        length = self.known.probe.query_length
        same = self._other.binding.call.separate
        probe = replace(self.known.probe, name="apart", key_length=length, same=same)
        known = Wish(probe, None, self.known.options)
        before = self.examination
        weights = [
            name for name in before.graded.answer.get("gradients", {}) if not name.startswith("input:")
        ]
        if self.losses is None or (same and not weights):
            return [known, replace(known, options={"shared": True, "trace": None})]
        width = (
            before.graded.items[0]["shape"][-1] * self._other.binding.base.width // before.binding.base.width
        )
        shared = {"shared": True, "weights_only": True} if same else {}
        return [known, losses_of(self._other, known, width, Care.ELSEWHERE, **shared)]

    def _at_other_sizes(self) -> Finding | None:
        """Whether it is wrong, or its gradients, at another width, or where query, key and value are one tensor."""
        if self._other is None:
            return None
        known, again = (_observed(self._other, wish) for wish in self._apart)
        if known.error is not None:
            return None
        chance = replace(self._apart[0], probe=replace(known.probe, seed=secrets.randbits(31)))
        if not self._other.agrees(known) and not self._other.agrees(_observed(self._other, chance)):
            return WRONG
        wish, single = self._apart[1], self.examination.single
        if "grad" not in wish.options:
            one, two = known.output, again.output
            alike = one is not None and two is not None and close(one, two, self.examination.tolerance)
            return None if alike else WRONG
        return BENT if bent(self._other.case, known, again, wish, single=single) else None


def _behind(array: np.ndarray, along: int) -> tuple[slice, ...]:
    """Return where a sequence that was made longer goes on."""
    return (slice(None),) * along + (slice(array.shape[along], None),)


def _observed(examination: Examination, wish: Wish) -> Observation:
    return examination.case.observe(wish.probe, wish.mask, **wish.options)
