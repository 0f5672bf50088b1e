"""`watch` as a sentence: wait for a save or a key, have the file judged, show the verdict until the next.

Called by `commands.judging`. One poll waits for everything: the folder, the keys, the judge's answer. A save
while the file is being judged ends that check and begins the next.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mha_drill.checking import CheckWish, Outcome, ask, collected, record_report
from mha_drill.errors import DrillError, UsageError
from mha_drill.judge.client import Asked, JudgeClient
from mha_drill.judge.sources import STANDARD_INPUT, Source, read_source
from mha_drill.records import Attempt

# How often the screen says anew how long the file has been right, and a change that no event told of is seen:
# one made before the folder was watched, or where the file system tells of none.
TICK = 1.0


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen: the last outcome and when it came, since when the file is right, what goes on now."""

    path: Path
    outcome: Outcome | None
    at: float
    green_since: float | None
    doing: str

    # doing: "still", "checking", "starting" (the judge is), "missing" (there is no file to judge).


class Screen(Protocol):
    """Where a watch is seen and heard; see `ui.watch`."""

    def fileno(self) -> int:
        """Return where keys come from; -1 for nowhere."""

    def show(self, view: View) -> None:
        """Show a view."""

    def quits(self) -> bool:
        """Take the keys that were typed; whether one of them quits."""


class Changes(Protocol):
    """What tells that the file may have changed; see `saving`."""

    def fileno(self) -> int:
        """Return what to poll."""

    def taken(self) -> None:
        """Take note of the changes so far."""


def first_look(path: Path) -> None:
    """Raise a UsageError for what can never become a file to judge; one that is not there yet may."""
    if str(path) == STANDARD_INPUT:
        raise UsageError("watch.not-a-file")
    try:
        there = path.exists()
    except OSError:  # a name that is too long: the sentence is the one of `check`
        there = True
    if there:
        read_source(path)
    elif not path.absolute().parent.is_dir():
        raise UsageError("watch.no-folder", path=path, folder=path.parent)


class Watch:
    """Judges one file again at every save."""

    def __init__(
        self,
        path: Path,
        judge: JudgeClient,
        wish: CheckWish,
        screen: Screen,
        record: Callable[[Attempt], object],
    ) -> None:
        self._path = path
        self._judge = judge
        self._wish = wish
        self._screen = screen
        self._record = record
        self._text: str | None = None
        self._mark: tuple[int, ...] = ()
        self._source: Source | None = None
        self._asked: Asked | None = None
        self._outcome: Outcome | None = None
        self._at = 0.0
        self._green_since: float | None = None

    def run(self, changes: Changes) -> None:
        """Watch until a key quits."""
        self._look()
        while True:
            self._screen.show(self._view())
            poll = select.poll()
            for item in (changes, self._screen, self._asked):
                if item is not None and item.fileno() >= 0:
                    poll.register(item.fileno(), select.POLLIN)
            heard = {descriptor for descriptor, _ in poll.poll(1000 * TICK)}
            if self._screen.fileno() in heard and self._screen.quits():
                return
            if self._asked is not None and self._asked.wait(0):
                self._collect(self._asked)
            if changes.fileno() in heard:
                changes.taken()
                self._look()
            elif not heard and _mark(self._path) != self._mark:
                self._look()

    def _look(self) -> None:
        """Have the file judged if what is in it is new."""
        self._mark = _mark(self._path)
        try:
            source = read_source(self._path) if self._path.exists() else None
        except DrillError as error:
            self._abandon()
            self._text = None
            self._keep(Outcome(self._path, error=error))
            return
        if source is None:
            self._abandon()
            self._text = None
        elif source.text != self._text:
            self._abandon()
            self._text, self._source = source.text, source
            self._asked = ask(self._judge, source, self._wish)

    def _abandon(self) -> None:
        if self._asked is not None:
            self._asked.close()
            self._asked = None

    def _collect(self, asked: Asked) -> None:
        assert self._source is not None
        self._asked = None
        self._keep(collected(self._path, self._source, asked))

    def _keep(self, outcome: Outcome) -> None:
        """Keep what came of a save; that the file has become right is an attempt of the learner's."""
        self._outcome, self._at = outcome, time.time()
        if outcome.report is None or outcome.report.verdict != "pass":
            self._green_since = None
        elif self._green_since is None:
            self._green_since = self._at
            record_report(outcome.report, self._record)

    def _view(self) -> View:
        doing = "missing" if self._text is None and not self._path.exists() else "still"
        if self._asked is not None:
            doing = "starting" if self._asked.loading else "checking"
        return View(self._path, self._outcome, self._at, self._green_since, doing)


def _mark(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size
