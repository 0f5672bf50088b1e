"""From an examination to findings: which mistakes, at which lines. Judge side.

Wiring first (who is projected by what), then what was repaired on the way, then numbers, then what follows
the heads, then lengths, masks, gradients and behaviour.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mha_drill.attention.steps import Fault
from mha_drill.judge.crashes import crash_findings
from mha_drill.judge.diagnosis.behaviour import behaviour_findings, mutation_findings
from mha_drill.judge.diagnosis.flags import flag_findings
from mha_drill.judge.diagnosis.gradients import gradient_findings
from mha_drill.judge.diagnosis.grouping import group_findings
from mha_drill.judge.diagnosis.lengths import (
    block_findings,
    fixed_length,
    length_findings,
    lone_findings,
    mask_findings,
    other_lengths,
)
from mha_drill.judge.diagnosis.numbers import number_findings
from mha_drill.judge.diagnosis.places import return_line
from mha_drill.judge.diagnosis.projections import wiring_findings
from mha_drill.judge.diagnosis.repairs import builtin_used, repaired
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding, distinct
from mha_drill.judge.lines.edited import body_line, edited
from mha_drill.judge.lines.looks import source_line
from mha_drill.judge.observation import Observation


def diagnose(examination: Examination) -> list[Finding]:
    """Return the mistakes of a submission that could be bound, by step; empty for a right one."""
    findings = builtin_used(examination)
    if findings:
        return findings
    square = examination.square
    assessment = examination.assessed(square)
    findings = repaired(square, None if assessment is None else assessment.recording)
    if square.error is not None:
        return distinct([*findings, *crash_findings(examination, square)])
    output = square.output
    if output is None or not examination.returns_right_kind:
        kind = square.answer["output"]["type"]
        if kind == "NotImplementedType" or (kind == "NoneType" and not square.answer.get("calls")):
            body = body_line(examination.case.runner.source, examination.binding.definition.line)
            return [Finding("not-implemented", "load", body)]
        line = return_line(examination)
        if kind == "NoneType":
            line = body_line(examination.case.runner.source, examination.binding.definition.line)
        return distinct([*findings, Finding("wrong-output-type", "output", line, False, kind)])
    wired = wiring_findings(examination)
    findings += wired
    faults: tuple[Fault, ...] = ()
    numbers: list[Finding] = []
    if not examination.agrees(square):
        numbers, faults = number_findings(examination, wired)
        if any(item.code in ("key-not-transposed", "split-without-transpose") for item in findings):
            # What `keys.shape[-1]` is after the wrong transpose follows from it.
            numbers = [
                item for item in numbers if item.step not in ("score", "scale") and item.code != "wrong-value"
            ]
        findings += numbers
        findings += other_lengths(examination, findings)
    else:
        findings += (
            block_findings(examination) or lone_findings(examination) or length_findings(examination, wired)
        )
        findings += [] if findings else group_findings(examination) + flag_findings(examination)
    behaviour = behaviour_findings(examination, findings)
    findings += mask_findings(examination, faults)
    if not any(item.code == "nondeterministic" for item in behaviour):
        findings += gradient_findings(examination)
    findings += behaviour + mutation_findings(examination)
    if any(item.code == "mask-fill-value" for item in findings) and _finite(examination.large):
        # Large scores that see past the mask are no overflow.
        findings = [item for item in findings if item.code != "unstable-softmax"]
    if any(item.code == "unstable-softmax" for item in findings):
        # A mask of minus infinities is among the large numbers that it cannot take.
        findings = [item for item in findings if (item.code, item.step) != ("wrong-value", "mask")]
    findings += fixed_length(examination)
    if any(item.code == "nan-output" for item in numbers):
        # Where nothing is a number, a mask cannot be seen to do anything.
        findings = [item for item in findings if item.code != "mask-missing"]
    if numbers:
        # Fills of -1e38 and the like drown a difference quotient where numbers are wrong: no line, no mistake.
        findings = [item for item in findings if item.code != "wrong-gradient" or item.line is not None]
    if any(item.code == "detached-graph" for item in findings) and any(
        item.code == "wrong-value" for item in findings
    ):
        # What left torch came back as constants: the trace ends there, and so does what it can say.
        findings = [
            item for item in findings if item.code not in ("wrong-value", "missing-output-projection")
        ]
    if any(item.code == "nondeterministic" for item in findings):
        # A layer made anew in each call is nobody's projection, and no missing one either.
        findings = [item for item in findings if item.code != "missing-output-projection"]
    if _only_consequence(findings, numbers):
        findings = [item for item in findings if item.code != "wrong-value"]
    placed = [
        replace(item, line=source_line(examination, item.step)) if item.line is None else item
        for item in findings
    ]
    return distinct([edited(examination.case.runner.source, item) for item in placed])


def _finite(observation: Observation) -> bool:
    output = observation.output
    return output is not None and bool(np.isfinite(output).all())


def _only_consequence(findings: list[Finding], numbers: list[Finding]) -> bool:
    """Whether an unexplained wrong value stands beside a mistake that can be its cause."""
    causes = {
        "batch-mixing",
        "nondeterministic",
        "mutates-input",
        "hard-coded-shape",
        "shared-across-heads",
        "unstable-softmax",
        "nan-output",
        "weigh-wrong-tensor",
    }
    return any(item.code == "wrong-value" for item in numbers) and any(
        item.code in causes for item in findings
    )
