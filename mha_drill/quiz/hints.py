"""Hints for a question that has none written for it; called for a card that is looked at."""

from __future__ import annotations

from mha_drill.quiz.choice import letters
from mha_drill.records import Lang, Question, Text
from mha_drill.words import word

SPREAD = 4
NOR = {"quiz.hint-not-line": "quiz.nor-line"}


def standing_hints(question: Question) -> tuple[Text, ...]:
    """Return what can be said of any question of its kind without giving the answer away."""
    answer = question.answer.upper()
    if question.kind == "order":
        return tuple(_said("quiz.hint-first", answer[:known]) for known in (1, 2) if known < len(answer))
    if question.kind == "spot":
        wrong = [str(line + 1) for line in range(len(question.code.splitlines())) if str(line + 1) != answer]
        return tuple(_said("quiz.hint-not-line", wrong[:struck]) for struck in range(1, len(wrong)))
    if question.kind == "number":
        return (_size(question),)
    if question.options:
        wrong = [letter for letter in letters(question) if letter != answer]
        return tuple(_said("quiz.hint-not", wrong[:struck]) for struck in range(1, len(wrong)))
    if question.points:
        return (_said("quiz.hint-points", [str(len(question.points))]),)
    return ()


def _size(question: Question) -> Text:
    """Return between which numbers the answer lies, or how many numbers a shape has."""
    from mha_drill.quiz.numbers import expected, is_shape

    numbers = expected(question)
    if is_shape(question):
        return _said("quiz.hint-axes", [str(len(numbers))])
    size = float(abs(numbers[0])) or 1.0
    low, high = (
        f"{bound:,.3g}" if bound < 100 else f"{bound:,.0f}" for bound in (size / SPREAD, size * SPREAD)
    )
    key = "quiz.hint-below-nothing" if numbers[0] < 0 else "quiz.hint-between"
    return Text(*(word(key, lang, low=low, high=high) for lang in ("en", "zh")))


def _said(key: str, names: list[str] | str) -> Text:
    def said(lang: Lang) -> str:
        nor = ", " if key == "quiz.hint-first" else word(NOR.get(key, "quiz.nor"), lang)
        return word(key, lang, names=nor.join(names))

    return Text(said("en"), said("zh"))
