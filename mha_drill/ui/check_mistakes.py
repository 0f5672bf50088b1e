"""Each mistake of a report as one panel: the line in its place, the reference's, the shapes, why, what to write.

Mistakes of one code with the same words share a panel, so that nothing is said twice. Called by `ui.check`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from mha_drill.records import Lang, Mistake, Report, StepRow
from mha_drill.ui.check_layout import LABEL, NARROW, labelled, rule, shaped
from mha_drill.ui.code import bare, clean, crop, dedented, fold, without_comment
from mha_drill.ui.console import Paper, print_prose
from mha_drill.ui.theme import MISTAKE_SIGN
from mha_drill.ui.wrapping import wrap
from mha_drill.words import word

HERE = "›"
GAP = "⋮"
BAR = "│ "
NARROW_GUTTER = 7
AXES = {
    "project": "BLD", "split": "BHLd", "score": "BHLS", "scale": "BHLS", "mask": "BHLS", "softmax": "BHLS",
    "dropout": "BHLS", "weigh": "BHLd", "merge": "BLD", "output": "BLD",
}  # fmt: skip
_VARIANT = re.compile(r"(?P<title>.*?)\s*[（(](?P<variant>[^（()）]*)[)）]")


def print_mistakes(paper: Paper, report: Report, source: str, lang: Lang) -> None:
    """Print all panels, in the report's order. source: the learner's file, "" where it is not at hand."""
    number = 0
    for group in grouped(report.mistakes):
        numbers = range(number + 1, number + len(group) + 1)
        number += len(group)
        _panel(paper, numbers, group, report, source.splitlines(), lang)


def grouped(mistakes: Sequence[Mistake]) -> list[list[Mistake]]:
    """Return the mistakes in panels: those of one code whose why and fix are the same stand together."""
    groups: dict[tuple[str, str, str], list[Mistake]] = {}
    for mistake in mistakes:
        groups.setdefault((mistake.code, mistake.explanation, mistake.fix), []).append(mistake)
    return list(groups.values())


def _panel(
    paper: Paper, numbers: range, group: list[Mistake], report: Report, source: list[str], lang: Lang
) -> None:
    first = group[0]
    _rule(paper, numbers, group, lang, alone=len(report.mistakes) == len(group) == 1)
    title, variants = _titles(group)
    print_prose(paper, Text.assemble((f"{MISTAKE_SIGN} ", "mistake"), (clean(title), "title")), hanging=2)
    lines = {mistake.line: variant for mistake, variant in zip(group, variants, strict=True) if mistake.line}
    paper.print()
    if lines:
        _source(paper, lines, source or _only(group))
    for reference in dict.fromkeys(mistake.reference for mistake in group if mistake.reference):
        _reference(paper, reference, lang)
    if lines or first.reference:
        paper.print()
    row = next((row for row in report.steps if row.step == first.step), None)
    if row is not None and row.yours and row.yours.shape and row.reference:
        labelled(paper, word("check.shape", lang), _shapes(row, lang))
    for key, said in (("check.why", first.explanation), ("check.fix", first.fix)):
        if said:
            labelled(paper, word(key, lang), said)
    if all(mistake.proved for mistake in group) and first.step not in ("any", "load"):
        labelled(paper, word("check.proof", lang), word("check.proved", lang), "muted")
    if first.topic and _explained(first.topic):
        labelled(paper, word("check.drawn", lang), Text(f"mha-drill explain {first.topic}", style="code"))


def _rule(paper: Paper, numbers: range, group: list[Mistake], lang: Lang, *, alone: bool) -> None:
    first = group[0]
    lines = [str(mistake.line) for mistake in group if mistake.line]
    parts = [] if alone else [", ".join(map(str, numbers))]
    if lines:
        key = "check.line" if len(lines) == 1 else "check.lines"
        parts.append(word(key, lang, line=", ".join(lines) if lang == "en" else "、".join(lines)))
    if first.step not in ("any", "load"):
        parts.append(f"{word('check.step', lang)} {first.step}")
    rule(paper, " · ".join([*parts, first.code]))


def _titles(group: list[Mistake]) -> tuple[str, list[str]]:
    """Return what the panel is called, and what each of its lines adds to that."""
    found = [_VARIANT.fullmatch(mistake.title) for mistake in group]
    titles = {match["title"] if match else "" for match in found}
    if len(group) > 1 and len(titles) == 1 and "" not in titles:
        return titles.pop(), [match["variant"] if match else "" for match in found]
    if len({mistake.title for mistake in group}) == 1:
        return group[0].title, [""] * len(group)
    return "; ".join(dict.fromkeys(mistake.title for mistake in group)), [""] * len(group)


def _only(group: list[Mistake]) -> list[str]:
    """Return a file of which no more is known than the lines of the mistakes."""
    last = max(mistake.line or 0 for mistake in group)
    known = {mistake.line: mistake.yours for mistake in group}
    return [known.get(number, "") for number in range(1, last + 1)]


def _source(paper: Paper, lines: dict[int, str], source: list[str]) -> None:
    """Print the mistaken lines whole, with what each adds, between the lines beside them."""
    wanted = sorted(
        {near for line in lines for near in (line - 1, line, line + 1) if 1 <= near <= len(source)}
    )
    shown = [near for near in wanted if near in lines or source[near - 1].strip()]
    room = _room(paper)
    before = shown[0] - 1 if shown else 0
    for number, text in zip(shown, dedented([bare(source[near - 1]) for near in shown]), strict=True):
        here = number in lines
        if any(line.strip() for line in source[before : number - 1]):
            _row(paper, GAP, "", "muted")
        before = number
        label = f"{HERE if here else ' '} {number:>4}"
        for part in fold(text, room) if here else [crop(text, room)]:
            _row(paper, label, part, "yours" if here else "muted", "mistake" if here else "muted")
            label = ""
        if here and lines[number]:
            for line in wrap(Text(f"{MISTAKE_SIGN} {clean(lines[number])}"), _room(paper)):
                _row(paper, "", line.plain, "mistake")


def _row(paper: Paper, label: str, text: str, style: str, label_style: str = "muted") -> None:
    margin = " " * max(0, _gutter(paper) - cell_len(label) - 1)
    paper.print(
        Text.assemble(margin, (label, label_style), " ", (BAR, "muted"), (text, style)), soft_wrap=True
    )


def _gutter(paper: Paper) -> int:
    return NARROW_GUTTER if paper.width < NARROW else LABEL


def _room(paper: Paper) -> int:
    """Return how many columns a line of code has."""
    return max(16, paper.width - _gutter(paper) - len(BAR))


def _reference(paper: Paper, code: str, lang: Lang) -> None:
    """Print the reference's line below the learner's, in the same column."""
    label = word("check.reference-line", lang)
    if paper.width < NARROW:
        label = "="
    for part in fold(without_comment(bare(code)), _room(paper)):
        _row(paper, label, part, "reference", "reference")
        label = ""


def _shapes(row: StepRow, lang: Lang) -> Text:
    """Return the learner's shape after the step and, in letters too, the reference's."""
    yours = row.yours.shape if row.yours else None
    theirs = row.reference.shape if row.reference else None
    line = Text.assemble((shaped(yours), "shape"))
    if theirs is None:
        return line
    letters = AXES[row.step] if len(theirs) == len(AXES[row.step]) else AXES[row.step].replace("H", "")
    named = "(" + ", ".join(letters) + ")" if len(letters) == len(theirs) else ""
    said = shaped(theirs) + (f" = {named}" if named else "")
    if yours == theirs:
        return Text.assemble((said, "shape"), word("check.shape-same", lang))
    before, _, after = word("check.shape-other", lang, shape="\0").partition("\0")
    return Text.assemble(line, before, (said, "shape"), after)


def _explained(topic: str) -> bool:
    """Whether `mha-drill explain` has this topic."""
    from mha_drill.errors import UsageError
    from mha_drill.explain.library import topic_named

    try:
        topic_named(topic)
    except UsageError:
        return False
    return True
