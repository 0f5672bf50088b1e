"""A second look at what would pass: all that can be known without the runner's word. Judge side; for `ruling`.

A file can bend the runner that it shares a process with, but not what it is asked. It is asked with numbers and
sizes drawn for this one check, and its gradients are held against outputs that the reference has confirmed, at
weights that the judge has chosen. What answers all of that rightly computes attention.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

import numpy as np

from mha_drill.judge.ahead import Asked
from mha_drill.judge.answers import Answer
from mha_drill.judge.care import Care, care_of
from mha_drill.judge.circumstances import Circumstances
from mha_drill.judge.elsewhere import half_precision
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.foresight import TRACED
from mha_drill.judge.manners import PLAIN, STILL, STRIDED
from mha_drill.judge.mapped import weights_of_maps
from mha_drill.judge.masks import found_form
from mha_drill.judge.matching import close
from mha_drill.judge.observation import Observation, Wish
from mha_drill.judge.probes import MaskForm, Probe, allowed_for
from mha_drill.judge.recording import CONTENT, Recording
from mha_drill.judge.regrading import (
    BENT,
    SINGLE_STEP,
    SINGLE_TOLERANCE,
    bent_elsewhere,
    later,
    regraded,
)
from mha_drill.judge.replaying import holds
from mha_drill.judge.slopes import Slopes

# Large enough that an output which does not move along is told from one that does; see `matching.TOLERANCE`.
STEP, TOLERANCE = 3e-4, 1e-2
# Lengths that no probe has.
SHORTEST, LONGEST = 9, 14
# How often the same is asked for, by the care that is taken: bare, under a mask, and with gradients.
MANY = {Care.USUAL: 12, Care.ELSEWHERE: 24, Care.LONG: 128}
MASKED = {Care.USUAL: 1, Care.ELSEWHERE: 2, Care.LONG: 32}
OFTEN = 32
# Of a file so slow that these calls would take more than this part of the limit, fewer are asked for.
FEWEST, FAST, PART = 3, 24, 10
# Under a causal problem's mask a row may be left with no key: sizes are drawn again.
MOST_DRAWS = 12


def held_against(examination: Examination) -> Finding | None:
    """Return what is held against a submission with which nothing was wrong so far."""
    care = care_of(examination.case.runner.source)
    again, slopes = _calls_again(examination, care), _slopes(examination)
    fresh = [_fresh(examination, mask) for mask in _masks(examination)]
    others = [_veiled(examination, wish) for wish in fresh[1:]] if care is Care.LONG else []
    asked: list[Wish | Asked] = [*(wish for _, wish in again), *fresh, *others]
    if slopes is not None:
        asked += [_moved(slopes), slopes.moved((), 0.0)]
    often = _patience(examination, OFTEN)
    regrades = None if slopes is None else regraded(examination, fresh, care, often)
    beside = None
    if care > Care.USUAL and not examination.binding.numpy:
        beside = Circumstances(examination, fresh[0], regrades.losses[0] if regrades else None)
    asked += [*(regrades.wishes if regrades else ()), *(beside.asked() if beside else ())]
    if half := half_precision(examination):
        asked.append(half)
    examination.case.foresee(asked)
    if (found := _changing(examination, again)) is not None:
        return found
    if not all(_agrees(examination, wish) for wish in fresh) or not all(
        _agrees(examination, wish, _veiled(examination, wish)) for wish in others
    ):
        return Finding("wrong-value", "any")
    if (found := _bent_gradient(examination, slopes)) is not None:
        return found
    if regrades is not None and (found := bent_elsewhere(examination, fresh, regrades)) is not None:
        return found
    return None if beside is None else beside.held()


def _patience(examination: Examination, most: int) -> int:
    """Return how many calls of a slow file are waited for: a part of what one call may take, `most` at best."""
    case = examination.case
    return min(most, max(FEWEST, int(case.runner.time_limit / PART / max(case.pace, 1e-9))))


def _masks(examination: Examination) -> tuple[MaskForm | None, ...]:
    """Return without a mask and, where it takes one, with one."""
    found = found_form(examination)
    return (None,) if found is None else (None, found[0])


def _fresh(examination: Examination, mask: MaskForm | None) -> Wish:
    """Return a call on numbers and sizes that the file cannot know; without the mask where a row would see nothing."""
    # Of a slow file the smallest of these, which takes the least.
    larger = _patience(examination, FAST) == FAST
    for _ in range(MOST_DRAWS):
        length = SHORTEST + secrets.randbelow(LONGEST - SHORTEST + 1 if larger else 2)
        beside = 1 + secrets.randbelow(3) if examination.cross is not None else 0
        batch = 1 + secrets.randbelow(4 if larger else 1)
        seed, veil = secrets.randbits(31), secrets.randbits(31)
        probe = Probe("fresh", batch, length, length + beside, seed=seed, veil=veil)
        if mask is None or _all_see(examination, probe, mask):
            return Wish(probe, mask, TRACED | {"clocks": later(1)})
    return Wish(probe, None, TRACED | {"clocks": later(1)})


def _veiled(examination: Examination, wish: Wish) -> Wish:
    """Return a call of the same sizes under another mask: what was kept of the first would be wrong."""
    assert wish.mask is not None
    for _ in range(MOST_DRAWS):
        probe = replace(wish.probe, seed=secrets.randbits(31), veil=secrets.randbits(31))
        if _all_see(examination, probe, wish.mask):
            return replace(wish, probe=probe)
    return wish


def _all_see(examination: Examination, probe: Probe, mask: MaskForm) -> bool:
    """Whether every query may look somewhere, under the mask and the problem's own."""
    allowed = allowed_for(mask, probe)
    triangle = np.tril(np.ones(allowed.shape[-2:], dtype=bool))
    return bool((allowed & triangle if examination.spec.causal else allowed).any(-1).all())


