"""Gradients asked for once more, as training would: without a trace, of the weights alone. Judge side; for `audit`.

The gradients that the hidden tests look at are taken under a trace, on one probe and without a mask. A backward
that is false anywhere else is as wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mha_drill.judge.bending import BENT, WRONG, bent, gradients_of
from mha_drill.judge.care import Care
from mha_drill.judge.examination import BARE, Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.probes import MaskForm, Probe
from mha_drill.judge.repeating import later, observed
from mha_drill.judge.slopes import OF_MEAN, OF_SUM

# A day and some hours.
TOMORROW = 1e5
# Seeds of upstream gradients that are drawn for one check alone.
UNKNOWN = 1000


@dataclass(frozen=True, slots=True)
class Regrades:
    """Calls with gradients that `bent_elsewhere` looks at.

    training: the graded call in training. alone: of the weights alone, which are what learns; in training where that
    comes to the same. often: one after the other. losses: fresh calls, whose upstream gradients are those of losses.
    """

    training: Wish
    alone: tuple[Wish, ...]
    often: tuple[Wish, ...]
    losses: tuple[Wish, ...]

    @property
    def wishes(self) -> list[Wish]:
        """All of them."""
        return [self.training, *self.alone, *self.often, *self.losses]


def regraded(examination: Examination, fresh: Sequence[Wish], care: Care, often: int) -> Regrades:
    """Return the calls with gradients that a file of which so much care is taken is asked for. often: how often."""
    graded, more = examination.graded, care > Care.USUAL
    trained = replace(graded.probe, train=True)
    alone = {"weights_only": True, "added": True}
    width = graded.items[0]["shape"][-1]
    learned = any(not name.startswith("input:") for name in graded.answer.get("gradients", {}))
    long: list[dict[str, Any]] = (
        [{}, *([{"weights_only": True}] if learned else [])] if care is Care.LONG else []
    )
    return Regrades(
        _bare(examination, trained, graded.mask),
        (
            *([_bare(examination, graded.probe, graded.mask, **alone, clocks=[TOMORROW])] if learned else []),
            *([_bare(examination, trained, graded.mask, **alone)] if learned and more else []),
        ),
        tuple(
            _bare(examination, graded.probe, graded.mask, **options, clocks=later(often)) for options in long
        ),
        tuple(losses_of(examination, wish, width, care) for wish in fresh),
    )


def same_in_training(examination: Examination, wishes: Regrades) -> bool:
    """Whether the submission computes in training what it does in evaluation."""
    return _like(examination, examination.graded, observed(examination, wishes.training))


def bent_elsewhere(examination: Examination, fresh: Sequence[Wish], wishes: Regrades) -> Finding | None:
    """Return what is held against the gradients beside those of the hidden tests.

    fresh: calls that the reference has confirmed, on probes that nobody could know.
    """

    training, same = observed(examination, wishes.training), same_in_training(examination, wishes)
    for wish in wishes.alone:
        if (same or not wish.probe.train) and not _same(
            examination, observed(examination, wish), weights_only=True
        ):
            return BENT
    if (found := _in_training(examination, training)) is not None:
        return found
    for wish in wishes.often:
        weights_only = "weights_only" in wish.options
        if not _same(examination, observed(examination, wish), weights_only=weights_only):
            return BENT
    any_bent = any(
        bent(
            examination.case,
            observed(examination, one),
            observed(examination, two),
            two,
            single=examination.single,
        )
        for one, two in zip(fresh, wishes.losses, strict=True)
    )
    return BENT if any_bent else None


def _bare(
    examination: Examination, probe: Probe, mask: MaskForm | None, width: int = 0, **options: Any
) -> Wish:
    """Return a call with gradients, as bare as the file runs by itself. width: of its output, as graded if 0."""
    shape = (probe.batch, probe.query_length, width or examination.graded.items[0]["shape"][-1])
    options = BARE | {"grad": shape, "clocks": later(1)} | options
    return Wish(probe, mask, options)


def unknown() -> int:
    """Return the seed of an upstream gradient that nobody can know."""
    return UNKNOWN + secrets.randbelow(2**31)


def losses_of(examination: Examination, wish: Wish, width: int, care: Care, **options: Any) -> Wish:
    """Return a call with the gradients of a loss that nobody can know, and, with care, of those of training."""
    more = care > Care.USUAL
    kinds = [*([OF_MEAN, OF_SUM] if more else []), unknown()]
    options = {"upstreams": kinds, "clocks": later(len(kinds)), "twice": more} | options
    return _bare(examination, wish.probe, wish.mask, width, **options)


def _same(examination: Examination, again: Observation, *, weights_only: bool = False) -> bool:
    """Whether a call has the output and the gradients of the graded one."""
    graded = examination.graded
    if not _like(examination, graded, again):
        return False
    wanted = gradients_of(graded)
    if weights_only:
        wanted = {name: array for name, array in wanted.items() if not name.startswith("input:")}
    tolerance = COARSE if examination.single else examination.tolerance
    each = [again.answer.get("gradients", {}), *again.answer.get("regraded", [])]
    return len(each) == len(again.answer.get("repeated", [again])) and all(
        wanted.keys() == told.keys()
        and all(
            close(_or_nothing(wanted[name], told[name]), _or_nothing(told[name], wanted[name]), tolerance)
            for name in wanted
        )
        for told in (gradients_of(again, gradients) for gradients in each)
    )


def _or_nothing(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray:
    """Return a gradient; zeros where there is none, as an earlier step may have left."""
    if one is not None:
        return one
    return np.zeros(0) if other is None else np.zeros_like(other)


def _like(examination: Examination, one: Observation, two: Observation) -> bool:
    """Whether two calls have the same output."""
    first, second = one.output, two.output
    return first is not None and second is not None and close(first, second, examination.tolerance)


def _in_training(examination: Examination, once: Observation) -> Finding | None:
    """Whether it computes something else in training, with no dropout asked for: an output or a gradient."""
    graded = examination.graded
    if _like(examination, graded, once):
        return None if _same(examination, once) else BENT
    # A rate that is written into the file cannot be switched off.
    wish = _bare(examination, once.probe, once.mask, seed=1)
    twice = examination.case.observe(wish.probe, wish.mask, **wish.options)
    chance = once.output is not None and not _like(examination, once, twice)
    if chance or "dropout" in examination.case.runner.source.lower():
        return None
    return WRONG
