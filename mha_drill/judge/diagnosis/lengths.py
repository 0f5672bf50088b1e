"""Right at the first sizes and wrong at others; and what the mask argument does. Judge side."""

from __future__ import annotations

import re
from dataclasses import replace

from mha_drill.attention.steps import Fault
from mha_drill.judge.diagnosis.places import line_of, return_line
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.lines.lengths import length_line
from mha_drill.judge.masks import mask_findings_of, weak_fill
from mha_drill.judge.probes import SQUARE

SQUEEZE = re.compile(r"\.squeeze_?$")


def length_findings(examination: Examination, wired: list[Finding]) -> list[Finding]:
    """Right for as many keys as queries; wrong for other lengths or sizes."""
    if any(item.code == "swapped-inputs" for item in wired):
        return []
    found: list[Finding] = []
    for observation in (examination.other, examination.one):
        if not examination.agrees(observation) and not found:
            line = observation.error["line"] if observation.error else line_of(examination, "split", "merge")
            if observation is examination.one and observation.error is None:
                continue
            detail = observation.error["message"] if observation.error else ""
            found.append(Finding("hard-coded-shape", "split", line, False, detail=detail))
    if found or examination.spec.inputs != "qkv":
        return found
    for crossed in (examination.cross, examination.fewer):
        if crossed is None or examination.agrees(crossed):
            continue
        if crossed.error is not None:
            return [
                Finding(
                    "cross-length",
                    "split",
                    length_line(examination.case.runner.source, crossed.error["lines"][::-1]),
                    False,
                    detail=crossed.error["message"],
                )
            ]
        return [Finding("cross-length", "split", line_of(examination, "split", "score"), False)]
    return found


def lone_findings(examination: Examination) -> list[Finding]:
    """An axis of one that is gone with a batch of one, or with a single position: a `squeeze` told no axis."""
    for observation in (examination.sole, examination.one):
        if observation.shaped:
            continue
        output, error = observation.output, observation.error
        calls = observation.answer.get("calls", [])
        squeezed = [call["line"] for call in calls if SQUEEZE.search(call["name"]) and call["args"] == "@"]
        if squeezed or error is None:
            line = squeezed[-1] if squeezed else return_line(examination)
            shapes = () if output is None else (output.shape,)
            return [Finding("wrong-output-shape", "output", line, False, "alone", shapes=shapes)]
        return [Finding("hard-coded-shape", "split", error["line"], False, detail=error["message"])]
    return []


def other_lengths(examination: Examination, known: list[Finding]) -> list[Finding]:
    """Beside known mistakes: what raises for keys of another length alone, or for other sizes altogether."""
    # Which tensor is weighed, and how long it is, is one question.
    silent = ("wrong-value", "weigh-wrong-tensor")
    if any(item.step in ("project", "split", "load") or item.code in silent for item in known):
        return []
    for observation, code in ((examination.other, "hard-coded-shape"), (examination.cross, "cross-length")):
        error = observation.error if observation is not None else None
        if error is not None and error["type"] in ("RuntimeError", "ValueError", "IndexError"):
            if code == "cross-length" and examination.spec.inputs != "qkv":
                continue
            source, line = examination.case.runner.source, error["line"]
            if code == "cross-length":
                line = length_line(source, error["lines"][::-1])
            return [Finding(code, "split", line, False, detail=error["message"])]
    return []


def block_findings(examination: Examination) -> list[Finding]:
    """Right in one block, wrong in several: the file's own small block size, where it runs."""
    observation = examination.by_default
    if observation is None or observation.error is not None or examination.agrees(observation):
        return []
    return [Finding("wrong-value", "any", line_of(examination, "weigh", "score"))]


# Names of a longest length: shorter inputs come too.
LONGEST = re.compile(r"max|block|context|ctx|positions")


def fixed_length(examination: Examination) -> list[Finding]:
    """Return that only inputs of the longest length run, where a parameter says that it is the longest."""
    binding = examination.binding
    named = [item.name for item in binding.definition.construct if item.meaning == "context"]
    if not binding.exact_context or not any(LONGEST.search(name.lower()) for name in named):
        return []
    shorter = examination.case.try_binding(replace(binding, exact_context=False), SQUARE, trace=True)
    if shorter.error is None:
        return []
    detail = shorter.error["message"]
    return [Finding("hard-coded-shape", "mask", shorter.error["line"], False, detail=detail)]


def mask_findings(examination: Examination, faults: tuple[Fault, ...]) -> list[Finding]:
    """What the mask argument does, where there is one and the problem leaves it open; `faults` are known already."""
    if examination.spec.causal:
        return fill_findings(examination, faults)
    return mask_findings_of(examination, faults)


def fill_findings(examination: Examination, faults: tuple[Fault, ...]) -> list[Finding]:
    """A fill so weak that large scores see past it: above -1e4."""
    if any(fault.step == "mask" for fault in faults):
        return []
    finding = weak_fill(examination, examination.square, faults)
    return [finding] if finding is not None else []
