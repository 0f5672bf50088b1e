"""Where typed lines come from: a terminal with line editing, or a pipe, read to its end. For `ui.quiz`."""

from __future__ import annotations

import sys
from typing import IO


class Lines:
    """Lines from `source`, prompted for on `target`.

    On a terminal the line can be edited (and be longer than a terminal's own 4096 bytes) where Python has
    readline; in a pipe each line read is shown after its prompt, so that the transcript reads as a session.
    """

    def __init__(self, source: IO[str] | None = None, target: IO[str] | None = None) -> None:
        self.source = source or sys.stdin
        self.target = target or sys.stdout
        self.terminal = self.source.isatty() and self.target.isatty()
        self._edited = self.terminal and self.source is sys.stdin and self.target is sys.stdout
        if self._edited:
            import contextlib

            with contextlib.suppress(ImportError):
                import readline  # noqa: F401  (makes input() edit lines)

    def read(self, prompt: str) -> str:
        """Return the next line without its end; raises EOFError at the end, KeyboardInterrupt at Ctrl-C."""
        try:
            if self._edited:
                return input(prompt)
            return self._plain(prompt)
        except (EOFError, KeyboardInterrupt):
            self.target.write("\n")
            self.target.flush()
            raise

    def _plain(self, prompt: str) -> str:
        self.target.write(prompt)
        self.target.flush()
        line = self.source.readline()
        if not line:
            raise EOFError
        typed = line.rstrip("\r\n")
        if not self.source.isatty():
            self.target.write(f"{typed}\n")
        return typed
