"""The linear maps: y = x W^T + b, in sizes and in numbers."""

from __future__ import annotations

from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, mistaken, shape


def _weight(random: Random) -> Draw:
    wide, narrow, batch, length = random.sample((12, 24, 48, 64, 96, 128, 256, 512), 4)
    right = shape(narrow, wide)
    candidates = [shape(wide, narrow), shape(length, narrow), shape(length, wide), shape(wide, wide)]
    values = {"in": wide, "out": narrow, "B": batch, "L": length}
    return Draw(values, right=right, wrong=mistaken(right, candidates, random))


def _numbers(random: Random) -> Draw:
    while True:
        x = [random.randint(1, 4), random.randint(-2, 4)]
        weight = [[random.randint(-2, 3) for _ in range(2)] for _ in range(2)]
        bias = [random.randint(-3, 5) for _ in range(2)]
        right = [sum(w * each for w, each in zip(row, x, strict=True)) for row in weight]
        columns = zip(*weight, strict=True)
        turned = [sum(w * each for w, each in zip(column, x, strict=True)) for column in columns]
        if right != turned and any(bias):
            break
    answer = [one + two for one, two in zip(right, bias, strict=True)]
    values = {
        "x": x,
        "W": weight,
        "b": bias,
        "product": right,
        "answer": answer,
        "turned": [one + two for one, two in zip(turned, bias, strict=True)],
    }
    return Draw(values, answer=shape(*answer))


GENERATORS = (
    Generator("linear", "linear-weight", "choice", ("project",), "linear", 1, _weight),
    Generator("linear", "linear-numbers", "number", ("project",), "linear", 2, _numbers),
)
