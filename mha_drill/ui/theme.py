"""What each style means on the screen: every renderer names a meaning, only this file names a colour.

The colours are the terminal's own sixteen, so that they stay readable on light and on dark grounds, and
every meaning is also told by a word or a sign, never by its colour alone.
"""

from __future__ import annotations

from typing import Final

from rich.theme import Theme

STYLES: Final = {
    "title": "bold",
    "pass": "bold green",
    "mistake": "bold red",
    "partly": "bold yellow",
    "warning": "yellow",
    "muted": "dim",
    "step": "cyan",
    "code": "magenta",
    "shape": "bright_blue",  # plain blue is nearly black on many dark grounds
    "caption": "underline",
    "heat": "none",  # a shade is read against the ground, so it has the text's own colour
    "key": "bold cyan",
    "option": "bold",
    "strong": "bold",
    "emphasis": "italic",
    "yours": "red",
    "reference": "green",
    "said": "underline green",
    "cell0": "black on cyan",
    "cell1": "black on yellow",
    "cell2": "black on magenta",
    "cell3": "black on green",
    "cell4": "white on blue",
    "cell5": "white on red",
}

CELLS: Final = tuple(name for name in STYLES if name.startswith("cell"))
"""Cells of a drawn memory, told apart; a label always says the same."""

PASS_SIGN: Final = "✓"
MISTAKE_SIGN: Final = "✗"
PARTLY_SIGN: Final = "~"
SKIP_SIGN: Final = "–"

THEME: Final = Theme(STYLES, inherit=True)
