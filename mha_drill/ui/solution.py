"""The screen of `solution`: reference code, coloured; called on a terminal only, so that a pipe gets code."""

from __future__ import annotations

from rich.console import Console
from rich.syntax import Syntax


def print_solution(console: Console, code: str) -> None:
    """Print Python code in the terminal's own colours; no line is cut or filled up."""
    syntax = Syntax(code, "python", theme="ansi_dark", background_color="default")
    console.print(syntax.highlight(code), end="", soft_wrap=True)
