"""Width, heads, the factor of the scale, and which key head serves a query head."""

from __future__ import annotations

from math import isqrt
from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, mistaken


def _width(random: Random) -> Draw:
    heads, width = random.choice((2, 4, 6, 8, 12, 16, 32)), random.choice((16, 32, 48, 64, 80, 96, 128))
    return Draw({"D": heads * width, "H": heads, "d": width}, answer=str(width))


def _divide(random: Random) -> Draw:
    width = random.choice((96, 192, 240, 256, 320, 384, 512, 640, 768, 1024, 1280, 1536))
    known = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32)
    right = random.choice([heads for heads in known if width % heads])
    wrong = random.sample([heads for heads in known if width % heads == 0], 3)
    values = {"D": width, "H": right, "rest": width % right, "below": width // right}
    return Draw(values, right=str(right), wrong=tuple(map(str, wrong)))


def _scale(random: Random) -> Draw:
    width = random.choice((4, 16, 25, 36, 64, 100, 144, 256))
    heads = random.choice([heads for heads in (2, 3, 5, 6, 8, 10, 12) if heads != isqrt(width)])
    values = {"D": heads * width, "H": heads, "d": width, "root": isqrt(width)}
    return Draw(values, answer=str(isqrt(width)))


def _scale_line(random: Random) -> Draw:
    heads, width = random.sample((4, 6, 8, 12, 16, 32, 64), 2)
    batch, length = random.choice((2, 3)), random.choice((5, 7, 10))
    right = "`scores / math.sqrt(q.size(-1))`"
    wrong = ["`scores / math.sqrt(x.size(-1))`", "`scores / q.size(-1)`", "`scores * math.sqrt(q.size(-1))`"]
    others = ["`scores / math.sqrt(q.size(-2))`", "`scores / math.sqrt(q.size(1))`"]
    values = {"B": batch, "L": length, "D": heads * width, "H": heads, "d": width}
    return Draw(values, right=right, wrong=mistaken(right, random.sample([*wrong, *others], 3), random))


def _grouped(random: Random) -> Draw:
    group, key_heads = random.choice((2, 3, 4, 5, 6, 8)), random.choice((2, 3, 4, 6, 8))
    head = random.randrange(group, group * key_heads)
    values = {
        "H": group * key_heads,
        "G": key_heads,
        "group": group,
        "head": head,
        "answer": head // group,
        "first": head // group * group,
        "last": head // group * group + group - 1,
    }
    return Draw(values, answer=str(head // group))


GENERATORS = (
    Generator("heads", "head-width", "number", ("split",), "split", 1, _width),
    Generator("heads", "heads-divide", "choice", ("split",), "split", 1, _divide),
    Generator("heads", "scale-root", "number", ("scale",), "scale", 1, _scale, ("why-sqrt-d",)),
    Generator("heads", "scale-line", "choice", ("scale",), "scale", 2, _scale_line, ("why-sqrt-d",)),
    Generator("heads", "grouped-head", "number", ("split",), "split", 2, _grouped, ("gqa-mqa",)),
)
