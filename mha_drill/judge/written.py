"""Sizes written into the code as numbers, and which of them an exception about shapes speaks of. Judge side."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mha_drill.judge.parsing import nodes_of, tree_of

# Calls whose whole numbers are sizes, not axes.
SHAPING = frozenset(
    """
    arange broadcast_to empty expand eye full narrow ones rand randn range repeat reshape resize split tile
    unflatten view zeros
    """.split()
)
SMALLEST = 3  # 0, 1 and 2 are axes and batches of nothing in particular


def size_written(source: str, message: str, head_width: int) -> int | None:
    """Return the line of a number in the code that a shape in `message` comes from; None where there is none."""
    said = {int(number) for number in re.findall(r"\d+", message)}
    for name, value, line in sorted(set(_sizes(source)), key=lambda item: item[2]):
        times = value * head_width if name == "range" else value
        if value >= SMALLEST and (value in said or times in said):
            return line
    return None


def _sizes(source: str) -> Iterator[tuple[str, int, int]]:
    """Yield call, number and line for each size written into a function, its signature aside."""
    for function in nodes_of(tree_of(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in (inner for statement in function.body for inner in ast.walk(statement)):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if name in SHAPING:
                    yield from ((name, *found) for argument in node.args for found in _numbers(argument))
            elif isinstance(node, ast.Slice):
                for bound in (node.lower, node.upper):
                    yield from (("slice", *found) for found in (_numbers(bound) if bound else ()))


def _numbers(node: ast.expr) -> Iterator[tuple[int, int]]:
    """Yield the whole numbers that stand as they are in an argument, also inside a tuple or list."""
    for item in node.elts if isinstance(node, ast.Tuple | ast.List) else [node]:
        if isinstance(item, ast.Constant) and type(item.value) is int:
            yield item.value, item.lineno
