"""What `check` prints around its reports: the sign that a start takes a while, the bar of many files, the summary.

Called by `checking`. Nothing is shown for what takes less than half a second.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mha_drill.catalog import load_catalog
from mha_drill.records import Lang, Report
from mha_drill.ui.check import clean, render_diff, render_report, render_summary
from mha_drill.ui.console import make_console
from mha_drill.words import word

if TYPE_CHECKING:
    from rich.console import Console

    from mha_drill.checking import CheckWish
    from mha_drill.judge.client import Asked

SOON = 0.5


def wait_with_sign(asked: Asked, lang: Lang, *, json: bool) -> None:
    """Wait for an answer, and say on a terminal what takes so long when it is not there soon.

    Lines of JSON on a terminal are read there: no sign runs before them.
    """
    if asked.wait(SOON):
        return
    console = make_console(stderr=True)
    if not console.is_terminal or (json and make_console().is_terminal):
        while not asked.wait(60.0):
            pass
        return
    with console.status(_doing(asked, lang), spinner="dots") as status:
        while not asked.wait(0.2):
            status.update(_doing(asked, lang))


def _doing(asked: Asked, lang: Lang) -> str:
    return word("check.starting" if asked.loading else "check.judging", lang)


class Progress:
    """A bar for many files, on a terminal; below the reports where these are printed on it too."""

    def __init__(self, total: int, lang: Lang, *, json: bool) -> None:
        out = make_console()
        self._at = out if out.is_terminal and not json else make_console(stderr=True)
        # Lines of JSON on a terminal are read there: no bar runs between them.
        self._wanted = self._at.is_terminal and not (json and out.is_terminal)
        self.console: Console = self._at if out.is_terminal and not json else out
        self._total, self._done = total, 0
        self._lang: Lang = lang
        self._began = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tick(self) -> None:
        """Show the bar once it has taken a while."""
        if self._wanted and self._bar is None and time.monotonic() - self._began > SOON:
            self._start()

    def advance(self) -> None:
        """Count one file."""
        self._done += 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done)

    def _start(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._at,
            transient=True,
        )
        self._task = self._bar.add_task(
            word("check.checking", self._lang), total=self._total, completed=self._done
        )
        self._bar.start()


def show_report(report: Report, source: str, wish: CheckWish, progress: object = None) -> None:
    """Print one report as was wished, one of several if there is a `progress`."""
    if wish.json:
        from mha_drill.ui.json import report_line

        print(report_line(report), flush=True)  # noqa: T201
        return
    console = progress.console if isinstance(progress, Progress) else make_console()
    render_report(console, report, wish.lang, source=source, verbose=wish.verbose)
    if wish.diff:
        catalog = load_catalog()
        reference = catalog.solutions(catalog.problem(report.problem))[0]
        render_diff(console, source, report.file, reference, wish.lang)
    if progress is not None:
        console.print()


def show_unjudged(path: Path, sentence: str, *, json: bool) -> None:
    """Say why a file could not be judged."""
    if json:
        from mha_drill.ui.json import error_line

        print(error_line(str(path), sentence), flush=True)  # noqa: T201
    else:
        print(clean(sentence), file=sys.stderr, flush=True)  # noqa: T201


def show_summary(passed: int, total: int, lang: Lang) -> None:
    """Print how many of several files pass."""
    render_summary(make_console(), passed, total, lang)
