"""A submission made with other heads and another width, and called as self-attention is. Judge side.

Used by `circumstances`. The probes know one width and one number of heads, which a file can know as well.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from mha_drill.judge.ahead import Asked
from mha_drill.judge.bending import BENT, WRONG, bent
from mha_drill.judge.care import Care
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.regrading import losses_of, unknown
from mha_drill.judge.repeating import later, observed
from mha_drill.judge.ways import resized

# Heads, and channels of one head, as the probes do not have them. Narrow: what no trace shows is told by an affine
# map, for which the probes must have more positions than channels.
SIZES = ((2, 7), (2, 9), (2, 11), (3, 6), (3, 7), (3, 9), (5, 3), (5, 4), (6, 3), (6, 5), (7, 4), (8, 2))
# The same where a trace shows the roles: as wide as weights can be told of.
WIDE = ((2, 61), (3, 41), (5, 25), (7, 18), (8, 16), (9, 14), (11, 11), (12, 10), (16, 8))
# Items, more than a probe has.
MORE = 5


@dataclass
class Resized:
    """What is asked at other sizes; the fields are those of `Circumstances`."""

    examination: Examination
    known: Wish
    losses: Wish | None

    def asked(self) -> Iterator[Asked]:
        """Yield the calls that `held` will look at."""
        if self._other is not None:
            yield from (self._other.case.asked(wish) for wish in self._apart)

    @cached_property
    def _other(self) -> Examination | None:
        """The submission with other heads and another width; as it is where it takes query and key apart."""
        case, base = self.examination.case, self.examination.binding.base
        heads, channels = secrets.choice(WIDE if self._seen() else SIZES)
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

    def _seen(self) -> bool:
        """Whether a trace shows all there is to hold against the reference, or none is needed, and calls are quick."""
        assessment = self.examination.assessed(self.examination.square)
        plain = not self.examination.spec.projections or (assessment is not None and assessment.agrees)
        return plain and self.examination.quick

    @cached_property
    def _apart(self) -> list[Wish]:
        assert self._other is not None
        length = self.known.probe.query_length
        same = self._other.binding.call.separate
        larger = self.examination.quick
        batch = MORE + secrets.randbelow(MORE) if larger else self.known.probe.batch
        probe = replace(self.known.probe, name="apart", batch=batch, key_length=length, same=same)
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
        once = {"twice": False, "upstreams": [unknown()], "clocks": later(1)}
        return [known, losses_of(self._other, known, width, Care.ELSEWHERE, **once, **shared)]

    def held(self) -> Finding | None:
        """Whether it is wrong, or its gradients, at another width, or where query, key and value are one tensor."""
        if self._other is None:
            return None
        first, wish = self._apart
        known = observed(self._other, first)
        if known.error is not None:
            return None
        wish = _as_wide(wish, known)
        again = observed(self._other, wish)
        chance = replace(first, probe=replace(known.probe, seed=secrets.randbits(31)))
        if not self._other.agrees(known) and not self._other.agrees(observed(self._other, chance)):
            return WRONG if known.legible else None
        single = self.examination.single
        if "grad" not in wish.options:
            one, two = known.output, again.output
            alike = one is not None and two is not None and close(one, two, self.examination.tolerance)
            return None if alike else WRONG
        return BENT if bent(self._other.case, known, again, wish, single=single) else None


def _as_wide(wish: Wish, known: Observation) -> Wish:
    """Return a call with gradients whose upstream one is as wide as the output: of some the width is their own."""
    shape, output = wish.options.get("grad"), known.output
    if shape is None or output is None or shape[-1] == output.shape[-1]:
        return wish
    return replace(wish, options=wish.options | {"grad": (*shape[:-1], output.shape[-1])})
