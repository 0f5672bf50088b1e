"""Whether a trace is what torch gives: its calls made once more. Judge side; for `audit`.

A trace comes from the process the learner's file runs in. From the rows of the projections on, all is held
against the reference; that these rows are the map of the weights they are said to come from is seen here. A call
that is not known here is believed, but nothing that a projection rests on may be one.
"""

from __future__ import annotations

import ast
import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from mha_drill.judge.recording import CONVOLUTIONS, PRODUCTS, Call, Recording

FINE, SINGLE = 1e-9, 1e-3
# What one call may cost: its arrays are of the file's choosing.
MOST_WORK = 50_000_000
_KINDS = frozenset({"float64", "float32", "int64", "int32", "uint8", "bool"})
# The same numbers, elsewhere; with `_GROWS` some of them more than once.
_LAYOUT = frozenset(
    """
    detach data clone contiguous to double float type_as view reshape view_as reshape_as transpose permute swapaxes
    swapdims movedim moveaxis t T mT adjoint flatten unflatten ravel squeeze unsqueeze chunk split unbind tensor_split
    unsafe_chunk hsplit vsplit dsplit narrow select diagonal flip roll __getitem__ cat concat concatenate stack
    hstack vstack dstack block_diag requires_grad_ expand expand_as broadcast_to tril triu
    """.split()
)
_GROWS = frozenset({"repeat", "tile", "repeat_interleave"})
_ELEMENTWISE = frozenset(
    """
    add __add__ __radd__ sub __sub__ __rsub__ subtract mul __mul__ __rmul__ multiply div __truediv__ __rtruediv__
    true_divide divide neg __neg__ exp sqrt rsqrt square pow __pow__ reciprocal abs clamp clamp_min round
    softmax log_softmax sigmoid tanh relu masked_fill zeros_like ones_like
    add_ sub_ mul_ div_ masked_fill_ __iadd__ __isub__ __imul__ __itruediv__
    """.split()
)
# No more numbers than they are given.
_REDUCED = frozenset(
    "sum mean norm vector_norm linalg_vector_norm norm_except_dim _weight_norm normalize vdot".split()
)
_PROPERTIES = frozenset({"data", "T", "mT"})


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
    return all(comes_out(recording, call) is not False for call in recording.calls if not call.repaired)


def comes_out(recording: Recording, call: Call) -> bool | None:
    """Whether a call gave what it is said to have given; None where it is not known."""
    values = [recording.values[number] for number in call.inputs]
    found = [recording.values[number] for number in call.outputs]
    if not found or any(value.array is None or value.dtype not in _KINDS for value in (*values, *found)):
        return None
    arrays = [value.array for value in values if value.array is not None]
    results = [value.array for value in found if value.array is not None]
    # where numpy makes a single number contiguous, it gives it an axis
    given = [
        torch.from_numpy(np.array(array).reshape(value.shape))
        for value, array in zip(values, arrays, strict=True)
    ]
    kind = torch.float32 if any(value.dtype == "float32" for value in (*values, *found)) else torch.float64
    with _default(kind):  # what becomes of whole numbers
        made = _made(call, given, [value.shape for value in found])
    if made is None:
        return None
    return len(made) == len(results) and all(
        _same(one.detach().numpy(), two.reshape(value.shape))
        for one, two, value in zip(made, results, found, strict=True)
    )


