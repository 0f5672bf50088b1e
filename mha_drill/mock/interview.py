"""A mock interview from the first question to the sheet; every answer and the sheet so far are kept at once.

Called by `commands.returning`. The askers are the quiz's own; the screen says the time that is left at every
prompt and raises `TimeUp` when it is over, wherever the interview is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final, Protocol

from mha_drill.errors import DrillError
from mha_drill.export.questions import answer_of
from mha_drill.mock.followups import PREFIX, follow_ups
from mha_drill.mock.plan import Plan
from mha_drill.progress.sheets import Entry, Part, Sheet
from mha_drill.quiz.asking import ASKERS
from mha_drill.quiz.card import Card
from mha_drill.quiz.session import Desk, Record, Skipped, Stopped
from mha_drill.records import Attempt, Lang, Problem, Report

KIND: Final = "mock"


class TimeUp(Exception):
    """The time of the interview is over."""


class Screen(Protocol):
    """What an interview says beside what a session says."""

    def begin(self, minutes: float, parts: int) -> None:
        """Say what is to come."""

    def begin_part(self, part: Part, count: int) -> None:
        """Say which part begins."""

    def show_sheet(self, sheet: Sheet) -> None:
        """Show how it went."""


class Witness:
    """A store that remembers the last answer; what is asked about the learner's code is no card of the quiz."""

    def __init__(self, store: Record) -> None:
        self.store = store
        self.last: Attempt | None = None

    @property
    def recording(self) -> bool:
        """Tell whether what is kept will still be there tomorrow."""
        return self.store.recording

    def record(self, attempt: Attempt) -> int:
        """Keep an attempt."""
        self.last = attempt
        return self.store.record(replace(attempt, kind=KIND) if attempt.item.startswith(PREFIX) else attempt)

    def revise(self, number: int, score: float) -> None:
        """Give an attempt another score."""
        if self.last is not None:
            self.last = replace(self.last, score=score)
        self.store.revise(number, score)

    def raise_hint_level(self, problem: str) -> int:
        """Count one hint more as read."""
        return self.store.raise_hint_level(problem)


@dataclass(frozen=True, slots=True)
class Tools:
    """What an interview needs: the session's desk, whose store is the witness, and where the sheet goes."""

    desk: Desk
    witness: Witness
    keep: Callable[[Sheet], None]
    random: Random
    lang: Lang


def hold(plan: Plan, sheet: Sheet, screen: Screen, tools: Tools) -> Sheet:
    """Ask everything of the plan, then about the code written, until the end or the end of the time."""
    return _Interview(plan, sheet, screen, tools).hold()


class _Interview:
    def __init__(self, plan: Plan, sheet: Sheet, screen: Screen, tools: Tools) -> None:
        self.plan, self.sheet, self.screen, self.tools = plan, sheet, screen, tools
        self.desk = tools.desk
        self.reports: list[Report] = []

    def hold(self) -> Sheet:
        parts: list[tuple[Part, Sequence[Card]]] = [
            ("shapes", self.plan.shapes),
            ("short", self.plan.short),
            ("code", [self.plan.code]),
        ]
        planned = [_blank(part, card, self.tools.lang) for part, cards in parts for card in cards]
        self.sheet = replace(self.sheet, entries=tuple(planned))
        self.screen.begin(self.sheet.limit / 60, len(planned))
        ending = "finished"
        self.desk.check = self._checked(self.desk.check)
        try:
            for part, cards in parts:
                self._part(part, cards)
            if self.reports:
                self._part("follow-up", follow_ups(self.reports[-1], self.tools.random))
        except TimeUp:
            ending = "time-up"
        except Stopped:
            ending = "stopped"
        except EOFError:
            ending = "end-of-input"
        except KeyboardInterrupt:
            ending = "interrupted"
        self._keep(ending)
        self.screen.show_sheet(self.sheet)
        return self.sheet

    def _checked(self, check: Callable[[Path, str], Report]) -> Callable[[Path, str], Report]:
        def checked(path: Path, problem: str) -> Report:
            report = check(path, problem)
            if report.verdict != "error":
                self.reports.append(report)
            return report

        return checked

    def _part(self, part: Part, cards: Sequence[Card]) -> None:
        if not cards:
            return
        self.screen.begin_part(part, len(cards))
        if part == "follow-up":
            more = tuple(_blank(part, card, self.tools.lang) for card in cards)
            self.sheet = replace(self.sheet, entries=self.sheet.entries + more)
        first = next(at for at, entry in enumerate(self.sheet.entries) if entry.part == part)
        for at, card in enumerate(cards):
            self.desk.begin(first + at)
            self.desk.screen.show_card(card, at + 1, len(cards))
            self.tools.witness.last = None
            began = self.desk.clock()
            try:
                ASKERS[card.kind](card, self.desk)
            except Skipped:
                self.desk.screen.say("quiz.skipped")
            finally:
                self._note(first + at, began)

    def _note(self, at: int, began: float) -> None:
        """Write the last answer into the sheet, and keep the sheet."""
        last = self.tools.witness.last
        entry = self.sheet.entries[at]
        seconds = max(self.desk.clock() - began, 0.0)
        if last is not None:
            entry = replace(entry, score=last.score, answer=last.answer, seconds=seconds)
        entries = (*self.sheet.entries[:at], entry, *self.sheet.entries[at + 1 :])
        verdict = self.reports[-1].verdict if self.reports else ""
        self.sheet = replace(self.sheet, entries=entries, verdict=verdict)
        self._keep("interrupted")

    def _keep(self, ending: str) -> None:
        used = max(self.desk.clock() - self.sheet.at, 0.0)
        self.sheet = replace(self.sheet, ending=ending, used=min(used, self.sheet.limit))
        self.tools.keep(self.sheet)


def _blank(part: Part, card: Card, lang: Lang) -> Entry:
    """Return the entry of a question before it is answered."""
    right = answer_of(card.question, lang) if card.question else ""
    return Entry(part, card.title.say(lang), card.drilled, None, "", right, 0.0)


def blank_in_folder(write: Callable[[Problem, Path], object]) -> Callable[[Problem, Path], object]:
    """Return a way to write the blank skeleton that makes the interview's folder first."""

    def written(problem: Problem, path: Path) -> object:
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise DrillError("mock.no-folder", path=path.parent, reason=error.strerror or error) from None
        return write(problem, path)

    return written
