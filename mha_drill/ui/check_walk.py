"""The step-aligned diff: the learner's line and shape beside the reference's, for each of the ten steps.

Side by side where the page is wide enough, else one below the other; a step that differs is shown whole, one
that agrees is cut to what it does. Called by `ui.check`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from rich.text import Text

from mha_drill.records import STEPS, Lang, Report, StepRow, StepSide
from mha_drill.ui.check_layout import SIGNS, heading, padded, shaped
from mha_drill.ui.code import bare, crop, fold, without_comment
from mha_drill.ui.console import Paper
from mha_drill.ui.theme import SKIP_SIGN
from mha_drill.words import word

WIDE = 100
NARROW = 60
WIDEST_PAIR = 160
STEP = 2 + max(len(step) for step in STEPS) + 1
NUMBER = 4
GAP = 2
_PRODUCT = r"[\w.]*(?:matmul|bmm|einsum|mm)\(|@"
_LAYOUT = r"\.(?:view|reshape|unflatten|chunk|split|transpose|permute|contiguous|flatten)\(|rearrange\(|cat\("
TELLING = {
    step: re.compile(pattern)
    for step, pattern in {
        "split": _LAYOUT,
        "score": _PRODUCT,
        "scale": r"[*/]=?\s*[\w.(]*(?:sqrt|scal)|\*\*\s*-?\(?0?\.5|\b(?:div|mul)_?\(|[*/]=? (?!.*[*/]=? )",
        "mask": r"\.?masked_fill|where\(|tril|triu|\+=?",
        "softmax": r"[\w.]*softmax|[\w.]*exp\(",
        "dropout": r"[\w.]*drop",
        "weigh": _PRODUCT,
        "merge": _LAYOUT,
    }.items()
}  # fmt: skip


def print_walk(paper: Paper, report: Report, lang: Lang) -> None:
    """Print the ten steps; nothing where the file never ran."""
    if not any(row.yours for row in report.steps):
        return
    rows = [_placed(row, report) for row in report.steps if row.yours or row.reference or not row.same]
    wide = paper.width >= WIDE
    heading(paper, word("check.walk" if wide else "check.walk-below", lang), _sizes(report))
    missing = {mistake.step for mistake in report.mistakes if "missing" in mistake.code}
    if wide:
        _beside(paper, rows, missing, lang)
    else:
        _below(paper, rows, missing, lang)


def _placed(row: StepRow, report: Report) -> StepRow:
    """Return a row with the line of the mistake made there, if there is one: `k`'s, where `q` is right."""
    there = [mistake for mistake in report.mistakes if mistake.step == row.step and mistake.line]
    told = [mistake for mistake in there if "missing" not in mistake.code]
    if row.same or not told or (row.yours and row.yours.line in {mistake.line for mistake in there}):
        return row
    shape = row.yours.shape if row.yours else None
    return replace(row, yours=StepSide(told[0].line, told[0].yours, shape))


def _sizes(report: Report) -> str:
    """Return what the letters of the shapes were, read off the reference's own."""
    shapes = {row.step: row.reference.shape for row in report.steps if row.reference and row.reference.shape}
    output, score, split = (shapes.get(step, ()) for step in ("output", "score", "split"))
    output = output or shapes.get("weigh", ())
    if len(output) != 3 or len(score) not in (3, 4):
        return ""
    length = f"L={output[1]} S={score[-1]}" if output[1] != score[-1] else f"L=S={score[-1]}"
    heads = f" H={split[1]} d={split[3]}" if len(split) == 4 else ""
    return f"B={output[0]} {length} D={output[2]}{heads}"


def _sign(row: StepRow) -> Text:
    sign, style = SIGNS["failed" if not row.same else "passed" if row.yours else "skipped"]
    return Text.assemble((sign, style), " ", (padded(row.step, STEP - 2), "step"))


