"""Hold one traced call against the reference: does it agree, and on what material. Judge side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from mha_drill.attention.steps import Material, Walk, walk_through
from mha_drill.judge.columns import in_columns
from mha_drill.judge.matching import TOLERANCE, close, order_of
from mha_drill.judge.merging import unmerged
from mha_drill.judge.recording import Recording
from mha_drill.judge.roles import Roles, Side, find_roles
from mha_drill.judge.tail import Tail, find_tail
from mha_drill.judge.wiring import Wiring


@dataclass(slots=True)
class Assessment:
    """One call of the submission beside the reference.

    agrees: the merged heads are the reference's up to the order of channels, and what follows is right.
    walk: the reference's tensors by step on the submission's own projections.
    whole: every token of every input has its query, key and value. unscaled: query and key are taken without a
    factor that went in before their maps.
    """

    recording: Recording
    wiring: Wiring
    roles: Roles | None
    material: Material | None
    walk: Walk | None
    tail: Tail | None
    agrees: bool
    output: np.ndarray | None
    whole: bool = True
    unscaled: bool = False


def assess(
    recording: Recording,
    output: np.ndarray | None,
    inputs: dict[str, np.ndarray],
    heads: tuple[int, ...],
    allowed: np.ndarray | None,
    tolerance: float = TOLERANCE,
    *,
    by_position: bool = False,
    multi_query: bool = False,
) -> Assessment:
    """Assess one call.

    heads: the acceptable numbers of heads. allowed: True where a query may see a key. by_position: the file takes
    (L, B, D); `output` and `inputs` are (B, L, D) all the same. multi_query: all heads may share one key and value.
    """
    wiring = Wiring(recording, by_position=by_position)
    roles = find_roles(recording, wiring)
    if roles is None:
        return Assessment(recording, wiring, None, None, None, None, False, output)
    if heads == (1,):
        roles = unmerged(wiring, roles, inputs) or roles
    result = _assess(recording, wiring, roles, output, inputs, heads, allowed, tolerance, multi_query)
    if not result.agrees and (unscaled := _unscaled(wiring, roles, inputs)) is not None:
        roles = unscaled
        result = _assess(recording, wiring, roles, output, inputs, heads, allowed, tolerance, multi_query)
        result.unscaled = True
    if not result.agrees:
        # Scores made the other way round and turned later are right too.
        turned = replace(roles, query=roles.key, key=roles.query)
        other = _assess(recording, wiring, turned, output, inputs, heads, allowed, tolerance, multi_query)
        asked = (roles.query.source, roles.key.source)
        if multi_query and not other.agrees:
            # Which query heads share a key is an order of heads, as long as the value is shared alike.
            other = _assess(
                recording, wiring, roles, output, inputs, heads, allowed, tolerance, multi_query, apart=True
            )
        if other.agrees or (asked in (("k", "q"), ("context", "q")) and in_columns(recording, roles)):
            return other
    return result


def _assess(
    recording: Recording,
    wiring: Wiring,
    roles: Roles,
    output: np.ndarray | None,
    inputs: dict[str, np.ndarray],
    heads: tuple[int, ...],
    allowed: np.ndarray | None,
    tolerance: float,
    multi_query: bool,
    *,
    apart: bool = False,
) -> Assessment:
    result = Assessment(recording, wiring, roles, None, None, None, False, output)
    result.whole = all(
        side.rows.shape[:2] == inputs[side.source].shape[:2]
        for side in (roles.query, roles.key, roles.value)
        if side.source in inputs
    )
    result.material = material_of(roles, inputs, heads, allowed, apart=apart)
    if result.material is None:
        return result
    try:
        result.walk = walk_through(result.material)
    except RuntimeError:
        return result
    if output is None or output.ndim != 3 or output.shape[:2] != roles.query.rows.shape[:2]:
        return result
    result.tail = find_tail(recording, roles, output, inputs)
    if result.tail is None or result.tail.fault:
        return result
    sides = (roles.query, roles.key, roles.value)
    whole = result.whole and all(side.proper for side in sides)
    meant = [
        side.heads in heads or (multi_query and shared_by_heads(side, sides, heads[0])) for side in sides
    ]
    if not whole or not all(meant):
        return result
    merged = flat(result.walk["merge"])
    result.agrees = order_of(merged, result.tail.merged, tolerance) is not None
    return result


def _unscaled(wiring: Wiring, roles: Roles, inputs: dict[str, np.ndarray]) -> Roles | None:
    """Return the roles with query and key as their maps alone make them, where a factor went in before the map.

    `self.q(x * d**-0.5)` without a bias, or with weight and bias multiplied, is as right as scaling afterwards.
    """
    query, key = (_without_factor(wiring, side, inputs) for side in (roles.query, roles.key))
    return None if query is key is None else replace(roles, query=query or roles.query, key=key or roles.key)


def _without_factor(wiring: Wiring, side: Side, inputs: dict[str, np.ndarray]) -> Side | None:
    """Return a side whose rows are some number times what a parameter makes of the input, without that number."""
    source = inputs.get(side.source)
    if source is None or len(side.projections) != 1 or side.projections[0] < 0:
        return None
    rows = wiring.projections[side.projections[0]].rows
    made = np.stack([rows[token] for token in sorted(rows)])
    given = source.reshape(-1, source.shape[-1])
    own = {
        value.name: value.array
        for value in wiring.recording.values
        if value.kind == "parameter" and value.array is not None
    }
    biases = [0.0, *(array for array in own.values() if array.shape == made.shape[1:])]
    for name, array in own.items():
        if array.ndim != 2 or len(made) != len(given) or name not in side.weights:
            continue
        for matrix in (array.T, array):
            if matrix.shape != (given.shape[1], made.shape[1]):
                continue
            for bias in biases:
                bare = given @ matrix + bias
                factor = float((bare * made).sum() / (bare * bare).sum())
                if abs(factor - 1) > 1e-6 and close(factor * bare, made, 1e-7):
                    return replace(side, rows=side.rows / factor)
    return None


def flat(tensor: torch.Tensor) -> np.ndarray:
    """(B, L, C) as rows (B*L, C)."""
    return tensor.reshape(-1, tensor.shape[-1]).numpy()


def material_of(
    roles: Roles,
    inputs: dict[str, np.ndarray],
    heads: tuple[int, ...],
    allowed: np.ndarray | None,
    *,
    apart: bool = False,
) -> Material | None:
    """Return what the reference is fed, or None where the three sides do not fit together.

    apart: the heads that share a key do not stand beside each other.
    """
    sides = (roles.query, roles.key, roles.value)
    together = all(side.proper and side.heads == roles.query.heads for side in sides)
    count = roles.query.heads if together and roles.query.heads in heads else heads[0]
    query, key, value = (_spread(side, sides, count, apart=apart) for side in sides)
    if query.shape[-1] % count or key.shape[-1] != query.shape[-1] or value.shape[-1] % count:
        return None
    if key.shape[:2] != value.shape[:2] or query.shape[0] != key.shape[0]:
        return None
    permitted = None
    if allowed is not None:
        permitted = torch.from_numpy(allowed.copy())
    raw = tuple(torch.from_numpy(np.array(inputs.get(side.source, side.rows))) for side in sides)
    return Material(
        torch.from_numpy(query),
        torch.from_numpy(key),
        torch.from_numpy(value),
        count,
        permitted,
        (raw[0], raw[1], raw[2]),
    )


def shared_by_heads(side: Side, sides: tuple[Side, ...], count: int) -> bool:
    """Whether each head of a side stands for as many of the `count` heads, as the other sides have them."""
    fewer = side.proper and 0 < side.heads < count and count % side.heads == 0
    wide = count * side.rows.shape[-1]
    return fewer and any(side.heads * other.rows.shape[-1] == wide for other in sides)


def _spread(side: Side, sides: tuple[Side, ...], count: int, *, apart: bool) -> np.ndarray:
    """Return a side's rows, (B, T, D): each head as often as it stands for another."""
    if not shared_by_heads(side, sides, count):
        return side.rows
    batch, length, width = side.rows.shape
    heads = side.rows.reshape(batch, length, side.heads, width // side.heads)
    times = count // side.heads
    spread = np.tile(heads, (1, 1, times, 1)) if apart else np.repeat(heads, times, axis=2)
    return spread.reshape(batch, length, -1)
