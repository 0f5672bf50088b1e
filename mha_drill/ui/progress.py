"""The screens of `progress export` and `progress import`: a line each."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from mha_drill.progress.portable import Merged
from mha_drill.records import Lang
from mha_drill.ui.code import clean
from mha_drill.ui.console import print_command, print_prose
from mha_drill.words import word


def print_exported(console: Console, path: Path, count: int, lang: Lang) -> None:
    """Say how much was written where, and what to do with it."""
    command = "{command}"
    sentence = word("progress.exported", lang, count=count, path=clean(str(path)), command=command)
    print_command(console, sentence, f"mha-drill progress import {clean(path.name)}")


def print_imported(console: Console, merged: Merged, lang: Lang) -> None:
    """Say what was brought in."""
    print_prose(console, word("progress.imported", lang, fresh=merged.fresh, known=merged.known))


def print_questions_exported(console: Console, path: Path, kind: str, count: int, lang: Lang) -> None:
    """Say how many questions were written where, and what opens the file."""
    print_prose(console, word(f"progress.questions-{kind}", lang, count=count, path=clean(str(path))))
