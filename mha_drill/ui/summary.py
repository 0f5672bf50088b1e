"""The end of a session on the screen: how it went, step by step, and what to read next. Called by `ui.quiz`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as Line

from mha_drill.quiz.card import Card
from mha_drill.quiz.screen import Result, Summary
from mha_drill.records import STEPS, Lang
from mha_drill.ui.console import print_command, print_prose
from mha_drill.words import word

BAR: Final = 10
MOST_TITLES: Final = 8
MOST_TOPICS: Final = 4
TOPIC_OF_STEP: Final = {"project": "linear"}
"""The topics that explain a step are called like it, but for this one."""


def print_summary(console: Console, summary: Summary, lang: Lang) -> None:
    """Print how many were right, the score of each step, and what to look at again."""
    console.print()
    results = summary.results
    if not results:
        print_prose(console, word("quiz.summary-none", lang))
    else:
        _print_counts(console, summary, lang)
        console.print()
        _print_steps(console, results, lang)
        console.print()
    if summary.skipped:
        print_prose(console, word("quiz.summary-skipped", lang, names=_titles(summary.skipped, lang)))
    again = [result.card for result in results if not result.right]
    if again:
        print_prose(console, word("quiz.summary-again", lang, names=_titles(again, lang)))
    for topic in _topics(results):
        print_command(console, word("quiz.summary-read", lang), f"mha-drill explain {topic}")
    if results:
        print_prose(console, word("quiz.saved" if summary.recorded else "quiz.not-saved", lang))


def _print_counts(console: Console, summary: Summary, lang: Lang) -> None:
    results = summary.results
    right = sum(result.right for result in results)
    wrong = sum(result.score <= 0 for result in results)
    counts = {"answered": len(results), "total": summary.total, "right": right, "wrong": wrong}
    print_prose(console, word("quiz.summary", lang, partly=len(results) - right - wrong, **counts))
    asked = [result for result in results if result.again is not None]
    if asked:
        better = sum((result.again or 0.0) > result.score for result in asked)
        print_prose(console, word("quiz.summary-second", lang, count=len(asked), better=better))


def _print_steps(console: Console, results: Sequence[Result], lang: Lang) -> None:
    """Print a row for each step that was asked about: its name, a bar, the points of the first try."""
    scored = {step: [result.score for result in results if step in result.card.drilled] for step in STEPS}
    rows = [(word(f"quiz.step-{step}", lang), scores) for step, scores in scored.items() if scores]
    widest = max((cell_len(name) for name, _ in rows), default=0)
    if rows:
        print_prose(console, word("quiz.by-step", lang), style="title")
    for name, scores in rows:
        share = sum(scores) / len(scores)
        full = round(share * BAR)
        style = "pass" if share >= 1.0 else "partly" if share > 0.0 else "mistake"
        line = Line("  ")
        line.append(name, style="step")
        line.append(" " * (widest - cell_len(name) + 2))
        line.append("█" * full, style=style)
        line.append("░" * (BAR - full), style="muted")
        line.append(f"  {_points(sum(scores))}/{len(scores)}")
        console.print(line, soft_wrap=True)


def _topics(results: Sequence[Result]) -> list[str]:
    """Return what explains the steps and the questions that went wrong, the worst first."""
    missed: dict[str, float] = {}
    for result in results:
        if result.right:
            continue
        steps = [TOPIC_OF_STEP.get(step, step) for step in result.card.drilled]
        for topic in [result.card.topic] if result.card.topic else steps:
            missed[topic] = missed.get(topic, 0.0) + 1.0 - result.score
    return sorted(missed, key=lambda topic: -missed[topic])[:MOST_TOPICS]


def _titles(cards: Sequence[Card], lang: Lang) -> str:
    titles = list(dict.fromkeys(card.title.say(lang) for card in cards))
    more = word("quiz.and-more", lang, count=len(titles) - MOST_TITLES) if len(titles) > MOST_TITLES else ""
    return word("quiz.between-titles", lang).join(titles[:MOST_TITLES]) + more


def _points(points: float) -> str:
    return f"{points:.1f}".removesuffix(".0")
