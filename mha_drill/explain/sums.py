"""Sums on small matrices of plain numbers, for the pictures of `examples`; torch is never loaded for them."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

Rows = tuple[tuple[float, ...], ...]


def times(left: Rows, right: Rows) -> Rows:
    """Return the matrix product."""
    columns = transposed(right)
    return tuple(
        tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in columns) for row in left
    )


def transposed(rows: Rows) -> Rows:
    """Return the rows as columns."""
    return tuple(zip(*rows, strict=True))


def softmax(row: Sequence[float]) -> tuple[float, ...]:
    """Return the softmax of one row, of which at least one number is finite."""
    highest = max(row)
    powers = [exp(number - highest) for number in row]
    return tuple(power / sum(powers) for power in powers)


def by_row(rows: Rows) -> Rows:
    """Return the softmax of each row."""
    return tuple(softmax(row) for row in rows)


def divided(rows: Rows, by: float) -> Rows:
    """Return every number divided."""
    return tuple(tuple(number / by for number in row) for row in rows)
