"""The pictures of `explain` on the screen: one function a kind of record, called by `ui.explain`.

Nothing is told by colour alone: every piece of memory has its label, every verdict its sign and its words.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from mha_drill.explain.figures import (
    Address,
    Comparison,
    Equations,
    Film,
    Grids,
    Kept,
    Mergings,
    Pair,
    Picture,
    Stage,
    Walk,
)
from mha_drill.explain.sizes import Sizes
from mha_drill.records import Lang
from mha_drill.ui.comparison import fitted, print_comparison
from mha_drill.ui.console import print_prose
from mha_drill.ui.grids import print_grids
from mha_drill.ui.listing import print_code
from mha_drill.ui.matrices import print_equation
from mha_drill.ui.strips import print_strip
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word

INDENT = 3


def print_picture(console: Console, picture: Picture, sizes: Sizes, lang: Lang) -> None:
    """Print any picture, with its legend and what was left out of it."""
    match picture:
        case Film():
            print_prose(console, word("explain.legend-head", lang), style="muted")
            _print_left_out(console, picture.kept, sizes, lang)
            for number, stage in enumerate(picture.stages, start=picture.first):
                _print_stage(console, number, stage, lang)
        case Comparison():
            picture = fitted(picture, console.width, lang)
            print_prose(console, word("explain.legend-token", lang), style="muted")
            _print_left_out(console, picture.kept, sizes, lang)
            print_comparison(console, picture, lang)
        case Mergings():
            _print_mergings(console, picture, lang)
        case Address():
            _print_address(console, picture, lang)
        case Walk():
            _print_walk(console, picture)
        case Equations():
            print_prose(console, word("explain.legend-example", lang), style="muted")
            for line in picture.lines:
                console.print()
                if line.code:
                    print_code(console, line.code, indent=INDENT)
                print_equation(console, line, indent=INDENT)
        case Grids():
            _print_grids(console, picture, lang)


def _print_left_out(console: Console, kept: Kept, sizes: Sizes, lang: Lang) -> None:
    parts = []
    if sizes.batch > 1:
        parts.append(word("explain.left-out-batch", lang, count=sizes.batch))
    for key, drawn, count in (("tokens", kept.tokens, sizes.length), ("heads", kept.heads, sizes.heads)):
        if len(drawn) < count:
            parts.append(word(f"explain.left-out-{key}", lang, drawn=_listed(drawn, lang), count=count))
    if len(kept.places) < sizes.head_width:
        drawn_places = len(kept.places)
        parts.append(word("explain.left-out-places", lang, drawn=drawn_places, count=sizes.head_width))
    _print_parts(console, parts, lang)


def _listed(drawn: Sequence[int], lang: Lang) -> str:
    return (", " if lang == "en" else "、").join(map(str, drawn))


def _print_parts(console: Console, parts: Sequence[str], lang: Lang) -> None:
    if parts:
        said = word("explain.left-out-join", lang).join(parts)
        print_prose(console, word("explain.left-out", lang, parts=said), style="muted")


def _print_grids(console: Console, picture: Grids, lang: Lang) -> None:
    for key in ("legend-reach",) if picture.kind == "reach" else ("legend-grids", "legend-shades"):
        print_prose(console, word(f"explain.{key}", lang), style="muted")
    parts = [
        word(f"explain.left-out-{key}", lang, drawn=_listed(drawn, lang), count=count)
        for key, drawn, count in (
            ("tokens", picture.positions, picture.length),
            ("heads", tuple(range(len(picture.grids))), picture.heads),
        )
        if len(drawn) < count
    ]
    _print_parts(console, parts, lang)
    console.print()
    for code in (*picture.setting, *(grid.code for grid in picture.grids)):
        print_code(console, code, indent=INDENT)
    console.print()
    print_grids(console, picture, indent=INDENT)


def _layout(shape: Sequence[int], strides: Sequence[int], lang: Lang) -> str:
    return word("explain.layout", lang, shape=tuple(shape), strides=tuple(strides))


def _print_stage(console: Console, number: int, stage: Stage, lang: Lang) -> None:
    console.print()
    print_code(console, stage.code, indent=0, mark=f"{number}  ")
    if stage.clash is not None:
        clash = stage.clash
        after = clash.axis + 1
        said = word("explain.fate-raises", lang, axis=clash.axis, next=after, axes=", ".join(clash.axes))
        print_prose(console, f"{MISTAKE_SIGN} {said}", style="mistake", indent=INDENT, hanging=2)
        why = word(
            "explain.fate-raises-why", lang, axis=clash.axis, next=after, have=clash.have,
            size=clash.size, stride=clash.stride, need=clash.need,
        )  # fmt: skip
        print_prose(console, why, indent=INDENT)
        return
    letters = f"({', '.join(stage.axes)})  "
    layout = Text.assemble((letters, "muted"), (_layout(stage.shape, stage.strides, lang), "shape"))
    print_prose(console, layout, indent=INDENT)
    fate = word(f"explain.fate-{stage.fate}", lang)
    print_prose(console, fate, style="strong" if stage.fate == "copied" else "", indent=INDENT)
    print_strip(console, stage.memory, between="│", indent=INDENT)
    if stage.reading is not None:
        print_prose(console, word("explain.reading", lang), indent=INDENT)
        print_strip(console, stage.reading, between="›", indent=INDENT)


def _print_mergings(console: Console, picture: Mergings, lang: Lang) -> None:
    for tensor in picture.tensors:
        console.print()
        print_code(console, tensor.code, indent=0)
        contiguous = word("explain.contiguous" if tensor.contiguous else "explain.not-contiguous", lang)
        said = f"{_layout(tensor.shape, tensor.strides, lang)}  {contiguous}"
        print_prose(console, said, style="shape", indent=INDENT)
        sums = [_sum(pair) for pair in tensor.pairs]
        widest = max(map(len, sums))
        for pair, checked in zip(tensor.pairs, sums, strict=True):
            print_prose(console, _pair(pair, checked.ljust(widest), lang), indent=INDENT, hanging=7)


def _sum(pair: Pair) -> str:
    equal = "=" if pair.have == pair.size * pair.stride else "≠"
    return f"{pair.have} {equal} {pair.size} × {pair.stride}"


def _pair(pair: Pair, checked: str, lang: Lang) -> Text:
    sign, style = (PASS_SIGN, "pass") if pair.merges else (MISTAKE_SIGN, "mistake")
    key = "merges-free" if pair.free else "merges" if pair.merges else "merges-not"
    verdict = f"{sign} {word(f'explain.{key}', lang)}"
    return Text.assemble((f"{pair.axes[0]}, {pair.axes[1]}", "step"), f"   {checked}   ", (verdict, style))


def _print_address(console: Console, picture: Address, lang: Lang) -> None:
    console.print()
    print_code(console, picture.code, indent=0)
    print_prose(console, word("explain.address", lang, element=picture.element), indent=INDENT)
    products = [str(term.index * term.stride) for term in picture.terms]
    indices = max(len(str(term.index)) for term in picture.terms)
    strides = max(len(str(term.stride)) for term in picture.terms)
    widest = max(len(number) for number in (*products, str(picture.place)))
    for term, result in zip(picture.terms, products, strict=True):
        line = Text(" " * INDENT).append(f"{term.axis}  ", style="step")
        line.append(f"{term.index:>{indices}} × {term.stride:>{strides}} = {result:>{widest}}")
        console.print(line, soft_wrap=True)
    total = f"{picture.place:>{widest}}"
    margin = " " * (INDENT + 3 + indices + 3 + strides)
    console.print(Text(f"{margin} = ").append(total, style="key"), soft_wrap=True)


def _print_walk(console: Console, picture: Walk) -> None:
    console.print()
    steps = max(len(row.step) for row in picture.rows) + 2
    letters = max(len(row.letters) for row in picture.rows) + 5
    shapes = max(len(str(row.shape)) for row in picture.rows) + 3
    codes = max(len(row.code) for row in picture.rows)
    one_line = steps + letters + shapes + codes <= console.width
    for row in picture.rows:
        line = Text.assemble(
            (row.step.ljust(steps), "step"),
            f"({row.letters})".ljust(letters),
            (str(row.shape).ljust(shapes), "shape"),
        )
        if one_line:
            line.append(row.code, style="code")
            console.print(line, soft_wrap=True)
        else:
            line.rstrip()
            print_prose(console, line, hanging=steps)
            print_code(console, row.code, indent=steps)
