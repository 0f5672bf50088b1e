"""The learner's days: reviews fall due by day, not by the minute; used all over `progress` and by its screens.

A day is an ordinal of the calendar, in the learner's own time zone, and begins at four in the morning: who
drills past midnight is still on the same evening.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from mha_drill.records import Attempt

DAY_BEGINS: Final = 4 * 3600.0
A_DAY: Final = 86_400.0


def day_of(at: float) -> int:
    """Return the day of a moment, given in seconds since the epoch."""
    local = time.localtime(max(at - DAY_BEGINS, 0.0))
    return date(local.tm_year, local.tm_mon, local.tm_mday).toordinal()


def believed(history: Iterable[Attempt], now: float) -> tuple[Attempt, ...]:
    """Return attempts, given in the order they were kept in, by the times they can be believed to have.

    A clock that once ran ahead leaves attempts in what is the future again; nothing would ever fall due after
    them. Such a one is taken to be of the time of what was kept before it: asked early rather than never.
    """
    repaired: list[Attempt] = []
    before = 0.0
    for attempt in history:
        ahead = attempt.at > now + A_DAY
        at = before if ahead else max(attempt.at, 0.0)
        before = at
        repaired.append(attempt if at == attempt.at else replace(attempt, at=at))
    return tuple(sorted(repaired, key=lambda attempt: attempt.at))


def streak(history: Sequence[Attempt], today: int) -> int:
    """Return on how many days in a row something was answered, up to today, or yesterday while today is young."""
    days = {day_of(attempt.at) for attempt in history}
    last = today if today in days else today - 1
    count = 0
    while last - count in days:
        count += 1
    return count
