"""A row of memory cells on the screen, broken over lines where the page is narrow; for `ui.pictures`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mha_drill.explain.figures import Block, Strip
from mha_drill.ui.theme import CELLS

LEFT_OUT = "…"
MARK = "▲"
"""Under the piece that is being read or written."""
Colour = Callable[[Block], int]


def by_head(block: Block) -> int:
    """Colour a piece by the head it belongs to."""
    return block.head


def by_token(block: Block) -> int:
    """Colour a piece by the token it belongs to."""
    return block.token


def label(block: Block) -> str:
    """Return what a piece is, without its colour."""
    return f"t{block.token} h{block.head}"


def cells(block: Block, digits: int, colour: Colour, width: int = 0) -> Text:
    """Return one piece's numbers, right-aligned to `digits`, coloured, at least `width` columns."""
    numbers = " ".join(LEFT_OUT if number is None else str(number).rjust(digits) for number in block.numbers)
    return Text(numbers.ljust(width), style=CELLS[colour(block) % len(CELLS)])


def digits_of(blocks: Sequence[Block]) -> int:
    """Return the columns of the longest number."""
    return max(len(str(number)) for block in blocks for number in block.numbers if number is not None)


def print_strip(console: Console, strip: Strip, *, between: str, indent: int) -> None:
    """Print a strip coloured by head, each line of cells above a line of labels.

    between: the sign around pieces, "│" for cells in memory, "›" for an order of reading.
    """
    digits = digits_of(strip.blocks)
    labels = [label(block) for block in strip.blocks]
    width = max(map(cell_len, (*labels, *(cells(block, digits, by_head).plain for block in strip.blocks))))
    room = console.width - indent
    total = sum(_columns(block, width) for block in strip.blocks) + 1 + 2 * strip.more
    lines = 1
    if total > room:
        fit = max((room - 3) // (width + 3), 1) if strip.more or any(b.gap for b in strip.blocks) else 0
        fit = fit or max((room - 1) // (width + 1), 1)
        lines = -(-len(strip.blocks) // fit)
    per_line = -(-len(strip.blocks) // lines)
    for start in range(0, len(strip.blocks), per_line):
        line, below = Text(" " * indent), Text(" " * indent)
        for at, block in enumerate(strip.blocks[start : start + per_line], start):
            if block.gap:
                line.append(f"{between}{LEFT_OUT}", style="muted")
                below.append("  ")
            line.append(between, style="muted")
            below.append(" ")
            if strip.written is not None and at >= strip.written:
                line.append(" " * width)
                below.append(" " * width)
                continue
            line.append_text(cells(block, digits, by_head, width))
            if at == strip.marked:
                below.append(f"{MARK}{label(block)}"[:width].ljust(width), style="strong")
            else:
                below.append(label(block).ljust(width), style="muted")
        line.append(between, style="muted")
        if strip.more and start + per_line >= len(strip.blocks):
            line.append(LEFT_OUT, style="muted")
        below.rstrip()
        console.print(line, soft_wrap=True)
        console.print(below, soft_wrap=True)


def _columns(block: Block, width: int) -> int:
    return width + 1 + 2 * block.gap
