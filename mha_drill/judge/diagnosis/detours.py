"""Why the numbers are wrong where the trace shows the projections and not the scores. Judge side.

One mistake at a time: `unseen` fits the output to the reference with one wrong step. Called by `numbers`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from mha_drill.judge.diagnosis.places import return_line, spec_requires_output
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.lines.exchanged import shared_line
from mha_drill.judge.lines.left_out import renamed_line
from mha_drill.judge.lines.looks import rough_line
from mha_drill.judge.observation import Observation
from mha_drill.judge.recording import NORMS
from mha_drill.judge.unseen import SIDES, SOURCES, Explained

Ending = Callable[[Observation], np.ndarray | None]


def detour_findings(examination: Examination) -> list[Finding]:
    """Return the one mistake that explains the numbers, empty where none does."""
    square = examination.square
    endings: tuple[tuple[str, Ending | None], ...] = (
        ("", None),
        ("extra-residual", _unadded),
        ("extra-normalization", partial(_unnormalised, examination)),
    )
    for code, output in endings:
        if output is not None and output(square) is None:
            continue
        unseen = examination.unseen(square, output)
        if unseen is None:
            continue
        if code:
            if unseen.agrees():
                return [Finding(code, "output", return_line(examination), True)]
        elif (found := unseen.explain(causal_problem=examination.spec.causal)) is not None:
            return _named(examination, found)
    return []


def _unadded(observation: Observation) -> np.ndarray | None:
    """Return the output without the input that may have been added to it."""
    output = observation.output
    first = observation.inputs.get("x", observation.inputs.get("q"))
    if output is None or first is None or first.shape != output.shape:
        return None
    return np.asarray(output - first)


def _unnormalised(examination: Examination, observation: Observation) -> np.ndarray | None:
    """Return what went into the last normalisation, where that gave the output."""
    output, assessment = observation.output, examination.assessed(observation)
    if output is None or assessment is None:
        return None
    recording = assessment.recording
    for call in reversed(recording.calls):
        if call.short in NORMS and call.outputs:
            made = recording.values[call.outputs[0]].array
            given = next(
                (recording.values[item].array for item in call.inputs if recording.content[item]), None
            )
            if made is not None and given is not None and made.shape == output.shape == given.shape:
                return np.asarray(given, dtype=np.float64) if np.allclose(made, output) else None
    return None


def _named(examination: Examination, found: Explained) -> list[Finding]:
    assessment = examination.assessed(examination.square)
    assert assessment is not None
    recording, reading = assessment.recording, found.reading
    wanted = SOURCES[examination.binding.call.style]
    line = min((item.call.line for item in assessment.wiring.projections if item.call.line), default=None)
    named = []
    if reading.unprojected:
        where = rough_line(recording, "weigh" if reading.unprojected[0] == "v" else "score", "")
        where = renamed_line(examination.case.runner.source, where, reading.unprojected[0]) or where
        named.append(Finding("missing-projection", "project", where, True, reading.unprojected[0]))
    elif reading.sources != wanted:
        named += [
            Finding("swapped-inputs", "project", line, True, f"{name[0]} from {source}")
            for name, source, right in zip(SIDES, reading.sources, wanted, strict=True)
            if source != right
        ]
    if reading.shared:
        names = frozenset().union(*(item.weights for item in assessment.wiring.projections))
        shared = shared_line(examination.case.runner.source, line, "kv", names)
        named.append(Finding("shared-projection", "project", shared, True, "kv"))
    fault, factor = found.fault, found.factor
    if fault is not None:
        code = fault.code
        if code == "missing-scale" and abs(factor * examination.binding.base.head_width**0.5 - 1) < 1e-4:
            code, factor = "scale-after-softmax", 1.0
        named.append(Finding(code, fault.step, rough_line(recording, fault.step, code), True, fault.variant))
    if found.without_output and spec_requires_output(examination):
        named.append(Finding("missing-output-projection", "output", return_line(examination), True))
    return named if factor == 1 else []
