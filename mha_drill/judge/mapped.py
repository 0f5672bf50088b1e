"""Whether query, key, value and output are maps of what was given, by weights that were sent. Judge side; for `audit`.

The reference is fed what the trace calls the projections. What stands between an input and its map, a factor, a
shift, a call that nobody knows, would make anything of them: so each map must come out again, of the very numbers
that were sent, by a matrix that rests on nothing but weights the judge has chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mha_drill.judge.assessment import Assessment
from mha_drill.judge.recording import CONTENT, CONVOLUTIONS, PRODUCTS, Call
from mha_drill.judge.replaying import SINGLE, comes_out, rests_on, together
from mha_drill.judge.wiring import CHANNELS, Labels

FINE = 1e-8
_SUMS = frozenset({"add", "__add__", "__radd__", "__iadd__", "add_"})
# (token, channel code) of `Labels`: a number of the trace.
Known = dict[tuple[int, int], float]


def weights_of_maps(assessment: Assessment, inputs: Mapping[str, np.ndarray]) -> frozenset[str] | None:
    """Return the leaves that the weights of a call's maps are made from; None where they are no maps.

    inputs: by name, (B, T, D). Where nothing after them is seen, every projection counts.
    """
    roles, tail = assessment.roles, assessment.tail
    used = set(range(len(assessment.wiring.projections)))
    lenient: set[int] = set()
    if roles is not None and assessment.agrees:
        scaled = {index for side in (roles.query, roles.key) for index in side.projections}
        used = scaled | set(roles.value.projections)
        lenient = scaled - set(roles.value.projections) if assessment.unscaled else set()
    known = _given(inputs)
    found = []
    for call, owners in _maps(assessment):
        if owners & used:
            if comes_out(assessment.recording, call) is not True:
                return None
            if not owners <= lenient and not _given_known(assessment, call, known):
                return None
            found.append(_weights(assessment, call))
        _remember(assessment, call, known)
    if assessment.agrees and tail is not None and tail.call is not None:
        found.append(_weights(assessment, tail.call))
        if comes_out(assessment.recording, tail.call) is not True:
            return None
    return together(found)


def _maps(assessment: Assessment) -> Iterator[tuple[Call, set[int]]]:
    """Yield the calls that make the rows of projections, in order, and which projections they make."""
    labels, recording = assessment.wiring.labels, assessment.recording
    for call in recording.calls:
        found = labels.get(call.outputs[0]) if call.outputs else None
        if found is None or (found.channel < CHANNELS).any() or call.outputs[0] in call.inputs:
            continue
        weighted = any(recording.weights[item] and not recording.content[item] for item in call.inputs)
        if call.short in PRODUCTS | CONVOLUTIONS or (call.short in _SUMS and weighted):
            yield call, {int(owner) - 1 for owner in np.unique(found.channel // CHANNELS)}


def _given_known(assessment: Assessment, call: Call, known: Known) -> bool:
    """Whether what a call maps are the numbers that are known, wherever they have been laid."""
    for number in call.inputs:
        labels, array = assessment.wiring.labels.get(number), assessment.recording.values[number].array
        if labels is not None and array is not None and not _as_known(labels, array, known):
            return False
    return True


def _as_known(labels: Labels, array: np.ndarray, known: Known) -> bool:
    keys = zip(labels.token.ravel().tolist(), labels.channel.ravel().tolist(), strict=True)
    wanted = np.array([known.get(key, np.nan) for key in keys])
    gap = np.abs(wanted - array.ravel())
    tolerance = FINE if array.dtype == np.float64 else SINGLE
    return bool((gap <= tolerance * max(1.0, float(np.abs(array).max(initial=0.0)))).all())


def _weights(assessment: Assessment, call: Call) -> frozenset[str] | None:
    recording = assessment.recording
    return together(rests_on(recording, number) for number in call.inputs if not recording.content[number])


def _given(inputs: Mapping[str, np.ndarray]) -> Known:
    known: Known = {}
    for name, array in inputs.items():
        if name in CONTENT and array.ndim == 3:
            first = CONTENT.index(name) * 1_000_000
            for (batch, position, channel), number in np.ndenumerate(array):
                known[first + batch * 1_000 + position, channel] = float(number)
    return known


def _remember(assessment: Assessment, call: Call, known: Known) -> None:
    number = call.outputs[0]
    labels, array = assessment.wiring.labels[number], assessment.recording.values[number].array
    if array is not None:
        keys = zip(labels.token.ravel().tolist(), labels.channel.ravel().tolist(), strict=True)
        known.update(zip(keys, array.ravel().tolist(), strict=True))
