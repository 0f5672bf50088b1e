"""The first of the ten steps whose tensor a submission never has, in any layout. Judge side."""

from __future__ import annotations

import numpy as np

from mha_drill.judge.assessment import Assessment


def first_difference(assessment: Assessment) -> str:
    """Return the first step of the reference's walk that is nowhere in the trace; `output` when all are."""
    assert assessment.walk is not None
    have = [
        np.sort(value.array.ravel())
        for value in assessment.recording.values
        if value.array is not None and value.array.dtype.kind == "f"
    ]
    for step in ("score", "softmax", "weigh", "merge"):
        wanted = np.sort(assessment.walk[step].numpy().ravel())
        if step == "score":
            scaled = np.sort(assessment.walk["scale"].numpy().ravel())
            later = _present(scaled, have) or _present(
                np.sort(assessment.walk["softmax"].numpy().ravel()), have
            )
            if _present(wanted, have) and not later:
                return "scale"
            if not later:
                roles = assessment.roles
                proper = roles is not None and roles.query.proper and roles.key.proper
                return "score" if proper else "split"
        elif not _present(wanted, have):
            return {"softmax": "softmax", "weigh": "weigh", "merge": "merge"}[step]
    return "output"


def _present(wanted: np.ndarray, have: list[np.ndarray]) -> bool:
    """Whether a tensor of these values is there, whole or in slices by head."""
    return any(
        array.shape == wanted.shape and np.allclose(array, wanted, rtol=1e-9, atol=1e-9, equal_nan=True)
        for array in have
    )
