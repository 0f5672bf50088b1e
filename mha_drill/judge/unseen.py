"""Agreement where the trace does not show the scores: `torch.jit.script`, `torch.vmap`, a detour. Judge side.

The projections are seen all the same. Every way of making them query, key and value of the asked heads is
tried; the output must be one affine map of full rank of what the reference then merges, over many tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
import torch

from mha_drill.attention.steps import Material, walk_through
from mha_drill.judge.assessment import Assessment, flat
from mha_drill.judge.matching import affine
from mha_drill.judge.recording import CONTENT
from mha_drill.judge.wiring import Projection

Sides = tuple[np.ndarray, np.ndarray, np.ndarray]


def agrees_unseen(
    samples: list[tuple[Assessment, np.ndarray, np.ndarray | None]], heads: int, width: int, tolerance: float
) -> bool:
    """Whether some reading of the projections explains every sample.

    samples: a traced call, its output (B, L, D), and who may see whom, (B or 1, 1, L, S) or None.
    """
    choices = [list(_readings(assessment, heads, width)) for assessment, _, _ in samples]
    if not choices[0] or any(len(choice) != len(choices[0]) for choice in choices):
        return False
    for reading in range(len(choices[0])):
        rows, targets = [], []
        for (_, output, allowed), choice in zip(samples, choices, strict=True):
            query, key, value = (torch.from_numpy(side) for side in choice[reading])
            permitted = None if allowed is None else torch.from_numpy(allowed.copy())
            if key.shape[:2] != value.shape[:2] or query.shape[:2] != output.shape[:2]:
                return False
            walk = walk_through(Material(query, key, value, heads, permitted))
            rows.append(flat(walk["merge"]))
            targets.append(output.reshape(-1, output.shape[-1]))
        if len({two.shape[1] for two in targets}) > 1:
            return False
        columns, wanted = np.concatenate(rows), np.concatenate(targets)
        residual, rank = affine(columns, wanted)
        if residual <= 10 * tolerance and rank >= min(columns.shape[1], wanted.shape[1]):
            return True
    return False


def _readings(assessment: Assessment, heads: int, width: int) -> Iterator[Sides]:
    """Yield query, key and value, (B, T, D) each with heads side by side, in every usual layout."""
    made = _of_inputs(assessment)
    whole = [_table(item) for item in made]
    if len({item.weights for item in made}) == 3 == len(made) and all(
        table.shape[-1] == width for table in whole
    ):
        for order in permutations(range(3)):
            for layout in _layouts(heads):
                query, key, value = (_arranged(whole[index], layout, heads) for index in order)
                yield query, key, value
    elif len(made) == 1 and whole[0].shape[-1] == 3 * width:
        batch, length, _ = whole[0].shape
        cut = whole[0].reshape(batch, length, 3, width)
        interleaved = whole[0].reshape(batch, length, heads, 3, width // heads)
        for order in permutations(range(3)):
            parts = [cut[:, :, index] for index in order]
            yield parts[0], parts[1], parts[2]
            parts = [interleaved[:, :, :, index].reshape(batch, length, width) for index in order]
            yield parts[0], parts[1], parts[2]


def _of_inputs(assessment: Assessment) -> list[Projection]:
    """Return the projections of the inputs themselves.

    Where a single key is all there is, the merged heads are a value, and the output projection maps one too.
    """
    made = [item for item in assessment.wiring.projections if item.rows]
    mapped = {number for item in made for number in item.call.outputs}
    return [
        item
        for item in made
        if not any(
            assessment.recording.depends(number, mapped - set(item.call.outputs))
            for number in item.call.inputs
        )
    ]


def _layouts(heads: int) -> tuple[str, ...]:
    return ("blocks", "interleaved") if heads > 1 else ("blocks",)


def _arranged(table: np.ndarray, layout: str, heads: int) -> np.ndarray:
    """Bring interleaved heads (channel = j*H + h) to blocks."""
    if layout == "blocks":
        return table
    batch, length, width = table.shape
    return table.reshape(batch, length, width // heads, heads).swapaxes(2, 3).reshape(batch, length, width)


def _table(projection: Projection) -> np.ndarray:
    """Return a projection's rows as (B, T, channels)."""
    tokens = sorted(projection.rows)
    batches = sorted({token // 1_000 % 1_000 for token in tokens})
    stacked = np.stack([projection.rows[token] for token in tokens])
    assert CONTENT[tokens[0] // 1_000_000] == projection.source
    return stacked.reshape(len(batches), -1, stacked.shape[-1])
