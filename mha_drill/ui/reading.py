"""Where typed lines come from: a terminal with line editing, or a pipe, read to its end. For `ui.quiz`."""

from __future__ import annotations

import sys
from typing import IO, Final

PASTE_PAUSE: Final = 0.02
"""Seconds in which the lines of one paste follow each other; nobody types a second line as fast."""
MOST_FLUSHES: Final = 100


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

    def more(self) -> bool:
        """Tell whether further lines came along with the last one, as in a paste; only a terminal can tell."""
        if not self._edited:
            return False
        import select
        from contextlib import suppress

        with suppress(OSError, ValueError):
            return bool(select.select([self.source], [], [], PASTE_PAUSE)[0])
        return False

    def drop(self) -> bool:
        """Throw away what came along with the last line, and tell whether there was anything."""
        if not self.more():
            return False
        from contextlib import suppress

        with suppress(ImportError, OSError):
            import termios

            for _ in range(MOST_FLUSHES):
                termios.tcflush(self.source, termios.TCIFLUSH)
                if not self.more():
                    break
        return True

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
