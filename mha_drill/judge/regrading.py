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

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.probes import MaskForm, Probe
from mha_drill.judge.slopes import FINE, Slopes

TOLERANCE = 1e-5
# In single precision: long enough to stand out from the noise, short enough that curvature does not.
SINGLE_STEP, SINGLE_TOLERANCE = 2e-3, 5e-2
# How far clocks are set forward, in powers of ten of a second: up to ten years; and a day and some hours.
SOONEST, LATEST = -1.0, 8.5
TOMORROW = 1e5
BENT = Finding("wrong-gradient", "any")


def regraded(examination: Examination, fresh: Sequence[Wish]) -> list[Wish]:
    """Return the calls with gradients that `bent_elsewhere` looks at: in training, of the weights alone, fresh ones."""
    graded = examination.graded
    return [
        _bare(examination, replace(graded.probe, train=True), graded.mask),
        _bare(examination, graded.probe, graded.mask, weights_only=True, clocks=[TOMORROW]),
        *(_bare(examination, wish.probe, wish.mask) for wish in fresh),
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
    bent = (_bent(examination, *pair) for pair in zip(known, bare, strict=True))
    return BENT if any(bent) else None


def _bare(examination: Examination, probe: Probe, mask: MaskForm | None, **options: Any) -> Wish:
    """Return a call with gradients, as bare as the file runs by itself."""
    width = examination.graded.items[0]["shape"][-1]
    shape = (probe.batch, probe.query_length, width)
    options = {"grad": shape, "trace": None, "repair": False, "clocks": later(1)} | options
    return Wish(probe, mask, options)


def later(count: int) -> list[float]:
    """Return so many times to come, in seconds from now and in order."""
    drawn = np.random.default_rng(secrets.randbits(63)).uniform(SOONEST, LATEST, count)
    return [float(seconds) for seconds in np.sort(10**drawn)]


def _same(examination: Examination, again: Observation, *, weights_only: bool = False) -> bool:
    """Whether a call has the output and the gradients of the graded one."""
    graded = examination.graded
    if not _like(examination, graded, again):
        return False
    wanted, told = _gradients(graded), _gradients(again)
    if weights_only:
        wanted = {name: array for name, array in wanted.items() if not name.startswith("input:")}
    tolerance = COARSE if examination.single else examination.tolerance
    return wanted.keys() == told.keys() and all(
        one is two if one is None or two is None else close(one, two, tolerance)
        for one, two in ((wanted[name], told[name]) for name in wanted)
    )


def _gradients(seen: Observation) -> dict[str, Any]:
    return {
        name: None if item["array"] is None else seen.arrays[item["array"]]
        for name, item in seen.answer.get("gradients", {}).items()
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


def _bent(examination: Examination, seen: Observation, asked: Observation) -> bool:
    """Whether the gradients of a call are not the slopes of its output, or the output is not what it was."""
    told = asked.answer.get("gradients", {})
    if not _like(examination, seen, asked) or not told:
        return True
    single = examination.single
    slopes = Slopes(
        examination.case,
        asked,
        SINGLE_STEP if single else FINE,
        turn=3,
        salt=secrets.token_bytes(16),
        bare=True,
    )
    total = sum(slopes.claimed(name) for name in told)
    (slope,) = slopes.measured([tuple(told)])
    tolerance = SINGLE_TOLERANCE if single else TOLERANCE
    return slope is None or abs(slope - total) > tolerance * max(1.0, abs(slope))
