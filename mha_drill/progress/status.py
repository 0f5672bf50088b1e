"""Where the learner stands, reckoned from everything answered: for `status`, on the screen and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mha_drill.progress.days import day_of, streak
from mha_drill.progress.plan import Askable, Plan
from mha_drill.progress.schedule import RIGHT
from mha_drill.progress.sheets import Sheet
from mha_drill.records import STEPS, Attempt

LAST_ANSWERS: Final = 10
"""A step's strength is told by its last ten answers: what went wrong a month ago may be known by now."""
WEEKS: Final = 8
WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class StepStanding:
    """One step. strength: the mean of its last answers, None before the first. due: its cards due today."""

    step: str
    attempts: int
    strength: float | None
    due: int
    seen: int
    cards: int


@dataclass(frozen=True, slots=True)
class Best:
    """A code problem solved. quickest: seconds from its first failed check of that day to the pass, if known."""

    problem: str
    passes: int
    first: int
    quickest: float | None


@dataclass(frozen=True, slots=True)
class Status:
    """Everything `status` shows. weeks: answers a week, this one last. next_day: when something is due again."""

    today: int
    attempts: int
    due: int
    due_week: int
    new: int
    waiting: int
    streak: int
    interview: int | None
    next_day: int | None
    steps: tuple[StepStanding, ...]
    weeks: tuple[int, ...]
    best: tuple[Best, ...]
    mocks: tuple[Sheet, ...]

    @property
    def weakest(self) -> str:
        """The step with the lowest strength, "" where nothing was answered or nothing is weak."""
        known = [(step.strength, step.step) for step in self.steps if step.strength is not None]
        lowest = min(known, key=lambda pair: pair[0], default=(1.0, ""))
        return lowest[1] if lowest[0] < RIGHT else ""


def status(
    history: Sequence[Attempt],
    plan: Plan[Askable],
    stock: Sequence[Askable],
    mocks: Sequence[Sheet],
    today: int,
    interview: int | None,
) -> Status:
    """Return where the learner stands; `history` in the order of time, `plan` for today over `stock`."""
    return Status(
        today=today,
        attempts=len(history),
        due=len(plan.due),
        due_week=plan.due_within(today, WEEK),
        new=len(plan.new),
        waiting=plan.waiting,
        streak=streak(history, today),
        interview=interview,
        next_day=plan.ahead[0][0] if plan.ahead else None,
        steps=tuple(_step(step, history, plan, stock) for step in STEPS),
        weeks=_weeks(history, today),
        best=tuple(_bests(history)),
        mocks=tuple(mocks),
    )


def _step(
    step: str, history: Sequence[Attempt], plan: Plan[Askable], stock: Sequence[Askable]
) -> StepStanding:
    told = [told for attempt in history if (told := _told(step, attempt)) is not None]
    last = told[-LAST_ANSWERS:]
    asked = {attempt.item for attempt in history}
    cards = [card for card in stock if step in card.steps]
    return StepStanding(
        step=step,
        attempts=len(told),
        strength=sum(last) / len(last) if last else None,
        due=sum(step in card.steps for card in plan.due),
        seen=sum(card.item in asked for card in cards),
        cards=len(cards),
    )


def _told(step: str, attempt: Attempt) -> float | None:
    """Return what an attempt tells of a step: a failed check tells only of the steps it found wrong."""
    if step in attempt.missed:
        return 0.0
    if step not in attempt.steps:
        return None
    if attempt.kind == "recite":
        return 1.0
    if attempt.kind == "code" and attempt.score < RIGHT:
        return None
    return attempt.score


def _weeks(history: Sequence[Attempt], today: int) -> tuple[int, ...]:
    counts = [0] * WEEKS
    for attempt in history:
        ago = (today - day_of(attempt.at)) // WEEK
        if 0 <= ago < WEEKS:
            counts[WEEKS - 1 - ago] += 1
    return tuple(counts)


def _bests(history: Sequence[Attempt]) -> list[Best]:
    """Return the problems solved, in the order they first were."""
    begun: dict[str, float] = {}
    found: dict[str, Best] = {}
    for attempt in history:
        if attempt.kind != "code":
            continue
        day = day_of(attempt.at)
        start = begun.get(attempt.item)
        if start is None or day_of(start) != day:
            start = begun[attempt.item] = attempt.at
        if attempt.score < RIGHT:
            continue
        del begun[attempt.item]
        taken = attempt.at - start if attempt.at > start else None
        old = found.get(attempt.item)
        times = [each for each in (taken, old.quickest if old else None) if each is not None]
        found[attempt.item] = Best(
            attempt.item, (old.passes if old else 0) + 1, old.first if old else day, min(times, default=None)
        )
    return list(found.values())
