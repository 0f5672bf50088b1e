"""The sheet of a mock interview, as it is kept: who was asked what, and how it went. Written by `mock`.

Kept as JSON under the interview's mark, and written again after every answer, so that a killed interview
leaves the sheet of what was answered.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Part = Literal["shapes", "short", "code", "follow-up"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One question of the interview. score is None where it was passed over or not reached.

    asked, answer, right: the question, what was answered, and what the answer is, as they were shown.
    """

    part: Part
    asked: str
    steps: tuple[str, ...]
    score: float | None
    answer: str
    right: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """How a mock interview went. at: when it began. limit, used: seconds. verdict: of the code, "" if none."""

    mark: str
    at: float
    limit: float
    used: float
    problem: str
    verdict: str
    ending: str
    entries: tuple[Entry, ...] = field(default=())

    @property
    def answered(self) -> tuple[Entry, ...]:
        """What was answered at all."""
        return tuple(entry for entry in self.entries if entry.score is not None)

    @property
    def score(self) -> float:
        """The mean of the parts, each the mean of its questions; what was passed over counts as wrong."""
        parts = {
            entry.part: [each.score or 0.0 for each in self.entries if each.part == entry.part]
            for entry in self.entries
        }
        return sum(sum(marks) / len(marks) for marks in parts.values()) / max(len(parts), 1)


def as_json(sheet: Sheet) -> str:
    """Return the sheet as it is stored."""
    return json.dumps(asdict(sheet))


def from_json(text: str) -> Sheet:
    """Return the sheet that was stored; raises ValueError for what is none."""
    try:
        data: dict[str, Any] = json.loads(text)
        entries = tuple(Entry(**row | {"steps": tuple(map(str, row["steps"]))}) for row in data["entries"])
        sheet = Sheet(**data | {"entries": entries})
    except (TypeError, KeyError, ValueError, RecursionError):
        raise ValueError from None
    numbers = [sheet.at, sheet.limit, sheet.used, *(entry.seconds for entry in entries)]
    numbers += [entry.score for entry in entries if entry.score is not None]
    texts = [sheet.mark, sheet.problem, sheet.verdict, sheet.ending]
    texts += [text for entry in entries for text in (entry.part, entry.asked, entry.answer, entry.right)]
    if not all(isinstance(number, (int, float)) for number in numbers):
        raise ValueError
    if not all(isinstance(said, str) for said in texts):
        raise ValueError
    return sheet


def is_sheet(text: str) -> bool:
    """Tell whether the text is a stored sheet."""
    try:
        from_json(text)
    except ValueError:
        return False
    return True
