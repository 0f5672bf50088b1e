"""A ruling and its tests as the record that every screen renders. Judge side."""

from __future__ import annotations

from mha_drill.judge.advice import notes
from mha_drill.judge.findings import Finding, side_said
from mha_drill.judge.ruling import Ruling
from mha_drill.judge.sides import LETTERS, side_places
from mha_drill.judge.stepmap import places
from mha_drill.judge.words import fix_of, title_of, topic_of, why_of
from mha_drill.records import STEPS, Lang, Mistake, Report, StepRow, StepSide, TestResult, Verdict
from mha_drill.words import word

Sides = dict[str, StepSide]


def build(
    ruling: Ruling,
    tests: list[TestResult],
    source: str,
    *,
    file: str,
    problem: str,
    why: str,
    reference: Sides,
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
    lines = source.split("\n")
    yours = _yours(ruling, lines)
    return Report(
        file=file,
        problem=problem,
        verdict=verdict,
        tests=tuple(tests),
        mistakes=tuple(_mistake(finding, lines, yours, reference, lang) for finding in findings),
        notes=tuple(notes(ruling, lang)),
        steps=tuple(step_rows(findings, yours, reference)),
        seconds_total=0.0,
        seconds_judge=seconds,
        why=word(f"check.why-{why}", lang),
        bound=tuple(_bound(ruling)),
    )


def _mistake(finding: Finding, lines: list[str], yours: Sides, reference: Sides, lang: Lang) -> Mistake:
    theirs = reference.get(guilty_step(finding, yours), reference.get(finding.step))
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


def guilty_step(finding: Finding, yours: Sides) -> str:
    """Return the step of a finding with its side where it has one: `project:k`, said by the variant or the line."""
    if finding.step not in ("project", "split"):
        return finding.step
    said = side_said(finding.variant)
    sides = [f"{finding.step}:{letter}" for letter in LETTERS]
    there = [side for side in sides if side in yours and finding.line and yours[side].line == finding.line]
    # Of two sides with one map, `kv`, the one on that line is to blame.
    one_of_two = len(finding.variant) == 2 and len(there) == 1 and there[0][-1] in finding.variant
    if said and not one_of_two:
        return f"{finding.step}:{said}"
    if there:
        return there[0]
    # A length that is the query's is wrong where the key is cut.
    return "split:k" if finding.code == "cross-length" else finding.step


def step_rows(findings: list[Finding], yours: Sides, reference: Sides) -> list[StepRow]:
    """Return the ten rows: the learner's line and shape beside the reference's, at the side that is wrong."""
    rows = []
    for step in STEPS:
        wrong = [guilty_step(finding, yours) for finding in findings if finding.step == step]
        side = wrong[0] if wrong else step
        if side in reference:
            rows.append(StepRow(step, yours.get(side), reference[side], not wrong))
        else:
            rows.append(StepRow(step, yours.get(step), reference.get(step), not wrong))
    return rows


def _yours(ruling: Ruling, lines: list[str]) -> Sides:
    """Return the learner's lines and shapes by step, and by side for `project` and `split`."""
    examination = ruling.examination
    if examination is None or ruling.stage != "run":
        return {}
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return {}
    found = places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail)
    found |= side_places(assessment.recording, assessment.wiring, assessment.roles)
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
