"""The hidden tests of a report: a count for each group, what failed with expected beside actual, and all of them.

Called by `ui.check`. A failed test whose message only names a mistake says which one; the same exception at the
same line is told once.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from mha_drill.records import GROUPS, Lang, Report, TestResult
from mha_drill.ui.check_layout import MARGIN, SIGNS, heading, padded, unfilled
from mha_drill.ui.code import clean
from mha_drill.ui.console import Paper, print_prose
from mha_drill.ui.theme import MISTAKE_SIGN
from mha_drill.words import word

MOST = 3
"""Failed tests told in full; the others are counted."""
GAP = 3
COMPARED = ("check.differs", "check.wrong-shape", "check.wrong-type", "check.differs-somewhere")
RAISED = ("check.raised", "check.raised-nowhere")
DETAILS = ("expected", "actual", "found", "sizes")
LABELS = {"found": "actual"}


def print_groups(paper: Paper, report: Report, lang: Lang) -> None:
    """Print the groups in one line, how many of each passed, and why some were not run."""
    line = Text()
    for piece in _counts(report, lang):
        if line.plain and line.cell_len + GAP + piece.cell_len + MARGIN > paper.width:
            paper.print(Text(" " * MARGIN) + line, soft_wrap=True)
            line = Text()
        line = Text.assemble(line, " " * GAP, piece) if line.plain else piece
    if line.plain:
        paper.print(Text(" " * MARGIN) + line, soft_wrap=True)
    for reason in _skips(report):
        print_prose(
            paper, clean(word("check.skipped", lang, reason=reason)), style="muted", indent=MARGIN, hanging=2
        )


def _counts(report: Report, lang: Lang) -> list[Text]:
    pieces = []
    for group in GROUPS:
        tests = [test for test in report.tests if test.group == group]
        if not tests:
            continue
        outcomes = [test.outcome for test in tests]
        worst = next((each for each in ("failed", "passed") if each in outcomes), "skipped")
        sign, style = SIGNS[worst]
        passed, skipped = outcomes.count("passed"), outcomes.count("skipped")
        count = f" {passed}/{len(tests)}" if worst == "failed" and len(tests) > 1 else ""
        if worst == "passed":
            count = f" {passed}" + (word("check.some-skipped", lang, count=skipped) if skipped else "")
        pieces.append(
            Text.assemble((sign, style), f" {word(f'check.group-{group}', lang)}", (count, "muted"))
        )
    return pieces


def _skips(report: Report) -> list[str]:
    """Return why whole groups were not run, each reason once."""
    whole: list[str] = []
    for group in GROUPS:
        tests = [test for test in report.tests if test.group == group]
        if tests and all(test.outcome == "skipped" for test in tests):
            whole.extend(test.message for test in tests if test.message)
    return list(dict.fromkeys(whole))


def print_all(paper: Paper, report: Report, lang: Lang) -> None:
    """Print every test under its group, with the reason where it was skipped."""
    heading(paper, word("check.all-tests", lang))
    groups = {group: word(f"check.group-{group}", lang) for group in GROUPS}
    widest = max(cell_len(name) for name in groups.values()) + 2
    before = ""
    for test in report.tests:
        sign, style = SIGNS[test.outcome]
        reason = word("check.skipped", lang, reason=test.message) if test.outcome == "skipped" else ""
        name = padded("" if test.group == before else groups[test.group], widest)
        before = test.group
        line = Text.assemble((name, "muted"), (f"{sign} ", style), clean(test.title))
        line.append(f"  {clean(reason)}" if reason else "", style="muted")
        print_prose(paper, line, indent=MARGIN, hanging=widest + 2)


def print_failures(paper: Paper, report: Report, lang: Lang, *, verbose: bool) -> None:
    """Print the tests that failed: each with what was expected, what came and the sizes used."""
    failed = [test for test in report.tests if test.outcome == "failed"]
    told = failed if verbose else _worth_telling(failed, lang)[:MOST]
    if not failed or (not verbose and all(_said_already(test, report, lang) for test in failed)):
        return
    heading(paper, word("check.failing-tests", lang))
    for test in told:
        _failure(paper, test, report, lang)
    if rest := len(failed) - len(told):
        key = "check.more-failing" if rest > 1 else "check.one-more-failing"
        print_prose(paper, word(key, lang, count=rest), style="muted", indent=MARGIN, hanging=2)


def _worth_telling(failed: list[TestResult], lang: Lang) -> list[TestResult]:
    """Return the failed tests without those that raised the same thing at the same line."""
    kept, seen = [], set()
    for test in failed:
        values = _unfilled(RAISED, test, lang)
        what = (values.get("line", ""), values["error"].split(":")[0]) if values else test.id
        if what not in seen:
            seen.add(what)
            kept.append(test)
    return kept


def _said_already(test: TestResult, report: Report, lang: Lang) -> bool:
    """Whether a mistake's panel says all that a test could: no file to run, no class to make."""
    return test.group in ("load", "construct") and bool(_names(test, report, lang))


def _names(test: TestResult, report: Report, lang: Lang) -> list[int]:
    """Return the mistakes, by number, that the message of a test is only the name of."""
    values = unfilled("check.found", lang, test.message)
    said = values["title"] if values else test.message
    return [number for number, mistake in enumerate(report.mistakes, 1) if mistake.title == said]


def _failure(paper: Paper, test: TestResult, report: Report, lang: Lang) -> None:
    line = Text.assemble((f"{MISTAKE_SIGN} ", "mistake"), clean(test.title))
    if numbers := _names(test, report, lang):
        if len(report.mistakes) > 1:
            see = word("check.see-mistake", lang, number=numbers[0])
            line.append(see, style="muted")
        print_prose(paper, line, indent=MARGIN, hanging=2)
        return
    print_prose(paper, line, indent=MARGIN, hanging=2)
    if values := _unfilled(COMPARED, test, lang):
        _details(paper, values, lang)
    elif values := _unfilled(RAISED, test, lang):
        key = "check.raised-at" if "line" in values else "check.raised-somewhere"
        print_prose(paper, clean(word(key, lang, **values)), indent=MARGIN + 4)
        _details(paper, values, lang)
    elif test.message != test.title:
        print_prose(paper, clean(test.message), style="muted", indent=MARGIN + 4)


def _unfilled(keys: tuple[str, ...], test: TestResult, lang: Lang) -> dict[str, str]:
    """Return the values in the message of a test, if it is one of these sentences; else none."""
    return next((found for key in keys if (found := unfilled(key, lang, test.message))), {})


def _details(paper: Paper, values: dict[str, str], lang: Lang) -> None:
    """Print what was expected, what came and with which sizes below each other."""
    rows = {
        word(f"check.{LABELS.get(name, name)}", lang): values[name] for name in DETAILS if values.get(name)
    }
    widest = max((cell_len(label) for label in rows), default=0) + 2
    for label, said in rows.items():
        place = (
            f"  {values['place'].strip()}" if values.get("place") and said == values.get("expected") else ""
        )
        line = Text.assemble((padded(label, widest), "muted"), clean(said), (clean(place), "muted"))
        print_prose(paper, line, indent=MARGIN + 4, hanging=widest)
