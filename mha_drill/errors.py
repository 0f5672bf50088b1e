"""What can go wrong with the drill itself, one sentence each, and the exit codes of the contract.

"Your code is wrong" is a value (a `Report`), never one of these.
"""

from __future__ import annotations

from typing import Final

from mha_drill.records import Lang

PASSED: Final = 0
FAILED: Final = 1
USAGE: Final = 2
BROKEN: Final = 3
INTERRUPTED: Final = 130


class DrillError(Exception):
    """The drill broke. `key` names the sentence in `mha_drill/words/`, `values` fill it."""

    exit_code: int = BROKEN

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def say(self, lang: Lang) -> str:
        """Return the sentence in `lang`."""
        from mha_drill.words import word

        return word(self.key, lang, **self.values)


class UsageError(DrillError):
    """The command was given something it cannot use; the sentence ends with what to do next."""

    exit_code = USAGE
