"""A learner's own line of reshaping, retraced call by call: what each call does to the memory it is given.

The judge tells a line of code and the shapes before and after it. The sizes in the line are names only the running
file knows, so they are worked out from both ends: moves of axes are undone from the shape after, and the one
reshaping call between is what is left. Where that cannot be done for certain, nothing is drawn. Called by `live`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mha_drill.explain.figures import Film
from mha_drill.explain.films import Reel, Tensor
from mha_drill.explain.sizes import Sizes
from mha_drill.explain.strides import Layout, LayoutError, Shape

MOVES = ("transpose", "permute", "swapaxes", "swapdims")
COPIES = ("contiguous",)
VIEWS = ("view",)
RESHAPES = ("reshape", "flatten", "unflatten")
RANK_OF_HEADS = 4
UNEVEN = re.compile(
    r"einsum|conv|\.m?T\b|(?:transpose|permute|swapaxes|swapdims|movedim|chunk|split|unbind)\(", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a chain: its name, its arguments where all are plain numbers, and its text."""

    name: str
    numbers: tuple[int, ...] | None
    count: int
    text: str


def retrace(sizes: Sizes, axes: str, before: str, code: str, after: Shape) -> Film | None:
    """Return the calls of the line `code` as a film; None where they are not certain.

    axes: of the new tensor that the calls are made on, which the line `before` made unless `code` does so itself.
    What makes it must leave it as new: a convolution, an einsum or a part of a larger tensor may not.
    after: the shape that the judge saw after the line. A call that would raise is the last stage.
    """
    reel = Reel(sizes)
    base, calls = chain(code)
    if UNEVEN.search(base or before):
        return None
    start = Tensor("x", Layout.fresh(reel.shape(axes)), tuple(axes))
    tensor = reel.take(start, base or before, "start")
    with suppress(Uncertain):
        for call, shape in _shapes(reel, start, calls, after):
            tensor = _taken(reel, tensor, call, shape)
            if reel.stages[-1].fate == "raises":
                return reel.film()
        if tensor.layout.shape == after:
            return reel.film()
    return None


class Uncertain(Exception):
    """What a line does is not certain from the line and its shapes."""


def chain(code: str) -> tuple[str, tuple[Call, ...]]:
    """Return the first chain of layout calls in a line: what it begins with ("" for a name), the calls in order."""
    try:
        tree = ast.parse(code.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "", ()
    for node in ast.walk(tree):
        calls: list[Call] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            name = inner.func.attr
            if name not in (*MOVES, *COPIES, *VIEWS, *RESHAPES) or inner.keywords:
                break
            calls.append(_call(name, inner.args))
            inner = inner.func.value
        if calls and not (isinstance(inner, ast.Name) and inner.id in ("torch", "np", "F")):
            return "" if isinstance(inner, ast.Name) else ast.unparse(inner), tuple(reversed(calls))
    return "", ()


def statement(code: str) -> str:
    """Return a line of code without its margin and its comment."""
    line = code.strip()
    try:
        end = ast.parse(line).body[-1].end_col_offset
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):
        return line.partition("  #")[0]
    return line.encode()[:end].decode()


def _call(name: str, args: Sequence[ast.expr]) -> Call:
    sizes = args[0].elts if len(args) == 1 and isinstance(args[0], ast.Tuple | ast.List) else args
    text = f".{name}({', '.join(ast.unparse(each) for each in args)})"
    try:
        numbers = tuple(int(ast.literal_eval(each)) for each in sizes)
    except (ValueError, TypeError, SyntaxError):
        return Call(name, None, len(sizes), text)
    return Call(name, numbers, len(sizes), text)


def _shapes(reel: Reel, start: Tensor, calls: Sequence[Call], after: Shape) -> list[tuple[Call, Shape]]:
    """Return each call with the shape after it."""
    reshaping = [at for at, call in enumerate(calls) if call.name in (*VIEWS, *RESHAPES)]
    if not reshaping or len(reshaping) > 2 or len(start.layout.shape) not in (3, RANK_OF_HEADS):
        raise Uncertain
    shape = start.layout.shape
    known: dict[int, Shape] = {}
    if len(reshaping) == 2:  # cut, moved, and folded into the batch
        if calls[reshaping[0]].count != RANK_OF_HEADS or len(shape) != 3:
            raise Uncertain
        known[reshaping[0]] = reel.shape("BLHd")
    backwards = after
    for at in range(len(calls) - 1, reshaping[-1], -1):
        backwards = _moved(calls[at], backwards, undo=True)
    known[reshaping[-1]] = backwards
    shapes = []
    for at, call in enumerate(calls):
        shape = known[at] if at in known else _moved(call, shape)
        shapes.append((call, shape))
    return shapes


def _order(call: Call, rank: int) -> list[int]:
    """Return which old axis each new axis is."""
    numbers = call.numbers
    if numbers is None or any(not -rank <= axis < rank for axis in numbers):
        raise Uncertain
    places = [axis % rank for axis in numbers]
    if call.name == "permute":
        if sorted(places) != list(range(rank)):
            raise Uncertain
        return places
    if len(places) != 2:
        raise Uncertain
    order = list(range(rank))
    order[places[0]], order[places[1]] = order[places[1]], order[places[0]]
    return order


def _moved(call: Call, shape: Shape, *, undo: bool = False) -> Shape:
    """Return the shape after a call that moves axes or copies, or before it."""
    if call.name in COPIES:
        return shape
    order = _order(call, len(shape))
    if undo:
        order = [order.index(axis) for axis in range(len(order))]
    return tuple(shape[axis] for axis in order)


def _taken(reel: Reel, tensor: Tensor, call: Call, shape: Shape) -> Tensor:
    code = f"….{call.text.removeprefix('.')}"
    if call.name in COPIES:
        return reel.copied(tensor, code)
    if call.name in MOVES:
        order = _order(call, len(tensor.axes))
        moved = replace(
            tensor, layout=tensor.layout.permute(*order), axes=tuple(tensor.axes[axis] for axis in order)
        )
        return reel.take(moved, code, "same")
    axes = _named(reel, tensor, shape)
    try:
        if call.name in VIEWS:
            return reel.take(Tensor(tensor.name, tensor.layout.view(*shape), axes), code, "same")
        layout, copied = tensor.layout.reshape(*shape)
    except LayoutError as error:
        return reel.raised(tensor, code, error)
    return reel.take(Tensor(tensor.name, layout, axes), code, "copied" if copied else "same")


def _named(reel: Reel, tensor: Tensor, shape: Shape) -> tuple[str, ...]:
    """Return the letters of the axes after a reshaping that keeps every token and head in its place."""
    before = "".join(tensor.axes)
    if before == "BLD" and shape == reel.shape("BLHd"):
        return tuple("BLHd")
    if before == "BLHd" and shape == reel.shape("BLD"):
        return tuple("BLD")
    sizes = reel.sizes
    if before == "BHLd" and shape == (sizes.batch * sizes.heads, sizes.length, sizes.head_width):
        return ("B·H", "L", "d")
    raise Uncertain
