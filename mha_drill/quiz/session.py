"""A session: asks each card of a deck, then the wrong ones again, and always comes back with a summary.

Every answer is kept at once. Called by `commands.asking`; the screen, the clock, the store and the way to check
a file come in as arguments. How each kind is asked stands in `quiz.asking`; what they share (keys, hints,
keeping) is the `Desk` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from mha_drill.quiz.card import Card
from mha_drill.quiz.screen import Ending, Result, Screen, Summary
from mha_drill.records import Attempt, Problem, Report

AGAIN_BELOW: Final = 0.5
"""Asked again in the same session: not a short answer that lacks one point of four."""
HINT_KEY, SKIP_KEY, STOP_KEY, EDIT_KEY = "?", "s", "q", "e"


class Skipped(Exception):
    """The learner passes this one over."""


class Stopped(Exception):
    """The learner has had enough."""


class Record(Protocol):
    """What a session needs of the store."""

    @property
    def recording(self) -> bool:
        """Tell whether what is kept will still be there tomorrow."""

    def record(self, attempt: Attempt) -> int:
        """Keep an attempt; return its number."""

    def revise(self, number: int, score: float) -> None:
        """Give an attempt another score."""

    def raise_hint_level(self, problem: str) -> int:
        """Count one hint more as read."""


class Desk:
    """What asking any card needs, for as long as one session lasts."""

    def __init__(
        self,
        screen: Screen,
        clock: Callable[[], float],
        store: Record,
        folder: Path,
        write_blank: Callable[[Problem, Path], object],
        check: Callable[[Path, str], Report],
    ) -> None:
        self.screen = screen
        self.clock = clock
        self.store = store
        self.folder = folder
        self.write_blank = write_blank
        self.check = check
        self.results: dict[int, Result] = {}
        self.place = 0
        self.again = False
        self.hints_read = 0
        self._began = clock()

    def begin(self, place: int, *, again: bool = False) -> None:
        """Start the time of the card at that place of the deck."""
        self.place = place
        self.again = again
        self.hints_read = 0
        self._began = self.clock()

    def line(self, card: Card, prompt: str = "> ", *, editing: bool = False, begun: bool = False) -> str:
        """Return the next line that is not the key for a hint.

        Raises Skipped or Stopped for their keys, unless an answer has been begun: then they are its text.
        The key for the editor is given back to the caller as it is.
        """
        while True:
            typed = self.screen.read(prompt)
            key = typed.strip().casefold().replace("？", HINT_KEY)
            if not editing and self.screen.drop():
                self.screen.say("quiz.pasted")
            if key == HINT_KEY:
                self.hint(card)
            elif key == SKIP_KEY and not begun:
                raise Skipped
            elif key == STOP_KEY and not begun:
                raise Stopped
            elif key == EDIT_KEY and editing:
                return EDIT_KEY
            else:
                return typed

    def hint(self, card: Card) -> None:
        """Show the next hint; the last again when there is no other."""
        if not card.hints:
            self.screen.say("quiz.no-hint")
            return
        self.hints_read = min(self.hints_read + 1, len(card.hints))
        level = self.hints_read
        if card.kind == "code":
            level = min(self.store.raise_hint_level(card.item), len(card.hints))
        self.screen.show_hint(card.hints[level - 1], level, len(card.hints))

    def keep(self, card: Card, score: float, answer: str) -> int:
        """Record an answer at once; return the number it was kept under."""
        self._note(card, score)
        now = self.clock()
        return self.store.record(
            Attempt(
                item=card.item,
                kind=card.kind,
                steps=card.drilled,
                at=now,
                score=score,
                answer=answer,
                seconds=max(now - self._began, 0.0),
                hints=self.hints_read,
            )
        )

    def keep_attempt(self, card: Card, attempt: Attempt) -> None:
        """Record what `check` found."""
        self._note(card, attempt.score)
        self.store.record(attempt)

    def revise(self, card: Card, number: int, score: float) -> None:
        """Give the answer just kept the mark the learner says."""
        self._note(card, score)
        self.store.revise(number, score)

    def _note(self, card: Card, score: float) -> None:
        if self.again and self.place in self.results:
            self.results[self.place] = replace(self.results[self.place], again=score)
        else:
            self.results[self.place] = Result(card, score, self.hints_read)


Asker = Callable[[Card, Desk], None]


def ask_all(deck: Sequence[Card], desk: Desk, askers: Mapping[str, Asker]) -> Summary:
    """Ask every card until the end, the stop key, the end of input or Ctrl-C; show and return the summary."""
    skipped: dict[int, Card] = {}
    ending: Ending = "finished"
    try:
        _ask(list(enumerate(deck)), desk, askers, skipped)
        wrong = [(place, result.card.again()) for place, result in desk.results.items() if _missed(result)]
        if wrong:
            desk.screen.show_again(len(wrong))
            _ask(wrong, desk, askers, {}, again=True)
    except Stopped:
        ending = "stopped"
    except EOFError:
        ending = "end-of-input"
    except KeyboardInterrupt:
        ending = "interrupted"
    passed_over = tuple(card for place, card in skipped.items() if place not in desk.results)
    results = tuple(desk.results[place] for place in sorted(desk.results))
    summary = Summary(results, passed_over, len(deck), ending, desk.store.recording)
    desk.screen.show_summary(summary)
    return summary


def _ask(
    cards: Sequence[tuple[int, Card]],
    desk: Desk,
    askers: Mapping[str, Asker],
    skipped: dict[int, Card],
    *,
    again: bool = False,
) -> None:
    for number, (place, card) in enumerate(cards, start=1):
        desk.begin(place, again=again)
        desk.screen.show_card(card, number, len(cards), again=again)
        try:
            askers[card.kind](card, desk)
        except Skipped:
            desk.screen.say("quiz.skipped")
            skipped[place] = card


def _missed(result: Result) -> bool:
    return result.score < AGAIN_BELOW and result.card.kind != "code"
