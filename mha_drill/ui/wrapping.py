"""Where a line of prose may be broken, in English and in Chinese; called by `ui.console` for all prose.

Rich breaks at spaces only, so a Chinese sentence would be cut anywhere, full stops at the line's start
included. Here a line may be broken at spaces and between Chinese characters, never before a closing sign
and never after an opening one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

CLOSING = "，。、；：？！）》〉」』】〕”’…—·,.;:?!)]}%"
OPENING = "（《〈「『【〔“‘([{"
SHAPE = re.compile(r"[(\[][\w.:·*/+−-]+(?:, [\w.:·*/+−-]+)+[)\]]", re.ASCII)
WIDE_FROM = "\u2e80"  # compared by hand: Python compiles a class with a range this long in 4 ms


def _wide(character: str) -> bool:
    """Tell whether a line may be broken before and after the character itself."""
    return character >= WIDE_FROM and character not in CLOSING and character not in OPENING


def _shape(plain: str, at: int, most: int) -> int:
    """Return where a shape that begins here ends, 0 where there is none or it goes beyond `most`."""
    found = SHAPE.match(plain, at) if plain[at] in "([" else None
    return found.end() if found and found.end() <= most else 0


def _attribute(plain: str, at: int) -> bool:
    """Tell whether the sign is the point that a name of code begins with, as in `.to(device)`."""
    return plain[at] == "." and plain[at + 1 : at + 2].isidentifier()


def _pieces(plain: str, longest: int) -> Iterator[tuple[int, int, int]]:
    """Yield what may not be broken: start, end without the spaces after it, end with them.

    A shape such as `(B, H, L, d)` is one piece, with what it is an argument of, up to `longest` characters.
    """
    start = at = 0
    size = len(plain)
    while at < size:
        while at < size and plain[at] in OPENING and not _shape(plain, at, start + longest):
            at += 1
        if at < size and _wide(plain[at]):
            at += 1
        else:
            while at < size and plain[at] < WIDE_FROM and not plain[at].isspace():
                at = _shape(plain, at, start + longest) or at + 1
        while at < size and plain[at] in CLOSING and not _attribute(plain, at):
            at += 1
        end = at
        while at < size and plain[at].isspace():
            at += 1
        yield start, end, at
        start = at


def _chop(plain: str, width: int) -> Iterator[int]:
    """Yield where a piece wider than a line is cut."""
    used = 0
    for index, character in enumerate(plain):
        cells = cell_len(character)
        if used and used + cells > width:
            yield index
            used = 0
        used += cells


def wrap(paragraph: Text, width: int, first: int | None = None) -> list[Text]:
    """Return the lines of one paragraph, each at most `width` columns; the first at most `first`."""
    plain = paragraph.plain.replace("\t", "    ")
    if plain != paragraph.plain:
        paragraph = paragraph.copy()
        paragraph.expand_tabs(4)
        plain = paragraph.plain
    room = first or width
    cuts: list[int] = []
    used = 0
    for start, end, after in _pieces(plain, width // 2):
        cells = cell_len(plain[start:end])
        if used and used + cells > room:
            cuts.append(start)
            used, room = 0, width
        if cells > room:
            chopped = [start + index for index in _chop(plain[start:end], room)]
            cuts.extend(chopped)
            room = width if chopped else room
            used = cell_len(plain[(chopped or [start])[-1] : after])
        else:
            used += cell_len(plain[start:after])
    lines = list(paragraph.divide(cuts))
    for line in lines:
        line.rstrip()
    return lines or [Text()]


def joined(before: str, after: str) -> str:
    """Return two source lines of one paragraph as one: a space between them, none beside Chinese."""
    close = before[-1:] >= WIDE_FROM and after[:1] >= WIDE_FROM
    return before + ("" if close else " ") + after
