"""A ruling and its tests as the record that every screen renders. Judge side."""

from __future__ import annotations

from mha_drill.judge.advice import notes
from mha_drill.judge.findings import Finding
from mha_drill.judge.ruling import Ruling
from mha_drill.judge.stepmap import places
from mha_drill.judge.words import fix_of, title_of, topic_of, why_of
from mha_drill.records import STEPS, Lang, Mistake, Report, StepRow, StepSide, TestResult, Verdict
from mha_drill.words import word


def build(
    ruling: Ruling,
    tests: list[TestResult],
    source: str,
    *,
    file: str,
    problem: str,
    why: str,
    reference: dict[str, StepSide],
    lang: Lang,
    seconds: float,
) -> Report:
    """Return the report of one file. The tests decide the verdict; findings without a failed test get one."""
    tests = list(tests)
    findings = list(ruling.findings)
    failed = any(test.outcome == "failed" for test in tests)
    if findings and not failed:
        tests.append(
            TestResult(
                "value-diagnosis",
                "value",
                title_of(findings[0], lang),
                "failed",
                title_of(findings[0], lang),
                0.0,
            )
        )
    elif failed and not findings:
        findings = [Finding("wrong-value", "any")]
    verdict: Verdict = "fail" if any(test.outcome == "failed" for test in tests) else "pass"
    lines = source.splitlines()
    return Report(
        file=file,
        problem=problem,
        verdict=verdict,
        tests=tuple(tests),
        mistakes=tuple(_mistake(finding, lines, reference, lang) for finding in findings),
        notes=tuple(notes(ruling, lang)),
        steps=tuple(step_rows(ruling, lines, reference)),
        seconds_total=0.0,
        seconds_judge=seconds,
        why=word(f"check.why-{why}", lang),
        bound=tuple(_bound(ruling)),
    )


def _mistake(finding: Finding, lines: list[str], reference: dict[str, StepSide], lang: Lang) -> Mistake:
    theirs = reference.get(finding.step)
    return Mistake(
        code=finding.code,
        step=finding.step,
        line=finding.line,
        yours=lines[finding.line - 1].strip() if finding.line and finding.line <= len(lines) else "",
        reference=theirs.code if theirs else "",
        title=title_of(finding, lang),
        explanation=why_of(finding, lang),
        fix=fix_of(finding, lang),
        topic=topic_of(finding),
        proved=finding.proved,
    )


def step_rows(ruling: Ruling, lines: list[str], reference: dict[str, StepSide]) -> list[StepRow]:
    """Return the ten rows: the learner's line and shape beside the reference's."""
    yours = _yours(ruling, lines)
    wrong = {finding.step for finding in ruling.findings}
    rows = []
    for step in STEPS:
        mine, theirs = yours.get(step), reference.get(step)
        same = step not in wrong
        rows.append(StepRow(step, mine, theirs, same))
    return rows


def _yours(ruling: Ruling, lines: list[str]) -> dict[str, StepSide]:
    examination = ruling.examination
    if examination is None or ruling.stage != "run":
        return {}
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return {}
    found = places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail)
    sides = {}
    for step, place in found.items():
        code = lines[place.line - 1].strip() if place.line and place.line <= len(lines) else ""
        sides[step] = StepSide(place.line, code, place.shape)
    return sides


def _bound(ruling: Ruling) -> list[str]:
    examination = ruling.examination
    if examination is None:
        return []
    if examination.case.binding is None or ruling.stage != "run":
        return examination.attempts[:8]
    return examination.binding.say()
