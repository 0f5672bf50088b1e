"""Where the items of a batch come to depend on each other, and where a number first is none. Judge side.

Told by the values of three calls: the first, one with another first item, one with other items beside it. What
changes in both of the others depends on the first item and on another. Called by `behaviour` and `numbers`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mha_drill.judge.diagnosis.places import line_of
from mha_drill.judge.examination import Examination
from mha_drill.judge.probes import SQUARE
from mha_drill.judge.recording import PRODUCTS, Call, Recording

CHANGED = 1e-9
RESHAPING = frozenset({"reshape", "view", "flatten", "unflatten", "rearrange"})


def mixing_line(examination: Examination) -> int | None:
    """Return the line of the call that first makes numbers of two items; None where no trace shows it."""
    recording = _recording(examination, SQUARE)
    others = (replace(SQUARE, name="batch", first=78), replace(SQUARE, name="batch", twin=77))
    runs = [_recording(examination, probe) for probe in others]
    if recording is None or any(run is None or len(run.values) != len(recording.values) for run in runs):
        return None
    for call in recording.calls:
        for number in (item for item in call.outputs if recording.content[item]):
            changed = [_changed(recording, run, number) for run in runs if run is not None]
            one, two = changed
            if one is not None and two is not None and (one & two).any():
                return _laid_out(recording, call) or _merge_line(examination, call) or call.line
    return None


def _merge_line(examination: Examination, call: Call) -> int | None:
    """Return the line of the merge, where a map after it is the first to make numbers of two items."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None or call.short not in PRODUCTS:
        return None
    return line_of(examination, "merge") if call.index > assessment.roles.weighs[-1].index else None


def _recording(examination: Examination, probe: object) -> Recording | None:
    assessment = examination.assessed(examination.case.observe(probe, trace=True))  # type: ignore[arg-type]
    return None if assessment is None else assessment.recording


def _changed(one: Recording, two: Recording, number: int) -> np.ndarray | None:
    """Return which numbers of a value are others in another call."""
    before, after = one.values[number].array, two.values[number].array
    if before is None or after is None or before.shape != after.shape or before.dtype.kind != "f":
        return None
    with np.errstate(invalid="ignore"):
        return np.asarray(~(np.abs(before - after) <= CHANGED) & ~(before == after))


def _laid_out(recording: Recording, call: Call) -> int | None:
    """Return the line that lost the axis of the batch, where a call mixes since it was lost: `view(1, B * L, D)`."""
    batch, number = SQUARE.batch, next(iter(call.inputs), None)
    while number is not None and (maker := recording.producer.get(number)) is not None:
        source = next((item for item in maker.inputs if recording.content[item]), None)
        if source is None:
            return None
        before, after = recording.values[source].shape, recording.values[maker.outputs[0]].shape
        if maker.short in RESHAPING and before and after and before[0] == batch and after[0] % batch:
            return maker.line
        number = source
    return None


def first_unknown(recording: Recording) -> int | None:
    """Return the line of the first call that makes something that is no number of what are numbers all."""
    for call in recording.calls:
        made = [recording.values[item].array for item in call.outputs]
        if any(array is not None and array.dtype.kind == "f" and np.isnan(array).any() for array in made):
            return call.line
    return None
