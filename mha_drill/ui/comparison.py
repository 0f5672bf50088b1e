"""The right call beside the wrong one, piece by piece, on the screen; called by `ui.pictures`."""

from __future__ import annotations

from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mha_drill.explain.figures import Comparison, Row, Side
from mha_drill.records import Lang
from mha_drill.ui.console import print_prose
from mha_drill.ui.strips import LEFT_OUT, by_token, cells, digits_of, label
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word


def print_comparison(console: Console, picture: Comparison, lang: Lang) -> None:
    """Print both sides, side by side where the page is wide enough, and what the difference means."""
    console.print()
    right = _side(picture.right, PASS_SIGN, "pass", word("explain.right", lang), lang)
    sign, style = (PASS_SIGN, "pass") if picture.same else (MISTAKE_SIGN, "mistake")
    wrong = _side(picture.wrong, sign, style, word("explain.wrong", lang), lang)
    width = max(cell_len(line.plain) for line in right) + 3
    room = max(
        cell_len(line.plain) for line in _side(replace(picture.wrong, filled=None), sign, style, "", lang)
    )
    if width + room <= console.width:
        for one, other in zip(right, wrong, strict=True):
            gap = " " * (width - cell_len(one.plain))
            console.print(Text.assemble(one, gap, other), soft_wrap=True)
    else:
        for line in (*right, Text(), *wrong):
            print_prose(console, line, hanging=4)
    if picture.wrong.filled is not None:
        return
    console.print()
    if picture.same:
        key = "compare-same"
    elif picture.what == "merge":
        key = "unmixed"
    else:
        key = "mixed-one" if picture.reach == 1 else "mixed-some"
    said = word(f"explain.{key}", lang, shape=picture.shape, reach=picture.reach, length=picture.shape[-2])
    print_prose(console, said)


def _side(side: Side, sign: str, style: str, heading: str, lang: Lang) -> list[Text]:
    """Return the lines of one side; both sides of a comparison have as many."""
    lines = [Text(f"{sign} {heading}", style=style), Text(side.code, style="code")]
    blocks = [block for _, rows in side.groups for row in rows for block in row.blocks]
    digits = digits_of(blocks)
    left = len(blocks) if side.filled is None else side.filled
    for head, rows in side.groups:
        if head is not None:
            lines.append(Text(word("explain.head", lang, head=head), style="step"))
        widest = max(cell_len(word("explain.position", lang, position=row.position)) for row in rows)
        last = -1
        for row in rows:
            if row.position != last + 1:
                lines.append(Text(f" {LEFT_OUT}", style="muted"))
            last = row.position
            lines.append(_row(row, digits, widest, lang, empty=left <= 0))
            left -= 1
    return lines


def _row(row: Row, digits: int, widest: int, lang: Lang, *, empty: bool) -> Text:
    place = word("explain.position", lang, position=row.position)
    line = Text(" " + place + " " * (widest - cell_len(place)) + " ")
    labels = []
    for block in row.blocks:
        if block.gap:
            line.append(f"│{LEFT_OUT}", style="muted")
        drawn = cells(block, digits, by_token)
        line.append("│", style="muted").append_text(Text(" " * len(drawn)) if empty else drawn)
        labels.append(label(block))
    if empty:
        return line.append("│", style="muted")
    line.append("│ ", style="muted").append(" ".join(labels))
    sign, style = (PASS_SIGN, "pass") if row.right else (MISTAKE_SIGN, "mistake")
    return line.append(f" {sign}", style=style)
