"""Gradients asked for once more, as training would: without a trace, of the weights alone. Judge side; for `audit`.

The gradients that the hidden tests look at are taken under a trace, on one probe and without a mask. A backward
that is false anywhere else is as wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from mha_drill.judge.evidence import Observation
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import COARSE, close
from mha_drill.judge.slopes import COARSE_STEP, FINE, Slopes

TOLERANCE, COARSE_TOLERANCE = 1e-5, 5e-2
# How far clocks are set forward, in powers of ten of a second: up to ten years; and a day and some hours.
SOONEST, LATEST = -1.0, 8.5
TOMORROW = 1e5
BENT = Finding("wrong-gradient", "any")


def bent_elsewhere(examination: Examination, fresh: Collection[Observation]) -> Finding | None:
    """Return what is held against the gradients beside those of the hidden tests.

    fresh: calls that the reference has confirmed, on probes that nobody could know.
    """
    told = examination.graded.answer.get("gradients", {})
    if examination.binding.numpy or examination.graded.error is not None or not told:
        return None
    if any(not name.startswith("input:") for name in told):
        alone = _asked(examination, examination.graded, weights_only=True, clocks=[TOMORROW])
        if not _same(examination, alone, weights_only=True):
            return BENT
    if (found := _in_training(examination)) is not None:
        return found
    return BENT if any(_bent(examination, seen) for seen in fresh) else None


def _asked(
    examination: Examination, seen: Observation, *, train: bool = False, **options: Any
) -> Observation:
    """Return a call made again, with gradients and as bare as the file runs by itself."""
    probe = replace(seen.probe, train=train)
    shape = tuple(seen.items[0]["shape"])
    case, binding = examination.case, examination.binding
    options = {"grad": shape, "trace": None, "repair": False, "clocks": later(1)} | options
    return case.try_binding(binding, probe, seen.mask, **options)


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


def _in_training(examination: Examination) -> Finding | None:
    """Whether it computes something else in training, with no dropout asked for: an output or a gradient."""
    graded = examination.graded
    once = _asked(examination, graded, train=True)
    if _like(examination, graded, once):
        return None if _same(examination, once) else BENT
    # A rate that is written into the file cannot be switched off.
    twice = _asked(examination, graded, train=True, seed=1)
    chance = once.output is not None and not _like(examination, once, twice)
    if chance or "dropout" in examination.case.runner.source.lower():
        return None
    return Finding("wrong-value", "any")


def _bent(examination: Examination, seen: Observation) -> bool:
    """Whether the gradients of a call are not the slopes of its output."""
    asked = _asked(examination, seen)
    told = asked.answer.get("gradients", {})
    if not _like(examination, seen, asked) or not told:
        return True
    single = examination.single
    slopes = Slopes(
        examination.case,
        asked,
        COARSE_STEP if single else FINE,
        turn=3,
        salt=secrets.token_bytes(16),
        bare=True,
    )
    total = sum(slopes.claimed(name) for name in told)
    (slope,) = slopes.measured([tuple(told)])
    tolerance = COARSE_TOLERANCE if single else TOLERANCE
    return slope is None or abs(slope - total) > tolerance * max(1.0, abs(slope))
