"""Three axes where four are asked for: one head among others that are not looked at. Judge side.

A plain `sdpa` may take (N, H, L, d) only; what the problem hands over is one of its heads. Called by `evidence`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mha_drill.judge.observation import Binding
from mha_drill.judge.probes import Probe

# How many heads stand beside each other where a file takes (N, H, L, d) and the problem hands over (N, L, d).
HEADS_BESIDE = 3


def heads_of(binding: Binding) -> int:
    """Return how many heads a mask is told of."""
    return HEADS_BESIDE if binding.four_axes else binding.base.heads


def among_heads(array: np.ndarray, probe: Probe, axis: int) -> np.ndarray:
    """Return (B, T, D) as one head of (B, H, T, D), among others of other numbers; which one follows the probe."""
    generator = np.random.default_rng(probe.seed + 40)
    heads = generator.standard_normal((len(array), HEADS_BESIDE, *array.shape[1:])) * probe.spread
    heads[:, probe.seed % HEADS_BESIDE] = array
    return np.ascontiguousarray(np.moveaxis(heads, 1, axis))


def without_heads(
    answer: dict[str, Any], results: list[np.ndarray], probe: Probe, axis: int
) -> list[np.ndarray]:
    """Take the one head of the probe out of what was returned: an output (B, L, D), weights (B, 1, L, S)."""
    results, head = [*results], probe.seed % HEADS_BESIDE
    for number, item in enumerate(answer.get("output", {}).get("items", [])):
        if item.get("array") is None or len(item["shape"]) != 4:
            continue
        whole = results[item["array"]]
        if number == 0 and whole.shape[axis] == HEADS_BESIDE:
            taken = whole.take(head, axis)
        elif number and whole.shape[1] == HEADS_BESIDE:
            taken = whole[:, head : head + 1]
        else:
            continue
        results[item["array"]] = np.ascontiguousarray(taken)
        item["shape"] = list(taken.shape)
    return results