def _agrees(examination: Examination, fresh: Wish, like: Wish | None = None) -> bool:
    """Whether a call is the reference's, or, for chance, another like it is."""
    wishes = (fresh, like or _fresh(examination, fresh.mask))
    return any(examination.agrees(_made(examination, wish)) for wish in wishes)


def _calls_again(examination: Examination, care: Care) -> list[tuple[Observation, Wish]]:
    """Return calls with the same calls made many times, each at a later time: bare, and under a mask."""
    found = found_form(examination)
    calls = [(examination.square, MANY[care]), *([] if found is None else [(found[1], MASKED[care])])]
    return [(once, _again(once, [0.0, *later(_patience(examination, count))])) for once, count in calls]


def _again(once: Observation, clocks: list[float]) -> Wish:
    manners = [PLAIN, STILL, STRIDED] if once.mask is None else [STILL]
    return Wish(once.probe, once.mask, {"clocks": clocks, "manners": manners, "repair": False})


def _changing(examination: Examination, calls: list[tuple[Observation, Wish]]) -> Finding | None:
    """Whether calls with the same tensors come to something else: written into, counted, or told by a clock."""
    for once, wish in calls:
        error = _made(examination, wish).error
        if error is not None and error["type"] == "Hung":
            return Finding("time-limit", "load")
        if _unlike(examination, once, wish):
            return Finding(_reason(examination, once, wish), "any")
    return None


def _reason(examination: Examination, once: Observation, wish: Wish) -> str:
    """Return what makes calls with the same tensors differ: the manner of the call, its time, or those before it."""
    plain = replace(wish, options=wish.options | {"manners": [PLAIN]})
    if not _unlike(examination, once, plain):
        return "wrong-value"
    now = replace(plain, options=plain.options | {"clocks": [0.0] * len(wish.options["clocks"])})
    return "mutates-input" if _unlike(examination, once, now) else "nondeterministic"


def _made(examination: Examination, wish: Wish) -> Observation:
    return examination.case.observe(wish.probe, wish.mask, **wish.options)


def _unlike(examination: Examination, once: Observation, wish: Wish) -> bool:
    """Whether a call, made again many times, gives something else at any time."""
    again = _made(examination, wish)
    one, last, items = once.output, again.output, again.answer.get("repeated", [])
    if one is None:
        return False
    if last is None or not close(one, last, examination.tolerance):
        return True
    arrays = [again.arrays[item["array"]] for item in items if item["array"] is not None]
    if len(arrays) < len(wish.options["clocks"]) or any(item.shape != arrays[0].shape for item in arrays):
        return True
    return not close(np.stack([arrays[-1]] * len(arrays)), np.stack(arrays), examination.tolerance)


def _slopes(examination: Examination, turn: int = 2) -> Slopes | None:
    """Return the means to measure the gradients once more; None where there are none to measure."""
    graded, binding = examination.graded, examination.binding
    if binding.numpy or graded.error is not None or not graded.answer.get("gradients"):
        return None
    step = SINGLE_STEP if examination.single else STEP
    # Not drawn in secret: one step to one side is coarse, and chance would have a right file fail.
    return Slopes(examination.case, graded, step, turn)


def _moved(slopes: Slopes) -> Asked:
    """Return the traced call with every leaf moved along its direction."""
    experiment, arrays = slopes.moved(tuple(slopes.told), slopes.step)
    return experiment | {"trace": True}, arrays


def _bent_gradient(examination: Examination, slopes: Slopes | None) -> Finding | None:
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
    if not fits and (others := _slopes(examination, 3)) is not None:
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


def _unconfirmed(examination: Examination, asked: Asked, answered: Answer) -> Finding | None:
    """Return what is held against an output at moved leaves, which the slope was taken from, and its trace."""
    found, lacking = _replayed(examination, asked, answered)
    if any(origin.partition(":")[0] == "constant" for origin in lacking):
        return Finding("wrong-value", "any")
    if lacking:
        # What does not learn was not moved: the weights of a plain class, the masks of a pruned one.
        experiment, arrays = asked
        move = {origin.partition(":")[2]: len(arrays) + at for at, origin in enumerate(lacking)}
        moved = experiment | {"trace": True, "move": experiment["move"] | move}
        again = (moved, [*arrays, *lacking.values()])
        found, lacking = _replayed(examination, again, examination.case.ask(*again), tuple(lacking))
    return found or (Finding("wrong-value", "any") if lacking else None)


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
    if examination.binding.by_position:
        fed = {name: array.swapaxes(0, 1) for name, array in fed.items()}
        results = examination.case.turned(answer, results)
    moved = replace(examination.graded, answer=answer, arrays=results, inputs=fed, _assessment=None)
    assessment, found = examination.assessed(examination.graded), examination.assessed(moved)
    # What agrees in a roundabout way has been shown to by other probes.
    if assessment is not None and assessment.agrees and not examination.agrees(moved):
        return BENT, {}
    origins = frozenset() if found is None else weights_of_maps(found, fed)
    if origins is None:
        return Finding("wrong-value", "any"), {}
    values = {value.origin: value.array for value in reversed(recording.values) if value.array is not None}
    return None, {
        origin: np.asarray(values.get(origin, 0.0)) * (1 + STEP * np.random.default_rng().standard_normal())
        for origin in sorted(origins - leaves.keys())
    }
