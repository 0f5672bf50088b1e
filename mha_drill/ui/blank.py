"""The screen of `new`: what is asked, where the blank is, and what to run when it is filled in."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mha_drill.records import Lang, Problem
from mha_drill.ui.console import print_prose
from mha_drill.ui.markdown import print_markdown
from mha_drill.words import word


def print_blank(console: Console, problem: Problem, path: Path, lang: Lang) -> None:
    """Print the statement, then where the blank was written and the command that checks it."""
    print_markdown(console, problem.statement.say(lang))
    console.print()
    print_prose(console, word("catalog.written", lang, name=problem.id, path=path))
    console.print(Text(f"    mha-drill check {shlex.quote(str(path))}", style="key"), soft_wrap=True)
