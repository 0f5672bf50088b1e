"""What is due today, put together from the store and the cards; called by `review`, `quiz --due` and `status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mha_drill.errors import UsageError
from mha_drill.progress import Store
from mha_drill.progress.days import believed, day_of
from mha_drill.progress.plan import Plan, plan
from mha_drill.progress.schedule import schedule
from mha_drill.quiz.card import Card
from mha_drill.records import Attempt

INTERVIEW = "interview"
FORGET = "none"


@dataclass(frozen=True, slots=True)
class Today:
    """The day, what was answered before it, and what is to be asked on it."""

    day: int
    history: tuple[Attempt, ...]
    interview: int | None
    plan: Plan[Card]


def todays(store: Store, stock: Sequence[Card], now: float) -> Today:
    """Return where the learner stands today with the cards of `stock`."""
    day = day_of(now)
    history = believed(store.history(), now)
    interview = interview_ahead(store, day)
    return Today(day, history, interview, plan(stock, schedule(history, interview), day))


def later_today(today: Today, store: Store, stock: Sequence[Card], now: float) -> Today:
    """Return where the learner stands after a sitting, which is where it was when nothing was answered."""
    same = day_of(now) == today.day and believed(store.history(), now) == today.history
    return today if same else todays(store, stock, now)


def interview_ahead(store: Store, today: int) -> int | None:
    """Return the day of the interview, None where none was named or it has gone by."""
    try:
        day = date.fromisoformat(store.setting(INTERVIEW)).toordinal()
    except ValueError:
        return None
    return day if day >= today else None


def read_interview(name: str, today: int) -> int | None:
    """Return the day that the learner names, None for "none"; UsageError for what is no day, or gone by."""
    if name.strip().casefold() == FORGET:
        return None
    try:
        named = date.fromisoformat(name.strip())
    except ValueError:
        raise UsageError("status.bad-date", name=name) from None
    if named.toordinal() < today:
        raise UsageError("status.past-date", day=named.isoformat())
    return named.toordinal()


def set_interview(store: Store, day: int | None, now: float) -> None:
    """Keep the day of the interview, or that there is none."""
    store.set(INTERVIEW, FORGET if day is None else date.fromordinal(day).isoformat(), now)
