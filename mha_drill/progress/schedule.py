"""When each card is to be asked again: FSRS over everything answered so far. Read by `review` and `status`.

The schedule is never stored: it is reckoned from the attempts, so that two machines' records make one
schedule, a mark revised or an interview's date set counts at once, and no file can hold a wrong one.
Wrong is Again, partly is Hard, right is Good. FSRS aims at being able to say it for ever; an interview is on a
date, and no interval goes beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final
from zlib import crc32

from mha_drill.progress.days import day_of
from mha_drill.records import QUESTION_KINDS, Attempt

if TYPE_CHECKING:
    import fsrs

RIGHT: Final = 0.999
LAST_DAYS: Final = 3
"""What would fall due after the interview is spread over so many days before it."""


@dataclass(slots=True)
class Standing:
    """Where one card stands. due: the day it is to be asked on. first, last: the days it was asked on.

    forward: a failed `check` has brought it forward, and it was not answered since.
    """

    item: str
    kind: str
    steps: tuple[str, ...]
    first: int
    last: int
    due: int
    forward: int | None = None
    memory: fsrs.Card | None = None

    @property
    def day(self) -> int:
        """The day it is to be asked on, a failed check heeded."""
        return self.due if self.forward is None else min(self.due, self.forward)


class Schedule:
    """Every card asked so far. `failed` are the steps that the last `check` of some problem found wrong."""

    def __init__(self, interview: int | None = None) -> None:
        self.interview = interview
        self.standings: dict[str, Standing] = {}
        self.failed: dict[str, tuple[str, ...]] = {}

    def answered(self, attempt: Attempt) -> None:
        """Heed one attempt; they come in the order of time."""
        if attempt.kind not in QUESTION_KINDS:
            return
        day = day_of(attempt.at)
        standing = self.standings.get(attempt.item)
        if standing is None:
            standing = Standing(attempt.item, attempt.kind, attempt.steps, day, day, day)
            self.standings[attempt.item] = standing
        standing.steps = attempt.steps
        if attempt.kind != "code":
            self._review(standing, attempt)
        elif attempt.score < RIGHT:
            self._failed(standing, attempt, day)
        else:
            self.failed.pop(attempt.item, None)
            if standing.memory is None or standing.last != day:
                self._review(standing, attempt)
            standing.forward = None

    def _failed(self, problem: Standing, attempt: Attempt, day: int) -> None:
        """A failed check is no review: it brings the problem, and the cards of the steps it missed, forward."""
        problem.forward = day
        self.failed[attempt.item] = attempt.missed
        for standing in self.standings.values():
            if standing.kind != "code" and set(standing.steps) & set(attempt.missed):
                standing.forward = day

    def _review(self, standing: Standing, attempt: Attempt) -> None:
        from datetime import UTC, datetime

        import fsrs

        grade = fsrs.Rating.Good if attempt.score >= RIGHT else fsrs.Rating.Hard
        if attempt.score <= 0.0:
            grade = fsrs.Rating.Again
        at = datetime.fromtimestamp(attempt.at, UTC)
        memory = standing.memory or fsrs.Card(card_id=1, due=at)
        standing.memory, _ = self._scheduler.review_card(memory, grade, at)
        standing.forward = None
        standing.last = day = day_of(attempt.at)
        due = day + (standing.memory.due - at).days
        standing.due = _before(self.interview, due, day, standing.item)

    @cached_property
    def _scheduler(self) -> fsrs.Scheduler:
        import fsrs

        return fsrs.Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def schedule(history: Sequence[Attempt], interview: int | None = None) -> Schedule:
    """Return where every card stands after `history`, which is in the order of time.

    interview: the day of the interview, None when there is none ahead.
    """
    made = Schedule(interview)
    for attempt in history:
        made.answered(attempt)
    return made


def _before(interview: int | None, due: int, day: int, item: str) -> int:
    """Return `due`, or a day before the interview; the day itself for what is answered on its eve."""
    if interview is None or day >= interview or due < interview:
        return due
    eve = interview - 1
    if day >= eve:
        return interview
    return eve - crc32(item.encode()) % min(LAST_DAYS, eve - day)
