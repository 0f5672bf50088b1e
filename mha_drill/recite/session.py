"""A recitation at the terminal or through a pipe: line after line, answered at once. Called by `commands.returning`.

Every line is recorded when it is written, as one attempt that grows, so that a killed recitation loses only
the line being typed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from mha_drill.recite import blanks
from mha_drill.recite.matching import Recitation, Verdict
from mha_drill.recite.reference import Line, Reference
from mha_drill.recite.statements import Unreadable
from mha_drill.records import STEPS, Attempt

HINT_KEYS: Final = ("?", "？")
SHOW_KEY, STOP_KEY = "s", "q"
HELPED: Final = 0.5
PASS_MARK: Final = 0.9
KIND: Final = "recite"
Ending = Literal["finished", "stopped", "end-of-input", "interrupted"]


class Screen(Protocol):
    """Where a recitation takes place. `read` raises EOFError at the end of input."""

    def read(self) -> str:
        """Return the next line typed."""

    def begin(self, title: str, level: int) -> None:
        """Say what is recited, at which level, and the keys."""

    def show_given(self, line: Line, text: str) -> None:
        """Show a line that is not asked for."""

    def show_blank(self, line: Line, shown: str) -> None:
        """Show what is to be filled in; nothing of it where the whole line is blank."""

    def show_right(self, verdict: Verdict, text: str) -> None:
        """Say that a line is right; text: as the reference has it, with the learner's names."""

    def show_wrong(self, verdict: Verdict) -> None:
        """Say which step a wrong line belongs to, and what is wrong with it."""

    def show_unreadable(self, reason: str) -> None:
        """Say that Python cannot read the line."""

    def show_hint(self, beginning: str, whole: bool) -> None:
        """Show the line up to the next token."""

    def say(self, key: str, **values: object) -> None:
        """Say one sentence."""

    def show_end(self, result: Result) -> None:
        """Sum up."""


class Record(Protocol):
    """What a recitation needs of the store."""

    def record(self, attempt: Attempt) -> int:
        """Keep an attempt; return its number."""

    def change(self, number: int, attempt: Attempt) -> None:
        """Put a later state of an attempt in its place."""


