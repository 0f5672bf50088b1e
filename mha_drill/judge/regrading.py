"""Gradients asked for once more, as training would: without a trace, of the weights alone. Judge side; for `audit`.

The gradients that the hidden tests look at are taken under a trace, on one probe and without a mask. A backward
that is false anywhere else is as wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mha_drill.judge.evidence import Case
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.probes import MaskForm, Probe
from mha_drill.judge.slopes import FINE, OF_MEAN, OF_SUM, Slopes, output_of, slope_between

TOLERANCE = 1e-5
# In single precision: long enough to stand out from the noise, short enough that curvature does not.
SINGLE_STEP, SINGLE_TOLERANCE = 2e-3, 5e-2
# How far clocks are set forward, in powers of ten of a second: up to ten years; and a day and some hours.
SOONEST, LATEST = -1.0, 8.5
TOMORROW = 1e5
# Seeds of upstream gradients that are drawn for one check alone.
UNKNOWN = 1000
BENT = Finding("wrong-gradient", "any")


def regraded(examination: Examination, fresh: Sequence[Wish]) -> list[Wish]:
    """Return the calls with gradients that `bent_elsewhere` looks at: in training, of the weights alone, fresh ones."""
    graded = examination.graded
    return [
        _bare(examination, replace(graded.probe, train=True), graded.mask),
        _bare(examination, graded.probe, graded.mask, weights_only=True, added=True, clocks=[TOMORROW]),
        *(losses_of(examination, wish, graded.items[0]["shape"][-1]) for wish in fresh),
    ]


def bent_elsewhere(examination: Examination, fresh: Sequence[Wish], wishes: Sequence[Wish]) -> Finding | None:
    """Return what is held against the gradients beside those of the hidden tests.

    fresh: calls that the reference has confirmed, on probes that nobody could know. wishes: what `regraded` gave.
    """
    training, alone, *bare = (
        examination.case.observe(wish.probe, wish.mask, **wish.options) for wish in wishes
    )
    told = examination.graded.answer.get("gradients", {})
    if any(not name.startswith("input:") for name in told) and not _same(
        examination, alone, weights_only=True
    ):
        return BENT
    if (found := _in_training(examination, training)) is not None:
        return found
    known = (examination.case.observe(wish.probe, wish.mask, **wish.options) for wish in fresh)
    any_bent = any(
        bent(examination.case, *each, single=examination.single)
        for each in zip(known, bare, wishes[2:], strict=True)
    )
    return BENT if any_bent else None


def _bare(
    examination: Examination, probe: Probe, mask: MaskForm | None, width: int = 0, **options: Any
) -> Wish:
    """Return a call with gradients, as bare as the file runs by itself. width: of its output, as graded if 0."""
    shape = (probe.batch, probe.query_length, width or examination.graded.items[0]["shape"][-1])
    options = {"grad": shape, "trace": None, "repair": False, "clocks": later(1)} | options
    return Wish(probe, mask, options)


def losses_of(examination: Examination, wish: Wish, width: int, **options: Any) -> Wish:
    """Return a call with the gradients of the losses of training, and of one that nobody can know."""
    kinds = [OF_MEAN, OF_SUM, UNKNOWN + secrets.randbelow(2**31)]
    options = {"upstreams": kinds, "clocks": later(len(kinds)), "twice": True} | options
    return _bare(examination, wish.probe, wish.mask, width, **options)


def later(count: int) -> list[float]:
    """Return so many times to come, in seconds from now and in order."""
    drawn = np.random.default_rng(secrets.randbits(63)).uniform(SOONEST, LATEST, count)
    return [float(seconds) for seconds in np.sort(10**drawn)]


def _same(examination: Examination, again: Observation, *, weights_only: bool = False) -> bool:
    """Whether a call has the output and the gradients of the graded one."""
    graded = examination.graded
    if not _like(examination, graded, again):
        return False
    wanted, told = gradients_of(graded), gradients_of(again)
    if weights_only:
        wanted = {name: array for name, array in wanted.items() if not name.startswith("input:")}
    tolerance = COARSE if examination.single else examination.tolerance
    return wanted.keys() == told.keys() and all(
        close(_or_nothing(wanted[name], told[name]), _or_nothing(told[name], wanted[name]), tolerance)
        for name in wanted
    )


def _or_nothing(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray:
    """Return a gradient; zeros where there is none, as an earlier step may have left."""
    if one is not None:
        return one
    return np.zeros(0) if other is None else np.zeros_like(other)


def gradients_of(seen: Observation, told: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return gradients as arrays, None where there is none. told: others than those of the last call."""
    return {
        name: None if item["array"] is None else seen.arrays[item["array"]]
        for name, item in (seen.answer.get("gradients", {}) if told is None else told).items()
    }


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
    return Finding("wrong-value", "any")


def bent(case: Case, seen: Observation, asked: Observation, wish: Wish, *, single: bool) -> bool:
    """Whether the gradients of a call are not the slopes of its output, or the output is not what it was.

    wish: what `asked` was asked for by. single: whether single precision is at work in the file.
    """
    told = asked.answer.get("gradients", {})
    one, two = seen.output, asked.output
    if one is None or two is None or not close(one, two, case.tolerance) or not told:
        return True
    options = {"repair": False} | {name: wish.options[name] for name in wish.options.keys() & {"shared"}}
    step, salt = SINGLE_STEP if single else FINE, secrets.token_bytes(16)
    slopes = Slopes(case, asked, step, turn=3, salt=salt, options=options)
    kinds: list[int] = wish.options["upstreams"]
    each = [*asked.answer.get("regraded", []), told]
    # the one that is gone through twice comes twice
    each = each[: len(kinds) - 1] + each[-1:] + each[len(kinds) - 1 : -1]
    if len(each) < len(kinds):
        return True
    outputs = slopes.to_either_side()
    tolerance = SINGLE_TOLERANCE if single else TOLERANCE
    for gradients, kind in zip(each, [*kinds, kinds[-1]], strict=False):
        slope = slope_between(*outputs, 2 * step, kind)
        claims = gradients_of(asked, gradients)
        if slope is None or claims.keys() != told.keys():
            return True
        total = sum(slopes.along(name, claim) for name, claim in claims.items())
        # The gradients of a mean are small, and so is what may be amiss in them.
        least = 1.0 / max(1, outputs[0].size) if kind == OF_MEAN and outputs[0] is not None else 1.0
        if abs(slope - total) > tolerance * max(least, abs(slope)):
            return True
    return False
