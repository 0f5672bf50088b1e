"""The right call beside the wrong one, piece by piece, on the screen; called by `ui.pictures`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mha_drill.explain.figures import Block, Comparison, Row, Side
from mha_drill.records import Lang
from mha_drill.ui.code import fold
from mha_drill.ui.columns import Column, print_beside
from mha_drill.ui.console import print_prose
from mha_drill.ui.strips import LEFT_OUT, by_token, cells, digits_of, label
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word

GAP = 2
LEAST = 24
"""Columns that a side has at least, for its line of code."""


def fitted(picture: Comparison, width: int, lang: Lang) -> Comparison:
    """Return a comparison of which both sides fit beside each other, with less of it drawn where it must be."""
    forms = list(_narrower(picture))
    return next((form for form in forms if _columns(form, lang) <= width), picture)


def print_comparison(console: Console, picture: Comparison, lang: Lang) -> None:
    """Print both sides, side by side where the page is wide enough, and what the difference means."""
    console.print()
    sign, style = (PASS_SIGN, "pass") if picture.same else (MISTAKE_SIGN, "mistake")
    right = Text(f"{PASS_SIGN} {word('explain.right', lang)}", style="pass")
    heading = word("explain.wrong-but-same" if picture.same else "explain.wrong", lang)
    wrong = Text(f"{sign} {heading}", style=style)
    if _columns(picture, lang) <= console.width:
        sides = [_room(side, lang) for side in (picture.right, picture.wrong)]
        spare = console.width - GAP - sum(sides)
        wanted = max(len(picture.right.code) - sides[0], 0)
        left = Column(sides[0] + min(wanted, max(spare, 0)))
        beside = Column(console.width - GAP - left.width)
        codes = fold(picture.right.code, left.width), fold(picture.wrong.code, beside.width)
        height = max(map(len, codes))
        for column, title, code, side in (
            (left, right, codes[0], picture.right),
            (beside, wrong, codes[1], picture.wrong),
        ):
            for line in (title, *_code(code, height), *_rows(side, lang)):
                column.print(line)
        print_beside(console, left, beside, GAP)
    else:
        for title, side in ((right, picture.right), (wrong, picture.wrong)):
            if title is wrong:
                console.print()
            for line in (title, *_code(fold(side.code, console.width), 1), *_rows(side, lang)):
                console.print(line, soft_wrap=True)
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


def _narrower(picture: Comparison) -> Iterator[Comparison]:
    """Yield a comparison in ever narrower forms: as it is, one number of a piece, and then fewer heads to a row."""
    yield picture
    kept = picture.kept
    if len(kept.places) > 1:
        picture = _with_blocks(picture, len(kept.heads), numbers=1)
        picture = replace(picture, kept=replace(kept, places=kept.places[:1]))
        yield picture
    if picture.what == "merge":
        for count in (3, 2):
            if count < len(kept.heads):
                fewer = _with_blocks(picture, count)
                heads = (*kept.heads[: count - 1], kept.heads[-1])
                yield replace(fewer, kept=replace(picture.kept, heads=heads))


def _with_blocks(picture: Comparison, count: int, numbers: int = 0) -> Comparison:
    """Return a comparison with so many pieces in a row, the last one among them, and so many numbers in each."""

    def row(whole: Row) -> Row:
        blocks = whole.blocks
        if len(blocks) > count:
            blocks = (*blocks[: count - 1], replace(blocks[-1], gap=True))
        return replace(whole, blocks=tuple(map(short, blocks)))

    def short(block: Block) -> Block:
        return replace(block, numbers=(*block.numbers[:numbers], None)) if numbers else block

    def side(whole: Side) -> Side:
        groups = tuple((head, tuple(map(row, rows))) for head, rows in whole.groups)
        return replace(whole, groups=groups)

    return replace(picture, right=side(picture.right), wrong=side(picture.wrong))


def _columns(picture: Comparison, lang: Lang) -> int:
    return _room(picture.right, lang) + GAP + _room(picture.wrong, lang)


def _room(side: Side, lang: Lang) -> int:
    """Return how many columns a side takes, its code folded."""
    return max(LEAST, *(cell_len(line.plain) for line in _rows(replace(side, filled=None), lang)))


def _code(lines: list[str], height: int) -> list[Text]:
    return [Text(line, style="code") for line in lines] + [Text()] * (height - len(lines))


def _rows(side: Side, lang: Lang) -> list[Text]:
    """Return the rows of one side; both sides of a comparison have as many."""
    lines: list[Text] = []
    blocks = [block for _, rows in side.groups for row in rows for block in row.blocks]
    digits = digits_of(blocks)
    width = max(len(label(block)) for block in blocks)
    width = max(width, *(cell_len(cells(block, digits, by_token).plain) for block in blocks))
    left = len(blocks) if side.filled is None else side.filled
    for head, rows in side.groups:
        if head is not None:
            lines.append(Text(word("explain.head", lang, head=head), style="step"))
        widest = max(cell_len(_place(row, lang)) for row in rows)
        last = -1
        for row in rows:
            if row.position != last + 1:
                lines.append(Text(f" {LEFT_OUT}", style="muted"))
            last = row.position
            lines += _row(row, digits, width, widest, lang, empty=left <= 0)
            left -= 1
    return lines


def _row(row: Row, digits: int, width: int, widest: int, lang: Lang, *, empty: bool) -> Iterator[Text]:
    """Yield one position's cells and their verdict, and the labels: beside one piece, below several."""
    place = _place(row, lang)
    line = Text(" " + place + " " * (widest - cell_len(place)) + " ")
    several = _several(row)
    below = Text(" " * cell_len(line.plain))
    for block in row.blocks:
        if block.gap:
            line.append(f"│{LEFT_OUT}", style="muted")
            below.append("  ")
        drawn = cells(block, digits, by_token, width if several else 0)
        line.append("│", style="muted").append_text(Text(" " * len(drawn)) if empty else drawn)
        below.append(" " + label(block).ljust(width), style="muted")
    line.append("│", style="muted")
    if not empty:
        sign, style = (PASS_SIGN, "pass") if row.right else (MISTAKE_SIGN, "mistake")
        line.append("" if several else f" {label(row.blocks[0])}").append(f" {sign}", style=style)
    yield line
    if several:
        below.rstrip()
        yield Text() if empty else below


def _several(row: Row) -> bool:
    """Tell a row that holds a piece of every head from a position of one head."""
    return len(row.blocks) > 1


def _place(row: Row, lang: Lang) -> str:
    return word("explain.row" if _several(row) else "explain.position", lang, position=row.position)
