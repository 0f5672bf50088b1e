"""A table of a content file, read field by field, so that what is broken is said by file and field.

Called by `catalog`. The content that ships is proved by `tests/test_content.py`; these errors are for whoever
writes a new problem.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mha_drill.errors import DrillError
from mha_drill.records import Text

Word = TypeVar("Word", bound=str)


def read_text(path: Path) -> str:
    """Return a content file's text; a DrillError names a file that cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DrillError("catalog.unreadable", path=path, why=error.strerror or error) from None
    except UnicodeDecodeError:
        raise DrillError("catalog.not-utf8", path=path) from None


class Table:
    """One table of the file at `path`; every reader raises a DrillError that names the file and the field."""

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        self.path = path
        self.fields = fields

    @classmethod
    def parse(cls, path: Path, source: str) -> Table:
        """Return the table that `source`, the text of `path` or its beginning, makes up."""
        try:
            return cls(path, tomllib.loads(source))
        except tomllib.TOMLDecodeError as error:
            raise DrillError("catalog.not-toml", path=path, why=error) from None

    def __contains__(self, field: str) -> bool:
        return field in self.fields

    def _get(self, field: str, kind: type | tuple[type, ...]) -> Any:
        if field not in self.fields:
            raise DrillError("catalog.missing-field", path=self.path, field=field)
        if not isinstance(value := self.fields[field], kind):
            raise self.wrong(field, value)
        return value

    def wrong(self, field: str, value: object) -> DrillError:
        """Return the error that says this value cannot stand in that field."""
        return DrillError("catalog.wrong-field", path=self.path, field=field, value=value)

    def string(self, field: str) -> str:
        """Return a field that is a string."""
        return str(self._get(field, str))

    def strings(self, field: str) -> tuple[str, ...]:
        """Return a field that is a list of strings."""
        values = self._get(field, list)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(field, values)
        return tuple(values)

    def number(self, field: str) -> int:
        """Return a field that is a whole number."""
        value = self._get(field, int)
        if isinstance(value, bool):
            raise self.wrong(field, value)
        return int(value)

    def flag(self, field: str) -> bool:
        """Return a field that is true or false."""
        return bool(self._get(field, bool))

    def one_of(self, field: str, allowed: Sequence[Word]) -> Word:
        """Return a field that is one of the words allowed."""
        value = self.string(field)
        for word in allowed:
            if word == value:
                return word
        raise self.wrong(field, value)

    def some_of(self, field: str, allowed: Sequence[Word]) -> tuple[Word, ...]:
        """Return a field that is a list of the words allowed, at least one, none twice."""
        values = self.strings(field)
        found = tuple(word for value in values for word in allowed if word == value)
        if not values or len(found) != len(values) or len(set(values)) != len(values):
            raise self.wrong(field, list(values))
        return found

    def table(self, field: str) -> Table:
        """Return a field that is a table itself."""
        return Table(self.path, self._get(field, dict))

    def text(self, field: str) -> Text:
        """Return a field that has `en` and `zh`; the line breaks around a text are no part of it."""
        return self.table(field).both()

    def both(self) -> Text:
        """Return this table as a text: its `en` and its `zh`, neither of them empty."""
        texts = {lang: self.string(lang).strip("\n") for lang in ("en", "zh")}
        for lang, said in texts.items():
            if not said.strip():
                raise self.wrong(lang, said)
        return Text(**texts)

    def tables(self, field: str) -> tuple[Table, ...]:
        """Return a field that is a list of tables, none when it is not there."""
        rows = self._get(field, list) if field in self.fields else []
        if not all(isinstance(row, dict) for row in rows):
            raise self.wrong(field, rows)
        return tuple(Table(self.path, row) for row in rows)

    def texts(self, field: str) -> tuple[Text, ...]:
        """Return a field that is a list of texts, none when it is not there.

        One that is the same in both languages, as code is, may stand there as a plain string.
        """
        rows = self._get(field, list) if field in self.fields else []
        said = [{"en": row, "zh": row} if isinstance(row, str) else row for row in rows]
        if not all(isinstance(row, dict) for row in said):
            raise self.wrong(field, rows)
        return tuple(Table(self.path, row).both() for row in said)

    def block(self, field: str) -> str:
        """Return a field that is code, "" when it is not there; the line breaks around it are no part of it."""
        return self.string(field).strip("\n") if field in self.fields else ""
