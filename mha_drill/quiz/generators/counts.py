"""How many parameters an attention layer has, with and without biases, with all key heads and with fewer."""

from __future__ import annotations

from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, phrase


def _all_heads(random: Random) -> Draw:
    heads, head_width = random.choice((2, 4, 8, 10, 12, 16)), random.choice((8, 16, 32, 64))
    width = heads * head_width
    bias = random.random() < 0.5
    count = 4 * width * width + (4 * width if bias else 0)
    values = {
        "D": width,
        "H": heads,
        "bias": bias,
        "with": phrase("counts", "biased" if bias else "bare"),
        "square": f"{width * width:,}",
        "answer": f"{count:,}",
    }
    return Draw(values, answer=str(count))


def _grouped(random: Random) -> Draw:
    heads, fewer = random.choice(((8, 2), (8, 1), (16, 4), (16, 2), (32, 8), (12, 4), (12, 1)))
    head_width = random.choice((8, 16, 32, 64))
    width, narrow = heads * head_width, fewer * head_width
    count = 2 * width * width + 2 * width * narrow
    values = {
        "D": width,
        "H": heads,
        "G": fewer,
        "d": head_width,
        "narrow": narrow,
        "answer": f"{count:,}",
        "full": f"{4 * width * width:,}",
    }
    return Draw(values, answer=str(count))


GENERATORS = (
    Generator("counts", "parameters", "number", ("project", "output"), "linear", 2, _all_heads),
    Generator(
        "counts", "parameters-grouped", "number", ("project", "output"), "cost", 3, _grouped, ("gqa-mqa",)
    ),
)
