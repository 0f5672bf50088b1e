"""`check` as a sentence: read each file, have it judged, record the attempt, show the report, return the exit code.

Called by `commands.judging`; the quiz checks one file through `judge.client` itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mha_drill.catalog import load_catalog
from mha_drill.errors import BROKEN, FAILED, PASSED, USAGE, DrillError
from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source, read_source
from mha_drill.records import Attempt, Lang, Report

WORST_FIRST = (BROKEN, USAGE, FAILED, PASSED)


@dataclass(frozen=True, slots=True)
class CheckWish:
    """What `check` was asked: the problem and class, if named, and how to show the result."""

    problem: str | None
    class_name: str | None
    diff: bool
    json: bool
    verbose: bool
    time_limit: float
    lang: Lang
    cold: bool = False


def check_files(paths: Sequence[Path], wish: CheckWish, record: Callable[[Attempt], object]) -> int:
    """Check files one after the other, print each result, and return the highest exit code of the contract.

    One file in a call is the learner's attempt and is recorded; several are not.
    """
    codes: list[int] = []
    with ExitStack() as stack:
        judge: JudgeClient | None = None
        for path in paths:
            try:
                source = read_source(path)
                judge = judge or stack.enter_context(open_judge(cold=wish.cold))
                report = judge.check(
                    source,
                    wish.problem,
                    class_name=wish.class_name,
                    lang=wish.lang,
                    time_limit=wish.time_limit,
                )
            except DrillError as error:
                codes.append(_unjudged(path, error, wish))
                if error.exit_code == BROKEN:
                    judge = None
                continue
            codes.append({"pass": PASSED, "fail": FAILED}.get(report.verdict, BROKEN))
            if len(paths) == 1:
                _record(report, record)
            _show(report, source, wish, several=len(paths) > 1)
    if len(paths) > 1 and not wish.json:
        from mha_drill.ui.check import render_summary
        from mha_drill.ui.console import make_console

        render_summary(make_console(), codes.count(PASSED), len(paths), wish.lang)
    return next(code for code in WORST_FIRST if code in codes)


def _unjudged(path: Path, error: DrillError, wish: CheckWish) -> int:
    """Say why a file could not be judged."""
    sentence = error.say(wish.lang)
    if wish.json:
        from mha_drill.ui.json import error_line

        print(error_line(str(path), sentence), flush=True)  # noqa: T201
    else:
        from mha_drill.ui.check import clean

        print(clean(sentence), file=sys.stderr, flush=True)  # noqa: T201
    return error.exit_code


def _record(report: Report, record: Callable[[Attempt], object]) -> None:
    from mha_drill.progress.attempts import of_report

    attempt = of_report(report, load_catalog().problem(report.problem).steps, time.time())
    if attempt is not None:
        record(attempt)


def _show(report: Report, source: Source, wish: CheckWish, *, several: bool) -> None:
    if wish.json:
        from mha_drill.ui.json import report_line

        print(report_line(report), flush=True)  # noqa: T201
        return
    from mha_drill.ui.check import render_diff, render_report
    from mha_drill.ui.console import make_console

    console = make_console()
    render_report(console, report, wish.lang, source=source.text, verbose=wish.verbose)
    if wish.diff:
        catalog = load_catalog()
        render_diff(
            console,
            source.text,
            report.file,
            catalog.solutions(catalog.problem(report.problem))[0],
            wish.lang,
        )
    if several:
        console.print()
