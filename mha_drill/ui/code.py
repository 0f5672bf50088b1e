"""Lines of a learner's file made fit for the screen: cleaned, cut or broken so that the telling part stays.

Called by the screens of `check`. Nothing of what a file holds may move the cursor, and a wide line loses its
comment first, then what is far from the step it is shown for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

TAB = 4
HANGING = "    "
LONGEST = 1000
"""Characters of a line that are looked at; no line written by hand is as long."""
MOST_LINES = 8
MORE = "…"
_BREAK = re.compile(
    r"(?<=,) | (?=[-+*/@%=|&<>] |//|\*\*|if |else |for |and |or )|(?<=[)\]])(?=\.\w)|(?<=[(\[{])(?=[\w~])"
)
_APART = re.compile(r" (?!$)|(?<=\w)(?=[.(\[{])")
_OPEN, _CLOSE = "([{", ")]}"


def clean(text: str) -> str:
    """Return text with every control character but the newline shown escaped."""
    return "".join(
        sign if sign == "\n" or sign.isprintable() else sign.encode("unicode_escape").decode()
        for sign in text
    )


def bare(line: str) -> str:
    """Return a line of code as it is shown: tabs as spaces, nothing at its end, controls escaped."""
    return clean(line.expandtabs(TAB).rstrip())


def dedented(lines: Sequence[str]) -> list[str]:
    """Return lines, already bare, without the margin that all of them have."""
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[margin:] for line in lines]


def without_comment(line: str) -> str:
    """Return a line of code without the comment at its end; a line that is all comment stays."""
    quote = ""
    for at, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote and line[at - 1] != "\\" else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#":
            return line[:at].rstrip() if line[:at].strip() else line
    return line


def crop(line: str, width: int, telling: re.Pattern[str] | None = None) -> str:
    """Return a bare line in at most `width` columns, an ellipsis where something is left out.

    telling: what has to stay in sight, with the brackets it opens; without one it is the line's start.
    """
    if cell_len(line) <= width:
        return line
    line = without_comment(line)[:LONGEST]
    if cell_len(line) <= width:
        return line
    found = telling.search(line) if telling else None
    if found is None or cell_len(line[: _closed(line, found)]) < width:
        return _head(line, width - 1) + MORE
    start = end = found.start()
    if cell_len(line[start:]) < width:
        end = len(line)
    else:
        return MORE + _head(line[start:], width - 2) + MORE
    while start and cell_len(line[start - 1 : end]) < width:
        start -= 1
    while start < found.start() and (line[start - 1 : start + 1].isidentifier() or line[start].isspace()):
        start += 1
    if line[start : start + 2] == "= " and start < found.start():
        start += 2
    return MORE + line[start:]


def fold(line: str, width: int) -> list[str]:
    """Return all of a bare line on lines of `width` columns, broken where a reader of Python would break it."""
    if cell_len(line) <= width:
        return [line]
    rest, lines = without_comment(line)[:LONGEST], []
    margin = " " * min(len(rest) - len(rest.lstrip()), width // 3)
    rest = margin + rest.lstrip()
    while cell_len(rest) > width:
        least = len(rest) - len(rest.lstrip()) + 8
        most = len(_head(rest, width))
        cuts = [found.start() for found in _BREAK.finditer(rest) if least < found.start() <= most]
        late = [cut for cut in cuts if cut > least + (most - least) // 3]
        # the latest of those inside the fewest brackets; a name is cut only where it is wider than the line
        if cuts:
            at = min(late or cuts, key=lambda cut: (_depth(rest[:cut]), -cut))
        else:
            apart = [found for found in _APART.finditer(rest) if least - 8 < found.start() <= most]
            spaces = [found for found in apart if found[0]]
            at = max((found.start() for found in spaces or apart), default=max(most, 1))
        lines.append(rest[:at].rstrip())
        rest = margin + HANGING + rest[at:].lstrip()
        if not cuts and width <= len(margin + HANGING) + 1:
            break
    lines.append(rest)
    return lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], margin + HANGING + MORE]


def _depth(text: str) -> int:
    return sum((sign in _OPEN) - (sign in _CLOSE) for sign in text)


def _head(text: str, width: int) -> str:
    """Return as much of the start of a text as `width` columns hold."""
    used = 0
    for at, sign in enumerate(text):
        used += cell_len(sign)
        if used > width:
            return text[:at]
    return text


def _closed(line: str, found: re.Match[str]) -> int:
    """Return where the brackets that a match opens are closed again, else the line's end."""
    depth = 0
    for at in range(found.start(), len(line)):
        depth += (line[at] in _OPEN) - (line[at] in _CLOSE)
        if depth <= 0 and at + 1 >= found.end() and (line[at] in _CLOSE or at + 1 == len(line) or depth < 0):
            return at + 1
    return len(line)
