"""The whole file beside the reference solution, as a unified diff; called by `checking` for `check --diff`."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from mha_drill.records import Lang
from mha_drill.ui.check_layout import heading
from mha_drill.ui.code import bare, fold
from mha_drill.ui.console import Paper, print_prose
from mha_drill.words import word

CONTEXT = 2
STYLES = {"+": "reference", "-": "yours", "@": "step"}


def render_diff(paper: Paper, mine: str, name: str, solution: Path, lang: Lang) -> None:
    """Print the whole-file diff to the reference solution: `-` the learner's lines, `+` the reference's."""
    from difflib import unified_diff

    own = [bare(line) for line in mine.splitlines()]
    theirs = [bare(line) for line in solution.read_text(encoding="utf-8").splitlines()]
    heading(paper, word("check.diff-title", lang), word("check.diff-legend", lang))
    lines = list(unified_diff(own, theirs, bare(name), solution.name, lineterm="", n=CONTEXT))
    if not lines:
        print_prose(paper, word("check.diff-none", lang))
    for line in lines:
        sign, style = line[:1], STYLES.get(line[:1], "muted")
        if line.startswith(("---", "+++", "@@")):
            paper.print(Text(line, style=style), soft_wrap=True)
            continue
        for part in fold(line[1:], max(paper.width - 2, 16)):
            paper.print(Text.assemble((sign + " ", style), (part, style)), soft_wrap=True)
            sign = " "
