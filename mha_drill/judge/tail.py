"""What becomes of the merged heads: the output projection and all after it. Judge side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mha_drill.judge.matching import TOLERANCE, close
from mha_drill.judge.normalised import normalised
from mha_drill.judge.recording import CONVOLUTIONS, NORMS, PRODUCTS, Call, Recording
from mha_drill.judge.roles import Roles
from mha_drill.judge.wiring import equation

LINEAR = frozenset({"linear", "matmul", "__matmul__", "bmm", "mm", "addmm"})


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a traced call.

    merged: what went into the output projection, (tokens, channels), tokens batch by batch; the output itself
    where there is no projection. fault: a code of the contract for what follows it, or "" or "unknown".
    """

    merged: np.ndarray
    call: Call | None
    weights: frozenset[str]
    fault: str
    line: int | None
    by_position: bool = False
    residual_line: int | None = None


def find_tail(
    recording: Recording, roles: Roles, output: np.ndarray, inputs: dict[str, np.ndarray]
) -> Tail | None:
    """Return the tail of a call whose output is (B, L, D), or None where it cannot be read."""
    reached = recording.after(list(roles.weighs))
    final = [
        call
        for call in recording.calls
        if call.short in PRODUCTS | CONVOLUTIONS
        and call.outputs
        and sum(bool(recording.content[number]) for number in call.inputs) == 1
        and any(recording.weights[number] and not recording.content[number] for number in call.inputs)
        and any(reached[number] for number in call.inputs)
    ]
    batch, length = output.shape[:2]
    flat = output.reshape(batch * length, -1)
    norms = [
        call for call in recording.calls if call.short in NORMS and call.outputs and reached[call.outputs[0]]
    ]
    residual = _residual(recording, reached)
    final = [call for call in final if not _thrown_away(recording, call, output)]
    if not final:
        plain, fault, line = _after(flat, flat, norms, inputs, recording, reached)
        return Tail(plain, None, frozenset(), fault, line, False, residual.line if residual else None)
    call = final[-1]
    if len(final) > 1:
        return None
    number = next(item for item in call.inputs if recording.content[item])
    merged, projected = recording.values[number].array, recording.values[call.outputs[0]].array
    if merged is None or projected is None:
        return None
    if call.short in ("matmul", "__matmul__", "bmm") and call.inputs.index(number) == 1:
        # Weights from the left: tokens are columns.
        merged, projected = merged.swapaxes(-1, -2), projected.swapaxes(-1, -2)
    if merged.ndim == 4 and merged.shape[:3] == projected.shape[:3] and merged.shape[2] == length:
        merged, projected = _summed_over_heads(recording, call, number, merged, projected)
    if call.short in CONVOLUTIONS:
        merged, projected = np.moveaxis(merged, 1, -1), np.moveaxis(projected, 1, -1)
    if call.short == "tensordot":
        weight = next((recording.values[item].shape for item in call.inputs if item != number), ())
        contracted = merged.ndim + len(weight) - projected.ndim
        if contracted % 2 or merged.shape[merged.ndim - contracted // 2 :] != weight[: contracted // 2]:
            return None
        merged = merged.reshape(batch * length, -1) if merged.size % (batch * length) == 0 else merged
    elif call.short == "einsum":
        merged = _contracted_last(call, merged, call.inputs.index(number))
        if merged is None or len(merged) != batch * length:
            return None
    elif call.short not in LINEAR and call.short not in CONVOLUTIONS:
        return None
    weights = frozenset().union(*(recording.weights[item] for item in call.inputs if item != number))
    merged, projected = merged.reshape(-1, merged.shape[-1]), projected.reshape(-1, projected.shape[-1])
    if len(merged) != batch * length:
        return Tail(merged, call, weights, "", call.line)
    by_position = False
    fault, line = "", None
    if not _same_up_to_row(flat, projected):
        turned = projected.reshape(length, batch, -1).swapaxes(0, 1).reshape(batch * length, -1)
        by_position = projected.shape == flat.shape and _same_up_to_row(flat, turned)
        if not by_position:
            _, fault, line = _after(flat, projected, norms, inputs, recording, reached)
            if fault in ("", "unknown") and projected.shape == flat.shape:
                _, other, where = _after(flat, turned, [], inputs, recording, reached)
                if other == "extra-residual" and where is not None:
                    by_position, fault, line = True, other, where
        if by_position:
            merged = merged.reshape(length, batch, -1).swapaxes(0, 1).reshape(batch * length, -1)
    return Tail(
        merged, call, weights, fault, line or call.line, by_position, residual.line if residual else None
    )


def _thrown_away(recording: Recording, call: Call, output: np.ndarray) -> bool:
    """Whether what a call was given is returned itself, and nothing is made of its result: `self.proj(y)` alone."""
    given = [recording.values[number].array for number in call.inputs if recording.content[number]]
    made = recording.after([call])
    used = any(made[number] for other in recording.calls if other is not call for number in other.inputs)
    return not used and any(array is not None and np.array_equal(array, output) for array in given)


def _summed_over_heads(
    recording: Recording, call: Call, number: int, merged: np.ndarray, projected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what goes into one map of all heads, and what comes out, where each head has a map and they are summed.

    merged: (B, H, L, d), and projected (B, H, L, D), by weights (H, d, D).
    """
    weight = next((recording.values[item].shape for item in call.inputs if item != number), ())
    if weight[-3:-2] != merged.shape[1:2] or call.short not in ("matmul", "__matmul__"):
        return merged, projected
    return merged.swapaxes(1, 2).reshape(len(merged), merged.shape[2], -1), projected.sum(1)


def _contracted_last(call: Call, merged: np.ndarray, position: int) -> np.ndarray | None:
    """Bring an einsum's operand to (tokens, contracted): `bqnh,nhe->bqe` merges n and h in the projection itself."""
    parsed = equation(call, len(call.inputs))
    if parsed is None:
        return None
    letters, out = parsed[0][position], parsed[1]
    dots = "".join(chr(0x3B1 + at) for at in range(merged.ndim - len(letters.replace("...", ""))))
    letters, out = letters.replace("...", dots), out.replace("...", dots)
    free = [letter for letter in out if letter in letters]
    contracted = [letter for letter in letters if letter not in out]
    if out[: len(free)] != "".join(free):
        return None
    moved = np.transpose(merged, [letters.index(letter) for letter in [*free, *contracted]])
    rows = int(np.prod(moved.shape[: len(free)], dtype=int))
    return moved.reshape(rows, -1)


def _same_up_to_row(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two (tokens, D) agree up to one row added to all: a bias."""
    if one.shape != two.shape:
        return False
    with np.errstate(invalid="ignore", over="ignore"):
        gap = one - two
        gap = gap - gap[:1]
    return close(np.zeros_like(gap), gap, TOLERANCE)


def _after(
    flat: np.ndarray,
    projected: np.ndarray,
    norms: list[Call],
    inputs: dict[str, np.ndarray],
    recording: Recording,
    reached: list[bool],
) -> tuple[np.ndarray, str, int | None]:
    """Say what was done to the projected heads: residual, normalisation, or something unknown."""
    for name in ("q", "x", "k", "v", "context"):
        if name in inputs and inputs[name].ndim == 3:
            rows = inputs[name].reshape(-1, inputs[name].shape[-1])
            if (
                rows.shape == flat.shape == projected.shape
                and flat is not projected
                and _same_up_to_row(flat - rows, projected)
            ):
                return flat, "extra-residual", _line_of_sum(recording, reached)
    if norms:
        return _before_norm(norms[-1], flat, recording, reached), "extra-normalization", norms[-1].line
    if flat is not projected and _by_hand(flat, projected, inputs):
        return flat, "extra-normalization", _line_making(recording, flat)
    call = _residual(recording, reached)
    if call is not None:
        left = [number for number in call.inputs if reached[number]]
        array = recording.values[left[0]].array
        if array is not None and array.size == flat.size:
            return array.reshape(flat.shape), "extra-residual", call.line
    return flat, "" if flat is projected else "unknown", None


def _line_making(recording: Recording, flat: np.ndarray) -> int | None:
    """Return the line of the last call that gave exactly these numbers."""
    for call in reversed(recording.calls):
        for number in call.outputs:
            array = recording.values[number].array
            if array is not None and array.size == flat.size and np.array_equal(array.ravel(), flat.ravel()):
                return call.line
    return None


def _by_hand(flat: np.ndarray, projected: np.ndarray, inputs: dict[str, np.ndarray]) -> bool:
    """Whether the output is the projected heads, with or without an input added, normalised without a layer for it."""
    added = [array.reshape(-1, array.shape[-1]) for array in inputs.values() if array.ndim == 3]
    sums = [projected + rows for rows in added if rows.shape == projected.shape]
    return any(normalised(rows, flat) for rows in (projected, *sums))


def _before_norm(norm: Call, flat: np.ndarray, recording: Recording, reached: list[bool]) -> np.ndarray:
    """Return what attention gave to a normalisation, without an input added on the way."""
    number = next((item for item in norm.inputs if reached[item]), None)
    maker = recording.producer.get(number) if number is not None else None
    if maker is not None and maker.short in ("add", "__add__", "__radd__", "__iadd__", "add_"):
        number = next((item for item in maker.inputs if reached[item]), number)
    array = recording.values[number].array if number is not None else None
    return array.reshape(flat.shape) if array is not None and array.size == flat.size else flat


def _residual(recording: Recording, reached: list[bool]) -> Call | None:
    """Return the call that adds an input, untouched, to what attention made."""
    for call in recording.calls:
        if (
            call.short in ("add", "__add__", "__radd__", "__iadd__", "add_")
            and call.outputs
            and reached[call.outputs[0]]
        ):
            others = [number for number in call.inputs if not reached[number] and recording.content[number]]
            if (
                others
                and recording.values[others[0]].kind == "input"
                and any(reached[number] for number in call.inputs)
            ):
                return call
    return None


def _line_of_sum(recording: Recording, reached: list[bool]) -> int | None:
    for call in reversed(recording.calls):
        if (
            call.short in ("add", "__add__", "__radd__", "__iadd__", "add_")
            and call.outputs
            and reached[call.outputs[0]]
        ):
            return call.line
    return None
