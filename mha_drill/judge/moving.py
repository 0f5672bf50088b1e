"""The graded call at inputs and weights that were moved: its slope, and its trace. Judge side; for `audit`.

Weights that the judge has chosen cannot have been known beforehand. What is known of the trace there is computed
once more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mha_drill.judge.ahead import Asked
from mha_drill.judge.answers import Answer
from mha_drill.judge.bending import BENT, SINGLE_STEP, SINGLE_TOLERANCE, WRONG
from mha_drill.judge.evidence import Case
from mha_drill.judge.examination import BARE, TRACED, Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.mapped import weights_of_maps
from mha_drill.judge.matching import close
from mha_drill.judge.observation import Observation
from mha_drill.judge.recording import CONTENT, Recording
from mha_drill.judge.replaying import holds
from mha_drill.judge.slopes import Slopes

# Large enough that an output which does not move along is told from one that does; see `matching.TOLERANCE`.
STEP, TOLERANCE = 3e-4, 1e-2


def slopes_of(examination: Examination, turn: int = 2) -> Slopes | None:
    """Return the means to measure the gradients once more; None where there are none to measure."""
    graded, binding = examination.graded, examination.binding
    if binding.numpy or graded.error is not None or not graded.answer.get("gradients"):
        return None
    step = SINGLE_STEP if examination.single else STEP
    # Not drawn in secret: one step to one side is coarse, and chance would have a right file fail.
    return Slopes(examination.case, graded, step, turn)


def moved(slopes: Slopes) -> Asked:
    """Return the call with every leaf moved along its direction, traced where its output does not say it all."""
    experiment, arrays = slopes.moved(tuple(slopes.told), slopes.step)
    return experiment | (BARE if says_it_all(slopes.case) else TRACED), arrays


def says_it_all(case: Case) -> bool:
    """Whether what goes in and comes out of a call can be held against the reference without a trace."""
    assert case.binding is not None
    return not case.spec.projections and not case.binding.four_axes


def bent_gradient(examination: Examination, slopes: Slopes | None) -> Finding | None:
    """Whether gradients are held back, or are not the slopes of outputs that the reference confirms."""
    graded = examination.graded
    if examination.binding.numpy or graded.error is not None:
        return None
    if slopes is None:
        return None if not graded.answer.get("reaches", True) else BENT
    if not _wanted(examination) <= slopes.told.keys():
        return BENT
    # A direction along which there is hardly a slope shows curvature instead: then one more is drawn.
    asked, answered, fits = _slope_fits(examination, slopes)
    if not fits and (others := slopes_of(examination, 3)) is not None:
        asked, answered, fits = _slope_fits(examination, others)
    if not fits:
        return BENT
    known = examination.square if graded.probe is examination.square.probe else examination.cross
    one, two = graded.output, known.output if known is not None else None
    if one is None or two is None or not close(two, one, examination.tolerance):
        return BENT
    return _unconfirmed(examination, asked, answered)


def _slope_fits(examination: Examination, slopes: Slopes) -> tuple[Asked, Answer, bool]:
    """Return a call with every leaf moved, its answer, and whether the slope to it is what the gradients say."""
    # From where the reference has agreed already, one step to one side.
    asked = moved(slopes)
    answered = examination.case.ask(*asked)
    total, slope = sum(slopes.claimed(name) for name in slopes.told), slopes.slope_to(answered)
    tolerance = SINGLE_TOLERANCE if examination.single else TOLERANCE
    return asked, answered, slope is not None and abs(slope - total) <= tolerance * max(1.0, abs(slope))


def _wanted(examination: Examination) -> set[str]:
    """Return the leaves that must have been told of: the inputs, and what learns in the trace."""
    values = Recording(examination.graded.answer, examination.graded.arrays).values
    learned = {value.name for value in values if value.kind == "parameter" and value.grad}
    return learned | {f"input:{name}" for name in examination.graded.inputs if name in CONTENT}


def _unconfirmed(examination: Examination, asked: Asked, answered: Answer) -> Finding | None:
    """Return what is held against an output at moved leaves, which the slope was taken from, and its trace."""
    if says_it_all(examination.case):
        return None if examination.agrees(_moved_call(examination, asked, answered)) else BENT
    found, lacking = _replayed(examination, asked, answered)
    if any(origin.partition(":")[0] == "constant" for origin in lacking):
        return WRONG
    if lacking:
        # What does not learn was not moved: the weights of a plain class, the masks of a pruned one.
        experiment, arrays = asked
        move = {origin.partition(":")[2]: len(arrays) + at for at, origin in enumerate(lacking)}
        moved = experiment | {"trace": True, "move": experiment["move"] | move}
        again = (moved, [*arrays, *lacking.values()])
        found, lacking = _replayed(examination, again, examination.case.ask(*again), tuple(lacking))
    return found or (WRONG if lacking else None)


def _moved_call(examination: Examination, asked: Asked, answered: Answer) -> Observation:
    """Return the graded call as it came out with moved leaves."""
    (experiment, arrays), (answer, results) = asked, answered
    fed = {name: arrays[at] for name, at in experiment["inputs"].items() if name in CONTENT}
    if examination.binding.by_position:
        fed = {name: array.swapaxes(0, 1) for name, array in fed.items()}
        results = examination.case.turned(answer, results)
    return replace(examination.graded, answer=answer, arrays=results, inputs=fed, _assessment=None)


def _replayed(
    examination: Examination, asked: Asked, answered: Answer, others: tuple[str, ...] = ()
) -> tuple[Finding | None, dict[str, np.ndarray]]:
    """Return what is held against a call and its trace, and other numbers for what its weights rest on unsent.

    others: the origins of what was moved besides what learns.
    """
    (experiment, arrays), (answer, results) = asked, answered
    kinds = {origin.partition(":")[2]: origin for origin in others}
    fed = {name: arrays[at] for name, at in experiment["inputs"].items() if name in CONTENT}
    weights = {
        kinds.get(name, f"parameter:{name.removesuffix(' turned')}"): arrays[at]
        for name, at in experiment["move"].items()
    }
    leaves = weights | {f"input:{name}": array for name, array in fed.items()}
    if "calls" not in answer or not holds(recording := Recording(answer, results), leaves):
        return BENT, {}
    moved = _moved_call(examination, asked, answered)
    fed = moved.inputs
    assessment, found = examination.assessed(examination.graded), examination.assessed(moved)
    # What agrees in a roundabout way has been shown to by other probes.
    if assessment is not None and assessment.agrees and not examination.agrees(moved):
        return BENT, {}
    origins = frozenset() if found is None else weights_of_maps(found, fed)
    if origins is None:
        return WRONG, {}
    values = {value.origin: value.array for value in reversed(recording.values) if value.array is not None}
    return None, {
        origin: np.asarray(values.get(origin, 0.0)) * (1 + STEP * np.random.default_rng().standard_normal())
        for origin in sorted(origins - leaves.keys())
    }
