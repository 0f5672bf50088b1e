"""The whole terminal for as long as something is played on it, and its keys; it is given back as it was.

However it ends: at `q`, at Ctrl-C, at a signal, at an error. Ctrl-Z gives it back too, and `fg` takes it again. A
screen that changes its size asks to be drawn anew.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import IO, Any

from rich.console import Console

ENTER = "\x1b[?1049h\x1b[?25l"
LEAVE = "\x1b[?25h\x1b[?1049l"
REDRAW = "redraw"
KEYS = {
    "\x1b[C": "right", "\x1bOC": "right", "\x1b[D": "left", "\x1bOD": "left", "\x1b[A": "up", "\x1bOA": "up",
    "\x1b[B": "down", "\x1bOB": "down", "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home",
    "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end", "\x1b[5~": "left", "\x1b[6~": "right",
    "\x1b": "escape", "\r": "enter", "\n": "enter", " ": "space", "\x7f": "backspace", "\x08": "backspace",
    "\x04": "end-of-input",
}  # fmt: skip


def can_play(console: Console) -> bool:
    """Tell whether there is somebody at a terminal that can be drawn on."""
    ours = sys.stdin.isatty() and console.file.isatty()  # FORCE_COLOR makes no terminal of a pipe
    return os.name == "posix" and ours and not console.is_dumb_terminal


class FullScreen:
    """The terminal of `console`, taken over inside a `with` block."""

    def __init__(self, console: Console, stdin: IO[str] | None = None) -> None:
        self._console = console
        self._input = (stdin or sys.stdin).fileno()
        self._waiting: deque[str] = deque()
        self._before: list[Any] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> FullScreen:
        import termios

        self._before = termios.tcgetattr(self._input)
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        self._old_wakeup = signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        for number, handler in (
            (signal.SIGWINCH, lambda *_: None),
            (signal.SIGTERM, _end),
            (signal.SIGHUP, _end),
            (signal.SIGTSTP, self._suspend),
        ):
            self._handlers[number] = signal.signal(number, handler)
        self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._wake)
        os.close(self._woken)

    def draw(self, lines: Sequence[str]) -> None:
        """Show lines, each of them no wider than the screen; rows that have none are blank."""
        height = self._console.height
        shown = [
            f"\x1b[{row};1H\x1b[2K{lines[row - 1] if row <= len(lines) else ''}"
            for row in range(1, height + 1)
        ]
        self._write("".join(shown))

    def key(self) -> str:
        """Wait for a key and return its name or its letter; `REDRAW` where the screen changed."""
        while not self._waiting:
            ready, _, _ = select.select([self._input, self._wake], [], [])
            if self._wake in ready:
                with suppress(BlockingIOError):
                    os.read(self._wake, 1024)
                return REDRAW
            typed = os.read(self._input, 1024)
            if not typed:
                return "end-of-input"
            self._waiting.extend(keys(typed.decode("utf-8", "replace")))
        return self._waiting.popleft()

    def _take(self) -> None:
        import tty

        tty.setcbreak(self._input)
        self._write(ENTER)

    def _give_back(self) -> None:
        import termios

        with suppress(OSError):
            self._write(LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def keys(typed: str) -> list[str]:
    """Return the keys that a burst of characters stands for; sequences that mean nothing here are dropped."""
    found = []
    at = 0
    while at < len(typed):
        end = at + 1
        if typed[at] == "\x1b" and typed[end : end + 1] in ("[", "O"):
            end += 1
            while end < len(typed) and not "@" <= typed[end] <= "~":
                end += 1
            end += 1
        sequence = typed[at:end]
        if sequence in KEYS:
            found.append(KEYS[sequence])
        elif len(sequence) == 1 and sequence.isprintable():
            found.append(sequence)
        at = end
    return found


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
