"""The screen of `status`: the counts, a row and a bar a step, the last weeks, what is solved, the mock interviews."""

from __future__ import annotations

import time
from datetime import date
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mha_drill.progress.status import Status, StepStanding
from mha_drill.records import Lang
from mha_drill.ui.console import print_command, print_prose
from mha_drill.words import word

BAR: Final = 20
GAP: Final = 3
BLOCKS: Final = " ▁▂▃▄▅▆▇█"
SHOWN_MOCKS: Final = 5
LEAST_COLUMNS: Final = 60


def print_status(console: Console, status: Status, lang: Lang) -> None:
    """Print where the learner stands, and what to do next."""
    _head(console, status, lang)
    console.print()
    _table(console, status.steps, lang)
    console.print()
    if status.weakest:
        sentence = word("status.weakest", lang, step=_step(status.weakest, lang), command="{command}")
        print_command(console, sentence, f"mha-drill quiz --topic {status.weakest}")
    if status.attempts:
        _weeks(console, status, lang)
    _bests(console, status, lang)
    _mocks(console, status, lang)
    _next(console, status, lang)


def _head(console: Console, status: Status, lang: Lang) -> None:
    counts = (
        ("answers", status.attempts),
        ("streak", status.streak),
        ("due", status.due),
        ("week", status.due_week),
        ("new", status.new),
    )
    line = Text()
    for name, count in counts:
        said = Text.assemble((word(f"status.count-{name}", lang) + " ", "muted"), (str(count), "title"))
        if line and cell_len(line.plain) + cell_len(said.plain) + GAP > console.width:
            console.print(line, soft_wrap=True)
            line = Text()
        line.append(" " * GAP if line else "")
        line.append_text(said)
    console.print(line, soft_wrap=True)
    if status.interview is not None:
        days = status.interview - status.today
        key = "status.interview-today" if days == 0 else "status.interview"
        print_prose(console, word(key, lang, day=said_day(status.interview, lang), days=days), style="key")


def _table(console: Console, steps: tuple[StepStanding, ...], lang: Lang) -> None:
    names = [_step(step.step, lang) for step in steps]
    header = [word(f"status.column-{name}", lang) for name in ("step", "strength", "due", "seen")]
    room = max(map(cell_len, (*names, header[0])))
    wide = console.width >= LEAST_COLUMNS
    bar = BAR if wide else max(console.width - room - 26, 4)
    line = Text(_padded(header[0], room) + "  " + _padded(header[1], bar + 6) + "  ", style="muted")
    line.append(f"{_right(header[2], 6)}  {_right(header[3], 8)}")
    console.print(line, soft_wrap=True)
    for step, name in zip(steps, names, strict=True):
        row = Text(_padded(name, room) + "  ", style="step")
        row.append_text(_bar(step.strength, bar))
        row.append(f"  {step.due or '':>6}  {f'{step.seen}/{step.cards}':>8}")
        console.print(row, soft_wrap=True)


def _bar(strength: float | None, width: int) -> Text:
    """Return the bar of a strength and its per cent; a dash before the first answer."""
    if strength is None:
        return Text.assemble(("·" * width, "muted"), "     –")
    full = round(strength * width)
    style = "pass" if strength >= 0.8 else "partly" if strength >= 0.5 else "mistake"
    line = Text("█" * full, style=style)
    line.append("·" * (width - full), style="muted")
    line.append(f" {round(strength * 100):>4}%", style="")
    return line


def _weeks(console: Console, status: Status, lang: Lang) -> None:
    """Print the answers of the last weeks as columns with their numbers below."""
    print_prose(console, word("status.weeks", lang, count=len(status.weeks)), style="muted")
    most = max(*status.weeks, 1)
    width = max(len(str(most)), 2) + 2
    blocks, numbers = Text("  "), Text("  ", style="muted")
    for count in status.weeks:
        height = -(-count * (len(BLOCKS) - 1) // most)
        blocks.append((BLOCKS[height] * 2).rjust(width), style="step")
        numbers.append(str(count).rjust(width))
    console.print(blocks, soft_wrap=True)
    console.print(numbers, soft_wrap=True)


def _bests(console: Console, status: Status, lang: Lang) -> None:
    if not status.best:
        return
    print_prose(console, word("status.solved", lang), style="muted")
    for best in status.best:
        line = Text("  ")
        line.append(_padded(best.problem, 14), style="key")
        line.append("  " + word("status.passes", lang, count=best.passes))
        if best.quickest is not None:
            line.append(word("status.quickest", lang, time=said_time(best.quickest)))
        print_prose(console, line)


def _mocks(console: Console, status: Status, lang: Lang) -> None:
    if not status.mocks:
        return
    print_prose(console, word("status.mocks", lang), style="muted")
    for sheet in status.mocks[-SHOWN_MOCKS:]:
        day = time.strftime("%Y-%m-%d", time.localtime(sheet.at))
        verdict = word(f"status.verdict-{sheet.verdict or 'none'}", lang)
        line = Text.assemble("  ", (day, "key"), f"  {round(sheet.score * 100):>3}%  ")
        line.append(f"{said_time(sheet.used)}/{said_time(sheet.limit)}  {sheet.problem}: {verdict}")
        print_prose(console, line)


def _next(console: Console, status: Status, lang: Lang) -> None:
    console.print()
    if status.due or status.new:
        sentence = word("status.next", lang, due=status.due, new=status.new, command="{command}")
        print_command(console, sentence, "mha-drill review")
    elif status.next_day is not None:
        print_prose(console, word("status.nothing-due", lang, day=said_day(status.next_day, lang)))


def said_day(day: int, lang: Lang) -> str:
    """Return a day as it is said: 2026-12-01 with its weekday."""
    found = date.fromordinal(day)
    return f"{found.isoformat()} {word(f'status.weekday-{found.weekday()}', lang)}"


def said_time(seconds: float) -> str:
    """Return a length of time as minutes and seconds, hours before them where there are any."""
    whole = max(int(seconds), 0)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _step(step: str, lang: Lang) -> str:
    return word(f"quiz.step-{step}", lang)


def _padded(text: str, width: int) -> str:
    return text + " " * max(width - cell_len(text), 0)


def _right(text: str, width: int) -> str:
    return " " * max(width - cell_len(text), 0) + text
