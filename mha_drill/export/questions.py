"""Everything that can be asked, as plain data; what the two formats are made of.

A question that is made when it is asked is given once, with the seed it was drawn with: the same seed gives the
same sizes, so that an export is the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

from mha_drill import __version__
from mha_drill.catalog import Catalog
from mha_drill.quiz.card import Card
from mha_drill.quiz.generators.base import PREFIX
from mha_drill.quiz.hints import standing_hints
from mha_drill.records import LANGS, Lang, Question, Text

SCHEMA: Final = 1
SEED: Final = 1


def questions(stock: Sequence[Card], seed: int = SEED) -> Iterator[tuple[Question, int | None]]:
    """Return every question, those that are made with the seed that makes them."""
    for card in stock:
        if card.draw:
            yield card.draw(Random(f"{card.item}:{seed}")), seed
        elif card.read:
            yield card.read(), None


def as_data(catalog: Catalog, stock: Sequence[Card], seed: int = SEED) -> dict[str, Any]:
    """Return every question and code problem as plain data, in both languages."""
    return {
        "format": "mha-drill questions",
        "schema": SCHEMA,
        "version": __version__,
        "questions": [_question(question, made) for question, made in questions(stock, seed)],
        "problems": [
            {
                "id": problem.id,
                "kind": "code",
                "steps": list(problem.steps),
                "difficulty": problem.difficulty,
                "source": problem.source,
                "title": _both(problem.title),
                "statement": _both(problem.statement),
                "hints": [_both(hint) for hint in problem.hints],
                "skeleton": catalog.skeleton(problem),
                "solutions": [path.read_text(encoding="utf-8") for path in catalog.solutions(problem)],
            }
            for problem in catalog.problems
            if problem.kind == "code"
        ],
    }


def _question(question: Question, seed: int | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": question.id,
        "kind": question.kind,
        "steps": list(question.steps),
        "difficulty": question.difficulty,
        "source": question.source,
        "title": _both(question.title),
        "prompt": _both(question.prompt),
        "options": [_both(option) for option in question.options],
        "answer": {lang: answer_of(question, lang) for lang in LANGS},
        "why": _both(question.why),
        "hints": [_both(hint) for hint in question.hints or standing_hints(question)],
        "topic": question.topic or None,
    }
    if question.kind in ("choice", "number", "spot"):
        data["key"] = question.answer
    if question.points:
        data["points"] = [_both(point.say) for point in question.points]
    if question.unit:
        data["unit"] = _both(question.unit)
    if question.code:
        data |= {"code": question.code, "fix": question.fix}
    if seed is not None:
        data |= {"generator": question.id.removeprefix(PREFIX), "seed": seed}
    return data


def answer_of(question: Question, said: Lang) -> str:
    """Return the answer as it is said: an option's text, a number with its unit, an order, a line mended."""
    if question.kind == "choice":
        at = ord(question.answer.upper()) - ord("A")
        return f"{question.answer.upper()}. {question.options[at].say(said)}"
    if question.kind == "order":
        return "\n".join(f"{at}. {piece.say(said)}" for at, piece in enumerate(question.options, start=1))
    if question.kind == "spot":
        return f"{question.answer}: `{question.fix.strip()}`"
    if question.kind == "short":
        return question.model.say(said) if question.model else ""
    unit = f" {question.unit.say(said)}" if question.unit else ""
    return question.answer + unit


def _both(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}
