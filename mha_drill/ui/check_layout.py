"""What the parts of the screen of `check` share: headings, labelled prose, commands, and what a record says twice."""

from __future__ import annotations

import re
from functools import cache

from rich.cells import cell_len
from rich.text import Text

from mha_drill.records import Lang
from mha_drill.ui.code import clean
from mha_drill.ui.console import PROSE_WIDTH, Paper, print_prose
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN, SKIP_SIGN
from mha_drill.words import text, word

SIGNS = {"passed": (PASS_SIGN, "pass"), "failed": (MISTAKE_SIGN, "mistake"), "skipped": (SKIP_SIGN, "muted")}
MARGIN = 2
LABEL = 11
"""Columns before what a label stands for, the margin included."""
NARROW = 60
_CODE = re.compile(r"`[^`\n]+`")
_WHOLE = re.compile(r"`[^`\n]+`|\([\w, ]{1,30}\)")
_BLANK = "\u2800"  # stands for a space that no line is broken at; it is gone before anything is printed


def padded(text: str, width: int) -> str:
    """Return text filled to `width` columns."""
    return text + " " * max(0, width - cell_len(text))


def heading(paper: Paper, title: str, beside: str = "") -> None:
    """Print a blank line and the title of a part, with what is said beside it."""
    paper.print()
    print_prose(paper, Text.assemble((title, "title"), (f"  {beside}" if beside else "", "muted")))


def rule(paper: Paper, said: str) -> None:
    """Print a blank line and a rule that says where we are; without the rule where the page is too narrow."""
    paper.print()
    width = min(paper.width, PROSE_WIDTH)
    rest = width - cell_len(said) - 4
    if rest < 1:
        print_prose(paper, said, style="muted")
    else:
        paper.print(Text(f"── {said} " + "─" * rest, style="muted"), soft_wrap=True)


def labelled(paper: Paper, label: str, said: str | Text, style: str = "key") -> None:
    """Print prose beside its label, code in it unbroken and styled; below it where the page is narrow."""
    whole = said if isinstance(said, Text) else prose(said)
    narrow = paper.width < NARROW
    hanging = 2 if narrow else LABEL - MARGIN
    head = label + " " if narrow else padded(label, hanging)
    _print_unbroken(paper, Text.assemble((head, style), whole), MARGIN, hanging)


def prose(said: str, style: str = "") -> Text:
    """Return a sentence, controls escaped, with what stands in backticks styled as code."""
    line = Text(clean(said), style=style)
    line.highlight_regex(_CODE, "code")
    return line


def _print_unbroken(paper: Paper, whole: Text, indent: int, hanging: int) -> None:
    room = min(paper.width, PROSE_WIDTH) - indent - hanging
    kept = _WHOLE.sub(
        lambda found: found[0].replace(" ", _BLANK) if cell_len(found[0]) <= room // 2 else found[0],
        whole.plain,
    )
    whole = whole.copy()
    whole.plain = kept
    if in_colour(paper):
        whole = _unmarked(whole)
    print_prose(_Spaced(paper), whole, indent=indent, hanging=hanging)


def in_colour(paper: Paper) -> bool:
    """Whether code on a paper is told by its colour, so that it needs no marks."""
    return getattr(paper, "color_system", None) is not None and not getattr(paper, "no_color", False)


def _unmarked(whole: Text) -> Text:
    """Return prose without the backticks around its code; as it is where one has no partner."""
    if len(_CODE.findall(whole.plain)) * 2 != whole.plain.count("`"):
        return whole
    return Text().join(whole.split("`", allow_blank=True))


class _Spaced:
    """A paper that prints the stand-in as the space it stands for."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self.width = paper.width

    def print(self, *objects: object, soft_wrap: bool | None = None) -> None:
        for line in objects:
            if isinstance(line, Text):
                line.plain = line.plain.replace(_BLANK, " ")
        self._paper.print(*objects, soft_wrap=soft_wrap)


def command(paper: Paper, key: str, typed: str, lang: Lang, indent: int = 0) -> None:
    """Print the sentence `key` with the command to type in it, never broken in two where it fits a line."""
    before, _, after = word(key, lang, command="\0").partition("\0")
    room = min(paper.width, PROSE_WIDTH) - indent
    if cell_len(before + typed + after) <= room or cell_len(typed) > room - 2:
        print_prose(paper, Text.assemble(before, (typed, "code"), after), indent=indent)
    else:
        print_prose(paper, Text(before.rstrip()), indent=indent)
        print_prose(paper, Text.assemble((typed, "code"), after), indent=indent + 2)


def shaped(shape: tuple[int, ...] | None) -> str:
    """Return a shape as it is written, "" for none."""
    return "" if shape is None else "(" + ", ".join(map(str, shape)) + ")"


@cache
def _template(key: str, lang: Lang) -> re.Pattern[str]:
    sentence = re.escape(text(key).say(lang))
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*)", sentence), re.DOTALL)


def unfilled(key: str, lang: Lang, said: str) -> dict[str, str] | None:
    """Return the values with which the sentence `key` was filled to say `said`; None where it was not that one."""
    found = _template(key, lang).fullmatch(said)
    return None if found is None else found.groupdict()
