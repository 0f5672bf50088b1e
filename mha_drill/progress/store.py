"""The learner's record on disk: every attempt, and how many hints were read. Opened by `commands.base`.

Nothing that happens to the file may stop a drill. A damaged file is set aside under another name and a new
one begun; a file that cannot be written (read-only, full disk, held too long) is left alone, and the drill
goes on with a copy in memory. Either is told once, through `warn`. Each write is one transaction of its
own, so a killed process loses at most what it was about to write, and many may write at once.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from mha_drill.errors import DrillError
from mha_drill.progress.schema import Damaged, Newer, prepare
from mha_drill.records import Attempt

HINT_LEVELS: Final = 3
BUSY_SECONDS: Final = 30.0
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REASONS: Final = {
    sqlite3.SQLITE_READONLY: "progress.read-only",
    sqlite3.SQLITE_FULL: "progress.full",
    sqlite3.SQLITE_BUSY: "progress.busy",
    sqlite3.SQLITE_LOCKED: "progress.busy",
}
_COLUMNS: Final = "item, kind, steps, at, score, answer, seconds, hints, missed"
_PLACES: Final = ", ".join("?" * 10)

T = TypeVar("T")


class Store:
    """The store at `path`, made when it is not there. `warn` is told what is wrong with it, as it happens.

    `recording` is False once the drill goes on without the file. `troubles` keeps what was warned of.
    """

    def __init__(
        self,
        path: Path,
        warn: Callable[[DrillError], None] | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self.recording = True
        self.troubles: list[DrillError] = []
        self._warn = warn
        self._busy_seconds = busy_seconds
        self._connection = self._opened()

    def record(self, attempt: Attempt) -> int:
        """Keep one attempt, at once and whole; return its number in this file."""
        row = (
            os.urandom(16).hex(),
            *(attempt.item, attempt.kind, " ".join(attempt.steps), attempt.at),
            min(max(attempt.score, 0.0), 1.0),
            *(_storable(attempt.answer), attempt.seconds, attempt.hints, " ".join(attempt.missed)),
        )

        def write(connection: sqlite3.Connection) -> int:
            with transaction(connection):
                cursor = connection.execute(
                    f"INSERT INTO attempts (mark, {_COLUMNS}) VALUES ({_PLACES})", row
                )
                return int(cursor.lastrowid or 0)

        return self.work(write)

    def revise(self, number: int, score: float) -> None:
        """Give the attempt that `record` numbered another score: the learner has the last word."""

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute("UPDATE attempts SET score = ? WHERE id = ?", (score, number))

        self.work(write)

    def change(self, number: int, attempt: Attempt) -> None:
        """Put another attempt in the place of the one that `record` numbered: a sitting that goes on."""

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute(
                    "UPDATE attempts SET score = ?, answer = ?, seconds = ?, hints = ?, missed = ? WHERE id = ?",
                    (attempt.score, _storable(attempt.answer), attempt.seconds, attempt.hints,
                     " ".join(attempt.missed), number),
                )  # fmt: skip

        self.work(write)

    def history(self) -> tuple[Attempt, ...]:
        """Return every attempt in the order they were kept in, whatever the clock said."""
        query = f"SELECT {_COLUMNS} FROM attempts ORDER BY id"
        return tuple(self.work(lambda store: [_attempt(row) for row in store.execute(query)]))

    def attempts(self, item: str | None = None) -> tuple[Attempt, ...]:
        """Return every attempt, or those at one question or problem, the oldest first."""
        where, values = ("", ()) if item is None else (" WHERE item = ?", (item,))
        query = f"SELECT {_COLUMNS} FROM attempts{where} ORDER BY at, id"
        return tuple(self.work(lambda store: [_attempt(row) for row in store.execute(query, values)]))

    def latest(self) -> dict[str, Attempt]:
        """Return the last attempt at each question or problem ever tried, by its id."""
        query = f"SELECT {_COLUMNS}, max(at) FROM attempts GROUP BY item"
        found = self.work(lambda store: [_attempt(row) for row in store.execute(query)])
        return {attempt.item: attempt for attempt in found}

    def hint_level(self, problem: str) -> int:
        """Return how many of a problem's hints have been read: 0 to 3."""
        return self.work(lambda connection: _level(connection, problem))

    def raise_hint_level(self, problem: str) -> int:
        """Count one hint more as read; return the level reached, 3 at most."""

        def write(connection: sqlite3.Connection) -> int:
            with transaction(connection):
                level = min(_level(connection, problem) + 1, HINT_LEVELS)
                connection.execute("REPLACE INTO hints (problem, level) VALUES (?, ?)", (problem, level))
                return level

        return self.work(write)

    def setting(self, name: str) -> str:
        """Return what the learner has set, "" when nothing."""
        query = "SELECT value FROM settings WHERE name = ?"
        row = self.work(lambda connection: connection.execute(query, (name,)).fetchone())
        return str(row[0]) if row else ""

    def set(self, name: str, value: str, at: float) -> None:
        """Keep what the learner sets; `at` is when, so that the newer of two machines' counts."""

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute(
                    "REPLACE INTO settings (name, value, at) VALUES (?, ?, ?)", (name, value, at)
                )

        self.work(write)

    def keep_mock(self, mark: str, at: float, sheet: str) -> None:
        """Keep the sheet of a mock interview, in the place of what was kept under its mark before."""

        def write(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute("REPLACE INTO mocks (mark, at, sheet) VALUES (?, ?, ?)", (mark, at, sheet))

        self.work(write)

    def mocks(self) -> tuple[str, ...]:
        """Return the sheets of the mock interviews, the oldest first."""
        query = "SELECT sheet FROM mocks ORDER BY at, mark"
        return tuple(self.work(lambda store: [str(sheet) for (sheet,) in store.execute(query)]))

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the tables, again when the file fails meanwhile; for this room only."""
        try:
            return work(self._connection)
        except sqlite3.DatabaseError as error:
            if _code(error) in _DAMAGE and self.recording:
                self._connection.close()
                self._set_aside()
                self._connection = self._opened(again=True)
            else:
                self._connection = self._without(error)
        try:
            return work(self._connection)
        except sqlite3.DatabaseError as error:
            self._connection = self._without(error)
            return work(self._connection)

    def _opened(self, again: bool = False) -> sqlite3.Connection:
        """Return the file, ready; else a new one in its place; else one in memory."""
        connection: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            connection = _connect(self.path, self._busy_seconds)
            prepare(connection)
            return connection
        except (OSError, Newer) as error:
            return self._without(error, connection)
        except (sqlite3.DatabaseError, Damaged) as error:
            damaged = isinstance(error, Damaged) or _code(error) in _DAMAGE
            if again or not damaged:
                return self._without(error, connection)
        if connection:
            connection.close()
        self._set_aside()
        return self._opened(again=True)

    def _set_aside(self) -> None:
        """Give the damaged file another name, unless another process has just done so."""
        with suppress(OSError), _alone(self.path.parent):
            if _sound(self.path, self._busy_seconds):
                return
            place = _free_name(self.path)
            self.path.rename(place)
            for ending in ("-journal", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(f"{self.path}{ending}").rename(f"{place}{ending}")
            self._tell(DrillError("progress.damaged", path=self.path, place=place))

    def _without(self, error: Exception, connection: sqlite3.Connection | None = None) -> sqlite3.Connection:
        """Return a store in memory that begins with what the file had, where that can still be read."""
        if self.recording:
            key = _REASONS.get(_code(error), "progress.unusable")
            if isinstance(error, Newer):
                key = "progress.newer"
            if isinstance(error, PermissionError):
                key = "progress.read-only"
            self._tell(DrillError(key, path=self.path, reason=str(error)))
        self.recording = False
        old = connection or getattr(self, "_connection", None)
        memory = _connect(":memory:", 0.0)
        if old is not None:
            with suppress(sqlite3.Error):
                old.backup(memory)
            with suppress(sqlite3.Error):
                old.close()
        try:
            prepare(memory)
        except (sqlite3.Error, Damaged, Newer):
            memory = _connect(":memory:", 0.0)
            prepare(memory)
        return memory

    def _tell(self, trouble: DrillError) -> None:
        self.troubles.append(trouble)
        if self._warn:
            self._warn(trouble)


def _code(error: Exception) -> int:
    """Return SQLite's primary result code; 0 when the error is not SQLite's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _connect(path: Path | str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    connection.text_factory = lambda stored: stored.decode("utf-8", "replace")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write: begun as a writer, so that two never wait for each other, and undone whole when it fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder against the other processes that find the same damage, where the system can."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _free_name(path: Path) -> Path:
    """Return a name beside `path` that nothing has yet."""
    number = 1
    while (place := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return place


def _sound(path: Path, busy_seconds: float) -> bool:
    """Tell whether the file at `path` is a store in order."""
    connection = _connect(path, busy_seconds)
    try:
        prepare(connection)
        return [row[0] for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
    except (sqlite3.DatabaseError, Damaged, Newer):
        return False
    finally:
        connection.close()


def _level(connection: sqlite3.Connection, problem: str) -> int:
    row = connection.execute("SELECT level FROM hints WHERE problem = ?", (problem,)).fetchone()
    return int(row[0]) if row else 0


def _attempt(row: tuple[object, ...]) -> Attempt:
    item, kind, steps, at, score, answer, seconds, hints, missed = row[:9]
    return Attempt(
        item=str(item),
        kind=str(kind),
        steps=tuple(str(steps).split()),
        at=float(str(at)),
        score=float(str(score)),
        answer=str(answer),
        seconds=float(str(seconds)),
        hints=int(str(hints)),
        missed=tuple(str(missed).split()),
    )


def _storable(text: str) -> str:
    """Return `text` without what UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
