"""Where a function writes into what it was given, where no trace tells: arrays of numpy. Judge side."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mha_drill.judge.lines.statements import Function
from mha_drill.judge.parsing import nodes_of, tree_of


def writing_line(source: str, names: set[str]) -> int | None:
    """Return the line of the first statement that writes in place into one of these parameters of a function."""
    written = [
        line
        for function in nodes_of(tree_of(source))
        if isinstance(function, Function) and names <= {item.arg for item in function.args.args}
        for line in _writes(function, set(names))
    ]
    return min(written, default=None)


def _writes(function: Function, names: set[str]) -> Iterator[int]:
    for node in sorted(
        (item for item in ast.walk(function) if isinstance(item, ast.stmt | ast.keyword)),
        key=lambda item: (item.lineno, item.col_offset),
    ):
        match node:
            case ast.AugAssign(target=target) if _root(target) in names:
                yield node.lineno
            case ast.Assign(targets=[ast.Subscript() as target]) if _root(target) in names:
                yield node.lineno
            case ast.keyword(arg="out", value=value) if _root(value) in names:
                yield node.lineno
            case ast.Assign(targets=[ast.Name(name)], value=value):
                # Another name for the same numbers, or for others.
                names = names | {name} if _root(value) in names else names - {name}


def _root(node: ast.expr) -> str | None:
    """Return the name that an expression is a part of or another name for: `q` of `q[:, 0]` and of `q.T`."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
