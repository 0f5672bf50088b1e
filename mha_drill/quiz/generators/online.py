"""The online softmax by hand: a running sum that takes in a block, and two blocks that become one."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from random import Random

from mha_drill.quiz.generators.base import Draw, Generator
from mha_drill.quiz.generators.vectors import decimal

POWERS = (1, 2, 4, 8)


def _logarithm(power: int) -> str:
    return f"ln {power}" if power > 1 else "0"


def _sum(random: Random) -> Draw:
    top, total = random.choice(POWERS), random.choice((1, 2, 3, 4, 5, 6))
    block = [random.choice(POWERS) for _ in range(random.choice((1, 2, 3)))]
    new = max(top, *block)
    fade, added = Fraction(top, new), Fraction(sum(block), new)
    answer = decimal(total * fade + added)
    values = {
        "top": _logarithm(top),
        "total": total,
        "block": f"[{', '.join(map(_logarithm, block))}]",
        "new": _logarithm(new),
        "fade": decimal(fade),
        "kept": decimal(total * fade),
        "added": decimal(added),
        "answer": answer,
        "powers": (top, *block),
    }
    return Draw(values, answer=answer)


def _average(random: Random) -> Draw:
    tops, totals = random.sample(POWERS, 2), random.sample((1, 2, 3, 4, 5), 2)
    shares = [top * total for top, total in zip(tops, totals, strict=True)]
    if shares[0] == shares[1]:
        totals[0] += 5
        shares[0] = tops[0] * totals[0]
    one, two = (share // gcd(*shares) for share in shares)
    answer, apart = random.randint(1, 12), random.choice((-1, 1))
    averages = answer + apart * two, answer - apart * one
    new = max(tops)
    values = {
        "top": _logarithm(tops[0]),
        "total": totals[0],
        "average": averages[0],
        "other_top": _logarithm(tops[1]),
        "other_total": totals[1],
        "other_average": averages[1],
        "new": _logarithm(new),
        "share": decimal(Fraction(shares[0], new)),
        "other_share": decimal(Fraction(shares[1], new)),
        "answer": answer,
        "tops": tops,
    }
    return Draw(values, answer=str(answer))


GENERATORS = (
    Generator("online", "online-sum", "number", ("softmax",), "softmax", 3, _sum, ("online-softmax",)),
    Generator(
        "online",
        "online-average",
        "number",
        ("softmax", "weigh"),
        "softmax",
        3,
        _average,
        ("online-softmax",),
    ),
)