@dataclass
class Result:
    """How it went. marks: for each line asked for 1, a half where help was taken, 0 where it was shown."""

    problem: str
    level: int
    total: int
    ending: Ending = "finished"
    marks: dict[int, float] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The mean mark of the lines asked for so far."""
        return sum(self.marks.values()) / len(self.marks) if self.marks else 0.0

    @property
    def whole(self) -> bool:
        """Whether it came to its end."""
        return self.ending == "finished" and bool(self.marks)

    @property
    def missed(self) -> tuple[str, ...]:
        """The steps of the lines that were not right without help."""
        weak = {self.lines[at].step for at, mark in self.marks.items() if mark < 1}
        return tuple(step for step in STEPS if step in weak)

    @property
    def next_level(self) -> int:
        """The level to go on with: one more when nearly all of it was right."""
        rises = self.whole and self.score >= PASS_MARK
        return min(self.level + rises, blanks.LEVELS)


def item_of(problem: str) -> str:
    """Return what recitations of a problem are kept under."""
    return f"recite-{problem}"


def level_after(attempts: tuple[Attempt, ...]) -> int:
    """Return the level that earlier recitations, the oldest first, lead to."""
    levels = [int(word) for attempt in attempts[-1:] for word in attempt.answer.split() if word.isdecimal()]
    return min(max(levels[-1], 1), blanks.LEVELS) if levels else blanks.TOKENS


def recite(
    problem: str,
    title: str,
    reference: Reference,
    level: int,
    screen: Screen,
    clock: Callable[[], float],
    store: Record,
) -> Result:
    """Ask for every line of the reference that the level blanks, and return how it went."""
    total = sum(blanks.asked(line, level) for line in reference.lines)
    result = Result(problem, level, total)
    recitation = Recitation(reference)
    keeper = _Keeper(result, clock, store)
    screen.begin(title, level)
    try:
        while (line := recitation.next) is not None:
            if blanks.asked(line, level):
                _ask(line, recitation, result, screen)
                keeper.keep()
            else:
                text = blanks.own_names(line, recitation.state)
                recitation.give(line)
                screen.show_given(line, text)
    except _Stopped:
        result.ending = "stopped"
    except EOFError:
        result.ending = "end-of-input"
    except KeyboardInterrupt:
        result.ending = "interrupted"
    if result.marks:
        keeper.keep()
    screen.show_end(result)
    return result


class _Stopped(Exception):
    """The learner has had enough."""


class _Keeper:
    """Keeps the recitation as one attempt, from its first line on."""

    def __init__(self, result: Result, clock: Callable[[], float], store: Record) -> None:
        self.result, self.clock, self.store = result, clock, store
        self.began = clock()
        self.number: int | None = None

    def keep(self) -> None:
        """Keep how it stands."""
        result = self.result
        steps = {result.lines[at].step for at in result.marks}
        attempt = Attempt(
            item=item_of(result.problem),
            kind=KIND,
            steps=tuple(step for step in STEPS if step in steps),
            at=self.began,
            score=result.score,
            answer=f"level {result.level} next {result.next_level if result.whole else result.level}",
            seconds=max(self.clock() - self.began, 0.0),
            missed=result.missed,
        )
        if self.number is None:
            self.number = self.store.record(attempt)
        else:
            self.store.change(self.number, attempt)


def _ask(line: Line, recitation: Recitation, result: Result, screen: Screen) -> None:
    """Ask for one line until it, or another that may stand there, is written or shown."""
    only = line if result.level <= blanks.RIGHT_SIDES else None
    text = blanks.own_names(line, recitation.state)
    shown = blanks.template(line, text, result.level, result.problem)
    screen.show_blank(line, shown)
    helped, revealed, last = False, 0, ""
    while True:
        typed = screen.read()
        key = typed.strip().casefold()
        if key == STOP_KEY:
            raise _Stopped
        if key in HINT_KEYS:
            helped = True
            seen = blanks.shared(text, shown) if blanks.BLANK in shown else 0
            revealed = min(max(revealed, seen, blanks.shared(text, last)) + 1, blanks.length(text))
            screen.show_hint(blanks.beginning(text, revealed), revealed == blanks.length(text))
            continue
        if key == SHOW_KEY:
            recitation.give(line)
            result.marks[line.at], result.lines[line.at] = 0.0, line
            screen.show_given(line, text)
            return
        if not key:
            screen.say("recite.nothing")
            continue
        last = typed
        verdict = _best(recitation, blanks.filled(shown, typed), only, screen)
        if verdict is None or verdict.outcome not in ("right", "part", "text"):
            helped = True
            if verdict is not None:
                screen.show_wrong(verdict)
            continue
        if verdict.outcome != "right":
            screen.say("recite.part" if verdict.outcome == "part" else "recite.text")
            continue
        for written in verdict.written:
            if blanks.asked(written, result.level):
                result.marks[written.at] = HELPED if helped else 1.0
                result.lines[written.at] = written
        reference = blanks.own_names(verdict.written[-1], recitation.state)
        screen.show_right(verdict, reference)
        return


def _best(
    recitation: Recitation, meant: tuple[str, ...], only: Line | None, screen: Screen
) -> Verdict | None:
    """Return the verdict on the first reading that is right, else on the first that can be read at all."""
    verdicts: list[Verdict] = []
    reason = ""
    for line in meant:
        try:
            verdict = recitation.offer(line, only)
        except Unreadable as unreadable:
            reason = reason or unreadable.reason
            continue
        if verdict.outcome == "right":
            return verdict
        verdicts.append(verdict)
    if not verdicts:
        screen.show_unreadable(reason)
        return None
    return verdicts[0]
