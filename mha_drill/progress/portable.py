"""One's record as a file, to another machine and back: `progress export` and `progress import`.

The file is JSON with every attempt under the mark it was given when it was made, so that bringing the same
file in twice, or two machines' files in any order, makes one record: the attempts of both, by time.
A file that is not wholly in order is refused whole.
"""

from __future__ import annotations

import json
import math
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mha_drill.errors import UsageError
from mha_drill.progress.store import HINT_LEVELS, Store, transaction

FORMAT: Final = "mha-drill progress"
SCHEMA: Final = 1
LATEST: Final = 32_503_680_000.0  # the year 3000
_ATTEMPT: Final[dict[str, type | tuple[type, ...]]] = {
    "mark": str, "item": str, "kind": str, "steps": str, "at": (int, float), "score": (int, float),
    "answer": str, "seconds": (int, float), "hints": int, "missed": str,
}  # fmt: skip
_HINT: Final[dict[str, type | tuple[type, ...]]] = {"problem": str, "level": int}
_SETTING: Final[dict[str, type | tuple[type, ...]]] = {"name": str, "value": str, "at": (int, float)}
_MOCK: Final[dict[str, type | tuple[type, ...]]] = {"mark": str, "at": (int, float), "sheet": str}
TABLES: Final = {"attempts": _ATTEMPT, "hints": _HINT, "settings": _SETTING, "mocks": _MOCK}


@dataclass(frozen=True, slots=True)
class Merged:
    """What an import brought: attempts not known before, and those that were there already."""

    fresh: int
    known: int


def exported(store: Store) -> str:
    """Return the whole record as the text of a file, one attempt a line."""

    def read(connection: sqlite3.Connection) -> dict[str, list[str]]:
        connection.execute("BEGIN")
        try:
            return {name: _rows(connection, name, tuple(fields)) for name, fields in TABLES.items()}
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    tables = store.work(read)
    lists = [f'"{name}": [\n' + ",\n".join(rows) + "\n]" for name, rows in tables.items()]
    return "{" + ",\n".join([f'"format": "{FORMAT}", "schema": {SCHEMA}', *lists]) + "}\n"


def is_export(path: Path) -> bool:
    """Tell whether a file is an export of ours, that a newer one may replace."""
    with path.open("rb") as file:
        return file.read(200).startswith(b'{"format": "' + FORMAT.encode())


def read_file(path: Path) -> str:
    """Return the text of a file, of standard input for `-`; UsageError for what cannot be read."""
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except FileNotFoundError:
        raise UsageError("progress.no-such-file", path=path) from None
    except OSError as error:
        raise UsageError("progress.unreadable", path=path, reason=error.strerror or error) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("progress.not-an-export", path=path) from None


def _rows(connection: sqlite3.Connection, table: str, fields: tuple[str, ...]) -> list[str]:
    order = "at, mark" if "mark" in fields else fields[0]
    query = f"SELECT {', '.join(fields)} FROM {table} ORDER BY {order}"
    return [json.dumps(dict(zip(fields, row, strict=True))) for row in connection.execute(query)]


def read_export(text: str, shown: object) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of an exported file; UsageError for what is none, or not wholly in order."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("progress.not-an-export", path=shown) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise UsageError("progress.not-an-export", path=shown)
    if not isinstance(data.get("schema"), int) or data["schema"] > SCHEMA:
        raise UsageError("progress.newer-export", path=shown)
    for name, fields in TABLES.items():
        rows = data.get(name)
        if not isinstance(rows, list):
            raise UsageError("progress.damaged-export", path=shown, place=name)
        for number, row in enumerate(rows, start=1):
            if not _in_order(row, fields):
                raise UsageError("progress.damaged-export", path=shown, place=f"{name} {number}")
    return {name: data[name] for name in TABLES}


def _in_order(row: object, fields: Mapping[str, type | tuple[type, ...]]) -> bool:
    """Tell whether a row has every field, of its type, with a value that can be."""
    if not isinstance(row, dict):
        return False
    for name, kind in fields.items():
        value = row.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            return False
        if isinstance(value, (int, float)) and not (0 <= value <= LATEST and math.isfinite(value)):
            return False
        if isinstance(value, str) and _unstorable(value):
            return False
    if any(name in row and not row[name] for name in ("mark", "item", "kind", "name", "problem")):
        return False
    return row.get("score", 0) <= 1 and row.get("level", 0) <= HINT_LEVELS and _sheet(row.get("sheet", "{}"))


def _unstorable(text: str) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _sheet(text: str) -> bool:
    """Tell whether the sheet of a mock interview is one."""
    from mha_drill.progress.sheets import is_sheet

    return text == "{}" or is_sheet(text)


def merge(store: Store, tables: Mapping[str, list[dict[str, Any]]]) -> Merged:
    """Bring the tables of `read_export` into the store, all or nothing."""

    def write(connection: sqlite3.Connection) -> int:
        with transaction(connection):
            before = _count(connection)
            names = tuple(_ATTEMPT)
            connection.executemany(
                f"INSERT OR IGNORE INTO attempts ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                [tuple(row[name] for name in names) for row in tables["attempts"]],
            )
            connection.executemany(
                "INSERT INTO hints (problem, level) VALUES (?, ?) "
                "ON CONFLICT (problem) DO UPDATE SET level = max(level, excluded.level)",
                [(row["problem"], row["level"]) for row in tables["hints"]],
            )
            connection.executemany(
                "INSERT INTO settings (name, value, at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET value = excluded.value, at = excluded.at WHERE excluded.at > at",
                [(row["name"], row["value"], row["at"]) for row in tables["settings"]],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO mocks (mark, at, sheet) VALUES (?, ?, ?)",
                [(row["mark"], row["at"], row["sheet"]) for row in tables["mocks"]],
            )
            return _count(connection) - before

    fresh = store.work(write)
    return Merged(fresh, len(tables["attempts"]) - fresh)


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])
