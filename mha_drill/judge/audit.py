"""A second look at what would pass, for what only the runner has measured: the gradients. Judge side; for `ruling`.

Outputs are compared here, in the judge, with the reference; but both what back-propagation claims and the
difference it is held against are worked out beside the learner's file, which could have bent them. So the
difference is measured once more from two outputs of the judge's own choosing.
"""

from __future__ import annotations

import numpy as np
import torch

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding

STEP = 1e-5
TOLERANCE = 1e-4
DIRECTION_SEED, DIRECTION_LENGTH = 7, 3.0  # the runner's, see `laboratory`


def bent_gradient(examination: Examination) -> Finding | None:
    """Return a finding where the gradients claimed for the inputs are not the slope of the outputs."""
    graded, binding = examination.graded, examination.binding
    claimed = examination.gradients
    if binding.numpy or graded.error is not None or not claimed or _single(examination):
        return None
    experiment, arrays, _ = examination.case.experiment(binding, graded.probe)
    generator = torch.Generator().manual_seed(DIRECTION_SEED)
    directions: list[np.ndarray | None] = []
    total = 0.0
    for name in experiment["inputs"]:
        array = arrays[experiment["inputs"][name]]
        if array.dtype.kind != "f":
            directions.append(None)
            continue
        drawn = torch.randn(array.shape, generator=generator, dtype=torch.float64)
        directions.append((DIRECTION_LENGTH * drawn / drawn.norm()).numpy())
        total += claimed.get(f"input:{name}", {"claimed": 0.0})["claimed"]
    outputs = []
    for sign in (STEP, -STEP):
        moved = [
            array if direction is None else array + sign * direction
            for array, direction in zip(arrays, directions, strict=True)
        ]
        answer, results = examination.case.ask(experiment, moved)
        items = answer.get("output", {}).get("items", [])
        if answer["error"] is not None or not items or items[0]["array"] is None:
            return None
        outputs.append(results[items[0]["array"]].astype(np.float64))
    upstream = _upstream(examination, outputs[0])
    slope = float(((outputs[0] - outputs[1]) * upstream).sum() / (2 * STEP))
    if abs(slope - total) <= TOLERANCE * max(1.0, abs(slope)):
        return None
    return Finding("wrong-gradient", "any")


def _upstream(examination: Examination, output: np.ndarray) -> np.ndarray:
    """Return the gradient that was handed to back-propagation, see `evidence`."""
    return np.random.default_rng(3).standard_normal(output.size).reshape(output.shape)


def _single(examination: Examination) -> bool:
    """Whether single precision anywhere drowns so small a step in noise."""
    return examination.binding.dtype != "float64" or any(
        item["dtype"] in ("float32", "float16", "bfloat16")
        for item in examination.graded.answer.get("values", [])
    )
