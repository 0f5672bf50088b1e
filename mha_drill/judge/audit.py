"""A second look at what would pass: all that can be known without the runner's word. Judge side; for `ruling`.

A file can bend the runner that it shares a process with, but not what it is asked. It is asked with numbers and
sizes drawn for this one check, and its gradients are held against outputs that the reference has confirmed, at
weights that the judge has chosen. What answers all of that rightly computes attention.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from mha_drill.judge.ahead import Asked
from mha_drill.judge.answers import Answer
from mha_drill.judge.elsewhere import half_precision
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.foresight import TRACED
from mha_drill.judge.masks import found_form
from mha_drill.judge.matching import close
from mha_drill.judge.observation import Wish
from mha_drill.judge.probes import MaskForm, Probe
from mha_drill.judge.recording import CONTENT, Recording
from mha_drill.judge.replaying import holds
from mha_drill.judge.slopes import Slopes

# Large enough that an output which does not move along is told from one that does; see `matching.TOLERANCE`.
STEP, TOLERANCE = 3e-4, 1e-2
# In single precision: long enough to stand out from the noise, short enough that curvature does not.
SINGLE_STEP, SINGLE_TOLERANCE = 2e-3, 5e-2
# Lengths that no probe has.
SHORTEST, LONGEST = 9, 14
MANY = 24
# Of a file so slow that these calls would take more than this part of the limit, fewer are asked for.
FEWEST, PART = 3, 10


def held_against(examination: Examination) -> Finding | None:
    """Return what is held against a submission with which nothing was wrong so far."""
    again, fresh, slopes = _calls_again(examination), _fresh(examination), _slopes(examination)
    asked: list[Wish | Asked] = [*(wish for pair in again for wish in pair), Wish(fresh, options=TRACED)]
    if slopes is not None:
        asked += [_moved(slopes), slopes.moved((), 0.0)]
    if half := half_precision(examination):
        asked.append(half)
    examination.case.foresee(asked)
    return (
        _written_into(examination, again)
        or _unlike_elsewhere(examination, fresh)
        or _bent_gradient(examination, slopes)
    )


def _fresh(examination: Examination) -> Probe:
    """Return a probe of numbers and sizes that the file cannot know."""
    # Of a slow file the smallest of these, which takes the least.
    larger = _patience(examination, MANY) == MANY
    length = SHORTEST + secrets.randbelow(LONGEST - SHORTEST + 1 if larger else 2)
    beside = 1 + secrets.randbelow(3) if examination.cross is not None else 0
    batch = 1 + secrets.randbelow(4 if larger else 1)
    return Probe("fresh", batch, length, length + beside, seed=secrets.randbits(31))


def _patience(examination: Examination, most: int) -> int:
    """Return how many calls of a slow file are waited for: a part of what one call may take, `most` at best."""
    case = examination.case
    return min(most, max(FEWEST, int(case.runner.time_limit / PART / max(case.pace, 1e-9))))


def _unlike_elsewhere(examination: Examination, fresh: Probe) -> Finding | None:
    """Whether it is wrong on sizes and numbers that it cannot know; twice, for chance."""
    for probe in (fresh, _fresh(examination)):
        if examination.agrees(examination.case.observe(probe, trace=True)):
            return None
    return Finding("wrong-value", "any")


def _calls_again(examination: Examination) -> list[tuple[Wish, Wish]]:
    """Return pairs of calls, once and many times with the same tensors: bare, and under a mask."""
    calls: list[tuple[Probe, MaskForm | None]] = [(examination.square.probe, None)]
    if examination.binding.call.mask is not None and (found := found_form(examination)) is not None:
        calls.append((found[1].probe, found[0]))
    many = _patience(examination, MANY)
    return [
        (Wish(probe, mask), Wish(probe, mask, {"again": many if mask is None else 1, "repair": False}))
        for probe, mask in calls
    ]


def _written_into(examination: Examination, pairs: list[tuple[Wish, Wish]]) -> Finding | None:
    """Whether many calls with the same tensors come to something else: they were written into, or counted."""
    for pair in pairs:
        once, often = (examination.case.observe(wish.probe, wish.mask, **wish.options) for wish in pair)
        if often.error is not None and often.error["type"] == "Hung":
            return Finding("time-limit", "load")
        one, two = once.output, often.output
        if one is not None and (two is None or not close(one, two, examination.tolerance)):
            return Finding("mutates-input", "any")
    return None


def _slopes(examination: Examination, turn: int = 2) -> Slopes | None:
    """Return the means to measure the gradients once more; None where there are none to measure."""
    graded, binding = examination.graded, examination.binding
    if binding.numpy or graded.error is not None or not graded.answer.get("gradients"):
        return None
    return Slopes(examination.case, binding, graded, SINGLE_STEP if examination.single else STEP, turn)


def _moved(slopes: Slopes) -> Asked:
    """Return the traced call with every leaf moved along its direction."""
    experiment, arrays = slopes.moved(tuple(slopes.told), slopes.step)
    return experiment | {"trace": True}, arrays


def _bent_gradient(examination: Examination, slopes: Slopes | None) -> Finding | None:
    """Whether gradients are held back, or are not the slopes of outputs that the reference confirms."""
    graded, bent = examination.graded, Finding("wrong-gradient", "any")
    if examination.binding.numpy or graded.error is not None:
        return None
    if slopes is None:
        return None if not graded.answer.get("reaches", True) else bent
    if not _wanted(examination) <= slopes.told.keys():
        return bent
    # A direction along which there is hardly a slope shows curvature instead: then one more is drawn.
    asked, answered, fits = _slope_fits(examination, slopes)
    if not fits and (others := _slopes(examination, 3)) is not None:
        asked, answered, fits = _slope_fits(examination, others)
    if not fits:
        return bent
    known = examination.square if graded.probe is examination.square.probe else examination.cross
    one, two = graded.output, known.output if known is not None else None
    if one is None or two is None or not close(two, one, examination.tolerance):
        return bent
    return None if _confirmed(examination, asked, answered) else bent


def _slope_fits(examination: Examination, slopes: Slopes) -> tuple[Asked, Answer, bool]:
    """Return a call with every leaf moved, its answer, and whether the slope to it is what the gradients say."""
    # From where the reference has agreed already, one step to one side.
    asked = _moved(slopes)
    answered = examination.case.ask(*asked)
    total, slope = sum(slopes.claimed(name) for name in slopes.told), slopes.slope_to(answered)
    tolerance = SINGLE_TOLERANCE if examination.single else TOLERANCE
    return asked, answered, slope is not None and abs(slope - total) <= tolerance * max(1.0, abs(slope))


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
