"""The screen of a mock interview: the clock at every prompt, and the sheet of how it went, in a file as well."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from rich.console import Console
from rich.text import Text

from mha_drill.mock.interview import TimeUp
from mha_drill.progress.sheets import Entry, Part, Sheet
from mha_drill.quiz.card import Card
from mha_drill.records import STEPS, Lang
from mha_drill.ui.code import clean
from mha_drill.ui.console import print_prose
from mha_drill.ui.quiz import PROMPT, QuizScreen
from mha_drill.ui.reading import Lines
from mha_drill.ui.status import said_time
from mha_drill.ui.theme import MISTAKE_SIGN, PARTLY_SIGN, PASS_SIGN, SKIP_SIGN
from mha_drill.words import word


class MockScreen(QuizScreen):
    """A session's screen with a clock: `deadline` is when the time is over, by `clock`."""

    def __init__(
        self, console: Console, lang: Lang, lines: Lines, clock: Callable[[], float], deadline: float
    ) -> None:
        super().__init__(console, lang, lines)
        self.clock = clock
        self.deadline = deadline
        self._one_line = True

    def read(self, prompt: str = PROMPT) -> str:
        """Return the next line typed; raises TimeUp when the time is over before Enter."""
        left = self.deadline - self.clock()
        if left <= 0:
            raise TimeUp
        live = self.lines.terminal and self._one_line
        with _alarm(left), _ticking(self.lines.target, self._face, live=live):
            typed = self.lines.read(f"{self._face()} {prompt}")
        if self.clock() > self.deadline:
            raise TimeUp
        return typed

    def _face(self) -> str:
        return f"[{said_time(max(self.deadline - self.clock(), 0.0)):>5}]"

    def show_card(self, card: Card, place: int, total: int, *, again: bool = False) -> None:
        """Show a question; the clock ticks on the line of the prompt where an answer is one line."""
        self._one_line = card.kind != "short"
        super().show_card(card, place, total, again=again)

    def begin(self, minutes: float, parts: int) -> None:
        """Say what is to come."""
        self.say("mock.begin", minutes=f"{minutes:g}", parts=parts)

    def begin_part(self, part: Part, count: int) -> None:
        """Say which part begins."""
        self.console.print()
        print_prose(self.console, word(f"mock.part-{part}", self.lang, count=count), style="title")
        self.console.print()

    def show_sheet(self, sheet: Sheet) -> None:
        """Show how it went."""
        self.console.print()
        print_sheet(self.console, sheet, self.lang)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise TimeUp in this thread after so many seconds, where the system has such an alarm."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _ticking(target: IO[str], face: Callable[[], str], *, live: bool) -> Iterator[None]:
    """Write the clock over itself every second, at the start of the line the cursor is on."""
    if not live:
        yield
        return
    over = threading.Event()

    def tick() -> None:
        while not over.wait(1.0):
            target.write(f"\x1b7\r{face()}\x1b8")
            target.flush()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def print_sheet(console: Console, sheet: Sheet, lang: Lang) -> None:
    """Print the sheet: each question with its mark, what was wrong, and the steps from the weakest on."""
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(sheet.at))
    print_prose(console, word("mock.sheet", lang, day=day), style="title")
    used, limit = said_time(sheet.used), said_time(sheet.limit)
    print_prose(console, word(f"mock.ending-{sheet.ending}", lang, used=used, limit=limit), style="muted")
    part = ""
    for entry in sheet.entries:
        if entry.part != part:
            part = entry.part
            console.print()
            print_prose(console, word(f"mock.name-{part}", lang), style="key")
        _entry(console, entry, sheet, lang)
    console.print()
    _by_step(console, sheet, lang)
    whole = round(sheet.score * 100)
    said = word("mock.score", lang, score=whole, answered=len(sheet.answered), total=len(sheet.entries))
    print_prose(console, said, style="title")


def _entry(console: Console, entry: Entry, sheet: Sheet, lang: Lang) -> None:
    sign, style = SKIP_SIGN, "muted"
    if entry.score is not None:
        sign, style = (PASS_SIGN, "pass") if entry.score >= 0.999 else (PARTLY_SIGN, "partly")
        if entry.score <= 0:
            sign, style = MISTAKE_SIGN, "mistake"
    line = Text.assemble((f"{sign} ", style), entry.asked)
    if entry.part == "code":
        verdict = word(f"status.verdict-{sheet.verdict or 'none'}", lang)
        line.append(f" ({sheet.problem}): {verdict}")
    if entry.score is None:
        line.append("  " + word("mock.not-answered", lang), style="muted")
    elif entry.seconds >= 1:
        line.append(f"  {said_time(entry.seconds)}", style="muted")
    print_prose(console, line, indent=2, hanging=2)
    if entry.right and entry.score is not None and entry.score < 0.999 and entry.part != "short":
        said = word("mock.yours", lang, answer=clean(entry.answer)[:60], right=entry.right.split("\n")[0])
        print_prose(console, said, indent=4, style="muted")


def _by_step(console: Console, sheet: Sheet, lang: Lang) -> None:
    """Print the mean mark of each step, the weakest first."""
    found: list[tuple[float, str]] = []
    for step in STEPS:
        marks = [entry.score or 0.0 for entry in sheet.entries if step in entry.steps]
        if marks:
            found.append((sum(marks) / len(marks), step))
    if not found:
        return
    print_prose(console, word("mock.by-step", lang), style="key")
    named = [f"{word(f'quiz.step-{step}', lang)} {round(mark * 100)}%" for mark, step in sorted(found)]
    print_prose(console, "   ".join(named), indent=2)


def save_sheet(path: Path, sheet: Sheet, lang: Lang) -> None:
    """Write the sheet to an HTML file; raises UsageError."""
    from mha_drill.ui.export import save

    day = time.strftime("%Y-%m-%d", time.localtime(sheet.at))
    save(
        path,
        "html",
        word("mock.sheet", lang, day=day),
        lang,
        lambda console: print_sheet(console, sheet, lang),
    )
