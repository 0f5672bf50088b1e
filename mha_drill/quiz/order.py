"""Pieces in other places: options shuffled, lines to be put in order, and the order that was typed.

Called by `quiz.card` when a question is dealt and by `quiz.asking` for the answer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from random import Random

from mha_drill.quiz.choice import letters
from mha_drill.records import Question

_SIGNS = re.compile(r"[\s.,;:、，；：>\-→]+")


def shuffled(question: Question, random: Random, *, options: bool) -> Question:
    """Return the question with its pieces shuffled: lines to be put in order always, options where asked for.

    The answer moves along: of an `order` it is the letters as they have to follow each other.
    """
    if question.kind != "order" and not (options and question.kind == "choice"):
        return question
    places = list(range(len(question.options)))
    while len(places) > 1 and places == sorted(places):
        random.shuffle(places)
    shown = tuple(question.options[place] for place in places)
    known = letters(question)
    if question.kind == "order":
        answer = "".join(known[places.index(place)] for place in sorted(places))
    else:
        answer = known[places.index(known.index(question.answer.upper()))]
    return replace(question, options=shown, answer=answer)


def read_order(question: Question, typed: str) -> str | None:
    """Return the letters in the order meant, None when it does not name each line once.

    `CABD`, `c a b d`, `C > A > B > D` and `3 1 2 4` are the same order.
    """
    known = letters(question)
    plain = _SIGNS.sub("", unicodedata.normalize("NFKC", typed)).upper()
    if plain.isdecimal() and plain.isascii():
        plain = "".join(known[int(digit) - 1] for digit in plain if 1 <= int(digit) <= len(known))
    return plain if sorted(plain) == sorted(known) else None


def in_place(question: Question, order: str) -> int:
    """Return how many lines at the beginning are in their place."""
    pairs = zip(order, question.answer, strict=True)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), len(order))
