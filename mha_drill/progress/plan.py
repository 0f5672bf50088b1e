"""What is to be asked today: what is due, then new cards at a steady pace. Called by `reviewing`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from mha_drill.progress.schedule import Schedule

NEW_A_DAY: Final = 8


class Askable(Protocol):
    """What a plan needs to know of a card."""

    @property
    def item(self) -> str:
        """What its attempts are kept under."""

    @property
    def kind(self) -> str:
        """Its kind of question."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps it drills."""


C = TypeVar("C", bound=Askable)
C_co = TypeVar("C_co", bound=Askable, covariant=True)


@dataclass(frozen=True, slots=True)
class Plan(Generic[C_co]):
    """Today's cards: `due` again, and `new`. `ahead` holds (day, how many) of the days to come, the next first.

    waiting: how many cards were never asked, today's new ones included.
    """

    due: tuple[C_co, ...]
    new: tuple[C_co, ...]
    ahead: tuple[tuple[int, int], ...]
    waiting: int

    @property
    def cards(self) -> tuple[C_co, ...]:
        """All of today's, in the order to ask them: what is written into a file comes last."""
        return tuple(sorted((*self.due, *self.new), key=_is_code))

    def due_within(self, today: int, days: int) -> int:
        """Return how many are due from today on, within so many days."""
        return len(self.due) + sum(count for day, count in self.ahead if day < today + days)


def plan(stock: Sequence[C], made: Schedule, today: int) -> Plan[C]:
    """Return what to ask of `stock`, which is in the order to learn it."""
    asked = [(made.standings[card.item], card) for card in stock if card.item in made.standings]
    due = sorted((pair for pair in asked if pair[0].day <= today), key=lambda pair: pair[0].day)
    ahead: dict[int, int] = {}
    for standing, _ in asked:
        if standing.day > today:
            ahead[standing.day] = ahead.get(standing.day, 0) + 1
    unseen = [card for card in stock if card.item not in made.standings]
    begun = sum(standing.first == today for standing in made.standings.values())
    room = max(_pace(len(unseen) + begun, made.interview, today) - begun, 0)
    pressing = {step for steps in made.failed.values() for step in steps}
    unseen.sort(key=lambda card: not _presses(card, pressing))
    return Plan(
        tuple(card for _, card in due), tuple(unseen[:room]), tuple(sorted(ahead.items())), len(unseen)
    )


def _is_code(card: Askable) -> bool:
    return card.kind == "code"


def _presses(card: Askable, steps: Collection[str]) -> bool:
    return card.kind != "code" and not set(steps).isdisjoint(card.steps)


def _pace(unseen: int, interview: int | None, today: int) -> int:
    """Return how many new ones a day: more where all of them would not fit before the interview's eve."""
    if interview is None or interview <= today:
        return NEW_A_DAY
    days = max(interview - 1 - today, 1)
    return max(NEW_A_DAY, -(-unseen // days))
