"""The screen of `list`: the problems in the order to learn them, a row each, the steps below the title."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mha_drill.records import QUESTION_KINDS, STEPS, Lang, Problem
from mha_drill.ui.console import PROSE_WIDTH, print_prose
from mha_drill.ui.markdown import inline
from mha_drill.ui.wrapping import wrap
from mha_drill.words import word

GAP = 2
NARROW = 60


def print_list(console: Console, problems: Sequence[Problem], lang: Lang) -> None:
    """Print the table of problems; below 60 columns the title moves to a line of its own."""
    header = [word(f"catalog.{name}-column", lang) for name in ("problem", "kind", "difficulty", "title")]
    kinds = {kind: word(f"catalog.kind-{kind}", lang) for kind in QUESTION_KINDS}
    rows = [(problem.id, kinds[problem.kind], "*" * problem.difficulty) for problem in problems]
    widths = [max(map(cell_len, column)) for column in zip(header[:3], *rows, strict=True)]
    narrow = console.width < NARROW
    margin = 2 if narrow else sum(widths) + GAP * 3
    room = max(min(console.width, PROSE_WIDTH) - margin, 8)

    top = _cells(header[:3], ("muted",) * 3, widths)
    if not narrow:
        top.append(header[3], style="muted")
    _print(console, top)
    for problem, row in zip(problems, rows, strict=True):
        cells = _cells(row, ("key", "", ""), widths)
        below = [*wrap(Text(problem.title.say(lang)), room), *wrap(_steps(problem, lang), room)]
        if not narrow:
            cells += below.pop(0)
        _print(console, cells)
        for line in below:
            _print(console, Text(" " * margin) + line)
    console.print()
    print_prose(console, inline(word("catalog.list-next", lang), "muted"))


def _cells(values: Sequence[str], styles: Sequence[str], widths: Sequence[int]) -> Text:
    line = Text()
    for value, style, width in zip(values, styles, widths, strict=True):
        line.append(value, style=style)
        line.append(" " * (width - cell_len(value) + GAP))
    return line


def _steps(problem: Problem, lang: Lang) -> Text:
    every = set(problem.steps) == set(STEPS)
    return Text(word("catalog.all-steps", lang) if every else ", ".join(problem.steps), style="step")


def _print(console: Console, line: Text) -> None:
    line.rstrip()
    console.print(line, soft_wrap=True)
