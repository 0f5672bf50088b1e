"""The quiz on a terminal: questions, keys, marks and the summing up. Made by `commands.asking` for a session."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from mha_drill.errors import DrillError
from mha_drill.quiz.card import Card
from mha_drill.quiz.screen import Summary
from mha_drill.records import Lang, Question, Report, Text
from mha_drill.ui.console import print_prose
from mha_drill.ui.markdown import print_markdown
from mha_drill.ui.question import print_answer, print_card, print_keys
from mha_drill.ui.reading import Lines
from mha_drill.words import word

if TYPE_CHECKING:
    from mha_drill.quiz.marking import Marking

PROMPT = "> "


class QuizScreen:
    """A session's screen on `console`, in one language, with answers from `lines`."""

    def __init__(self, console: Console, lang: Lang, lines: Lines) -> None:
        self.console = console
        self.lang = lang
        self.lines = lines

    def read(self, prompt: str = PROMPT) -> str:
        """Return the next line typed."""
        return self.lines.read(prompt)

    def more(self) -> bool:
        """Tell whether further lines came along with the last one."""
        return self.lines.more()

    def drop(self) -> bool:
        """Throw them away; tell whether there were any."""
        return self.lines.drop()

    def say(self, key: str, **values: object) -> None:
        """Say one sentence."""
        print_prose(self.console, word(key, self.lang, **values))

    def trouble(self, error: DrillError) -> None:
        """Say what stands in the way."""
        print_prose(self.console, error.say(self.lang), style="mistake")

    def show_card(self, card: Card, place: int, total: int, *, again: bool = False) -> None:
        """Show where the session stands, the question, its pieces and the keys."""
        if place > 1 or again:
            self.console.print()
        where = word("quiz.place-again" if again else "quiz.place", self.lang, place=place, total=total)
        print_card(self.console, card, where, self.lang)
        if card.kind == "short":
            self.console.print()
            self.say("quiz.write-lines")
        if card.kind != "code":
            print_keys(self.console, card, self.lang)

    def show_file(self, card: Card, path: Path, fresh: bool) -> None:
        """Say where the learner's file is, and the keys."""
        self.console.print()
        self.say("quiz.skeleton-written" if fresh else "quiz.skeleton-there", path=_near(path))
        print_keys(self.console, card, self.lang)

    def show_hint(self, hint: Text, level: int, levels: int) -> None:
        """Show one hint."""
        print_prose(self.console, word("quiz.hint", self.lang, level=level, levels=levels), style="key")
        print_markdown(self.console, hint.say(self.lang), indent=2)

    def show_answer(self, question: Question, given: str, score: float) -> None:
        """Show whether what was given is right, and why."""
        print_answer(self.console, question, given, score, self.lang)
        self._why(question)

    def show_marking(self, question: Question, marking: Marking) -> None:
        """Show the points said and the points missed beside the model answer."""
        from mha_drill.ui.marking import print_marking

        print_marking(self.console, question, marking, self.lang)

    def show_mark(self, question: Question, score: float) -> None:
        """Show the mark that stands, and the why."""
        whole = len(question.points)
        self.say("quiz.mark", mark=f"{score * whole:.1f}".removesuffix(".0"), whole=whole)
        self._why(question)

    def show_report(self, report: Report) -> None:
        """Show what `check` found."""
        from mha_drill.ui.check import render_report

        render_report(self.console, report, self.lang)

    def edit(self, lines: Sequence[str], question: Question) -> list[str] | None:
        """Let the learner write in their own editor; None, after a sentence, when that could not be done."""
        from mha_drill.ui.editor import edited

        if not self.lines.terminal:
            self.say("quiz.no-terminal")
            return None
        try:
            return edited(lines, question.prompt.say(self.lang), word("quiz.editor-below", self.lang))
        except DrillError as error:
            self.trouble(error)
            return None

    def show_again(self, count: int) -> None:
        """Say that so many questions are asked once more."""
        self.console.print()
        print_prose(self.console, word("quiz.again", self.lang, count=count), style="title")

    def show_summary(self, summary: Summary) -> None:
        """Show how the session went, and what to look at again."""
        from mha_drill.ui.summary import print_summary

        print_summary(self.console, summary, self.lang)

    def _why(self, question: Question) -> None:
        self.console.print()
        print_prose(self.console, word("quiz.why", self.lang), style="title")
        print_markdown(self.console, question.why.say(self.lang), indent=2)


def _near(path: Path) -> str:
    """Return a path as it is typed from here."""
    return path.name if path.parent == Path.cwd() else str(path)
