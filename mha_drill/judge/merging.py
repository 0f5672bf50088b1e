"""One head whose maps of query and key were multiplied beforehand, `x @ (Wq.T @ Wk) @ x.T`. Judge side.

As right as two maps one after the other; seen as such, the width to scale by and the two weights are there again.
Called by `assessment`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np

from mha_drill.judge.matching import close
from mha_drill.judge.roles import Roles, Side
from mha_drill.judge.wiring import Wiring


def unmerged(wiring: Wiring, roles: Roles, inputs: dict[str, np.ndarray]) -> Roles | None:
    """Return the roles with query and key each mapped by its own weight; None where no two weights were multiplied."""
    for merged, bare in ((roles.query, roles.key), (roles.key, roles.query)):
        apart = _apart(wiring, merged, bare, inputs)
        if apart is not None:
            one, two = apart
            return (
                replace(roles, query=one, key=two)
                if merged is roles.query
                else replace(roles, query=two, key=one)
            )
    return None


def _apart(
    wiring: Wiring, merged: Side, bare: Side, inputs: dict[str, np.ndarray]
) -> tuple[Side, Side] | None:
    """Return both sides with their own maps, where one was mapped by the product of two weights, the other by none."""
    if bare.weights or len(merged.weights) != 2 or not (merged.proper and bare.proper):
        return None
    own, other = inputs.get(merged.source), inputs.get(bare.source)
    matrices = [
        (value.name, value.array)
        for value in wiring.recording.values
        if value.name in merged.weights and value.array is not None and value.array.ndim == 2
    ]
    if own is None or other is None or len(matrices) != 2:
        return None
    for (one, first), (two, second) in permutations(matrices):
        for left, right in product((first, first.T), (second, second.T)):
            if left.shape[0] != own.shape[-1] or left.shape[1] != right.shape[0]:
                continue
            if right.shape[1] != other.shape[-1]:
                continue
            rows = own @ left @ right
            if rows.shape != merged.rows.shape:
                continue
            factor = float((rows * merged.rows).sum() / (rows * rows).sum())
            if close(factor * rows, merged.rows, 1e-7):
                return (
                    replace(merged, rows=own @ left, weights=frozenset({one})),
                    replace(
                        bare,
                        rows=other @ right.T,
                        weights=frozenset({two}),
                        line=merged.line,
                        projections=merged.projections,
                    ),
                )
    return None
