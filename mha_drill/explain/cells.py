"""Which cells of a large tensor are drawn, and the pieces they are drawn in; called by every picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from mha_drill.explain.figures import Block, Kept
from mha_drill.explain.sizes import Sizes

MARGINS = 6
"""Columns of a page that a strip leaves free."""

LABEL = len("t0 h0")
"""Columns of a piece's label."""


def kept_cells(sizes: Sizes) -> Kept:
    """Return the cells to draw: all of batch item 0 where one row of the page holds them.

    Else the ones that show the most: three tokens of two heads first, since less shows no pattern, then both
    ends of a head, then as many cells as fit.
    """
    room = sizes.columns - MARGINS
    candidates = [
        Kept(tokens, heads, places)
        for tokens, heads, places in product(
            _choices(sizes.length, 2, room),
            _choices(sizes.heads, 2, room),
            _choices(sizes.head_width, 1, room),
        )
    ]
    fitting = [kept for kept in candidates if _columns(sizes, kept) <= room]
    if not fitting:
        return min(candidates, key=lambda kept: _columns(sizes, kept))

    def worth(kept: Kept) -> tuple[int, bool, int]:
        pieces = len(kept.tokens) * len(kept.heads)
        pattern = min(len(kept.tokens), 3) * min(len(kept.heads), 2)
        return pattern, kept.places[-1] + 1 == sizes.head_width, pieces * len(kept.places)

    return max(fitting, key=worth)


def _columns(sizes: Sizes, kept: Kept) -> int:
    """Return how wide the widest strip of these cells is."""
    digits = len(str(sizes.length * sizes.width - 1))
    hidden = kept.places[-1] + 1 < sizes.head_width
    piece_columns = (digits + 1) * len(kept.places) + 2 * (_cuts(kept.places) + hidden)
    heads_cut = _cuts(kept.heads) + (kept.heads[-1] + 1 < sizes.heads)
    gaps = len(kept.tokens) * heads_cut + _cuts(kept.tokens) + (sizes.batch > 1)
    return max(piece_columns, LABEL + 1) * len(kept.tokens) * len(kept.heads) + 2 * gaps + 1


def _choices(size: int, least: int, room: int) -> list[tuple[int, ...]]:
    """Return the index sets to choose from: all, or the first few and the last."""
    sets = [tuple(range(size))] if size <= room // 4 else []
    sets += [(*range(first), size - 1) for first in range(room // 24, 0, -1) if first + 1 < size]
    if least == 1 and size > 2:
        sets.append((0,))
    return sets or [tuple(range(size))]


def _cuts(kept: Sequence[int]) -> int:
    return sum(after != before + 1 for before, after in pairwise(kept))


def piece(sizes: Sizes, kept: Kept, token: int, head: int) -> Block:
    """Return the kept cells of one token's piece for one head."""
    start = token * sizes.width + head * sizes.head_width
    numbers: list[int | None] = [start]
    for before, after in pairwise(kept.places):
        numbers += [start + after] if after == before + 1 else [None, start + after]
    if kept.places[-1] + 1 < sizes.head_width:
        numbers.append(None)
    return Block(token, head, tuple(numbers))
