"""What a session asks, and in which order; `commands.asking` deals a deck and hands it to the session.

Without a seed: what was never asked or not yet right first, then what was asked longest ago. With a seed:
shuffled by it, whatever has been answered before, so that a session can be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from mha_drill.errors import UsageError
from mha_drill.quiz.hints import standing_hints
from mha_drill.records import QUESTION_KINDS, STEPS, Attempt, Problem, Question, Text

USUAL_COUNT = 10


@dataclass(frozen=True, slots=True)
class Card:
    """One thing to ask: a question, or a code problem. `item` is what attempts at it are kept under."""

    item: str
    kind: str
    steps: tuple[str, ...]
    title: Text
    hints: tuple[Text, ...]
    question: Question | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the learner wants to be asked; an empty kind or topic is any."""

    kind: str = ""
    topic: str = ""
    count: int = USUAL_COUNT
    seed: int | None = None


def cards(problems: Sequence[Problem], questions: Sequence[Question]) -> tuple[Card, ...]:
    """Return a card for each question and code problem, in the order to learn them."""
    asked = {question.id: question for question in questions}
    dealt: list[Card] = []
    for problem in problems:
        if problem.kind == "code":
            dealt.append(
                Card(problem.id, "code", problem.steps, problem.title, problem.hints, problem=problem)
            )
        elif question := asked.pop(problem.id, None):
            dealt.append(_card(question, problem.hints))
    dealt.extend(_card(question, ()) for question in asked.values())
    return tuple(dealt)


def _card(question: Question, hints: tuple[Text, ...]) -> Card:
    hints = question.hints or hints or standing_hints(question)
    return Card(question.id, question.kind, question.steps, question.title, hints, question=question)


def deal(
    stock: Sequence[Card], wish: Wish, latest: Mapping[str, Attempt], askable: Collection[str]
) -> tuple[Card, ...]:
    """Return what to ask now.

    latest: the last attempt at each item. askable: the kinds the session knows how to ask.
    Raises UsageError for a kind, step or count that is none, and where nothing fits, saying what there is.
    """
    _known(wish.kind, QUESTION_KINDS, "quiz.unknown-kind")
    _known(wish.topic, STEPS, "quiz.unknown-topic")
    if wish.count < 1:
        raise UsageError("quiz.bad-count", count=wish.count)
    stock = [card for card in stock if card.kind in askable]
    fitting = [card for card in stock if wish.kind in ("", card.kind)]
    if not fitting:
        raise UsageError("quiz.none-of-kind", kind=wish.kind, kinds=_present([card.kind for card in stock]))
    filed = [card for card in fitting if not wish.topic or wish.topic in card.steps]
    if not filed:
        steps = [step for step in STEPS if any(step in card.steps for card in fitting)]
        raise UsageError("quiz.none-of-topic", topic=wish.topic, topics=_present(steps))
    return tuple(_ordered(filed, wish, latest)[: wish.count])


def _ordered(stock: list[Card], wish: Wish, latest: Mapping[str, Attempt]) -> list[Card]:
    if wish.seed is not None:
        import random

        stock = sorted(stock, key=lambda card: card.item)
        random.Random(wish.seed).shuffle(stock)
        return stock

    def turn(card: Card) -> tuple[bool, float]:
        last = latest.get(card.item)
        return (last is not None and last.score >= 1.0, last.at if last else 0.0)

    return sorted(stock, key=turn)


def fitting(due: Sequence[Card], wish: Wish) -> tuple[Card, ...]:
    """Return what is due of the kind and step wished for, in the order it is due in; `deal` has seen the wish."""
    wanted = [
        card for card in due if wish.kind in ("", card.kind) and (not wish.topic or wish.topic in card.steps)
    ]
    return tuple(wanted[: wish.count])


def _known(asked: str, known: Sequence[str], key: str) -> None:
    if not asked or asked in known:
        return
    close = get_close_matches(asked.casefold(), known, n=2)
    names = {"name": asked, "known": _present(known)}
    if close:
        raise UsageError(f"{key}-close", close=_present(close), **names)
    raise UsageError(key, **names)


def _present(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "-"
