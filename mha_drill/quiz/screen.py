"""What a session needs of the outside: a screen to ask on, and the results it comes back with.

`ui.quiz.QuizScreen` is the terminal's; a test hands in its own. Nothing in `quiz/` prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from mha_drill.errors import DrillError
from mha_drill.quiz.card import Card
from mha_drill.records import Question, Report, Text

if TYPE_CHECKING:
    from mha_drill.quiz.marking import Marking

Ending = Literal["finished", "stopped", "end-of-input", "interrupted"]
PASS_MARK = 0.999


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one card in this session; scores are between 0 and 1.

    score: of the first try, or of the last check of a file. again: of the second try, None where there was none.
    """

    card: Card
    score: float
    hints: int
    again: float | None = None

    @property
    def right(self) -> bool:
        """Tell whether the whole mark was given."""
        return self.score >= PASS_MARK


@dataclass(frozen=True, slots=True)
class Summary:
    """How a session went. `results` has one entry a card answered; `skipped` are the cards passed over."""

    results: tuple[Result, ...]
    skipped: tuple[Card, ...]
    total: int
    ending: Ending
    recorded: bool


class Screen(Protocol):
    """Where a session asks. `read` gives one line, and raises EOFError at the end of input."""

    def read(self, prompt: str = "> ") -> str:
        """Return the next line typed, without its end."""

    def more(self) -> bool:
        """Tell whether further lines came along with the last one, as in a paste."""

    def drop(self) -> bool:
        """Throw them away; tell whether there were any."""

    def say(self, key: str, **values: object) -> None:
        """Say one sentence of `words/`."""

    def trouble(self, error: DrillError) -> None:
        """Say what stands in the way."""

    def show_card(self, card: Card, place: int, total: int, *, again: bool = False) -> None:
        """Show a question or a problem, where the session stands, and the keys it takes."""

    def show_file(self, card: Card, path: Path, fresh: bool) -> None:
        """Say where the learner's file is, and whether it was just written."""

    def show_hint(self, hint: Text, level: int, levels: int) -> None:
        """Show one hint."""

    def show_answer(self, question: Question, given: str, score: float) -> None:
        """Show whether a letter, a number, an order or a line was right, and why."""

    def show_marking(self, question: Question, marking: Marking) -> None:
        """Show the points said and the points missed beside the model answer."""

    def show_mark(self, question: Question, score: float) -> None:
        """Show the mark that stands, and the why."""

    def show_report(self, report: Report) -> None:
        """Show what `check` found."""

    def edit(self, lines: Sequence[str], question: Question) -> list[str] | None:
        """Let the learner write in their own editor; None when that could not be done."""

    def show_again(self, count: int) -> None:
        """Say that so many questions are asked once more."""

    def show_summary(self, summary: Summary) -> None:
        """Show how the session went."""
