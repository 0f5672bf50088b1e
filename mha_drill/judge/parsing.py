"""A source as its syntax tree, parsed and walked once: whatever reads a source reads it here.

Nobody may change the tree; who rewrites one parses its own.
"""

from __future__ import annotations

import ast
from functools import lru_cache


@lru_cache(maxsize=8)
def tree_of(source: str) -> ast.Module:
    """Return the tree of a source; raise what `ast.parse` raises."""
    return ast.parse(source)


@lru_cache(maxsize=8)
def nodes_of(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return a tree's nodes, in the order of `ast.walk`."""
    return tuple(ast.walk(tree))
