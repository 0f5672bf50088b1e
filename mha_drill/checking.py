"""`check` as a sentence: read each file, have it judged, record the attempt, show the report, return the exit code.

Called by `commands.judging`; `watching` judges the same way at each save. The judge is asked first, and what
shows its answer is loaded while it works.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mha_drill.catalog import load_catalog
from mha_drill.errors import BROKEN, FAILED, PASSED, USAGE, DrillError
from mha_drill.judge.client import Asked, JudgeClient, open_judge, wait_for
from mha_drill.judge.sources import Source, read_source
from mha_drill.records import Attempt, Lang, Report

WORST_FIRST = (BROKEN, USAGE, FAILED, PASSED)
# How far checks run ahead of the first file whose result is still out, in what runs at once.
AHEAD = 8


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one file: its source and report, or why it could not be judged."""

    path: Path
    source: Source | None = None
    report: Report | None = None
    error: DrillError | None = None

    @property
    def code(self) -> int:
        """The exit code this file alone would have."""
        if self.report is None:
            return self.error.exit_code if self.error else BROKEN
        return {"pass": PASSED, "fail": FAILED}.get(self.report.verdict, BROKEN)


def check_files(paths: Sequence[Path], wish: CheckWish, record: Callable[[Attempt], object]) -> int:
    """Check files, print each result in the order given, and return the highest exit code of the contract.

    One file in a call is the learner's attempt and is recorded; several are not.
    """
    with open_judge(cold=wish.cold) as judge:
        if len(paths) > 1:
            return _check_many(paths, judge, wish)
        (path,) = paths
        try:
            source = read_source(path)
            asked = ask(judge, source, wish)
        except DrillError as error:
            outcome = Outcome(path, error=error)
        else:
            import mha_drill.progress.attempts  # noqa: F401  loaded while the judge works
            from mha_drill.ui.checking import wait_with_sign

            wait_with_sign(asked, wish.lang, json=wish.json)
            outcome = collected(path, source, asked)
    if outcome.report is not None:
        record_report(outcome.report, record)
    _show(outcome, wish)
    return outcome.code


def ask(judge: JudgeClient, source: Source, wish: CheckWish) -> Asked:
    """Have a source judged as was wished."""
    return judge.ask(
        source, wish.problem, class_name=wish.class_name, lang=wish.lang, time_limit=wish.time_limit
    )


def collected(path: Path, source: Source, asked: Asked) -> Outcome:
    """Return what came of a file that was sent to be judged."""
    try:
        return Outcome(path, source, asked.report())
    except DrillError as error:
        return Outcome(path, error=error)


def record_report(report: Report, record: Callable[[Attempt], object]) -> None:
    """Keep a report as an attempt of the learner's."""
    from mha_drill.progress.attempts import of_report

    attempt = of_report(report, load_catalog().problem(report.problem).steps, time.time())
    if attempt is not None:
        record(attempt)


def _check_many(paths: Sequence[Path], judge: JudgeClient, wish: CheckWish) -> int:
    from mha_drill.ui.checking import Progress, show_summary

    codes: list[int] = []
    with Progress(len(paths), wish.lang, json=wish.json) as progress:
        for outcome in _outcomes(paths, judge, wish, progress.tick):
            codes.append(outcome.code)
            _show(outcome, wish, progress)
            progress.advance()
    if not wish.json:
        show_summary(codes.count(PASSED), len(paths), wish.lang)
    return next(code for code in WORST_FIRST if code in codes)


def _outcomes(
    paths: Sequence[Path], judge: JudgeClient, wish: CheckWish, tick: Callable[[], None]
) -> Iterator[Outcome]:
    """Yield what comes of each file, in order; as many are judged at once as there are cores."""
    most = cores()
    todo = deque(enumerate(paths))
    running: dict[Asked, tuple[int, Path, Source]] = {}
    done: dict[int, Outcome] = {}
    due = 0
    while due < len(paths):
        while todo and len(running) < most and todo[0][0] < due + AHEAD * most:
            number, path = todo.popleft()
            try:
                source = read_source(path)
                running[ask(judge, source, wish)] = (number, path, source)
            except DrillError as error:
                done[number] = Outcome(path, error=error)
        while due in done:
            yield done.pop(due)
            due += 1
        if not running:
            continue
        wait_for(list(running), 0.25)
        tick()
        for asked in [item for item in running if item.wait(0)]:
            number, path, source = running.pop(asked)
            done[number] = collected(path, source, asked)


def cores() -> int:
    """Return how many processors this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show(outcome: Outcome, wish: CheckWish, progress: object = None) -> None:
    from mha_drill.ui.checking import show_report, show_unjudged

    if outcome.report is None or outcome.source is None:
        error = outcome.error or DrillError("check.judge-died", reason="?")
        show_unjudged(outcome.path, error.say(wish.lang), json=wish.json)
    else:
        show_report(outcome.report, outcome.source.text, wish, progress)
