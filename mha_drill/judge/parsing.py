"""A source as its syntax tree, parsed and walked once: whatever reads a source reads it here.

Nobody may change the tree; who rewrites one parses its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache


@lru_cache(maxsize=8)
def tree_of(source: str) -> ast.Module:
    """Return the tree of a source; raise what `ast.parse` raises."""
    return ast.parse(source)


@lru_cache(maxsize=8)
def nodes_of(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return a tree's nodes, in the order of `ast.walk`."""
    return tuple(ast.walk(tree))


def taken_apart(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what an assignment gives what: `a, b = x, y` is two; a value without such parts goes to each whole."""
    if not isinstance(target, ast.Tuple | ast.List):
        yield target, value
        return
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    whole = len(parts) == len(target.elts)
    for index, item in enumerate(target.elts):
        yield from taken_apart(item, parts[index] if whole else value)