@contextlib.contextmanager
def _default(kind: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def rests_on(recording: Recording, number: int) -> frozenset[str] | None:
    """Return the leaves a value is made from by calls that come out again; None where one of them does not."""
    value = recording.values[number]
    call = recording.producer.get(number)
    if call is None:
        return frozenset({value.origin})
    if comes_out(recording, call) is not True:
        return None
    return together(rests_on(recording, before) for before in call.inputs)


def together(found: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Return all leaves of some values, None where one of these is None."""
    joined: frozenset[str] = frozenset()
    for leaves in found:
        if leaves is None:
            return None
        joined |= leaves
    return joined


def _made(call: Call, given: list[torch.Tensor], shapes: list[tuple[int, ...]]) -> list[torch.Tensor] | None:
    """Return what a call gives; None where it is not known, cannot be made, or would be larger than it is said."""
    short = call.short
    arguments = _arguments(call.literals, given)
    function = _function(short)
    if arguments is None or function is None or not _fits(short, given, call.literals, shapes):
        return None
    try:
        with torch.no_grad():
            result = function(*arguments[0], **arguments[1])
    except Exception:  # whatever the arguments are, they are the file's
        return None
    made = list(result) if isinstance(result, list | tuple) else [result]
    return made if all(isinstance(item, torch.Tensor) for item in made) else None


def _function(short: str) -> Callable[..., Any] | None:
    """Return the function of a name among those that are known."""
    if short not in PRODUCTS | CONVOLUTIONS | _LAYOUT | _GROWS | _ELEMENTWISE | _REDUCED:
        return None
    if short in _PROPERTIES:
        return lambda tensor: getattr(tensor, short)
    for owner in (torch.nn.functional, torch.Tensor, torch):
        if hasattr(owner, short):
            function: Callable[..., Any] = getattr(owner, short)
            return function
    return None


def _fits(short: str, given: list[torch.Tensor], literals: str, shapes: list[tuple[int, ...]]) -> bool:
    """Whether a call can be afforded: it makes no more than it is said to have made."""
    sizes = [tensor.numel() for tensor in given]
    if short in PRODUCTS | CONVOLUTIONS:
        return math.prod(sizes[:2]) <= MOST_WORK and len(given) <= 3
    if short in _GROWS:
        return len(given) == 1 and _whole(literals) * sizes[0] == math.prod(shapes[0])
    if short in _ELEMENTWISE:
        try:
            return not given or np.broadcast_shapes(*(tuple(tensor.shape) for tensor in given)) == shapes[0]
        except ValueError:
            return False
    return short != "__getitem__" or len(given) == 1


def _whole(literals: str) -> int:
    return math.prod(min(int(number), 10**6) for number in re.findall(r"\d+", literals.partition("dim")[0]))


def _arguments(literals: str, given: list[torch.Tensor]) -> tuple[list[Any], dict[str, Any]] | None:
    """Read the arguments of a call as `tracing` writes them, its tensors in their places."""
    text = re.sub(r"(-?\d+|None):(-?\d+|None):(-?\d+|None)", r"slice(\1,\2,\3)", literals).replace(
        "@", "TENSOR"
    )
    left = iter(given)
    try:
        tree = ast.parse(f"call({text})", mode="eval").body
        assert isinstance(tree, ast.Call)
        arguments = [_read(node, left) for node in tree.args]
        named = {str(item.arg): _read(item.value, left) for item in tree.keywords}
    except (SyntaxError, ValueError, AssertionError, StopIteration, RecursionError, MemoryError):
        return None
    return (arguments, named) if next(left, None) is None else None


def _read(node: ast.expr, left: Iterator[torch.Tensor]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id="TENSOR"):
            return next(left)
        case ast.Name(id="Ellipsis"):
            return ...
        case ast.Attribute(value=ast.Name(id="torch"), attr=name) if name in _KINDS:
            return getattr(torch, name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(_read(item, left) for item in items)
        case ast.Call(func=ast.Name(id="slice"), args=bounds):
            return slice(*(_read(item, left) for item in bounds))
    raise ValueError


def _same(expected: np.ndarray, found: np.ndarray) -> bool:
    if expected.shape != found.shape:
        return False
    one, two = (array.astype(np.float64) for array in (expected, found))
    tolerance = FINE if found.dtype == np.float64 else SINGLE
    with np.errstate(all="ignore"):
        gap = np.abs(one - two)
    largest = max(1.0, float(np.abs(one[np.isfinite(one)]).max(initial=0.0)))
    return bool((gap[np.isfinite(gap)] <= tolerance * largest).all())
