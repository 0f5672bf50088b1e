"""The console every screen prints on, and how prose is laid out on it; every renderer takes one as argument.

`make_console()` is made once by a command. Printing takes text as it is: nothing in square
brackets is read as markup, nothing is coloured by guessing, so that `[N, L, D]` stays what it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import IO, Any, Protocol

from rich.console import Console
from rich.text import Text

from mha_drill.ui.theme import THEME
from mha_drill.ui.wrapping import wrap

PROSE_WIDTH = 100


class Page(Console):
    """A console that tells the door of the program when nobody reads it any more, where Rich's own ends it."""

    def on_broken_pipe(self) -> None:
        """Let `entry` decide the exit code."""
        raise BrokenPipeError


class Paper(Protocol):
    """What text can be laid out on: a console, or a column of one (`ui.columns`)."""

    @property
    def width(self) -> int:
        """How many columns a line has."""

    def print(self, *objects: Any, soft_wrap: bool | None = None) -> None:
        """Print one line."""


def make_console(
    file: IO[str] | None = None,
    *,
    stderr: bool = False,
    width: int | None = None,
    environ: Mapping[str, str] | None = None,
) -> Console:
    """Return a console on `file`, else on standard output (or error).

    Off a terminal it has no colour and 80 columns (or `COLUMNS`); `NO_COLOR` is obeyed. `width` fixes the
    columns, `environ` stands for the environment in tests.
    """
    return Page(
        file=file,
        stderr=stderr,
        width=width,
        theme=THEME,
        markup=False,
        highlight=False,
        emoji=False,
        _environ=os.environ if environ is None else environ,
    )


def print_prose(
    console: Paper, text: str | Text, *, style: str = "", indent: int = 0, hanging: int = 0
) -> None:
    """Print paragraphs broken at good places, in Chinese too; each line of `text` is a paragraph.

    indent: columns before every line. hanging: further columns before every line but a paragraph's first.
    """
    whole = text if isinstance(text, Text) else Text(text, style=style)
    width = max(min(console.width, PROSE_WIDTH), 8)
    for paragraph in whole.split("\n", allow_blank=True):
        room = max(width - indent - hanging, 8)
        for number, line in enumerate(wrap(paragraph, room, first=max(width - indent, 8))):
            margin = " " * (indent + (hanging if number else 0))
            console.print(Text(margin) + line, soft_wrap=True)


def fit(text: str, width: int) -> str:
    """Return `text` cut to `width` columns, with an ellipsis when something was cut."""
    line = Text(text)
    line.truncate(max(width, 1), overflow="ellipsis")
    return line.plain


def captured(console: Console, draw: Callable[[], object]) -> list[str]:
    """Return the lines that `draw` prints on the console, colours and all; nothing is shown."""
    with console.capture() as capture:
        draw()
    return capture.get().rstrip("\n").split("\n")


def print_command(console: Paper, sentence: str, command: str) -> None:
    """Print a sentence with the command its `{command}` stands for."""
    before, _, after = sentence.partition("{command}")
    print_prose(console, Text.assemble(before, (command, "code"), after))
