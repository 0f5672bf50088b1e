"""A report in a notebook: what `check` prints, as HTML or as text, with the cells that the line numbers count from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final, Literal

from rich.console import Console

from mha_drill.notebook.cells import Cell
from mha_drill.records import Lang, Report
from mha_drill.ui.check import render_report
from mha_drill.ui.console import print_prose
from mha_drill.ui.export import FONTS, ON_PAPER, PAPER
from mha_drill.words import word

COLUMNS: Final = 100
_HTML: Final = (
    '<pre style="background:#ffffff;color:#24292f;padding:0.8em;line-height:1.3;overflow-x:auto;font-family:'
    + FONTS.replace("'", "")
    + '"><code style="font-family:inherit;background:inherit;color:inherit">{code}</code></pre>'
)


def report_html(report: Report, source: str, cells: Sequence[Cell], lang: Lang) -> str:
    """Return the report as a piece of HTML with its own colours, readable in a dark notebook too."""
    console = _console(io.StringIO(), "truecolor")
    _print(console, report, source, cells, lang)
    return console.export_html(theme=PAPER, inline_styles=True, code_format=_HTML)


def report_text(report: Report, source: str, cells: Sequence[Cell], lang: Lang) -> str:
    """Return the report as plain text."""
    file = io.StringIO()
    _print(_console(file, None), report, source, cells, lang)
    return file.getvalue().rstrip("\n")


def _console(file: io.StringIO, colours: Literal["truecolor"] | None) -> Console:
    """Return a console on `file`, which records; without `force_jupyter` Rich would print into the notebook itself."""
    return Console(
        file=file, record=True, width=COLUMNS, theme=ON_PAPER, markup=False, highlight=False, emoji=False,
        force_terminal=colours is not None, force_jupyter=False, color_system=colours, legacy_windows=False,
        _environ={},
    )  # fmt: skip


def _print(console: Console, report: Report, source: str, cells: Sequence[Cell], lang: Lang) -> None:
    render_report(console, report, lang, source=source)
    if cells:
        comma = word("quiz.comma", lang)
        said = [word("notebook.cell", lang, number=cell.number, line=cell.line) for cell in cells]
        print_prose(console, word("notebook.lines", lang, cells=comma.join(said)), style="muted")
