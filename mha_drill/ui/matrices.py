"""Small matrices beside each other on the screen, under each other where the page is narrow; for `ui.pictures`.

A weight is told by its number and by a shade beside it, so that the pattern shows without any colour.
"""

from __future__ import annotations

from math import ceil

from rich.console import Console
from rich.text import Text

from mha_drill.explain.figures import Equation, Matrix

SHADES = "·░▒▓█"
"""Signs for a weight: none at all, then up to a quarter, a half, three quarters, and all."""

SIGN_COLUMNS = 5


def print_equation(console: Console, equation: Equation, *, indent: int) -> None:
    """Print the matrices of an equation with the signs between them."""
    named = any(matrix.across for matrix in equation.terms)
    height = max(len(matrix.rows) for matrix in equation.terms)
    signs = ("", *equation.signs, *[""] * (len(equation.terms) - len(equation.signs) - 1))
    line = [Text(" " * indent) for _ in range(height + 1 + named)]
    empty = True
    for matrix, sign in zip(equation.terms, signs, strict=True):
        drawn = [Text()] * ((height - len(matrix.rows)) // 2) + _lines(matrix, named)
        width = max(len(each) for each in drawn)
        margin = 0 if empty else SIGN_COLUMNS
        if not empty and len(line[0]) + margin + width > console.width:
            _print_lines(console, line)
            line = [Text(" " * indent) for _ in line]
        middle = 1 + named + (height - 1) // 2
        for at, whole in enumerate(line):
            if not empty:
                whole.append((sign if at == middle else "").center(SIGN_COLUMNS), style="key")
            whole.append_text(drawn[at] if at < len(drawn) else Text())
            whole.append(" " * (width - (len(drawn[at]) if at < len(drawn) else 0)))
        empty = False
    _print_lines(console, line)


def _print_lines(console: Console, lines: list[Text]) -> None:
    for line in lines:
        line.rstrip()
        if line.plain:
            console.print(line, soft_wrap=True)


def _lines(matrix: Matrix, named: bool) -> list[Text]:
    """Return a matrix: its name, the names of its columns (a line also where only others have them), rows."""
    cells = [[number_of(number, matrix) for number in row] for row in matrix.rows]
    columns = max(len(each) for row in (*cells, matrix.across) for each in row)
    labels = max((len(name) for name in matrix.down), default=0)
    margin = " " * (labels + bool(labels))
    lines = [Text.assemble(margin, (matrix.name, "code"))]
    if matrix.across:
        across = " ".join(name.rjust(columns) for name in matrix.across)
        lines.append(Text(f"{margin} {across}".rstrip(), style="muted"))
    elif named:
        lines.insert(0, Text())
    for at, row in enumerate(cells):
        label = f"{matrix.down[at].ljust(labels)} " if matrix.down else ""
        inside = " ".join(each.rjust(columns) for each in row)
        lines.append(Text.assemble((label, "muted"), (f"│{inside}│", "shape")))
    return lines


def number_of(number: float, matrix: Matrix) -> str:
    """Return one number as it is drawn, with its shade where the matrix has shades."""
    written = f"{number:.{matrix.places}f}"
    if not matrix.shaded:
        return written
    return f"{SHADES[ceil(4 * float(written))]}{written}"
