"""Hints for a question that has none written for it; called when a deck is made."""

from __future__ import annotations

from mha_drill.quiz.choice import letters
from mha_drill.records import Lang, Question, Text
from mha_drill.words import word


def standing_hints(question: Question) -> tuple[Text, ...]:
    """Return what can be said of any question: options struck out one by one, or what a good answer holds."""
    if question.options:
        wrong = [letter for letter in letters(question) if letter != question.answer.upper()]
        return tuple(_both("quiz.hint-not", wrong[:struck]) for struck in range(1, len(wrong)))
    if question.points:
        return (_both("quiz.hint-points", [str(len(question.points))]),)
    return ()


def _both(key: str, names: list[str]) -> Text:
    def said(lang: Lang) -> str:
        return word(key, lang, names=word("quiz.nor", lang).join(names))

    return Text(said("en"), said("zh"))
