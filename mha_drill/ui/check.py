"""The screen of `check`: the verdict, the groups, each mistake at its line, the ten steps side by side."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mha_drill.records import GROUPS, Lang, Mistake, Report, StepRow, StepSide, TestResult
from mha_drill.ui.console import fit, print_prose
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN, SKIP_SIGN
from mha_drill.words import word

SIGNS = {"passed": (PASS_SIGN, "pass"), "failed": (MISTAKE_SIGN, "mistake"), "skipped": (SKIP_SIGN, "muted")}
WIDE = 100


def render_report(
    console: Console, report: Report, lang: Lang, *, source: str = "", verbose: bool = False
) -> None:
    """Print one report. source: the learner's file, for the lines around a mistake."""
    _verdict(console, report, lang)
    _groups(console, report, lang, verbose=verbose)
    for number, mistake in enumerate(report.mistakes, 1):
        _mistake(console, number, mistake, source, lang)
    failures = [test for test in report.tests if test.outcome == "failed"]
    if failures:
        _failures(console, failures, lang)
    if report.verdict != "pass" or verbose:
        _walk(console, report, lang)
    _notes(console, report, lang)
    if verbose and report.bound:
        console.print()
        console.print(Text(word("check.bound", lang), style="title"))
        for line in report.bound:
            console.print(Text(f"  {line}", style="code"))
    _next(console, report, lang)


def _verdict(console: Console, report: Report, lang: Lang) -> None:
    style = {"pass": "pass", "fail": "mistake", "error": "warning"}[report.verdict]
    sign = {"pass": PASS_SIGN, "fail": MISTAKE_SIGN, "error": "!"}[report.verdict]
    line = Text.assemble(
        (f"{sign} {word(f'check.verdict-{report.verdict}', lang)}", style),
        "  ",
        (clean(report.file), "title"),
    )
    line.append(f"  {word('check.as-problem', lang, problem=report.problem)}", style="muted")
    if report.mistakes:
        key = "check.count-mistake" if len(report.mistakes) == 1 else "check.count-mistakes"
        line.append(f" · {word(key, lang, count=len(report.mistakes))}", style="muted")
    line.append(f" · {report.seconds_total:.2f} s", style="muted")
    print_prose(console, line)
    print_prose(console, report.why, style="muted", indent=2)


def _groups(console: Console, report: Report, lang: Lang, *, verbose: bool) -> None:
    console.print()
    for group in GROUPS:
        tests = [test for test in report.tests if test.group == group]
        if not tests:
            continue
        line = Text("  ")
        outcome = _worst(tests)
        sign, style = SIGNS[outcome]
        line.append(f"{sign} ", style=style)
        line.append(_padded(word(f"check.group-{group}", lang), 10), style="title")
        line.append("".join(SIGNS[test.outcome][0] for test in tests), style=style)
        reasons = {test.message for test in tests if test.outcome == "skipped"}
        if outcome == "skipped" and len(reasons) == 1:
            line.append("  " + word("check.skipped", lang, reason=reasons.pop()), style="muted")
        console.print(line)
        if verbose:
            for test in tests:
                sign, style = SIGNS[test.outcome]
                reason = (
                    f"  ({word('check.skipped', lang, reason=test.message)})"
                    if test.outcome == "skipped"
                    else ""
                )
                print_prose(
                    console,
                    Text.assemble((f"{sign} ", style), test.title, (reason, "muted")),
                    indent=6,
                    hanging=2,
                )


def _worst(tests: list[TestResult]) -> str:
    outcomes = {test.outcome for test in tests}
    return "failed" if "failed" in outcomes else "passed" if "passed" in outcomes else "skipped"


def _padded(text: str, width: int) -> str:
    return text + " " * max(1, width - Text(text).cell_len)


def _mistake(console: Console, number: int, mistake: Mistake, source: str, lang: Lang) -> None:
    """One mistake: its name, the learner's line in its place, the reference's line, why, and what to write."""
    console.print()
    head = Text.assemble((f"{MISTAKE_SIGN} {number}. ", "mistake"), (mistake.title, "title"))
    print_prose(console, head, hanging=5)
    where = (
        mistake.code
        if mistake.step in ("any", "load")
        else f"{mistake.code} · {word('check.step', lang)} {mistake.step}"
    )
    if mistake.line:
        where = f"{word('check.line', lang, line=mistake.line)} · {where}"
    console.print(Text(f"     {where}", style="muted"), soft_wrap=True)
    _lines(console, mistake, source)
    if mistake.reference:
        label = _padded(word("check.reference", lang), 10)
        console.print(
            Text.assemble(
                (f"     {label}", "muted"), (fit(clean(mistake.reference), console.width - 16), "reference")
            ),
            soft_wrap=True,
        )
    for key, text in (("check.why", mistake.explanation), ("check.fix", mistake.fix)):
        if text:
            label = _padded(word(key, lang), 7)
            print_prose(console, Text.assemble((label, "key"), text), indent=5, hanging=7)
    if mistake.proved and mistake.step not in ("any", "load"):
        print_prose(console, word("check.proved", lang), style="muted", indent=5)
    if mistake.topic:
        _command(console, "check.next-explain", f"mha-drill explain {mistake.topic}", lang, indent=5)


