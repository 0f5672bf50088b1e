"""A line of our own code on the page of a topic, broken where a reader of Python would break it."""

from __future__ import annotations

from itertools import pairwise

from rich.cells import cell_len
from rich.text import Text

from mha_drill.ui.code import HANGING, fold
from mha_drill.ui.console import PROSE_WIDTH, Paper
from mha_drill.ui.wrapping import wrap

COMMENT = "  # "


def print_code(
    paper: Paper, code: str, *, indent: int, mark: str = "", result: str = "", column: int = 0
) -> None:
    """Print one line of code, the result beside it at `column`, or below it where there is no room for it.

    mark: what stands before it, as the number of a line.
    """
    room = max(min(paper.width, PROSE_WIDTH) - indent - len(mark), 8)
    lines = [Text.assemble((line, "code")) for line in _broken(code, room)]
    if result:
        last = lines[-1]
        gap = max(column - len(last), 0)
        if len(last) + gap + cell_len(COMMENT + result) <= room:
            last.append(" " * gap).append(COMMENT + result, style="muted")
        else:
            lines += wrap(Text(f"{HANGING}# {result}", style="muted"), room)
    for line in lines:
        paper.print(Text.assemble(" " * indent, (mark, "muted"), line), soft_wrap=True)
        mark = " " * len(mark)


def _broken(code: str, room: int) -> list[str]:
    """Return the code on lines of `room` columns; at spaces where it would be cut inside a word."""
    lines = fold(code, room)
    inside = any(before[-1:].isalnum() and after.lstrip()[:1].isalnum() for before, after in pairwise(lines))
    if not inside:
        return lines
    first, *others = wrap(Text(code), room - len(HANGING), first=room)
    return [first.plain, *(HANGING + line.plain for line in others)]
