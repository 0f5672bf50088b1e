"""Tables of queries by keys as grids of shades on the screen, beside each other while they fit; for `ui.pictures`.

A weight is drawn as dense as it is large: the same on light and dark grounds, and without any colour.
"""

from __future__ import annotations

from itertools import pairwise
from math import isinf

from rich.console import Console
from rich.text import Text

from mha_drill.explain.figures import Grid, Grids
from mha_drill.ui.strips import LEFT_OUT

SHADES = ((0.005, "··"), (0.105, "░░"), (0.255, "▒▒"), (0.505, "▓▓"))
"""What a weight below each bound is drawn as; the bounds are where two decimals round up."""
FULL = "██"
GAP = 4


def print_grids(console: Console, picture: Grids, *, indent: int) -> None:
    """Print the grids, as many to a line as the page holds; an arrow leads from one step to the next."""
    sign = "→" if picture.kind == "mask" else ""
    drawn = [_lines(grid, picture) for grid in picture.grids]
    line: list[Text] = []
    for lines in drawn:
        width = max(len(each) for each in lines)
        if line and len(line[0]) + GAP + width > console.width:
            _print(console, line)
            console.print()
            line = []
        if line:
            middle = len(lines) // 2
            for at, whole in enumerate(line):
                whole.append((sign if at == middle else "").center(GAP), style="key")
        else:
            line = [Text(" " * indent) for _ in lines]
        for whole, added in zip(line, lines, strict=True):
            whole.append_text(added)
            whole.append(" " * (width - len(added)))
    _print(console, line)


def _print(console: Console, lines: list[Text]) -> None:
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True)


def _lines(grid: Grid, picture: Grids) -> list[Text]:
    """Return a grid: its name, its first and last key, and a row for each query drawn."""
    places = picture.positions
    cells = [[_cell(number, grid) for number in row] for row in grid.rows]
    gap = " " if grid.kind == "scores" else ""
    columns = max(len(each) for row in cells for each in row)
    skipped = [after != before + 1 for before, after in pairwise((-1, *places))]
    across, down = ("", "") if picture.kind == "reach" else ("k", "q")
    labels = max(len(f"{down}{place}") for place in places)
    inside = [
        gap.join((f"{LEFT_OUT} " if cut else "") + each.rjust(columns) for each, cut in zip(row, skipped, strict=True))
        for row in cells
    ]  # fmt: skip
    first, last = f"{across}0", f"{across}{places[-1]}" if len(places) > 1 else ""
    room = len(inside[0]) - len(first)
    header = first + (last.rjust(room) if room > len(last) else "")
    margin = " " * (labels + 2)
    lines = [Text.assemble(margin, (grid.name, "code")), Text(margin + header, style="muted")]
    for place, row, cut in zip(places, inside, skipped, strict=True):
        if cut:
            lines.append(Text(f"{LEFT_OUT:<{labels}}", style="muted"))
        label = f"{down}{place}".ljust(labels)
        lines.append(Text.assemble((label, "muted"), " │", (row, "heat"), "│"))
    return lines


def _cell(number: float, grid: Grid) -> str:
    if grid.kind == "scores":
        return "-inf" if isinf(number) else f"{number:.1f}"
    return next((shade for bound, shade in SHADES if number < bound), FULL)
