"""What a mock interview asks: shapes, one short answer, one problem to write. Called by `commands.returning`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from mha_drill.quiz.card import Card

SHAPES: Final = 4
SHAPE_TOPICS: Final = frozenset({"shapes", "view", "reshape", "transpose", "strides", "contiguous", "linear"})
LONG_ENOUGH: Final = 6
"""A problem of an interview exercises at least so many steps."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The cards of one interview."""

    shapes: tuple[Card, ...]
    short: tuple[Card, ...]
    code: Card


def plan(stock: Sequence[Card], random: Random, problem: str = "") -> Plan:
    """Return an interview drawn from `stock`; problem: the one to write, any that is long enough without."""
    shapes = [card for card in stock if card.kind in ("number", "choice") and card.topic in SHAPE_TOPICS]
    numbers = [card for card in shapes if card.kind == "number"]
    first = random.sample(numbers, min(SHAPES - 1, len(numbers)))
    others = [card for card in shapes if card not in first]
    chosen = first + random.sample(others, min(SHAPES - len(first), len(others)))
    short = [card for card in stock if card.kind == "short"]
    code = [card for card in stock if card.kind == "code"]
    wanted = [
        card for card in code if card.item == problem or (not problem and len(card.steps) >= LONG_ENOUGH)
    ]
    return Plan(
        tuple(_dealt(card, random) for card in chosen),
        tuple(_dealt(card, random) for card in random.sample(short, min(1, len(short)))),
        random.choice(wanted or code),
    )


def _dealt(card: Card, random: Random) -> Card:
    return card.dealt(f"{random.getrandbits(48):x}", mixed=True)
