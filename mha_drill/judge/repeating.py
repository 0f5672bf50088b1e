"""Calls made many times, later and later: each must come to what one did. Judge side.

Used by `audit`; `regrading` has its clocks from here. What is written into, counted, kept or told by a clock shows.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

import numpy as np

from mha_drill.judge.care import Care
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.manners import PLAIN, STILL, STRIDED
from mha_drill.judge.masks import found_form
from mha_drill.judge.matching import close
from mha_drill.judge.observation import Observation, Wish

# How often the same is asked for, by the care that is taken: bare, and under a mask.
MANY = {Care.USUAL: 12, Care.ELSEWHERE: 24, Care.LONG: 128}
MASKED = {Care.USUAL: 1, Care.ELSEWHERE: 2, Care.LONG: 32}
# Of a file so slow that these calls would take more than this part of the limit, fewer are asked for.
FEWEST, PART = 3, 10
# Of a call that took so many seconds it is not known whether the file is slow or the machine was busy: it is made
# again, so often or for so long.
BUSY, TRIED, TRIES = 5e-4, 0.05, 5
# How far clocks are set forward, in powers of ten of a second: up to ten years.
SOONEST, LATEST = -1.0, 8.5
DAY = 86_400


def calls_again(examination: Examination, care: Care) -> list[tuple[Observation, Wish]]:
    """Return calls with the same calls made many times, each at a later time: bare, and under a mask."""
    found = found_form(examination)
    calls = [(examination.square, MANY[care]), *([] if found is None else [(found[1], MASKED[care])])]
    return [(once, _again(once, [0.0, *later(patience(examination, count))])) for once, count in calls]


def _again(once: Observation, clocks: list[float]) -> Wish:
    manners = [PLAIN, STILL, STRIDED] if once.mask is None else [STILL]
    return Wish(once.probe, once.mask, {"clocks": clocks, "manners": manners, "repair": False})


def changing(examination: Examination, calls: list[tuple[Observation, Wish]]) -> Finding | None:
    """Whether calls with the same tensors come to something else: written into, counted, or told by a clock."""
    for once, wish in calls:
        error = observed(examination, wish).error
        if error is not None and error["type"] == "Hung":
            return Finding("time-limit", "load")
        if _unlike(examination, once, wish):
            return Finding(_reason(examination, once, wish), "any")
    return None


def _reason(examination: Examination, once: Observation, wish: Wish) -> str:
    """Return what makes calls with the same tensors differ: the manner of the call, its time, or those before it."""
    plain = replace(wish, options=wish.options | {"manners": [PLAIN]})
    if not _unlike(examination, once, plain):
        return "wrong-value"
    now = replace(plain, options=plain.options | {"clocks": [0.0] * len(wish.options["clocks"])})
    return "mutates-input" if _unlike(examination, once, now) else "nondeterministic"


def _unlike(examination: Examination, once: Observation, wish: Wish) -> bool:
    """Whether a call, made again many times, gives something else at any time."""
    again = observed(examination, wish)
    one, last, items = once.output, again.output, again.answer.get("repeated", [])
    if one is None:
        return False
    if last is None or not close(one, last, examination.tolerance):
        return True
    arrays = [again.arrays[item["array"]] for item in items if item["array"] is not None]
    if len(arrays) < len(wish.options["clocks"]) or any(item.shape != arrays[0].shape for item in arrays):
        return True
    return not close(np.stack([arrays[-1]] * len(arrays)), np.stack(arrays), examination.tolerance)


def patience(examination: Examination, most: int) -> int:
    """Return how many calls of a slow file are waited for: a part of what one call may take, `most` at best."""
    case = examination.case
    return min(most, max(FEWEST, int(case.runner.time_limit / PART / max(case.pace, 1e-9))))


def pace_again(examination: Examination, wish: Wish) -> float:
    """Return the seconds of a call; where they are many, of others that may take less."""
    case = examination.case
    if case.pace < BUSY:
        return case.pace
    experiment, arrays, _ = case.experiment(examination.binding, wish.probe, repair=False)
    pace, begun = case.pace, time.monotonic()
    for _ in range(TRIES):
        started = time.monotonic()
        case.ask(experiment, arrays)
        pace = min(pace, time.monotonic() - started)
        if time.monotonic() - begun > TRIED:
            break
    return pace


def later(count: int) -> list[float]:
    """Return so many times to come, in seconds from now and in order: half soon or late, half at any hour of any day.

    The hours are spread evenly, so that of many none is left out.
    """
    drawn = np.random.default_rng(secrets.randbits(63))
    soon = 10 ** drawn.uniform(SOONEST, LATEST, count // 2)
    hours = (np.arange(count - len(soon)) + drawn.random(count - len(soon))) * DAY / max(1, count - len(soon))
    days = drawn.integers(0, int(10**LATEST) // DAY, len(hours)) * DAY
    return [float(moment) for moment in np.sort(np.concatenate([soon, days + hours]))]


def observed(examination: Examination, wish: Wish) -> Observation:
    """Return what came of a call."""
    return examination.case.observe(wish.probe, wish.mask, **wish.options)
