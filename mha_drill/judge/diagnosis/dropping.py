"""What dropout comes to in training: of weights that are kept or dropped, and scaled for it, the mean is kept.

`dropout(w) @ v` is linear in what is dropped, so over many draws its mean is the output without dropout. Weights that
are dropped and not scaled, or scaled the wrong way, or made otherwise in training, have another. Judge side.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mha_drill.judge.diagnosis.places import line_of, place_of
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.masks import found_form
from mha_drill.judge.observation import Wish
from mha_drill.judge.probes import NOISY, THINNED, MaskForm

# Of the mean squared deviation, in standard errors: of a right file it is near 1.
MOST_DEVIATION = 8.0
DRAWING = frozenset(
    """
    rand randn rand_like randn_like bernoulli normal_ uniform_ dropout randperm bernoulli_ randint gumbel_softmax
    multinomial
    """.split()
)


def thinned_calls(examination: Examination, mask: MaskForm | None) -> list[Wish]:
    """Return the calls that `thinning_findings` looks at: in training with dropout, and in evaluation without."""
    if not examination.has_dropout or not examination.quick:
        return []
    return [
        Wish(replace(THINNED, train=train), mask, {"seed": 1, "repair": False}) for train in (True, False)
    ]


def thinning_findings(examination: Examination) -> list[Finding]:
    """Dropout whose mean is not what it is taken from."""
    if _drops_early(examination):
        return []
    found = found_form(examination)
    calls = thinned_calls(examination, None if found is None else found[0])
    outputs = [examination.case.observe(wish.probe, wish.mask, **wish.options).output for wish in calls]
    if len(outputs) < 2 or outputs[0] is None or outputs[1] is None or outputs[0].shape != outputs[1].shape:
        return []
    drawn, calm = outputs[0], outputs[1]
    if not np.isfinite(drawn).all() or not np.isfinite(calm).all():
        return []
    error = drawn.std(0, ddof=1) / len(drawn) ** 0.5
    moved = error > 1e-9 * (1.0 + np.abs(calm[0]))
    deviation = ((drawn.mean(0) - calm[0])[moved] / error[moved]) ** 2
    if not moved.any() or deviation.mean() <= MOST_DEVIATION:
        return []
    line = _drawing_line(examination) or line_of(examination, "dropout", "softmax", "weigh")
    return [Finding("wrong-value", "dropout", line, False, "thinned")]


def _drawing_line(examination: Examination) -> int | None:
    """Return where something is drawn in training."""
    calls = examination.case.observe(NOISY, trace=True, seed=1).answer.get("calls", [])
    return next((call["line"] for call in drawing(calls)), None)


def drawing(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls that draw by chance, a dropout among them."""
    return [call for call in calls if call["name"].rsplit(".", 1)[-1] in DRAWING]


def _drops_early(examination: Examination) -> bool:
    """Whether dropout may act before the softmax, where its mean goes through: on the input, or unseen."""
    assessment, softmax = examination.assessed(examination.square), place_of(examination, "softmax")
    if assessment is None or softmax is None or softmax.call is None:
        return True
    return any(
        "dropout" in call.short and call.index < softmax.call.index for call in assessment.recording.calls
    )
