"""Marking a short answer against its key points; called by `quiz.asking`, which lets the learner overrule it.

A point is said when the answer has, close together, the concepts of one of its wordings, each with the same
sign (`quiz.reading`). One that is only denied, or only named in a list of keywords, is told apart, and gets
no mark. Text added to an answer never takes a point away, unless it turns round what was said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from mha_drill.quiz.concepts import ideas
from mha_drill.quiz.reading import RIVALS, Token, read
from mha_drill.quiz.sides import Sides, completed, named, opposed
from mha_drill.records import Point

Finding = Literal["said", "named", "denied", "missed"]

ENOUGH: Final = 0.75  # of a wording's weight: of three equal concepts all, of four three
LEAST_WORDING: Final = 0.75  # lighter ones, a lone "token" or "every", would be found anywhere
AGAINST: Final = 0.2  # of a wording's weight may have the other sign
LONGEST_ANSWER: Final = 20_000
GENERIC: Final = frozenset(
    {"position", "sequence", "capture", "look", "global", "attention", "transformer", "fast", "training"}
)
NAMES: Final = frozenset({"mqa", "gqa"})  # what is said of one is not said of the other
NEEDED: Final = NAMES | {"unchanged", "unaffected"}  # without them nothing is said of the rest
FAINT: Final = frozenset({"alike", "more"})
_WEIGHTS: Final = {"generic": 0.7, "name": 2.0, "idea": 1.0, "word": 0.4, "pair": 0.4, "faint": 0.2}


@dataclass(frozen=True, slots=True)
class PointMark:
    """What became of one point. start, end: where in the answer, both 0 when it was missed."""

    point: Point
    finding: Finding
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Marking:
    """A marked answer. keywords: it lists words and says nothing about them."""

    answer: str
    points: tuple[PointMark, ...]
    keywords: bool

    @property
    def said(self) -> int:
        """Return how many points were said."""
        return sum(mark.finding == "said" for mark in self.points)

    @property
    def score(self) -> float:
        """Return the mark, between 0 and 1."""
        return self.said / len(self.points) if self.points else 0.0


@dataclass(frozen=True, slots=True)
class _Wording:
    """One way to put a point: the weight of each concept and sign it has, and the sides it stands on.

    doubting: it denies something of what it speaks of first.
    """

    weights: dict[tuple[str, int], float]
    sides: dict[str, Sides]
    doubting: bool

    @property
    def named(self) -> set[str]:
        return {name for name, _ in self.weights} & NEEDED

    @property
    def window(self) -> int:
        return 2 * len(self.weights) + 6


def mark(points: Sequence[Point], answer: str) -> Marking:
    """Return what `answer` says of `points`; any text at all may be given."""
    answer = answer[:LONGEST_ANSWER]
    rivals = any(_rivalled(point) for point in points)
    tokens = read(answer, rivals=rivals)
    marks = tuple(_marked(point, tokens, rivals=rivals) for point in points)
    told = [token.told for token in tokens]
    return Marking(answer, marks, keywords=bool(told) and not any(told))


@cache
def _rivalled(point: Point) -> bool:
    """Tell whether a point sets attention beside an older way."""
    return any(token.name in RIVALS for token in read(point.say.en))


@cache
def _wordings(point: Point, *, rivals: bool) -> tuple[_Wording, ...]:
    """Return the ways to put a point; what carries no meaning at all is no way to put it."""
    sentences = (point.say.en, point.say.zh)
    ways = (*point.wordings_en, *point.wordings_zh, *sentences)
    spoken = named({token.name for sentence in sentences for token in read(sentence, rivals=rivals)})
    wordings = [_wording(read(way, rivals=rivals), spoken) for way in ways]
    return tuple(wording for wording in wordings if sum(wording.weights.values()) >= LEAST_WORDING)


def _wording(tokens: list[Token], spoken: Sides) -> _Wording:
    return _Wording(
        {(token.name, token.sign): _weight(token.name) for token in tokens},
        {token.name: completed(token.sides, spoken) for token in tokens},
        any(token.doubted for token in tokens),
    )


def _weight(name: str) -> float:
    if name in NAMES:
        return _WEIGHTS["name"]
    if name in FAINT or name in GENERIC:
        return _WEIGHTS["faint" if name in FAINT else "generic"]
    if name in ideas():
        return _WEIGHTS["idea"]
    return _WEIGHTS["word" if name.isascii() else "pair"]


def _marked(point: Point, tokens: list[Token], *, rivals: bool) -> PointMark:
    """Return the best that any wording finds anywhere: said, else named, else denied, else missed."""
    best = PointMark(point, "missed")
    rank = {"missed": 0, "denied": 1, "named": 2, "said": 3}
    for wording in _wordings(point, rivals=rivals):
        for finding, start, end in _findings(wording, tokens):
            if rank[finding] > rank[best.finding]:
                best = PointMark(point, finding, start, end)
            if finding == "said":
                return best
    return best


def _findings(wording: _Wording, tokens: list[Token]) -> list[tuple[Finding, int, int]]:
    """Return every place of the answer that has enough of a wording."""
    names = {name for name, _ in wording.weights}
    places = [at for at, token in enumerate(tokens) if token.name in names]
    whole = sum(wording.weights.values())
    found: list[tuple[Finding, int, int]] = []
    for begin in range(len(places)):
        agreeing: set[tuple[str, int]] = set()
        other: set[tuple[str, int]] = set()
        told = turned = False
        doubted = not wording.doubting
        last = places[begin]
        for at in places[begin:]:
            token = tokens[at]
            if at - places[begin] >= wording.window or token.sentence != tokens[places[begin]].sentence:
                break
            sign = token.sign
            agrees = (token.name, sign) in wording.weights
            astray = opposed(wording.sides[token.name], token.sides)
            if agrees and not astray:
                agreeing.add((token.name, sign))
                doubted = doubted and token.doubted
            else:
                other.add((token.name, sign if agrees else 1 - sign))
                turned = turned or token.turned or astray
            told, last = token.told, at
            if not wording.named <= {name for name, _ in agreeing | other}:
                continue
            agreed = sum(wording.weights[pair] for pair in agreeing)
            against = sum(wording.weights[pair] for pair in other - agreeing)
            span = (tokens[places[begin]].start, tokens[last].end)
            if agreed >= ENOUGH * whole and against <= AGAINST * whole:
                if doubted:
                    found.append(("denied", *span))
                    continue
                found.append(("said" if told else "named", *span))
                break
            if turned and agreed + against >= ENOUGH * whole and against > AGAINST * whole:
                found.append(("denied", *span))
    return found
