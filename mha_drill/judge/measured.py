"""What the trace itself tells of scale, fill and weights: it leaves fewer wrong steps to try, and gives their numbers.

The tensor that goes into the softmax, beside the reference's scores, says by which factor they were scaled and
what the forbidden positions hold, whatever the number; the tensor that weighs the values says whether all up
to it was right. Judge side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mha_drill.attention.faults import added_fill, constant_fill, constant_scale
from mha_drill.attention.steps import Fault, Material, Walk, walk_through
from mha_drill.judge.assessment import Assessment
from mha_drill.judge.matching import WEAKEST_FILL, close
from mha_drill.judge.recording import Call, Recording
from mha_drill.judge.stepmap import places


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured: the factor of the scores, the fill (or what was added), how far all is right.

    Both fill and what was added are None where nothing is hidden, or by minus infinity.
    """

    factor: float | None = None
    fill: float | None = None
    added: float | None = None
    right_before_softmax: bool = False
    right_weights: bool = False

    @property
    def weak(self) -> float | None:
        """The fill, or what was added, where large scores see past it."""
        value = self.fill if self.fill is not None else self.added
        return None if value is None or value <= WEAKEST_FILL else value


def measure(assessment: Assessment, walk: Walk, *, masked: bool = False) -> Measured:
    """Measure a call on what goes into its softmax and what comes to its values, beside a walk of the reference.

    masked: the walk's own mask says who is seen, not the problem's.
    """
    if assessment.roles is None or assessment.material is None:
        return Measured()
    recording = assessment.recording
    shape = tuple(walk["score"].shape)
    weighing = assessment.roles.weighs[0]
    reached = recording.after(list(assessment.roles.scores))
    weights = [recording.values[number].array for number in weighing.inputs if reached[number]]
    wanted = walk["softmax"].numpy()
    right = any(close(wanted, array, 1e-9) for each in weights for array in _layouts(each, shape))
    place = places(recording, assessment.wiring, assessment.roles, assessment.tail).get("softmax")
    if place is None or place.call is None or place.call.short not in ("softmax", "log_softmax"):
        return Measured(right_weights=right)
    # One softmax a head, or one for all of them.
    calls = [
        item for item in recording.calls if (item.short, item.line) == (place.call.short, place.call.line)
    ]
    each = [array for call in calls if (array := _entering(recording, call)) is not None]
    entering = _entering(recording, place.call)
    if len(each) == shape[1] > 1 and all(item.shape == (shape[0], *shape[2:]) for item in each):
        entering = np.stack(each, axis=1)
    for array in _layouts(entering, shape):
        found = _against_scores(assessment.material, walk, array, masked=masked)
        if found.factor is not None:
            return Measured(found.factor, found.fill, found.added, found.right_before_softmax, right)
    return Measured(right_weights=right)


def _entering(recording: Recording, call: Call) -> np.ndarray | None:
    """Return the scores that go into a softmax."""
    number = next((item for item in call.inputs if recording.content[item]), None)
    return None if number is None else recording.values[number].array


def _against_scores(material: Material, walk: Walk, array: np.ndarray, *, masked: bool) -> Measured:
    """Read factor and fill off what goes into the softmax, (B, H, L, S)."""
    scores = walk["score"].numpy()
    allowed = walk["mask"] > WEAKEST_FILL if masked else material.allowed
    seen = np.ones(scores.shape, dtype=bool)
    if allowed is not None:
        seen = np.broadcast_to(allowed.numpy(), scores.shape)
    if not np.isfinite(array[seen]).all() or (masked and array[~seen].max(initial=-np.inf) > WEAKEST_FILL):
        return Measured()
    with np.errstate(over="ignore", invalid="ignore"):
        factor = float((array[seen] * scores[seen]).sum() / (scores[seen] ** 2).sum())
    if not np.isfinite(factor):
        return Measured()
    if not close(factor * scores[seen], array[seen], 1e-7):
        return Measured()
    right_scale = abs(factor * material.head_width**0.5 - 1) < 1e-7
    if seen.all():
        return Measured(factor, right_before_softmax=right_scale)
    hidden = array[~seen]
    deep = bool(hidden.max() <= WEAKEST_FILL)
    right = right_scale and deep
    if not np.isfinite(hidden).all():
        return Measured(factor, right_before_softmax=right)
    if np.ptp(hidden) < 1e-9:
        return Measured(factor, fill=float(hidden[0]), right_before_softmax=right)
    lowered = hidden - factor * scores[~seen]
    if np.ptp(lowered) < 1e-7 * max(1.0, abs(lowered[0])) and abs(lowered[0]) > 1e-7:
        return Measured(factor, added=float(lowered.mean()), right_before_softmax=right)
    return Measured(factor, right_before_softmax=right)


