"""Shapes said aloud: what stands after a step, for sizes never seen. Typed where typing is possible."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, mistaken, phrase, shape
from mha_drill.records import Text


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that differ from each other, so that no wrong shape looks right by chance."""

    batch: int
    length: int
    key_length: int
    heads: int
    head_width: int

    @property
    def width(self) -> int:
        """All heads beside each other."""
        return self.heads * self.head_width

    @property
    def values(self) -> dict[str, int]:
        """What fills the words."""
        return {
            "B": self.batch,
            "L": self.length,
            "S": self.key_length,
            "H": self.heads,
            "d": self.head_width,
            "D": self.width,
        }


def draw_sizes(random: Random) -> Sizes:
    """Return sizes as they are in real models, all of them different."""
    while True:
        length, key_length = random.sample((5, 7, 9, 10, 12, 20, 24, 50, 77, 100, 128, 196, 256), 2)
        sizes = Sizes(
            random.choice((2, 3, 4, 6, 8, 16, 32)),
            *(length, key_length, random.choice((2, 4, 8, 12, 16))),
            random.choice((8, 16, 32, 64, 80, 96, 128)),
        )
        if len(set(sizes.values.values())) == len(sizes.values):
            return sizes


def _split(random: Random) -> Draw:
    sizes = draw_sizes(random)
    b, length, h, d = sizes.batch, sizes.length, sizes.heads, sizes.head_width
    right = shape(b, h, length, d)
    candidates = [shape(b, length, h, d), shape(b, h, d, length), shape(b, h, length, sizes.width)]
    return Draw(sizes.values, right=right, wrong=mistaken(right, candidates, random))


def _score(random: Random) -> Draw:
    sizes = draw_sizes(random)
    return Draw(sizes.values, answer=shape(sizes.batch, sizes.heads, sizes.length, sizes.key_length))


def _weigh(random: Random) -> Draw:
    sizes = draw_sizes(random)
    b, length, other, h, d = sizes.batch, sizes.length, sizes.key_length, sizes.heads, sizes.head_width
    right = shape(b, h, length, d)
    candidates = [shape(b, h, length, other), shape(b, h, other, d), shape(b, length, sizes.width)]
    return Draw(sizes.values, right=right, wrong=mistaken(right, candidates, random))


def _merge(random: Random) -> Draw:
    sizes = draw_sizes(random)
    return Draw(sizes.values, answer=shape(sizes.batch, sizes.length, sizes.width))


def _cross(random: Random) -> Draw:
    sizes = draw_sizes(random)
    b, length, other, h, width = sizes.batch, sizes.length, sizes.key_length, sizes.heads, sizes.width

    def both(weights: str, output: str) -> Text:
        return phrase("shapes", "both", weights=weights, output=output)

    right = both(shape(b, h, length, other), shape(b, length, width))
    candidates = [
        both(shape(b, h, length, other), shape(b, other, width)),
        both(shape(b, h, other, length), shape(b, length, width)),
        both(shape(b, h, length, length), shape(b, length, width)),
    ]
    return Draw(sizes.values, right=right, wrong=mistaken(right, candidates, random))


GENERATORS = (
    Generator("shapes", "shape-split", "choice", ("split",), "split", 1, _split),
    Generator("shapes", "shape-score", "number", ("score",), "shapes", 1, _score),
    Generator("shapes", "shape-weigh", "choice", ("weigh",), "weigh", 1, _weigh),
    Generator("shapes", "shape-merge", "number", ("merge",), "merge", 1, _merge),
    Generator(
        "shapes",
        "shape-cross",
        "choice",
        ("score", "weigh", "output"),
        "shapes",
        2,
        _cross,
        ("cross-attention",),
    ),
)
