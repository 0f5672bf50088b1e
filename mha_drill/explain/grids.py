"""Pictures of tables of queries by keys, for the length asked for: the causal mask, what heads look at.

Each is a pure function of the sizes, named for the topics in `pictures.py`. The scores are made up so that the sum
of a row is known without walking it, however long it is; `tests/test_explain.py` runs the code of every grid.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, inf

from mha_drill.explain.figures import Grid, Grids
from mha_drill.explain.sizes import Sizes

PERIOD = 5
MOST_WITH_SCORES = 5
MOST_WITH_SHADES = 8
SETTING = "i, j = torch.arange({length})[:, None], torch.arange({length})"
FAR = 27
"""A Gaussian further than this from its middle is 0 in float64."""


def causal(sizes: Sizes) -> Grids:
    """The causal mask, the scores under it before softmax, the weights after it."""
    length = sizes.length
    kept = _positions(length, MOST_WITH_SCORES)

    def score(row: int, column: int) -> float:
        return (7 * row + 3 * column) % PERIOD / 2

    def total(row: int) -> float:
        """Return the sum of the powers of the columns 0 to `row`, which come in periods."""
        return sum(
            exp(score(row, first)) * ((row - first) // PERIOD + 1) for first in range(min(PERIOD, row + 1))
        )

    def table(value: Callable[[int, int], float], hidden: float) -> tuple[tuple[float, ...], ...]:
        return tuple(
            tuple(value(row, column) if column <= row else hidden for column in kept) for row in kept
        )

    setting = (SETTING.format(length=length), "scores = (7 * i + 3 * j) % 5 / 2")
    return Grids(
        "mask",
        setting,
        (
            Grid("mask", f"mask = torch.ones({length}, {length}).tril()", "allowed", table(lambda *_: 1, 0)),
            Grid("filled", "filled = scores.masked_fill(mask == 0, -math.inf)", "scores", table(score, -inf)),
            Grid(
                "weights",
                "weights = filled.softmax(dim=-1)",
                "weights",
                table(lambda row, column: exp(score(row, column)) / total(row), 0),
            ),
        ),
        kept,
        length,
    )


def heads(sizes: Sizes) -> Grids:
    """Up to four heads over one sequence, each with a habit of its own."""
    length = sizes.length
    kept = _positions(length, MOST_WITH_SHADES)
    habits = (
        ("-((i - j) ** 2)", lambda row, column: -((row - column) ** 2), 0.0),
        ("-((i - 1 - j) ** 2)", lambda row, column: -((row - 1 - column) ** 2), 0.0),
        ("5 * (j == 0) + 0 * i", lambda _, column: 5 * (column == 0), 1.0),
        ("0 * (i + j)", lambda *_: 0, 1.0),
    )

    def row_of(score: Callable[[int, int], int], elsewhere: float, row: int) -> tuple[float, ...]:
        near = {0, *range(max(row - FAR - 1, 0), min(row + FAR, length))}
        total = sum(exp(score(row, column)) for column in near) + elsewhere * (length - len(near))
        return tuple(exp(score(row, column)) / total for column in kept)

    return Grids(
        "heads",
        (SETTING.format(length=length),),
        tuple(
            Grid(
                f"head{number}",
                f"head{number} = ({code}).double().softmax(dim=-1)",
                "weights",
                tuple(row_of(score, elsewhere, row) for row in kept),
            )
            for number, (code, score, elsewhere) in enumerate(habits[: sizes.heads])
        ),
        kept,
        length,
        sizes.heads,
    )


def reach(sizes: Sizes) -> Grids:
    """What each of five positions takes in at once: in a convolution, a recurrent step, attention."""
    size = range(5)
    kinds = (
        ("convolution", "torch.ones(5, 5).tril(1).triu(-1)", -1, 1),
        ("recurrent", "torch.ones(5, 5).tril(0).triu(-1)", -1, 0),
        ("attention", "torch.ones(5, 5)", -4, 4),
    )
    return Grids(
        "reach",
        (),
        tuple(
            Grid(
                name,
                f"{name} = {code}",
                "allowed",
                tuple(tuple(float(first <= column - row <= last) for column in size) for row in size),
            )
            for name, code, first, last in kinds
        ),
        tuple(size),
        len(size),
    )


def _positions(length: int, most: int) -> tuple[int, ...]:
    """Return the positions drawn: all, or the first ones and the last."""
    return tuple(range(length)) if length <= most else (*range(most - 2), length - 1)
