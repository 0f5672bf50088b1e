"""The store's tables, and how an older file becomes a newer one; used by `progress.store` only.

`PRAGMA user_version` counts the migrations done. Each is a tuple of statements, run in one transaction;
a migration that has been released is never edited, the next change is a new one at the end.
"""

from __future__ import annotations

import sqlite3
from typing import Final

APPLICATION_ID: Final = 0x4D484144  # "MHAD": tells our file from another program's

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        """CREATE TABLE attempts (
            id INTEGER PRIMARY KEY,
            mark TEXT NOT NULL UNIQUE,
            item TEXT NOT NULL,
            kind TEXT NOT NULL,
            steps TEXT NOT NULL,
            at REAL NOT NULL,
            score REAL NOT NULL CHECK (score BETWEEN 0 AND 1),
            answer TEXT NOT NULL,
            seconds REAL NOT NULL,
            hints INTEGER NOT NULL
        )""",
        "CREATE INDEX attempts_by_item ON attempts (item, at)",
        "CREATE TABLE hints (problem TEXT PRIMARY KEY, level INTEGER NOT NULL)",
    ),
    (
        "ALTER TABLE attempts ADD COLUMN missed TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL)",
        "CREATE TABLE mocks (mark TEXT PRIMARY KEY, at REAL NOT NULL, sheet TEXT NOT NULL)",
    ),
)
TABLES: Final = frozenset({"attempts", "hints", "settings", "mocks"})


class Damaged(Exception):
    """The file is no store of ours, or no longer one."""


class Newer(Exception):
    """The file was written by a newer version of the program."""


def _number(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def prepare(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date; raises Damaged, Newer or sqlite3.Error."""
    if _number(connection, "user_version") != len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            _migrate(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has ended it already, and is what must be told
                connection.execute("ROLLBACK")
            raise
    if _number(connection, "application_id") != APPLICATION_ID:
        raise Damaged
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    if not {str(name) for (name,) in tables} >= TABLES:
        raise Damaged


def _migrate(connection: sqlite3.Connection) -> None:
    version = _number(connection, "user_version")
    if version > len(MIGRATIONS):
        raise Newer
    if version == 0 and _number(connection, "schema_version") != 0:
        raise Damaged
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