def narrowed(
    assessment: Assessment, faults: list[Fault], base: tuple[Fault, ...]
) -> tuple[tuple[Fault, ...], list[Fault]] | None:
    """Return the faults that can stand beside `base`, by what was measured; None where nothing could be.

    Before them stands what is no fault and yet not the reference: the file's own low fill.
    """
    assert assessment.material is not None
    try:
        walk = walk_through(assessment.material, base)
    except RuntimeError:
        return None
    masked = any("mask" in fault.replace for fault in base)
    facts = measure(assessment, walk, masked=masked)
    if facts.right_weights:
        return (), [item for item in faults if _late(item)]
    if facts.factor is None:
        return None
    if masked:
        left = [item for item in faults if item.step not in ("score", "scale", "mask")]
        return (), [*_scales(assessment.material, faults, facts.factor), *left]
    own = tuple(_fills(facts)) if facts.weak is None else ()
    left = [item for item in faults if item.step not in ("score", "scale", "mask") or _after_softmax(item)]
    if facts.right_before_softmax:
        return own, left
    if not own:
        left += [item for item in faults if item.step == "mask" and not _after_softmax(item)]
        left += _fills(facts)
    return own, [*_scales(assessment.material, faults, facts.factor), *left]


def _scales(material: Material, faults: list[Fault], factor: float) -> Iterator[Fault]:
    """Yield the scale faults of a factor: those of the library by their names, else the number itself."""
    if abs(factor * material.head_width**0.5 - 1) < 1e-7:
        return
    known = False
    for fault in faults:
        if fault.step != "scale" or _after_softmax(fault):
            continue
        walk = walk_through(material, (fault,))
        if close(factor * walk["score"].numpy(), walk["scale"].numpy(), 1e-7):
            known = True
            yield fault
    if not known:
        yield Fault("wrong-scale", "scale", f"{factor:.4g}", {"scale": constant_scale(factor)})


def _fills(facts: Measured) -> Iterator[Fault]:
    """Yield the mask step with the fill that was measured."""
    if facts.fill is not None:
        yield Fault("mask-fill-value", "mask", f"{facts.fill:.3g}", {"mask": constant_fill(facts.fill)})
    if facts.added is not None:
        yield Fault("mask-fill-value", "mask", f"{facts.added:.3g}", {"mask": added_fill(facts.added)})


def _after_softmax(fault: Fault) -> bool:
    return "dropout" in fault.replace


def _late(fault: Fault) -> bool:
    """Whether a fault can stand behind weights that are right."""
    return (
        fault.step in ("weigh", "merge")
        or _after_softmax(fault)
        or fault.variant in ("torn v", "key and value")
    )


def _layouts(array: np.ndarray | None, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Yield a tensor of scores as (B, H, L, S), in the usual layouts that have its size."""
    if array is None or array.dtype.kind != "f" or array.size != int(np.prod(shape)):
        return
    batch, heads, length, keys = shape
    if array.shape[-2:] == (length, keys):
        yield array.reshape(shape)
        yield array.reshape(heads, batch, length, keys).swapaxes(0, 1)
    if array.shape[-2:] == (keys, length):  # in columns
        yield array.reshape(batch, heads, keys, length).swapaxes(-1, -2)
    if array.shape == (batch, length, heads, keys):
        yield array.swapaxes(1, 2)
    elif array.shape == (batch, length, keys, heads):
        yield np.moveaxis(array, 3, 1)
