"""Whether gradients are the slopes of the output that they were told for. Judge side; for the parts of `audit`.

Directions are drawn in secret once the gradients are here, so that nobody can have fitted these to them.
"""

from __future__ import annotations

import secrets
from typing import Any

from mha_drill.judge.evidence import Case
from mha_drill.judge.findings import Finding
from mha_drill.judge.manners import STILL
from mha_drill.judge.matching import close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.slopes import FINE, LEAST, OF_MEAN, Slopes, slope_between

BENT, WRONG = Finding("wrong-gradient", "any"), Finding("wrong-value", "any")
TOLERANCE = 1e-5
# In single precision: long enough to stand out from the noise, short enough that curvature does not.
SINGLE_STEP, SINGLE_TOLERANCE = 2e-3, 5e-2


def bent(case: Case, seen: Observation, asked: Observation, wish: Wish, *, single: bool) -> bool:
    """Whether the gradients of a call are not the slopes of its output, or the output is not what it was.

    wish: what `asked` was asked for by. single: whether single precision is at work in the file.
    """
    told = asked.answer.get("gradients", {})
    one, two = seen.output, asked.output
    if one is None or two is None or not close(one, two, case.tolerance) or not told:
        return True
    options = {"repair": False, "manners": [STILL]} | {
        name: wish.options[name] for name in wish.options.keys() & {"shared"}
    }
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
        least = LEAST if kind == OF_MEAN else 1.0
        if abs(slope - total) > tolerance * max(least, abs(slope)):
            return True
    return False


def gradients_of(seen: Observation, told: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return gradients as arrays, None where there is none. told: others than those of the last call."""
    return {
        name: None if item["array"] is None else seen.arrays[item["array"]]
        for name, item in (seen.answer.get("gradients", {}) if told is None else told).items()
    }


def unlike(wanted: dict[str, Any], told: dict[str, Any], tolerance: float) -> bool:
    """Whether gradients, arrays by name, are others than those that are wanted; of None nothing is wanted."""
    return any(
        gradient is not None and (told.get(name) is None or not close(gradient, told[name], tolerance))
        for name, gradient in wanted.items()
    )
