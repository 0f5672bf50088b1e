"""The quiz on a terminal: questions, keys, marks and the summing up. Made by `commands.asking` for a session."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text as Line

from mha_drill.errors import DrillError
from mha_drill.quiz.deck import Card
from mha_drill.quiz.screen import Summary
from mha_drill.records import Lang, Question, Report, Text
from mha_drill.ui.console import print_command, print_prose
from mha_drill.ui.markdown import inline, print_markdown
from mha_drill.ui.reading import Lines
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
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

    def say(self, key: str, **values: object) -> None:
        """Say one sentence."""
        print_prose(self.console, word(key, self.lang, **values))

    def trouble(self, error: DrillError) -> None:
        """Say what stands in the way."""
        print_prose(self.console, error.say(self.lang), style="mistake")

    def show_card(self, card: Card, place: int, total: int) -> None:
        """Show where the session stands, the question, its options and the keys."""
        if place > 1:
            self.console.print()
        steps = self._comma().join(word(f"quiz.step-{step}", self.lang) for step in card.steps)
        title = card.title.say(self.lang)
        print_prose(self.console, Line.assemble((f"({place}/{total}) ", "muted"), (title, "title")))
        kind = word(f"quiz.kind-{card.kind}", self.lang)
        print_prose(self.console, Line.assemble((kind, "muted"), (" · " + steps if steps else "", "step")))
        self.console.print()
        if card.question:
            print_markdown(self.console, card.question.prompt.say(self.lang))
            self._options(card.question)
        elif card.problem:
            print_markdown(self.console, card.problem.statement.say(self.lang))
        if card.kind == "short":
            self.console.print()
            self.say("quiz.write-lines")
        if card.kind != "code":
            self._keys(card)

    def show_file(self, card: Card, path: Path, fresh: bool) -> None:
        """Say where the learner's file is, and the keys."""
        self.console.print()
        self.say("quiz.skeleton-written" if fresh else "quiz.skeleton-there", path=_near(path))
        self._keys(card)

    def show_hint(self, hint: Text, level: int, levels: int) -> None:
        """Show one hint."""
        print_prose(self.console, word("quiz.hint", self.lang, level=level, levels=levels), style="key")
        print_markdown(self.console, hint.say(self.lang), indent=2)

    def show_choice(self, question: Question, letter: str) -> None:
        """Show whether the letter was right, and why."""
        answer = question.answer.upper()
        if letter == answer:
            sentence = Line(f"{PASS_SIGN} " + word("quiz.right", self.lang, letter=letter), style="pass")
        else:
            wrong = word("quiz.wrong", self.lang, letter=letter, answer=answer)
            sentence = Line(f"{MISTAKE_SIGN} {wrong}", style="mistake")
        print_prose(self.console, sentence, hanging=2)
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

    def show_summary(self, summary: Summary) -> None:
        """Show how the session went, and what to look at again."""
        self.console.print()
        results = summary.results
        right = sum(result.right for result in results)
        wrong = sum(result.score <= 0 for result in results)
        if not results:
            self.say("quiz.summary-none")
        else:
            self.say(
                "quiz.summary",
                answered=len(results),
                total=summary.total,
                right=right,
                partly=len(results) - right - wrong,
                wrong=wrong,
            )
        if summary.skipped:
            self.say("quiz.summary-skipped", names=self._titles(summary.skipped))
        again = [result.card for result in results if not result.right]
        if again:
            self.say("quiz.summary-again", names=self._titles(again))
        topics = dict.fromkeys(card.question.topic for card in again if card.question and card.question.topic)
        for topic in topics:
            print_command(self.console, word("quiz.summary-read", self.lang), f"mha-drill explain {topic}")
        if results:
            self.say("quiz.saved" if summary.recorded else "quiz.not-saved")

    def _comma(self) -> str:
        return word("quiz.comma", self.lang)

    def _titles(self, cards: Sequence[Card]) -> str:
        return self._comma().join(card.title.say(self.lang) for card in cards)

    def _why(self, question: Question) -> None:
        self.console.print()
        print_prose(self.console, word("quiz.why", self.lang), style="title")
        print_markdown(self.console, question.why.say(self.lang), indent=2)

    def _options(self, question: Question) -> None:
        if not question.options:
            return
        self.console.print()
        for number, option in enumerate(question.options):
            letter = (f"{chr(ord('A') + number)}  ", "key")
            line = Line.assemble(letter, inline(option.say(self.lang)))
            print_prose(self.console, line, indent=2, hanging=3)

    def _keys(self, card: Card) -> None:
        """Show every key the card takes, and what it does."""
        said: list[tuple[str, str]] = []
        enter = word("quiz.key-enter", self.lang)
        if card.question and card.question.options:
            said.append((f"A-{chr(ord('A') + len(card.question.options) - 1)}", "key-letters"))
        if card.kind == "short":
            said += [(enter, "key-end-answer"), ("e", "key-editor")]
        if card.kind == "code":
            said.append((enter, "key-check"))
        said += [("?", "key-hint"), ("s", "key-skip"), ("q", "key-stop")]
        self.console.print()
        line = Line()
        for key, meaning in said:
            line.append("   " if line else "")
            line.append(key, style="key")
            line.append(f" {word(f'quiz.{meaning}', self.lang)}".replace(" ", "\u00a0"), style="muted")
        print_prose(self.console, line)


def _near(path: Path) -> str:
    """Return a path as it is typed from here."""
    return path.name if path.parent == Path.cwd() else str(path)
