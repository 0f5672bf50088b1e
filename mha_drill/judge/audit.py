"""A second look at what would pass: all that can be known without the runner's word. Judge side; for `ruling`.

A file can bend the runner that it shares a process with, but not what it is asked. It is asked with numbers and
sizes drawn for this one check, and its gradients are held against outputs that the reference has confirmed, at
weights that the judge has chosen. What answers all of that rightly computes attention.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import numpy as np

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.host import Answer
from mha_drill.judge.masks import found_form
from mha_drill.judge.matching import close
from mha_drill.judge.probes import MaskForm, Probe
from mha_drill.judge.recording import CONTENT, Recording
from mha_drill.judge.replaying import holds
from mha_drill.judge.slopes import COARSE_STEP, Slopes

Asked = tuple[dict[str, Any], list[np.ndarray]]

# Large enough that an output which does not move along is told from one that does; see `matching.TOLERANCE`.
STEP, TOLERANCE, COARSE_TOLERANCE = 3e-4, 1e-2, 5e-2
# Lengths that no probe has.
SHORTEST, LONGEST = 9, 14
MANY = 24


def held_against(examination: Examination) -> Finding | None:
    """Return what is held against a submission with which nothing was wrong so far."""
    checks = (_written_into, _unlike_elsewhere, _bent_gradient)
    return next((found for check in checks if (found := check(examination)) is not None), None)


def _unlike_elsewhere(examination: Examination) -> Finding | None:
    """Whether it is wrong on sizes and numbers that it cannot know; twice, for chance."""
    for _ in range(2):
        length = SHORTEST + secrets.randbelow(LONGEST - SHORTEST + 1)
        beside = 1 + secrets.randbelow(3) if examination.cross is not None else 0
        seed = secrets.randbits(31)
        probe = Probe("fresh", 1 + secrets.randbelow(4), length, length + beside, seed=seed)
        seen = examination.case.try_binding(examination.binding, probe, trace=True)
        if examination.agrees(seen):
            return None
    return Finding("wrong-value", "any")


def _written_into(examination: Examination) -> Finding | None:
    """Whether many calls with the same tensors come to something else: they were written into, or counted."""
    calls: list[tuple[Probe, MaskForm | None]] = [(examination.square.probe, None)]
    if examination.binding.call.mask is not None and (found := found_form(examination)) is not None:
        calls.append((found[1].probe, found[0]))
    for probe, mask in calls:
        once = examination.case.observe(probe, mask)
        again = 1 if mask is not None else MANY
        twice = examination.case.observe(probe, mask, again=again, repair=False)
        one, two = once.output, twice.output
        if one is not None and (two is None or not close(one, two, examination.tolerance)):
            return Finding("mutates-input", "any")
    return None


def _bent_gradient(examination: Examination) -> Finding | None:
    """Whether gradients are held back, or are not the slopes of outputs that the reference confirms."""
    graded, binding = examination.graded, examination.binding
    if binding.numpy or graded.error is not None:
        return None
    bent = Finding("wrong-gradient", "any")
    told = graded.answer.get("gradients", {})
    if not told:
        return None if not graded.answer.get("reaches", True) else bent
    if not _wanted(examination) <= told.keys():
        return bent
    single = examination.single
    slopes = Slopes(examination.case, binding, graded, COARSE_STEP if single else STEP, turn=2)
    # From where the reference has agreed already, one step to one side.
    asked = slopes.moved(tuple(told), slopes.step)
    answered = examination.case.ask(asked[0] | {"trace": True}, asked[1])
    moves = [(asked, answered)]
    if single:
        # Steps large enough for single precision bend a slope to one side: it is taken to both.
        back = slopes.moved(tuple(told), -slopes.step)
        moves.append((back, examination.case.ask(back[0] | {"trace": True}, back[1])))
    total = sum(slopes.claimed(name) for name in told)
    slope = slopes.slope(answered, moves[1][1]) if single else slopes.slope_to(answered)
    tolerance = COARSE_TOLERANCE if single else TOLERANCE
    if slope is None or abs(slope - total) > tolerance * max(1.0, abs(slope)):
        return bent
    known = examination.square if graded.probe is examination.square.probe else examination.cross
    one, two = graded.output, known.output if known is not None else None
    if one is None or two is None or not close(two, one, examination.tolerance):
        return bent
    return None if all(_confirmed(examination, *move) for move in moves) else bent


def _wanted(examination: Examination) -> set[str]:
    """Return the leaves that must have been told of: the inputs, and what learns in the trace."""
    values = Recording(examination.graded.answer, examination.graded.arrays).values
    learned = {value.name for value in values if value.kind == "parameter" and value.grad}
    return learned | {f"input:{name}" for name in examination.graded.inputs if name in CONTENT}


def _confirmed(examination: Examination, asked: Asked, answered: Answer) -> bool:
    """Whether an output at moved leaves, which the slope was taken from, is the reference's there."""
    (experiment, arrays), (answer, results) = asked, answered
    fed = {name: arrays[at] for name, at in experiment["inputs"].items() if name in CONTENT}
    leaves = {f"parameter:{name}": arrays[at] for name, at in experiment["move"].items()}
    leaves |= {f"input:{name}": array for name, array in fed.items()}
    if not holds(Recording(answer, results), leaves):
        return False
    assessment = examination.assessed(examination.graded)
    if assessment is None or not assessment.agrees:
        return True  # agrees in a roundabout way, which other probes have shown
    if examination.binding.by_position:
        fed = {name: array.swapaxes(0, 1) for name, array in fed.items()}
        results = examination.case.turned(answer, results)
    return examination.agrees(
        replace(examination.graded, answer=answer, arrays=results, inputs=fed, _assessment=None)
    )
