"""What the commands call to have a file judged: it asks a judge, and reads the record back. No torch.

`check`, `watch`, the quiz and the notebook come in here and nowhere else. Which judge answers, the warm one or
one of the command's own, is settled here; `warm.doors` finds and starts them.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from mha_drill.catalog import load_catalog
from mha_drill.errors import DrillError, UsageError
from mha_drill.judge import wire
from mha_drill.judge.sources import Source, read_source
from mha_drill.judge.warm.doors import PrivateDoor, WarmDoor, minutes_to_stay
from mha_drill.judge.warm.greeting import CHECK, HELLO
from mha_drill.records import Lang, Mistake, Report, StepRow, StepSide, TestResult

TIME_LIMIT = 10.0
LONGEST_LIMIT = 3600.0
# A check does at most some dozens of calls, and after the first that hangs the others are skipped; this bounds
# what remains should the judge itself go astray.
PATIENCE = 60
# A judge that has loaded greets at once, however many checks it has to do.
HELLO_PATIENCE = 12.0


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


@contextmanager
def open_judge(*, cold: bool = False, environ: Mapping[str, str] = os.environ) -> Iterator[JudgeClient]:
    """Give a judge for as long as the block lasts. cold: one that nobody shares and that ends with the block."""
    minutes = 0.0 if cold else minutes_to_stay(environ)
    private = PrivateDoor()
    doors: list[Door] = [private]
    if minutes:
        # Twice: a judge that dies under a check is started anew. Then the command does without.
        warm = WarmDoor(environ, minutes)
        doors = [warm, warm, private]
    client = JudgeClient(doors)
    try:
        yield client
    finally:
        client.close()
        private.close()


class Door(Protocol):
    """A way to a judge; see `warm.doors`."""

    def open(self) -> socket.socket | None:
        """Return a new line to the judge, None where there is none to be had."""

    def is_being_started(self) -> bool:
        """Whether the judge may keep silent, because it is still loading."""

    def forget(self) -> None:
        """Let the judge be: it does not answer."""


class JudgeClient:
    """Asks a judge, through the first of some doors that leads to one."""

    def __init__(self, doors: Sequence[Door]) -> None:
        self._doors = doors
        self._asked: set[Asked] = set()

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
        return self.ask(
            source, problem, class_name=class_name, lang=lang, time_limit=time_limit, root=root
        ).report()

    def ask(
        self,
        source: Source,
        problem: str | None = None,
        *,
        class_name: str | None = None,
        lang: Lang = "en",
        time_limit: float = TIME_LIMIT,
        root: Path | None = None,
    ) -> Asked:
        """Send one source to be judged, and return at once."""
        if not 0 < time_limit <= LONGEST_LIMIT:
            raise UsageError("check.bad-time-limit")
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
            "environ": dict(os.environ),
        }
        asked = Asked(request, self._doors, self._asked.discard)
        self._asked.add(asked)
        return asked

    def close(self) -> None:
        """Hang up: whatever is still being judged for this command is ended."""
        for asked in tuple(self._asked):
            asked.close()


class Asked:
    """A file that is being judged. It heals by itself: where a judge fails, the next door is tried."""

    def __init__(self, request: dict[str, Any], doors: Sequence[Door], done: Any) -> None:
        self._request = request
        self._left = list(doors)
        self._done = done
        self._line: socket.socket | None = None
        self._greeted = False
        self._loading = True
        self._greeting_due = 0.0
        self._limit = PATIENCE + 12 * float(request["time_limit"])
        self._deadline = 0.0
        self._started = time.monotonic()
        self._ask()

    @property
    def loading(self) -> bool:
        """Whether the judge has not even greeted: then it is only just being started."""
        return self._line is not None and not self._greeted

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; whether there is an answer now, or no more hope of one."""
        until = time.monotonic() + seconds
        while self._line is not None:
            now = time.monotonic()
            patience = (until if self._greeted else min(until, self._greeting_due)) - now
            if wait_for([self], max(patience, 0.0)):
                if self.ready():
                    return True
            elif not self._greeted and time.monotonic() >= self._greeting_due:
                self._no_greeting()
            elif self._greeted and time.monotonic() >= self._deadline:
                return True
            if time.monotonic() >= until:
                return False
        return True

    def fileno(self) -> int:
        """Return what to poll; -1 when there is nothing to wait for."""
        return -1 if self._line is None else self._line.fileno()

    def ready(self) -> bool:
        """Whether what can be read is the answer; it is not the first time, which is the judge's hello."""
        if self._line is None or self._greeted:
            return True
        try:
            hello = self._line.recv(len(HELLO))
        except OSError:
            hello = b""
        self._greeted = hello == HELLO
        self._deadline = time.monotonic() + self._limit
        if not self._greeted:
            self._ask()
        return self._line is None

    def report(self) -> Report:
        """Return the report, waiting for it if need be."""
        try:
            return read_report(self._answer(), time.monotonic() - self._started)
        finally:
            self.close()

    def close(self) -> None:
        """Ask no more; the judge ends what it does for this."""
        if self._line is not None:
            self._line.close()
            self._line = None
        self._done(self)

    def _ask(self) -> None:
        """Ask the next judge there is; where there is none, nothing is left to wait for."""
        if self._line is not None:
            self._line.close()
        self._greeted, self._loading, self._line = False, True, None
        while self._left and self._line is None:
            self._door = self._left.pop(0)
            line = self._door.open()
            if line is None:
                continue
            try:
                line.sendall(CHECK)
                wire.send(line, self._request)
                self._line = line
            except (OSError, wire.Closed):
                line.close()
        self._greeting_due = time.monotonic() + HELLO_PATIENCE

    def _no_greeting(self) -> None:
        loading = self._door.is_being_started()
        if loading or self._loading:
            # Once more when it has loaded: its hello may be on the way.
            self._loading = loading
            self._greeting_due = time.monotonic() + HELLO_PATIENCE
        else:
            self._door.forget()
            self._ask()

    def _answer(self) -> dict[str, Any]:
        while True:
            while not self.wait(PATIENCE):
                pass
            if self._line is None:
                raise DrillError("check.judge-died", reason="it closed the line")
            try:
                answer, _ = wire.receive(self._line, max(self._deadline, time.monotonic() + 1))
                break
            except wire.Closed:
                self._ask()
            except wire.Late:
                raise DrillError("check.judge-died", reason="no answer in time") from None
        if answer.get("missing"):
            raise DrillError("check.judge-lacks", module=answer["missing"])
        if "unstarted" in answer:
            raise DrillError("check.judge-unstarted", reason=answer["unstarted"])
        if "usage" in answer:
            raise UsageError(answer["usage"], **answer["values"])
        if "report" not in answer:
            raise JudgeBroke(str(answer.get("broke", "")))
        found: dict[str, Any] = answer["report"]
        return found


def wait_for(asked: Sequence[Asked], seconds: float) -> list[Asked]:
    """Wait at most `seconds` until one of those asked can be read, or has nothing to wait for; return which."""
    silent = [item for item in asked if item.fileno() < 0]
    if silent:
        return silent
    poll = select.poll()
    for item in asked:
        poll.register(item.fileno(), select.POLLIN)
    numbers = {number for number, _ in poll.poll(1000 * seconds)}
    return [item for item in asked if item.fileno() in numbers]


class JudgeBroke(DrillError):
    """The judge went wrong; the traceback, from the judge, is in `told`."""

    def __init__(self, told: str) -> None:
        lines = told.strip().splitlines() or ["unknown"]
        super().__init__("check.judge-broke", reason=lines[-1])
        self.told = told


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