def _absent(row: StepRow, missing: set[str], lang: Lang) -> str:
    """Return what stands where the learner's side has no line."""
    return word("check.step-missing" if row.step in missing else "check.step-not-run", lang)


def _code(side: StepSide, row: StepRow, width: int) -> list[str]:
    line = without_comment(bare(side.code))
    return [crop(line, width, TELLING.get(row.step))] if row.same else fold(line, width)


def _cell(side: StepSide, row: StepRow, width: int, style: str) -> list[Text]:
    """Return one side as lines of exactly `width` columns, its line number first."""
    number = "" if side.line is None else str(side.line)
    lines = []
    for part in _code(side, row, width - NUMBER):
        lines.append(
            Text.assemble((f"{number:>{NUMBER - 1}} ", "muted"), (padded(part, width - NUMBER), style))
        )
        number = ""
    return lines


def _below(paper: Paper, rows: list[StepRow], missing: set[str], lang: Lang) -> None:
    """Print the reference's line below the learner's, each with its shape at the end."""
    narrow = paper.width < NARROW
    for row in rows:
        margin = Text("  ") if narrow else _sign(row)
        if narrow:
            step = _sign(row)
            step.rstrip()
            paper.print(step, soft_wrap=True)
        sides = [
            (row.yours, "" if row.same else "yours"),
            (row.reference, "muted" if row.same else "reference"),
        ]
        if row.yours is None:
            said = _absent(row, missing, lang)
            paper.print(margin + Text(f"{SKIP_SIGN:>{NUMBER - 1}} {said}", style="muted"), soft_wrap=True)
            margin = Text(" " * len(margin.plain))
            sides = sides[1:]
            if row.same:
                continue
        shapes = [shaped(side.shape) for side, _ in sides if side]
        room = max(len(shape) for shape in shapes) if shapes else 0
        for side, style in sides:
            if side is None:
                continue
            width = max(paper.width - len(margin.plain) - room - 1, NUMBER + 12)
            shape = shaped(side.shape)
            for line in _cell(side, row, width, style):
                whole = Text.assemble(margin, line, " " + shape.rjust(room) if shape else "")
                whole.stylize("shape", len(whole.plain) - len(shape))
                whole.rstrip()
                paper.print(whole, soft_wrap=True)
                margin, shape = Text(" " * len(margin.plain)), ""


def _beside(paper: Paper, rows: list[StepRow], missing: set[str], lang: Lang) -> None:
    """Print both sides in columns of their own; the shape once where it is one, else both."""
    widest = max(
        (len(shaped(side.shape)) for row in rows for side in (row.yours, row.reference) if side), default=0
    )
    width = (min(paper.width, WIDEST_PAIR) - STEP - widest - 2 * GAP) // 2
    gap = " " * GAP
    names = [padded(" " * NUMBER + word(f"check.{name}", lang), width) for name in ("yours", "reference")]
    paper.print(
        Text(" " * STEP + gap.join([*names, word("check.shape", lang)]), style="muted"), soft_wrap=True
    )
    for row in rows:
        style = ("", "muted") if row.same else ("yours", "reference")
        left = (
            _cell(row.yours, row, width, style[0])
            if row.yours
            else [
                Text(padded(f"{SKIP_SIGN:>{NUMBER - 1}} {_absent(row, missing, lang)}", width), style="muted")
            ]
        )
        right = _cell(row.reference, row, width, style[1]) if row.reference else []
        shapes = list(
            dict.fromkeys(shaped(side.shape) for side in (row.yours, row.reference) if side and side.shape)
        )
        margin = _sign(row)
        for number in range(max(len(left), len(right), len(shapes))):
            line = Text.assemble(
                margin,
                left[number] if number < len(left) else " " * width,
                gap,
                right[number] if number < len(right) else " " * width,
                gap,
                (shapes[number] if number < len(shapes) else "", "shape"),
            )
            line.rstrip()
            paper.print(line, soft_wrap=True)
            margin = Text(" " * STEP)
