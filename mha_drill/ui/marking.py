"""A marked short answer on the screen: what was said, and what was missed beside the model answer."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text as Line

from mha_drill.quiz.marking import Marking, PointMark
from mha_drill.records import Lang, Question
from mha_drill.ui.columns import Column, print_beside
from mha_drill.ui.console import Paper, fit, print_prose
from mha_drill.ui.markdown import inline, print_markdown
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word

BESIDE_FROM = 72
WIDEST = 120
GAP = 3
LONGEST_QUOTE = 60


def print_marking(console: Console, question: Question, marking: Marking, lang: Lang) -> None:
    """Print the points found with the words they were found in, the others beside the model answer."""
    said = [mark for mark in marking.points if mark.finding == "said"]
    missed = [mark for mark in marking.points if mark.finding != "said"]
    console.print()
    print_prose(console, word("quiz.points-said", lang), style="title")
    for mark in said:
        _print_said(console, mark, marking.answer, lang)
    if not said:
        print_prose(console, word("quiz.no-points-said", lang), indent=2, style="muted")
    if marking.keywords:
        print_prose(console, word("quiz.keywords", lang), style="partly")
    console.print()
    if console.width < BESIDE_FROM or not missed:
        _print_missed(console, missed, lang)
        console.print()
        _print_model(console, question, lang)
    else:
        width = min(console.width, WIDEST)
        left = Column(width * 2 // 5)
        right = Column(width - left.width - GAP)
        _print_missed(left, missed, lang)
        _print_model(right, question, lang)
        print_beside(console, left, right, GAP)
    console.print()


def _print_said(console: Console, mark: PointMark, answer: str, lang: Lang) -> None:
    line = Line.assemble((f"{PASS_SIGN} ", "pass"), inline(mark.point.say.say(lang)))
    print_prose(console, line, indent=2, hanging=2)
    quote = " ".join(answer[mark.start : mark.end].replace("`", "").split())
    found = Line(word("quiz.found", lang, quote=fit(quote, LONGEST_QUOTE)), style="muted")
    found.highlight_words([fit(quote, LONGEST_QUOTE)], style="said")
    print_prose(console, found, indent=4)


def _print_missed(paper: Paper, missed: list[PointMark], lang: Lang) -> None:
    print_prose(paper, word("quiz.points-missed", lang), style="title")
    for mark in missed:
        line = Line.assemble((f"{MISTAKE_SIGN} ", "mistake"), inline(mark.point.say.say(lang)))
        print_prose(paper, line, indent=2, hanging=2)
        if mark.finding == "named":
            print_prose(paper, word("quiz.named-only", lang), style="partly", indent=4)
        elif mark.finding == "denied":
            print_prose(paper, word("quiz.denied", lang), style="partly", indent=4)
    if not missed:
        print_prose(paper, word("quiz.no-points-missed", lang), indent=2, style="muted")


def _print_model(paper: Paper, question: Question, lang: Lang) -> None:
    print_prose(paper, word("quiz.model", lang), style="title")
    if question.model:
        print_markdown(paper, question.model.say(lang))
