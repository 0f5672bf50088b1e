"""The screen of `check`, top to bottom: the verdict, the mistakes, what failed, the ten steps, advice, what to do next.

Called by `checking` and by the quiz. Each part is a module beside this one: `check_mistakes`, `check_tests`,
`check_walk`, `check_diff`; what they share is `check_layout`, and how code is cut is `code`.
"""

from __future__ import annotations

from rich.text import Text

from mha_drill.records import Lang, Report
from mha_drill.ui.check_diff import render_diff
from mha_drill.ui.check_layout import MARGIN, command, heading, prose
from mha_drill.ui.check_mistakes import print_mistakes
from mha_drill.ui.check_tests import print_all, print_failures, print_groups
from mha_drill.ui.check_walk import print_walk
from mha_drill.ui.code import bare, clean
from mha_drill.ui.console import Paper, print_prose
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word

__all__ = ["clean", "render_diff", "render_report", "render_summary"]

VERDICTS = {"pass": (PASS_SIGN, "pass"), "fail": (MISTAKE_SIGN, "mistake"), "error": ("!", "warning")}


def render_report(
    paper: Paper, report: Report, lang: Lang, *, source: str = "", verbose: bool = False
) -> None:
    """Print one report. source: the learner's file, for the lines around a mistake."""
    _verdict(paper, report, lang)
    print_groups(paper, report, lang)
    print_mistakes(paper, report, source, lang)
    print_failures(paper, report, lang, verbose=verbose)
    if report.verdict == "fail" or verbose:
        print_walk(paper, report, lang)
    if verbose:
        print_all(paper, report, lang)
        _called(paper, report, lang)
    _notes(paper, report, lang)
    _next(paper, report, lang)


def _verdict(paper: Paper, report: Report, lang: Lang) -> None:
    """Print the verdict, the file and how many mistakes; below it, the problem it was judged as and why that one."""
    sign, style = VERDICTS[report.verdict]
    line = Text.assemble(
        (f"{sign} {word(f'check.verdict-{report.verdict}', lang)}", style), "  ", (bare(report.file), "title")
    )
    if report.mistakes:
        key = "check.count-mistake" if len(report.mistakes) == 1 else "check.count-mistakes"
        line.append(f" · {word(key, lang, count=len(report.mistakes))}", style=style)
    print_prose(paper, line, hanging=MARGIN)
    parts = [word("check.as-problem", lang, problem=report.problem)] if report.problem else []
    parts.extend([report.why] if report.why else [])
    parts.append(word("check.took", lang, seconds=f"{report.seconds_total:.1f}"))
    print_prose(paper, clean(" · ".join(parts)), style="muted", indent=MARGIN)


def _called(paper: Paper, report: Report, lang: Lang) -> None:
    if report.bound:
        heading(paper, word("check.bound", lang))
        for line in report.bound:
            print_prose(paper, clean(line), style="code", indent=MARGIN, hanging=2)


def _notes(paper: Paper, report: Report, lang: Lang) -> None:
    if report.notes:
        heading(paper, word("check.notes", lang))
        for note in report.notes:
            print_prose(paper, Text("· ") + prose(note), indent=MARGIN, hanging=2)


def _next(paper: Paper, report: Report, lang: Lang) -> None:
    """Print what to type next: the same check again after a mistake, the blank page after a pass."""
    from shlex import quote

    asked = f" --problem {report.problem}" if report.why == word("check.why-asked", lang) else ""
    again = f"mha-drill check {bare(quote(report.file))}{asked}"
    paper.print()
    if report.verdict == "pass":
        command(paper, "check.next-compare", f"{again} --diff", lang)
        command(paper, "check.next-pass", f"mha-drill new {report.problem} --out from_memory.py", lang)
    elif report.verdict == "fail":
        command(paper, "check.next-check", again, lang)
        command(paper, "check.next-hint", f"mha-drill hint {report.problem}", lang)


def render_summary(paper: Paper, passed: int, total: int, lang: Lang) -> None:
    """Print how many of several files pass."""
    style = "pass" if passed == total else "title"
    print_prose(paper, word("check.summary", lang, passed=passed, total=total), style=style)
