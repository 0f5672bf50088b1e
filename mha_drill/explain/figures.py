"""What a picture holds, as records: made by `films` and `tables`, drawn by `mha_drill/ui/pictures.py`.

A number in a cell is a place in x: cell n holds what lay at place n of x's memory, wherever it is by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mha_drill.explain.strides import Shape

Fate = Literal["start", "same", "copied", "itself", "raises"]


@dataclass(frozen=True, slots=True)
class Block:
    """Cells of one token and one head that lie together; None stands for numbers left out.

    gap: cells are left out right before this block.
    """

    token: int
    head: int
    numbers: tuple[int | None, ...]
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of cells. more: cells are left out after the last one.

    While it is being played, only the first `written` blocks are there, and `marked` is the one that moves.
    """

    blocks: tuple[Block, ...]
    more: bool = False
    written: int | None = None
    marked: int | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Why a `view` raises: `axis` and the next cannot merge; its stride is `have`, size * stride = `need`."""

    axis: int
    axes: tuple[str, str]
    have: int
    size: int
    stride: int

    @property
    def need(self) -> int:
        """The stride that would let the two axes merge."""
        return self.size * self.stride


@dataclass(frozen=True, slots=True)
class Stage:
    """One line of code and the tensor after it.

    axes: a letter for each axis. memory: its cells as they lie. reading: the order its indices read them in,
    where that is another one. For the fate "raises" there is no tensor: no strips, and `clash` says why.
    """

    code: str
    fate: Fate
    axes: tuple[str, ...] = ()
    shape: Shape = ()
    strides: Shape = ()
    memory: Strip = Strip(())
    reading: Strip | None = None
    clash: Clash | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Which tokens, heads and places in a head are drawn."""

    tokens: tuple[int, ...]
    heads: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Film:
    """A tensor's way through several lines of code, drawn for batch item 0 and the cells kept.

    first: the number of its first stage, where it is a part of a longer one.
    """

    stages: tuple[Stage, ...]
    kept: Kept
    first: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """What one position holds: its blocks, and whether each is the one that belongs there."""

    position: int
    blocks: tuple[Block, ...]
    right: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One way of doing it: the code, and its rows by head (None where a row holds all heads).

    While it is being played, only the first `filled` rows are there.
    """

    code: str
    groups: tuple[tuple[int | None, tuple[Row, ...]], ...]
    filled: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The right call beside the wrong one of the same shape.

    what: which one, "split" or "merge". reach: how many tokens the wrong first head (or row) mixes or misses.
    same: with one head or one token the two agree.
    """

    what: Literal["split", "merge"]
    right: Side
    wrong: Side
    shape: Shape
    reach: int
    same: bool
    kept: Kept


@dataclass(frozen=True, slots=True)
class Pair:
    """Two neighbouring axes, and whether one axis can stand for both: `have` must be `size * stride`.

    free: one of them has size 1, so that nothing is asked.
    """

    axes: tuple[str, str]
    have: int
    size: int
    stride: int
    merges: bool
    free: bool


@dataclass(frozen=True, slots=True)
class Merging:
    """One tensor's neighbouring axes, each pair with its verdict, and whether the whole is contiguous."""

    code: str
    shape: Shape
    strides: Shape
    contiguous: bool
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Mergings:
    """Several tensors' pairs of axes, to show that merging and being contiguous are two questions."""

    tensors: tuple[Merging, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One axis of an address: index * stride."""

    axis: str
    size: int
    index: int
    stride: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where one element lies: the terms that add up to `place`."""

    code: str
    element: str
    terms: tuple[Term, ...]
    place: int


@dataclass(frozen=True, slots=True)
class WalkRow:
    """One of the ten steps, or a part of a block: its code, the shape after it in letters and in numbers."""

    step: str
    code: str
    letters: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Walk:
    """The shapes of all ten steps, or of all parts of a block."""

    rows: tuple[WalkRow, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A small matrix with its own numbers. name: the expression it is the value of.

    places: decimals drawn. down, across: names of its rows and columns, or none. shaded: its numbers are
    weights from 0 to 1, each drawn with a shade as well.
    """

    name: str
    rows: tuple[tuple[float, ...], ...]
    places: int = 0
    down: tuple[str, ...] = ()
    across: tuple[str, ...] = ()
    shaded: bool = False


@dataclass(frozen=True, slots=True)
class Equation:
    """Matrices in a row with a sign between each two; `code` makes the last of them, "" where all are given."""

    code: str
    terms: tuple[Matrix, ...]
    signs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Equations:
    """Several equations, one after the other; a name keeps its value from one to the next."""

    lines: tuple[Equation, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of queries (down) by keys (across) that is looked at, not read.

    kind: "allowed" (1 or 0), "scores" (numbers, -inf where hidden) or "weights" (0 to 1, drawn as shades).
    """

    name: str
    code: str
    kind: Literal["allowed", "scores", "weights"]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Grids:
    """Grids over the same positions, beside each other.

    kind: "mask" (each made from the one before), "heads" (some of the layer's `heads`), or "reach" (three ways).
    setting: lines of code before theirs. positions: the ones drawn, of `length`.
    """

    kind: Literal["mask", "heads", "reach"]
    setting: tuple[str, ...]
    grids: tuple[Grid, ...]
    positions: tuple[int, ...]
    length: int
    heads: int = 0


Picture = Film | Comparison | Mergings | Address | Walk | Equations | Grids
