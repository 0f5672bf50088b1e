"""A product of many tensors as products of two: what `einsum` says of three or more, step by step. Runner side.

Used by `tracing`. `einsum("bli,di,bsj,dj->bls", q, wq, k, wk)` projects twice and scores, in one line; the judge looks
for projections and scores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_EQUATION = re.compile(r"([A-Za-z]+(?:,[A-Za-z]+){2,})->([A-Za-z]*)")


@dataclass(frozen=True, slots=True)
class Pair:
    """One product of two operands, by their numbers; its result is the operand after the last."""

    equation: str
    left: int
    right: int


def in_pairs(equation: str) -> list[Pair]:
    """Return products of two that come to the same, the last of them the whole; none where it is not that plain.

    What has no axis of the batch, the first of the result, is a weight: each is multiplied with what it maps first.
    """
    found = _EQUATION.fullmatch(equation.replace(" ", ""))
    if found is None:
        return []
    operands, result = found[1].split(","), found[2]
    if any(len(set(item)) < len(item) for item in (*operands, result)):
        return []
    left = list(enumerate(operands))
    pairs: list[Pair] = []
    while len(left) > 1:
        meeting = [
            (at, later)
            for at, (_, one) in enumerate(left)
            for later in range(at + 1, len(left))
            if set(one) & set(left[later][1])
        ]
        if not meeting:
            return []
        first, second = min(meeting, key=lambda pair: (_order(left, pair, result, len(operands)), pair))
        (one, mine), (two, its) = left[first], left[second]
        kept = result if len(left) == 2 else _axes(mine, its, _others(left, (first, second), result))
        pairs.append(Pair(f"{mine},{its}->{kept}", one, two))
        left[first] = (len(operands) + len(pairs) - 1, kept)
        del left[second]
    return pairs


def _others(left: list[tuple[int, str]], pair: tuple[int, int], result: str) -> str:
    """Return the axes that are needed after a product of two."""
    return result + "".join(item for at, (_, item) in enumerate(left) if at not in pair)


def _order(
    left: list[tuple[int, str]], pair: tuple[int, int], result: str, given: int
) -> tuple[bool, bool, bool]:
    """Return what comes first: a weight with what it maps, what is done with an axis, what is not mapped yet."""
    one, two = (left[at][1] for at in pair)
    shared = set(one) & set(two)
    done = shared - set(_others(left, pair, result))
    maps = sum(result[:1] not in item for item in (one, two)) == 1
    mapped = any(left[at][0] >= given for at in pair)
    return (not (maps and done == shared), not done, mapped)


def _axes(one: str, two: str, others: str) -> str:
    """Return the axes of a product of two that anybody still needs: those of what has the batch, and new ones last."""
    return "".join(dict.fromkeys(axis for axis in one + two if axis in others))
