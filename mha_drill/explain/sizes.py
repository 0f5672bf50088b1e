"""The sizes a picture is drawn for, read from what the learner typed. Called by the `explain` command."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mha_drill.errors import UsageError

LARGEST = 1_000_000
COLUMNS, MOST_COLUMNS = 80, 160
"""Columns of the page that is drawn for where nobody says; pictures grow no wider than the other."""
DEFAULT_BATCH, DEFAULT_LENGTH, DEFAULT_HEADS, DEFAULT_HEAD_WIDTH = 1, 3, 2, 4


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one attention layer: B, L, D and H; D is a multiple of H. Self-attention, so S = L.

    columns: how wide the page is; large tensors are drawn in part, as much of them as it holds.
    """

    batch: int = DEFAULT_BATCH
    length: int = DEFAULT_LENGTH
    width: int = DEFAULT_HEADS * DEFAULT_HEAD_WIDTH
    heads: int = DEFAULT_HEADS
    columns: int = COLUMNS

    def on(self, columns: int) -> Sizes:
        """Return the same sizes for a page of so many columns; a narrow one breaks its lines."""
        return replace(self, columns=min(max(columns, COLUMNS), MOST_COLUMNS))

    @property
    def head_width(self) -> int:
        """The width of one head, d = D / H."""
        return self.width // self.heads

    @property
    def letters(self) -> dict[str, int]:
        """The sizes by the letters that topics use for them."""
        return {
            "B": self.batch, "L": self.length, "S": self.length,
            "D": self.width, "H": self.heads, "d": self.head_width,
        }  # fmt: skip

    def shape(self, axes: str) -> tuple[int, ...]:
        """Return the shape of axes named "BLHd" and the like."""
        return tuple(self.letters[axis] for axis in axes)


def read_sizes(shape: str = "", heads: str = "") -> Sizes:
    """Return the sizes asked for by `--shape B,L,D` and `--heads H`; what is left out is chosen to fit.

    Raises UsageError, one sentence, for anything that is not three sizes and a number of heads that divides
    the width.
    """
    count = _number(heads.strip(), "heads") if heads.strip() else 0
    if not shape.strip():
        count = count or DEFAULT_HEADS
        return Sizes(width=count * DEFAULT_HEAD_WIDTH, heads=count)
    parts = [part for part in re.split(r"[\s,，、]+", shape.strip("()[]（） \t")) if part]
    if len(parts) != 3:
        raise UsageError("explain.not-three", asked=_short(shape), count=len(parts))
    batch, length, width = (
        _number(part, name) for part, name in zip(parts, ("batch", "length", "width"), strict=True)
    )
    count = count or _fitting_heads(width)
    if width % count:
        below = width - width % count
        near = (below, below + count) if below else (count,)
        key = "explain.not-a-multiple" if below else "explain.narrower-than-heads"
        raise UsageError(key, width=width, heads=count, below=near[0], above=near[-1])
    return Sizes(batch, length, width, count)


def _number(typed: str, name: str) -> int:
    try:
        value = int(typed)
    except ValueError:
        raise UsageError(f"explain.{name}-not-a-number", asked=_short(typed)) from None
    if value < 1:
        raise UsageError(f"explain.{name}-too-small", asked=_short(typed))
    if value > LARGEST:
        raise UsageError(f"explain.{name}-too-large", asked=_short(typed), largest=LARGEST)
    return value


def _fitting_heads(width: int) -> int:
    """Return the smallest number of heads, at least 2, that divides the width; 1 where none does."""
    return next((count for count in range(2, min(width, 1000) + 1) if width % count == 0), 1)


def _short(typed: str) -> str:
    return typed if len(typed) <= 24 else typed[:23] + "…"
