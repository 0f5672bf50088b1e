"""Whether a trace is what torch gives: the commonest calls computed once more. Judge side; for `audit`.

A trace comes from the process the learner's file runs in. From the rows of the projections on, all is held
against the reference; that these rows are the map of the weights they are said to come from is seen here. A call
that is not known here is believed.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable

import numpy as np

from mha_drill.judge.recording import Call, Recording

FINE, SINGLE = 1e-9, 1e-3
# What one call may cost: its arrays are of the file's choosing.
MOST_WORK = 20_000_000
_PRODUCTS = frozenset({"matmul", "__matmul__", "mm", "bmm"})
# The same numbers, elsewhere.
_LAYOUT = frozenset(
    """
    detach data clone contiguous to double type_as view reshape transpose permute swapaxes swapdims movedim t T mT
    flatten unflatten squeeze unsqueeze chunk split unbind tensor_split unsafe_chunk __reversed__ requires_grad_
    """.split()
)
_ELEMENTWISE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    **dict.fromkeys(("add", "__add__", "__radd__"), np.add),
    **dict.fromkeys(("sub", "__sub__", "subtract"), np.subtract),
    **dict.fromkeys(("mul", "__mul__", "__rmul__", "multiply"), np.multiply),
    **dict.fromkeys(("div", "__truediv__", "true_divide", "divide"), np.divide),
}


def holds(recording: Recording, leaves: dict[str, np.ndarray]) -> bool:
    """Whether the leaves, by origin, are those that were sent, and every known call comes out again."""
    seen: dict[str, np.ndarray] = {}
    for value in recording.values:
        if value.array is not None:
            seen.setdefault(value.origin, value.array)
    for origin, array in leaves.items():
        found = seen.get(origin)
        if found is not None and (found.size != array.size or not _same(array.reshape(found.shape), found)):
            return False
    return all(_comes_out(recording, call) for call in recording.calls if not call.repaired)


def _comes_out(recording: Recording, call: Call) -> bool:
    """Whether a call that can be computed once more gave what it is said to have given."""
    given = [recording.values[number].array for number in call.inputs]
    found = [recording.values[number].array for number in call.outputs]
    operands = [array.astype(np.float64) for array in given if array is not None and array.dtype.kind == "f"]
    results = [array for array in found if array is not None and array.dtype.kind == "f"]
    if not results or len(operands) < len(given) or len(results) < len(found):
        return True
    if call.short in _LAYOUT and len(operands) == 1:
        joined = np.concatenate([array.ravel() for array in results])
        return joined.size != operands[0].size or _same(np.sort(operands[0], axis=None), np.sort(joined))
    if len(results) > 1:
        return True
    with np.errstate(all="ignore"):
        expected = _computed(call, operands, results[0].shape)
    return expected is None or _same(expected, results[0])


def _computed(call: Call, given: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray | None:
    """Return what a call gives, of the shape it is said to have; None where that is not known."""
    result: np.ndarray | None = None
    if call.short == "linear" and len(given) in (2, 3):
        rows, matrix = given[:2]
        if (
            matrix.ndim == 2
            and shape == (*rows.shape[:-1], len(matrix))
            and rows.shape[-1] == matrix.shape[1]
        ):
            result = rows @ matrix.T
            result = result + given[2] if len(given) == 3 and given[2].shape == shape[-1:] else result
    elif call.short in _PRODUCTS and len(given) == 2:
        left, right = given
        same = left.ndim == right.ndim >= 2 and left.shape[:-2] == right.shape[:-2]
        if same and left.shape[-1] == right.shape[-2] and shape == (*left.shape[:-1], right.shape[-1]):
            result = left @ right
    elif call.short == "einsum":
        result = _einsum(call, given, shape)
    elif call.short in _ELEMENTWISE:
        result = _elementwise(call, given, shape)
    return result


def _elementwise(call: Call, given: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray | None:
    words = call.literals.split(", ")
    if len(words) != 2 or not given:
        return None
    operands, left = [], list(given)
    for word in words:
        if word == "@":
            operands.append(left.pop(0) if left else given[0])
        elif re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", word):
            operands.append(np.array(float(word)))
        else:
            return None
    try:
        if np.broadcast_shapes(*(array.shape for array in operands)) != shape:
            return None
    except ValueError:
        return None
    if call.short == "__radd__" or call.short == "__rmul__":
        operands.reverse()
    return _ELEMENTWISE[call.short](operands[0], operands[1])


def _einsum(call: Call, given: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray | None:
    told = re.match(r"'([a-zA-Z, ]+->[a-zA-Z ]*)'", call.literals)
    equation = str(ast.literal_eval(told[0])).replace(" ", "") if told else ""
    sides = equation.partition("->")[0].split(",")
    if (
        not told
        or len(sides) != len(given)
        or any(len(one) != two.ndim for one, two in zip(sides, given, strict=True))
    ):
        return None
    sizes: dict[str, int] = {}
    for side, array in zip(sides, given, strict=True):
        if any(
            sizes.setdefault(letter, size) != size for letter, size in zip(side, array.shape, strict=True)
        ):
            return None
    output = equation.partition("->")[2]
    if math.prod(sizes.values()) > MOST_WORK or any(letter not in sizes for letter in output):
        return None
    if shape != tuple(sizes[letter] for letter in output):
        return None
    try:
        return np.asarray(np.einsum(equation, *given))
    except ValueError:
        return None


def _same(expected: np.ndarray, found: np.ndarray) -> bool:
    tolerance = FINE if found.dtype == np.float64 else SINGLE
    if expected.shape != found.shape:
        return False
    with np.errstate(all="ignore"):
        gap = np.abs(expected - found)
    largest = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)))
    return bool((gap[np.isfinite(gap)] <= tolerance * largest).all())
