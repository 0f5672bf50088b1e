"""What the commands call to have a file judged; it starts the judge, asks, and reads the record back. No torch.

`check`, the quiz and the notebook come in here and nowhere else.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mha_drill.catalog import load_catalog
from mha_drill.errors import DrillError, UsageError
from mha_drill.judge import wire
from mha_drill.judge.sources import Source, read_source
from mha_drill.records import Lang, Mistake, Report, StepRow, StepSide, TestResult

TIME_LIMIT = 10.0
LONGEST_LIMIT = 3600.0
# A check does at most some dozens of calls, and after the first that hangs the others are skipped; this bounds
# what remains should the judge itself go astray.
PATIENCE = 60


def check_file(
    path: Path,
    problem: str | None = None,
    *,
    class_name: str | None = None,
    lang: Lang = "en",
    time_limit: float = TIME_LIMIT,
    root: Path | None = None,
) -> Report:
    """Judge one file and return its Report; UsageError for a file that cannot be read, DrillError if we broke."""
    with open_judge() as judge:
        return judge.check(
            read_source(path), problem, class_name=class_name, lang=lang, time_limit=time_limit, root=root
        )


class JudgeClient:
    """A line to a running judge."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def check(
        self,
        source: Source,
        problem: str | None = None,
        *,
        class_name: str | None = None,
        lang: Lang = "en",
        time_limit: float = TIME_LIMIT,
        root: Path | None = None,
    ) -> Report:
        """Judge one source and return its Report."""
        if not 0 < time_limit <= LONGEST_LIMIT:
            raise UsageError("check.bad-time-limit")
        started = time.monotonic()
        catalog = load_catalog(root)
        request = {
            "op": "check",
            "file": source.shown,
            "path": source.path,
            "source": source.text,
            "problem": catalog.problem(problem).id if problem else None,
            "class": class_name,
            "lang": lang,
            "time_limit": time_limit,
            "root": str(catalog.root),
        }
        try:
            wire.send(self._channel, request)
            answer, _ = wire.receive(self._channel, started + PATIENCE + 12 * time_limit)
        except wire.Late:
            raise DrillError("check.judge-died", reason="no answer in time") from None
        except wire.Closed:
            raise DrillError("check.judge-died", reason="it closed the line") from None
        if "usage" in answer:
            raise UsageError(answer["usage"], **answer["values"])
        if "report" not in answer:
            raise JudgeBroke(str(answer.get("broke", "")))
        return read_report(answer["report"], time.monotonic() - started)


class JudgeBroke(DrillError):
    """The judge went wrong; the traceback, from the judge, is in `told`."""

    def __init__(self, told: str) -> None:
        lines = told.strip().splitlines() or ["unknown"]
        super().__init__("check.judge-broke", reason=lines[-1])
        self.told = told


@contextmanager
def open_judge() -> Iterator[JudgeClient]:
    """Start a judge for as long as the block lasts."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "mha_drill.judge.server", str(theirs.fileno()), str(os.getpid())],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    try:
        yield JudgeClient(ours)
    except BaseException:
        process.kill()
        raise
    finally:
        ours.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def read_report(data: dict[str, Any], seconds: float) -> Report:
    """Return the Report that crossed the socket as JSON."""
    return Report(
        **data
        | {
            "tests": tuple(TestResult(**item) for item in data["tests"]),
            "mistakes": tuple(Mistake(**item) for item in data["mistakes"]),
            "notes": tuple(data["notes"]),
            "steps": tuple(_row(item) for item in data["steps"]),
            "bound": tuple(data["bound"]),
            "seconds_total": round(seconds, 4),
        }
    )


def _row(item: dict[str, Any]) -> StepRow:
    return StepRow(item["step"], _side(item["yours"]), _side(item["reference"]), item["same"])


def _side(item: dict[str, Any] | None) -> StepSide | None:
    if item is None:
        return None
    return StepSide(item["line"], item["code"], None if item["shape"] is None else tuple(item["shape"]))


def exit_code(reports: Sequence[Report]) -> int:
    """Return the exit code of the contract for judged files: 3, 1 or 0."""
    verdicts = {report.verdict for report in reports}
    return 3 if "error" in verdicts else 1 if "fail" in verdicts else 0