def _lines(console: Console, mistake: Mistake, source: str) -> None:
    """The learner's line between its neighbours."""
    lines = source.splitlines()
    if not mistake.line or mistake.line > len(lines):
        return
    for number in range(max(1, mistake.line - 1), min(len(lines), mistake.line + 1) + 1):
        here = number == mistake.line
        text = fit(clean(lines[number - 1].rstrip()), max(20, console.width - 14))
        mark = "›" if here else " "
        console.print(
            Text.assemble(
                (f"   {mark} {number:>4} ", "mistake" if here else "muted"),
                ("│ ", "muted"),
                (text, "yours" if here else "muted"),
            ),
            soft_wrap=True,
        )


def _failures(console: Console, failures: list[TestResult], lang: Lang) -> None:
    console.print()
    console.print(Text(word("check.failing-tests", lang), style="title"))
    for test in failures:
        print_prose(console, Text.assemble((f"{MISTAKE_SIGN} ", "mistake"), test.title), indent=2, hanging=2)
        if test.message and test.message != test.title:
            print_prose(console, clean(test.message), style="muted", indent=6)


def _walk(console: Console, report: Report, lang: Lang) -> None:
    """The step-aligned diff: the learner's line and shape beside the reference's, for each of the ten steps."""
    rows = [row for row in report.steps if row.yours or row.reference]
    if not any(row.yours for row in rows):
        return
    console.print()
    console.print(Text(word("check.walk", lang), style="title"))
    if console.width >= WIDE:
        table = Table(box=None, pad_edge=False, padding=(0, 1), show_header=True, header_style="muted")
        for heading in ("", "check.step", "check.yours", "check.reference"):
            table.add_column(word(heading, lang) if heading else "", overflow="ellipsis", no_wrap=True)
        room = (console.width - 16) // 2
        for row in rows:
            table.add_row(
                _sign(row),
                Text(row.step, style="step"),
                _side(row.yours, row, room),
                _side(row.reference, row, room),
            )
        console.print(table)
        return
    for row in rows:
        line = Text.assemble(_sign(row), " ", (f"{row.step:<8}", "step"), " ")
        for side, style in (
            (row.yours, "" if row.same else "yours"),
            (row.reference, "muted" if row.same else "reference"),
        ):
            line.append_text(_cell(side, style, console.width - 11))
            console.print(line, soft_wrap=True)
            line = Text(" " * 11)


def _sign(row: StepRow) -> Text:
    sign, style = SIGNS["passed" if row.same else "failed"]
    return Text(sign if row.yours or not row.same else SKIP_SIGN, style=style)


def _side(side: StepSide | None, row: StepRow, width: int) -> Text:
    return _cell(side, "" if row.same else "yours" if side is row.yours else "reference", width)


def _cell(side: StepSide | None, style: str, width: int) -> Text:
    if side is None:
        return Text(SKIP_SIGN, style="muted")
    shape = "" if side.shape is None else "(" + ", ".join(map(str, side.shape)) + ")"
    line = "" if side.line is None else f"{side.line}"
    room = max(8, width - len(shape) - len(line) - 3)
    return Text.assemble(
        (f"{line:>3} ", "muted"), (_padded(fit(clean(side.code), room - 1), room), style), (shape, "shape")
    )


def _notes(console: Console, report: Report, lang: Lang) -> None:
    if not report.notes:
        return
    console.print()
    console.print(Text(word("check.notes", lang), style="title"))
    for note in report.notes:
        print_prose(console, clean(f"· {note}"), indent=2, hanging=2)


def _next(console: Console, report: Report, lang: Lang) -> None:
    console.print()
    if report.verdict == "pass":
        _command(console, "check.next-pass", f"mha-drill new {report.problem} --force", lang)
        return
    _command(console, "check.next-hint", f"mha-drill hint {report.problem}", lang)
    _command(console, "check.next-check", f"mha-drill check {clean(report.file)}", lang)


def _command(console: Console, key: str, command: str, lang: Lang, indent: int = 0) -> None:
    before, _, after = word(key, lang, command="\0").partition("\0")
    print_prose(console, Text.assemble(before, (command, "code"), after), indent=indent)


def render_diff(console: Console, mine: str, name: str, solution: Path, lang: Lang) -> None:
    """Print the whole-file diff to the reference solution."""
    from difflib import unified_diff

    theirs = solution.read_text(encoding="utf-8").splitlines()
    console.print()
    console.print(Text(word("check.diff-title", lang), style="title"))
    for line in unified_diff(mine.splitlines(), theirs, clean(name), solution.name, lineterm="", n=2):
        style = {"+": "reference", "-": "yours", "@": "step"}.get(line[:1], "muted")
        console.print(Text(clean(line), style=style), soft_wrap=True)


def render_summary(console: Console, passed: int, total: int, lang: Lang) -> None:
    """Print how many of several files pass."""
    console.print(Text(word("check.summary", lang, passed=passed, total=total), style="title"))


def clean(text: str) -> str:
    """Return text with every control character but the newline shown escaped: nothing in a file moves the cursor."""
    return "".join(
        sign if sign == "\n" or sign.isprintable() or sign == " " else sign.encode("unicode_escape").decode()
        for sign in text
    )
