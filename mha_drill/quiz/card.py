"""One thing to ask: a written question, a generated one or a code problem; dealt by `quiz.deck`.

A question is read or made only when somebody looks at it: with a hundred of them in the bank, the first must not
wait for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Final

from mha_drill.quiz.hints import standing_hints
from mha_drill.quiz.order import shuffled
from mha_drill.records import Problem, Question, Text

if TYPE_CHECKING:
    from mha_drill.catalog import Outline
    from mha_drill.quiz.generators.base import Generator


SUBJECTS: Final = (
    "gqa-mqa", "kv-cache", "rope", "causal-mask", "online-softmax", "cross-attention", "padding-mask",
    "why-sqrt-d", "complexity",
)  # fmt: skip
"""What interviewers ask most, as `--topic` takes it beside the steps and the topics of `explain`."""
LATER = 1_000
"""The place of everything that has none of its own."""


@dataclass(frozen=True)
class Card:
    """`item` is what attempts at it are kept under. `seed` decides sizes and shuffles, `mixed` whether options move.

    order: its place among what is learned first. read: reads the question; draw: makes one. A code problem has
    neither.
    """

    item: str
    kind: str
    steps: tuple[str, ...]
    difficulty: int = 1
    topic: str = ""
    covers: tuple[str, ...] = ()
    order: int = LATER
    problem: Problem | None = None
    read: Callable[[], Question] | None = field(default=None, repr=False, compare=False)
    draw: Callable[[Random], Question] | None = field(default=None, repr=False, compare=False)
    seed: str = ""
    mixed: bool = False

    @cached_property
    def question(self) -> Question | None:
        """The question as it is asked, with its sizes drawn and its pieces shuffled; None for a code problem."""
        random = Random(f"{self.item}:{self.seed}")
        if self.draw:
            return shuffled(self.draw(random), random, options=False)
        return shuffled(self.read(), random, options=self.mixed) if self.read else None

    def about(self, topic: str) -> bool:
        """Tell whether it is about a step, a topic of `explain`, or a subject that interviewers ask about."""
        return topic in (*self.steps, self.topic, *self.covers)

    @property
    def drilled(self) -> tuple[str, ...]:
        """The steps that the question as it is asked is about: of a generated one fewer than it may be about."""
        return self.question.steps if self.question else self.steps

    @property
    def title(self) -> Text:
        """What it is called."""
        named = self.question or self.problem
        if named is None:
            raise ValueError(f"the card {self.item} asks nothing")
        return named.title

    @property
    def hints(self) -> tuple[Text, ...]:
        """The hints, those that can be said of any question where none is written."""
        if self.question:
            return self.question.hints or standing_hints(self.question)
        return self.problem.hints if self.problem else ()

    def dealt(self, seed: str, *, mixed: bool) -> Card:
        """Return the card as it is asked in one session."""
        return replace(self, seed=seed, mixed=mixed)

    def again(self) -> Card:
        """Return the card for another try: with other sizes, with its options in other places."""
        return self.dealt(f"{self.seed}+", mixed=True)


def of_problem(problem: Problem) -> Card:
    """Return the card of a code problem."""
    return Card(problem.id, "code", problem.steps, problem.difficulty, order=problem.order, problem=problem)


def of_question(question: Question | Outline, order: int = LATER) -> Card:
    """Return the card of a written question, read or not yet."""
    return Card(
        question.id,
        question.kind,
        question.steps,
        question.difficulty,
        question.topic,
        () if isinstance(question, Question) else tuple(each for each in question.covers if each in SUBJECTS),
        order,
        read=(lambda: question) if isinstance(question, Question) else question.read,
    )


def of_generator(generator: Generator) -> Card:
    """Return the card of a kind of question that is made when it is asked."""
    steps, topic = generator.steps, generator.topic
    return Card(
        generator.id,
        generator.kind,
        steps,
        generator.difficulty,
        topic,
        generator.covers,
        draw=generator.question,
    )
