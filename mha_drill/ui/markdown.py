"""Statements and explanations on the screen: the little Markdown they are written in, laid out.

Headings, paragraphs, lists, quotes, fenced code and pipe tables, with `code`, **strong** and *emphasis*
inside. Rich's own Markdown costs 60 ms to import and breaks Chinese lines badly; the quiz's first question
may not wait for it. Called by every screen that shows a text of `problems/` or of a topic.
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.text import Text

from mha_drill.ui.code import bare, fold
from mha_drill.ui.console import Paper, print_prose
from mha_drill.ui.wrapping import joined

_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`|\*\*(?P<strong>[^*\n]+)\*\*|(?<![\w*])\*(?P<emphasis>[^*\s][^*\n]*)\*(?![\w*])"
)
_ITEM = re.compile(r"(?P<margin>\s*)(?P<mark>[-*]|\d+[.)])\s+(?P<text>.*)")


def inline(source: str, style: str = "") -> Text:
    """Return one line with its code, strong and emphasised parts styled and their marks taken away."""
    line = Text(style=style)
    end = 0
    for found in _INLINE.finditer(source):
        line.append(source[end : found.start()])
        kind = found.lastgroup or "code"
        line.append(found.group(kind), style=kind)
        end = found.end()
    line.append(source[end:])
    return line


def _table(console: Paper, rows: list[str], indent: int) -> None:
    cells = [[inline(cell.strip()) for cell in row.strip().strip("|").split("|")] for row in rows]
    columns = max(len(row) for row in cells)
    for row in cells:
        row.extend(Text() for _ in range(columns - len(row)))
    ruled = [all(re.fullmatch(r":?-+:?", cell.plain) for cell in row) for row in cells]
    said = [row for row, rule in zip(cells, ruled, strict=True) if not rule]
    widths = [max((cell_len(row[at].plain) for row in said), default=0) for at in range(columns)]
    for row, rule in zip(cells, ruled, strict=True):
        line = Text(" " * indent)
        for cell, width in zip(row, widths, strict=True):
            gap = Text(" " * (width - cell_len(cell.plain)))
            line += Text("─" * width, style="muted") if rule else cell + gap
            line.append("  ")
        line.rstrip()
        console.print(line, soft_wrap=True)


def _block(console: Paper, lines: list[str], indent: int) -> None:
    """Print lines of code: nearer to the margin where they are wide, and broken where they are wider still."""
    widest = max(map(cell_len, lines), default=0)
    margin = " " * (indent + (4 if widest <= console.width - indent - 4 else 2))
    for line in lines:
        for part in fold(line, max(console.width - len(margin), 8)):
            console.print(Text(margin + part, style="code"), soft_wrap=True)


def print_markdown(console: Paper, source: str, *, indent: int = 0) -> None:
    """Print a text; nothing before the first line and nothing after the last."""
    lines = source.strip("\n").split("\n")
    at = 0
    while at < len(lines):
        line = lines[at].rstrip()
        if line.lstrip().startswith("```"):
            end = at + 1
            while end < len(lines) and not lines[end].lstrip().startswith("```"):
                end += 1
            _block(console, [bare(each) for each in lines[at + 1 : end]], indent)
            at = end + 1
        elif line.startswith("#"):
            print_prose(console, inline(line.lstrip("#").strip(), "title"), indent=indent)
            at += 1
        elif line.lstrip().startswith("|"):
            rows = []
            while at < len(lines) and lines[at].lstrip().startswith("|"):
                rows.append(lines[at])
                at += 1
            _table(console, rows, indent)
        elif found := _ITEM.fullmatch(line):
            text, at = _gather(lines, at + 1, found["text"])
            mark = "•" if found["mark"] in "-*" else found["mark"]
            margin = indent + len(found["margin"]) + 2
            print_prose(console, Text(mark + " ") + inline(text), indent=margin, hanging=len(mark) + 1)
        elif line.startswith(">"):
            text, at = _gather(lines, at + 1, line[1:].strip())
            print_prose(console, inline(text, "muted"), indent=indent + 2)
        elif not line:
            console.print()
            at += 1
        else:
            text, at = _gather(lines, at + 1, line.strip())
            print_prose(console, inline(text), indent=indent)


def _gather(lines: list[str], at: int, text: str) -> tuple[str, int]:
    """Join the lines a paragraph goes on over; return it and where the next block begins."""
    while at < len(lines):
        line = lines[at].strip()
        if not line or line[0] in "#|>" or line.startswith("```") or _ITEM.fullmatch(lines[at]):
            break
        text = joined(text, line.lstrip("> "))
        at += 1
    return text, at
