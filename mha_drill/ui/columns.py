"""Two texts beside each other, each laid out in its own column, Chinese included."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text


class Column:
    """A column to lay text out on; what is printed on it is kept as lines."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[Text] = []

    def print(self, *objects: Any, soft_wrap: bool | None = None) -> None:
        """Keep one line."""
        parts = [each if isinstance(each, Text) else Text(str(each)) for each in objects]
        self.lines.append(Text(" ").join(parts))


def print_beside(console: Console, left: Column, right: Column, gap: int = 2) -> None:
    """Print two columns, the shorter one ending first."""
    for number in range(max(len(left.lines), len(right.lines))):
        line = left.lines[number].copy() if number < len(left.lines) else Text()
        if number < len(right.lines):
            line.append(" " * max(left.width + gap - cell_len(line.plain), 1))
            line.append_text(right.lines[number])
        line.rstrip()
        console.print(line, soft_wrap=True)
