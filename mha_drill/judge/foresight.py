"""Which calls a submission will be asked for, once it is known how to call it. Judge side; for `ruling` and `audit`.

What is listed here is sent to the runner at once, and done there while the judge thinks about what has come. It
decides nothing: a call that is missing is asked for when it is needed, one too many costs the runner a moment.
"""

from __future__ import annotations

from collections.abc import Iterator

from mha_drill.judge.diagnosis.dropping import thinned_calls
from mha_drill.judge.examination import BARE, TRACED, Examination
from mha_drill.judge.observation import Wish
from mha_drill.judge.probes import CROSS, FEWER, LARGE, LATER, LITTLE, NOISY, ONE, OTHER, QUIET, SOLE, SQUARE


def diagnosis_calls(examination: Examination) -> Iterator[Wish]:
    """Yield what diagnosis and hidden tests ask of whatever gives an output of the right shape, in their order."""
    square, call, spec = examination.square, examination.binding.call, examination.spec
    output = square.output
    if (
        square.error is not None
        or output is None
        or output.shape[:2] != (square.probe.batch, square.probe.query_length)
    ):
        return
    right, how = examination.agrees(square), examination.manner
    crossed = [CROSS, FEWER] if call.separate and not spec.causal else []
    # Keys of another length are tried last where something is wrong already: by a hidden test.
    first, last = ([OTHER, ONE, *crossed], []) if right else ([OTHER, *crossed[:1]], [*crossed[1:], ONE])
    masked = crossed[0] if right and crossed else SQUARE
    yield Wish(SOLE, options=BARE)
    for probe in first:
        yield Wish(probe, options=how)
    for seed in (1, 2):
        yield Wish(QUIET, options={"seed": seed})
    if examination.has_dropout:
        yield Wish(NOISY, options={"seed": 1})
        yield Wish(NOISY, options={"seed": 2})
        yield Wish(LITTLE, options={"seed": 1})
    if right and examination.has_dropout:
        yield from thinned_calls(examination, None if call.mask is None else examination.mask_forms()[0])
    yield Wish(LARGE, options=how)
    if call.mask is not None and not spec.causal:
        yield Wish(masked, examination.mask_forms()[0], TRACED)
    if not examination.binding.numpy:
        yield Wish(masked, options={"grad": tuple(square.items[0]["shape"])})
    for probe in last:
        yield Wish(probe, options=how)
    if spec.causal and right:
        yield Wish(LATER)
