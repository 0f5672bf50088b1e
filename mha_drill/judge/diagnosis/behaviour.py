"""What shows only when the submission is called again. Judge side."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from mha_drill.judge.diagnosis.dropping import drawing, thinning_findings
from mha_drill.judge.diagnosis.mixing import first_unknown, mixing_line
from mha_drill.judge.diagnosis.places import exponential_line, line_of, place_of
from mha_drill.judge.diagnosis.repairs import repaired
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.lines.left_out import undropped_line, unweighted_line
from mha_drill.judge.lines.writes import writing_line
from mha_drill.judge.matching import close
from mha_drill.judge.measured import measure
from mha_drill.judge.observation import Observation
from mha_drill.judge.probes import SQUARE
from mha_drill.judge.recording import Recording

# Above this the scores of the large probe come near the fill.
MILD_FILL = -1e7


def behaviour_findings(examination: Examination, known: list[Finding]) -> list[Finding]:
    """What shows only when it is called again: randomness, dropout, changed inputs, mixed batches, overflow."""
    found: list[Finding] = []
    one, two = examination.quiet
    found += [item for item in repaired(one) if item.code == "dropout-in-eval"]
    first, second = one.output, two.output
    if first is not None and second is not None and not close(first, second, 1e-12):
        code = "dropout-in-eval" if _only_with_a_rate(examination) else "nondeterministic"
        step = "dropout" if code == "dropout-in-eval" else "any"
        found.append(Finding(code, step, _random_line(examination), False))
    noisy = examination.noisy
    if noisy is not None and not found:
        first, second = (item.output for item in noisy)
        finite = first is not None and bool(np.isfinite(first).all())
        # A layer that stood in the output projection is out with it, one behind weights nobody takes does nothing.
        gone = any(
            item.code == "missing-output-projection"
            or (item.code, item.variant) == ("weigh-wrong-tensor", "scores")
            for item in known
        ) and any(kind.startswith("Dropout") for _, kind in examination.square.answer.get("modules", []))
        still = first is not None and second is not None and close(first, second, 1e-12)
        early = _dropped_early(examination)
        if finite and early is not None:
            found.append(Finding("dropout-missing", "dropout", early[1], False, early[0]))
        elif finite and not gone and (still or examination.ignores_rate):
            definition = examination.binding.definition.line
            line = (
                line_of(examination, "dropout")
                or _passed_line(examination)
                or undropped_line(examination.case.runner.source, definition)
                or line_of(examination, "softmax", "weigh")
                or _line_of_parameter(examination)
            )
            found.append(Finding("dropout-missing", "dropout", line, False, "" if still else "ignored"))
    if not known and not found and noisy is not None:
        found += thinning_findings(examination)
    if not any(item.code == "nondeterministic" for item in found):
        if any(item.code == "wrong-value" for item in known) and examination.items_mix:
            found.append(Finding("batch-mixing", "any", _mixing_line(examination), False))
        found += _large_findings(examination, known)
    return found


def _passed_line(examination: Examination) -> int | None:
    """Return where the weights were given another name, in the place of a dropout, before they weigh."""
    line = line_of(examination, "weigh")
    found = unweighted_line(examination.case.runner.source, line)
    return found if found != line else None


def _dropped_early(examination: Examination) -> tuple[str, int | None] | None:
    """Return what dropout thins out in place of the weights, and the line: the scores, or what was projected.

    None where it acts on the weights (too), on the input or on the output alone.
    """
    assessment = examination.assessed(examination.square)
    softmax = place_of(examination, "softmax")
    if assessment is None or assessment.roles is None or softmax is None or softmax.call is None:
        return None
    recording, roles = assessment.recording, assessment.roles
    scored = recording.after(list(roles.scores))
    used = {at for side in (roles.query, roles.key, roles.value) for at in side.projections if at >= 0}
    projected = recording.after([assessment.wiring.projections[at].call for at in used])
    weighing = roles.weighs[0].index
    found: tuple[str, int | None] | None = None
    for call in recording.calls:
        if "dropout" not in call.short or call.index > weighing:
            continue
        if any(scored[number] for number in call.inputs):
            if call.index > softmax.call.index:
                return None
            found = ("scores", call.line)
        elif any(projected[number] for number in call.inputs):
            found = found or ("projected", call.line)
    return found


def _only_with_a_rate(examination: Examination) -> bool:
    """Whether the same call gives the same where no dropout is asked for: then it is dropout that acts."""
    if not examination.has_dropout:
        return False
    one, two = (
        examination.case.observe(replace(SQUARE, name="undropped"), seed=seed).output for seed in (1, 2)
    )
    return one is not None and two is not None and close(one, two, 1e-12)


def _mixing_line(examination: Examination) -> int | None:
    """Return the line where batch items mix: in the merge, when every head still has whole tokens before it."""
    if (seen := mixing_line(examination)) is not None:
        return seen
    assessment = examination.assessed(examination.square)
    roles = assessment.roles if assessment is not None else None
    if roles is not None and all(side.proper for side in (roles.query, roles.key, roles.value)):
        return line_of(examination, "merge", "split")
    return line_of(examination, "split", "score", "merge")


def mutation_findings(examination: Examination) -> list[Finding]:
    """Inputs, the mask among them, that are not what they were after a call."""
    for observation in examination.case.observed.values():
        changed = observation.answer.get("changed")
        if changed:
            return [
                Finding(
                    "mutates-input", "any", _writing_line(examination, observation), False, ", ".join(changed)
                )
            ]
    return []


def _large_findings(examination: Examination, known: list[Finding]) -> list[Finding]:
    output = examination.large.output
    calm = examination.square.output
    if output is None or calm is None:
        return []
    if not np.isfinite(calm).all():
        explained = any(item.code != "wrong-value" for item in known)
        return [] if explained else [Finding("nan-output", "any", _unknown_line(examination), False)]
    if np.isfinite(output).all():
        if any(
            item.code in ("wrong-value", "missing-softmax")
            or item.step
            in ("softmax", "scale", "score", "mask", "split", "merge", "weigh", "project", "output")
            for item in known
        ):
            return []
        if _mild_fill(examination):
            return []
        # In single precision large scores are rounded by whole units: other numbers then tell nothing.
        right = examination.agrees(examination.square) and not examination.single
        if right and not examination.agrees(examination.large):
            return [Finding("unstable-softmax", "softmax", exponential_line(examination), False)]
        return []
    if any(item.code in ("missing-softmax", "softmax-axis") for item in known):
        return []
    return [Finding("unstable-softmax", "softmax", exponential_line(examination), False)]


def _unknown_line(examination: Examination) -> int | None:
    """Return where the first number that is none comes from."""
    assessment = examination.assessed(examination.square)
    seen = first_unknown(assessment.recording) if assessment is not None else None
    return seen or line_of(examination, "softmax")


def _mild_fill(examination: Examination) -> bool:
    """Whether what may not be seen gets a number, low enough for any usual score, that the large ones go below."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.walk is None:
        return False
    facts = measure(assessment, assessment.walk)
    fill = facts.fill if facts.fill is not None else facts.added
    return fill is not None and fill > MILD_FILL


