"""What a session asks, and in which order; `commands.asking` deals a deck and hands it to the session.

Without a seed: what was never asked or not yet right first, the easy before the hard; then what was asked longest
ago; sizes, and the order of what is alike, are new each time. With a seed: shuffled by it, whatever has been
answered before, so that a session can be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from random import Random
from typing import TYPE_CHECKING, Final

from mha_drill.errors import UsageError
from mha_drill.quiz.card import LATER, SUBJECTS, Card, of_generator, of_problem, of_question
from mha_drill.records import QUESTION_KINDS, STEPS, Attempt, Problem, Question

if TYPE_CHECKING:
    from mha_drill.catalog import Outline
    from mha_drill.quiz.generators.base import Generator

USUAL_COUNT: Final = 10
MOST: Final = 1000
CODE_EVERY: Final = 10
"""One code problem, at the end, in this many questions: it takes as long as all the others."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the learner wants to be asked; an empty kind or topic is any."""

    kind: str = ""
    topic: str = ""
    count: int = USUAL_COUNT
    seed: int | None = None


def cards(
    problems: Sequence[Problem],
    questions: Sequence[Question | Outline],
    generators: Sequence[Generator] = (),
) -> tuple[Card, ...]:
    """Return a card for each question, code problem and generator, in the order to learn them."""
    order = {problem.id: problem.order for problem in problems}
    asked = [of_question(question, order.get(question.id, LATER)) for question in questions]
    coded = [of_problem(problem) for problem in problems if problem.kind == "code"]
    made = [of_generator(generator) for generator in generators]
    return tuple(sorted([*asked, *coded, *made], key=lambda card: card.order))


def deal(
    stock: Sequence[Card], wish: Wish, latest: Mapping[str, Attempt], askable: Collection[str]
) -> tuple[Card, ...]:
    """Return what to ask now.

    latest: the last attempt at each item. askable: the kinds the session knows how to ask.
    Raises UsageError for a kind, step or count that is none, and where nothing fits, saying what there is.
    """
    _known(wish.kind, QUESTION_KINDS, "quiz.unknown-kind")
    topics = {topic for card in stock for topic in (card.topic, *card.covers)}
    if wish.topic not in topics:
        _known(wish.topic, STEPS, "quiz.unknown-topic", also=topics)
    if not 1 <= wish.count <= MOST:
        raise UsageError("quiz.bad-count", count=wish.count, most=MOST)
    stock = [card for card in stock if card.kind in askable]
    fitting = [card for card in stock if wish.kind in ("", card.kind)]
    if not fitting:
        raise UsageError("quiz.none-of-kind", kind=wish.kind, kinds=_present([card.kind for card in stock]))
    filed = [card for card in fitting if not wish.topic or card.about(wish.topic)]
    if not filed:
        steps = [step for step in STEPS if any(step in card.steps for card in fitting)]
        raise UsageError("quiz.none-of-topic", topic=wish.topic, topics=_present(steps))
    random = Random(wish.seed)
    chosen = _filled(_mixed(_ordered(filed, wish, latest, random), wish), wish.count, random)
    fresh = [wish.seed is None and card.item not in latest for card in chosen]
    seeds = [f"{random.getrandbits(48):x}" for _ in chosen]
    return tuple(
        card.dealt(seed, mixed=not new) for card, seed, new in zip(chosen, seeds, fresh, strict=True)
    )


def _ordered(stock: list[Card], wish: Wish, latest: Mapping[str, Attempt], random: Random) -> list[Card]:
    """Return all there is, in the order in which it is its turn."""
    if wish.seed is not None:
        stock = sorted(stock, key=lambda card: card.item)
        random.shuffle(stock)
        return stock
    by_chance = {card.item: random.random() for card in stock}

    def turn(card: Card) -> tuple[bool, float, int, int, float]:
        last = latest.get(card.item)
        right = last is not None and last.score >= 1.0
        return right, last.at if last else 0.0, card.order, card.difficulty, by_chance[card.item]

    return sorted(stock, key=turn)


def fitting(due: Sequence[Card], wish: Wish) -> tuple[Card, ...]:
    """Return what is due of the kind and step wished for, in the order it is due in; `deal` has seen the wish."""
    kind = [card for card in due if wish.kind in ("", card.kind)]
    wanted = [card for card in kind if not wish.topic or card.about(wish.topic)]
    return with_new_numbers(wanted[: wish.count], Random(wish.seed))


def with_new_numbers(deck: Sequence[Card], random: Random) -> tuple[Card, ...]:
    """Return the cards with sizes drawn and options in places that they did not have last time."""
    return tuple(card.dealt(f"{random.getrandbits(48):x}", mixed=True) for card in deck)


def _mixed(ordered: list[Card], wish: Wish) -> list[Card]:
    """Return at most `count` cards; the code problems, where others are asked too, are few and come last."""
    others = [card for card in ordered if card.kind != "code"]
    if not others:
        return ordered[: wish.count]
    code = [card for card in ordered if card.kind == "code"]
    share = -(-wish.count // CODE_EVERY) if wish.count > CODE_EVERY // 2 else 0
    code = code[: max(wish.count - len(others), share)]
    return [*others[: wish.count - len(code)], *code]


def _filled(chosen: list[Card], count: int, random: Random) -> list[Card]:
    """Return `count` cards where there are some that are never the same twice: they are asked once more."""
    endless = [card for card in chosen if card.draw]
    while endless and len(chosen) < count:
        chosen = [*chosen, *random.sample(endless, min(len(endless), count - len(chosen)))]
    return chosen


def _known(asked: str, known: Sequence[str], key: str, also: Collection[str] = ()) -> None:
    if not asked or asked in known:
        return
    close = get_close_matches(asked.casefold(), list(dict.fromkeys([*known, *sorted(also)])), n=2)
    names = {"name": asked, "known": _present(known), "subjects": _present(SUBJECTS)}
    if close:
        raise UsageError(f"{key}-close", close=_present(close), **names)
    raise UsageError(key, **names)


def _present(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "-"
