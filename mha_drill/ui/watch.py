"""The screen of `watch`: the report of the last save, redrawn in place, and one line below it that says what goes on.

On a terminal it takes the whole screen and gives it back; elsewhere each report is printed once. Called by
`commands.judging` and `watching`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console
from rich.text import Text

from mha_drill.records import Lang
from mha_drill.ui.check import clean, render_report
from mha_drill.ui.console import captured, fit, print_prose
from mha_drill.ui.fullscreen import keys
from mha_drill.ui.judge import spell_duration
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.ui.watch_walk import WAYS, OwnWalk
from mha_drill.watching import View
from mha_drill.words import word

PAGE_DOWN, PAGE_UP = ("space", "f", "right"), ("b", "left")
DOWN, UP = ("j", "down"), ("k", "up")
FAR = 1_000_000
CLOSE = ("q", "Q", "escape")
HOME_AND_CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[J"
CLEAR_TO_END = "\x1b[0m\x1b[K"


class PlainWatch:
    """Where there is no terminal, or none that can be drawn over: each report once, one below the other."""

    def __init__(self, console: Console, lang: Lang) -> None:
        self._console, self._lang = console, lang
        self._shown: tuple[object, str] = (None, "")

    def __enter__(self) -> PlainWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def fileno(self) -> int:
        """Return that no keys come."""
        return -1

    def quits(self) -> bool:
        """Return that nobody types."""
        return False

    def show(self, view: View) -> None:
        """Print what is new."""
        missing = view.doing == "missing"
        if view.outcome is not None and self._shown[0] is not view.outcome:
            _print_outcome(self._console, view, self._lang)
            self._console.print()
        elif missing and self._shown[1] != "missing":
            print_prose(self._console, _state(view, time.time(), self._lang).plain)
        self._console.file.flush()
        self._shown = (view.outcome, view.doing)


class FullWatch:
    """A terminal's whole screen."""

    def __init__(self, console: Console, lang: Lang) -> None:
        self._console, self._lang = console, lang
        self._keys = sys.stdin.fileno() if sys.stdin.isatty() else -1
        self._before: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._view: View | None = None
        self._offset = 0
        self._drawn = ""
        self._lines: tuple[object, list[str]] = (None, [])
        self._walk: OwnWalk | None = None

    def __enter__(self) -> FullWatch:
        for number, act in (
            (signal.SIGTSTP, self._suspend),
            (signal.SIGWINCH, self._resized),
            (signal.SIGTERM, _terminated),
        ):
            self._handlers[number] = signal.signal(number, act)
        try:
            self._take()
        except BaseException:  # Ctrl-C in this very instant
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._give_back()
        if self._view is not None and self._view.outcome is not None:
            self._console.print(self._last_word(self._view))

    def fileno(self) -> int:
        """Return where keys come from."""
        return self._keys

    def quits(self) -> bool:
        """Take the keys that were typed: `q` quits, or closes the walk that is open; others move what is seen."""
        typed = os.read(self._keys, 64).decode(errors="ignore")
        if not typed:
            self._keys = -1  # the terminal's input has ended; Ctrl-C still quits
        if "\x03" in typed:
            return True
        for key in keys(typed):
            if key in CLOSE and self._walk is None and key != "escape":
                return True
            self._press(key)
        return False

    def _press(self, key: str) -> None:
        page = max(self._console.height - 3, 1)
        if key in WAYS or key in CLOSE:
            self._turn(key)
        elif self._walk is not None and self._walk.way == "played":
            self._walk.press(key)
        else:
            ends = (("g", "home"), -FAR), (("G", "end"), FAR)
            for sort, step in ((PAGE_DOWN, page), (PAGE_UP, -page), (DOWN, 1), (UP, -1), *ends):
                self._offset += step * (key in sort)

    def _turn(self, key: str) -> None:
        """Open the walk that a key opens, or close it."""
        report = self._view.outcome.report if self._view and self._view.outcome else None
        way, before = WAYS.get(key), self._walk.way if self._walk else None
        self._walk = (
            OwnWalk(self._console, report, way, self._lang) if report and way and way != before else None
        )
        self._offset = 0

    def show(self, view: View) -> None:
        """Draw a view over the one before, if it looks any different."""
        if self._view is None or view.outcome is not self._view.outcome:
            self._offset, self._walk = 0, None
        self._view = view
        self._draw()

    def _draw(self) -> None:
        view = self._view
        assert view is not None
        width, height = self._console.size
        room = max(height - 2, 1)
        lines = self._walk.lines(room) if self._walk else self._report_lines(view, width)
        self._offset = min(max(self._offset, 0), max(len(lines) - room, 0))
        shown = lines[self._offset : self._offset + room]
        shown += [""] * (room - len(shown))
        below = len(lines) - self._offset - room
        rule = word("watch.more", self._lang, count=below) if below > 0 else ""
        frame = [*shown, *self._printed(Text(fit(rule, width), style="muted"), self._status(view, width))]
        text = HOME_AND_CLEAR_LINE + "\r\n".join(line + CLEAR_TO_END for line in frame) + CLEAR_BELOW
        if text != self._drawn:
            self._drawn = text
            self._console.file.write(text)
            self._console.file.flush()

    def _report_lines(self, view: View, width: int) -> list[str]:
        key = (view.outcome, width)
        if self._lines[0] != key:
            self._lines = (key, captured(self._console, lambda: self._print(view)))
        return self._lines[1]

    def _print(self, view: View) -> None:
        if view.outcome is not None:
            _print_outcome(self._console, view, self._lang)
        else:
            print_prose(self._console, clean(str(view.path)), style="title")

    def _printed(self, *texts: Text) -> list[str]:
        with self._console.capture() as taken:
            for text in texts:
                self._console.print(text, soft_wrap=True)
        return taken.get().removesuffix("\n").split("\n")

    def _status(self, view: View, width: int) -> Text:
        state = _state(view, time.time(), self._lang)
        judged = view.outcome is not None and view.outcome.report is not None
        said = f"keys-{self._walk.way}" if self._walk else "keys" if judged else "keys-none"
        line = Text.assemble(state, "  ", (word(f"watch.{said}", self._lang), "muted"))
        line.truncate(max(width - 1, 1), overflow="ellipsis")
        return line

    def _last_word(self, view: View) -> Text:
        return Text.assemble(
            (clean(str(view.path)), "title"), "  ", _state(view, time.time(), self._lang, ended=True)
        )

    def _take(self) -> None:
        if self._keys >= 0:
            import termios
            import tty

            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)
        self._drawn = ""

    def _give_back(self) -> None:
        with suppress(OSError):
            self._console.show_cursor(True)
            self._console.set_alt_screen(False)
        if self._before is not None:
            import termios

            with suppress(termios.error):
                termios.tcsetattr(max(self._keys, 0), termios.TCSADRAIN, self._before)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: give the terminal back, stop, and take it again when continued."""
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspend)
        self._take()
        if self._view is not None:
            self._draw()

    def _resized(self, number: int, frame: FrameType | None) -> None:
        if self._view is not None:
            self._draw()


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _print_outcome(console: Console, view: View, lang: Lang) -> None:
    outcome = view.outcome
    assert outcome is not None
    if outcome.report is not None and outcome.source is not None:
        render_report(console, outcome.report, lang, source=outcome.source.text)
    elif outcome.error is not None:
        print_prose(console, clean(outcome.error.say(lang)), style="warning")


def _state(view: View, now: float, lang: Lang, *, ended: bool = False) -> Text:
    """Return in one line how the file stands: what the last verdict was, and what goes on."""
    parts: list[Text] = []
    if view.green_since is not None:
        said = word(
            "watch.green", lang, clock=_clock(view.green_since), age=_age(view.green_since, now, lang)
        )
        parts.append(Text(f"{PASS_SIGN} {said}", style="pass"))
    elif view.outcome is not None:
        parts.append(
            Text(f"{MISTAKE_SIGN} {word('watch.red', lang, clock=_clock(view.at))}", style="mistake")
        )
    if view.doing != "still" and not ended:
        said = word(f"watch.{view.doing}", lang, file=clean(view.path.name))
        parts.append(Text(said, style="partly"))
    return Text("  ").join(parts)


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _age(since: float, now: float, lang: Lang) -> str:
    return spell_duration(now - since, lang)