def _random_line(examination: Examination) -> int | None:
    drawn = drawing(examination.square.answer.get("calls", []))
    # A dropout in evaluation draws nothing.
    drawn.sort(key=lambda call: "dropout" in call["name"])
    if drawn:
        return int(drawn[0]["line"]) if drawn[0]["line"] else None
    lines = examination.case.runner.source.splitlines()
    return next((at for at, text in enumerate(lines, 1) if re.search(r"\brandom\.\w+\(", text)), None)


def _writing_line(examination: Examination, observation: Observation) -> int | None:
    """Return the line of the first write in place into an input."""
    assessment = examination.assessed(observation)
    if assessment is None or not assessment.recording.calls:
        changed = observation.answer["changed"]
        sources = dict(examination.binding.call.arguments)
        names = {str(name) for name, source in sources.items() if source in changed}
        return writing_line(examination.case.runner.source, names)
    recording = assessment.recording
    for call in recording.calls:
        writes = (
            call.short == "__setitem__"
            or call.short.startswith("__i")
            or (call.short.endswith("_") and not call.short.endswith("__"))
        )
        if writes and call.inputs and _is_input(recording, call.inputs[0]):
            return call.line
    return None


def _is_input(recording: Recording, number: int) -> bool:
    """Whether a value is an input, or a view or an earlier state of one."""
    for _ in range(8):
        if recording.values[number].kind == "input":
            return True
        call = recording.producer.get(number)
        if call is None or not call.inputs:
            return False
        number = call.inputs[0]
    return False


def _line_of_parameter(examination: Examination) -> int | None:
    """Return the line of the constructor's signature."""
    lines = examination.case.runner.source.splitlines()
    for number in range(examination.binding.definition.line, len(lines) + 1):
        if re.search(r"drop|\bp\b", lines[number - 1]):
            return number
    return examination.binding.definition.line
