"""Score, softmax, dropout and weighing by hand, with numbers that come out even."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from random import Random

from mha_drill.quiz.generators.base import Draw, Generator, mistaken, shape

MASKED = "-inf"


def decimal(value: Fraction) -> str:
    """Return a number as it is written: no zeros at its end, three places at most."""
    return f"{float(value):.3f}".rstrip("0").rstrip(".")


def _vector(values: list[Fraction]) -> str:
    return f"[{', '.join(map(decimal, values))}]"


def _score(random: Random) -> Draw:
    width = random.choice((4, 4, 9))
    q = [random.randint(-2, 3) for _ in range(width)]
    k = [random.randint(-2, 3) for _ in range(width - 1)]
    root = isqrt(width)
    dot = sum(one * two for one, two in zip(q, k, strict=False))
    # The last pair makes the sum a multiple of the root.
    last = next(n for n in range(root * root) if (dot + n) % root == 0 and dot + n != 0)
    q[-1], k = 1, [*k, last]
    dot += last
    return Draw({"q": q, "k": k, "d": width, "root": root, "dot": dot}, answer=decimal(Fraction(dot, root)))


def _softmax(random: Random) -> Draw:
    size, masked = 4, random.random() < 0.6
    whole = random.choice((5, 8, 10, 20))
    counts = [1] * (size - masked)
    while sum(counts) < whole or len(set(counts)) == 1:
        counts = counts if sum(counts) < whole else [1] * (size - masked)
        counts[random.randrange(len(counts))] += 1
    odds: list[int] = [*counts]
    place = random.randrange(size)
    if masked:
        odds.insert(place, 0)
    right = [Fraction(odd, whole) for odd in odds]
    ones = [odd or 1 for odd in odds]
    even = [Fraction(1, size - masked) if odd else Fraction(0) for odd in odds]
    candidates = [
        _vector([Fraction(odd, sum(ones)) for odd in ones]),  # 0 filled in, not -inf
        _vector(even),
        _vector(right[::-1]),
        _vector([Fraction(1, size)] * size),
        _vector([Fraction(odd) for odd in odds]),
        _vector([right[-1], *right[:-1]]),
    ]
    scores = ", ".join(f"ln {odd}" if odd else MASKED for odd in odds)
    answer = _vector(right)
    values = {"scores": f"[{scores}]", "odds": odds, "whole": whole, "answer": answer}
    return Draw(values, right=answer, wrong=mistaken(answer, candidates, random))


def _weigh(random: Random) -> Draw:
    whole = random.choice((2, 4, 5, 10))
    first = random.randint(1, whole - 1)
    weights = [Fraction(first, whole), Fraction(whole - first, whole)]
    rows = [[random.randint(0, 9) * whole for _ in range(2)] for _ in range(2)]
    while rows[0] == rows[1]:
        rows[1][0] += whole
    answer = [sum(w * row[place] for w, row in zip(weights, rows, strict=True)) for place in range(2)]
    values = {"weights": _vector(weights), "v": rows, "answer": _vector([Fraction(each) for each in answer])}
    return Draw(values, answer=shape(*(int(each) for each in answer)))


def _dropout(random: Random) -> Draw:
    percent = random.choice((10, 20, 50))
    kept = Fraction(100 - percent, 100)
    result = Fraction(random.randint(1, 9 if percent > 10 else 8), 10)
    weight = result * kept
    training = random.random() < 0.7
    values = {
        "p": decimal(Fraction(percent, 100)),
        "w": decimal(weight),
        "kept": decimal(kept),
        "scaled": decimal(result),
        "mode": "module.train()" if training else "module.eval()",
    }
    return Draw(values, answer=decimal(result if training else weight))


GENERATORS = (
    Generator("vectors", "score-numbers", "number", ("score", "scale"), "score", 1, _score),
    Generator("vectors", "softmax-row", "choice", ("softmax", "mask"), "softmax", 2, _softmax),
    Generator("vectors", "weigh-numbers", "number", ("weigh",), "weigh", 1, _weigh),
    Generator("vectors", "dropout-number", "number", ("dropout",), "dropout", 2, _dropout),
)
