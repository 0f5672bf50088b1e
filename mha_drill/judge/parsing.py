"""A source as its syntax tree, parsed once: `uses`, `settings`, `written` and the lines of findings all read it.

Nobody may change the tree; who rewrites one parses its own.
"""

from __future__ import annotations

import ast
from functools import lru_cache


@lru_cache(maxsize=4)
def tree_of(source: str) -> ast.Module:
    """Return the tree of a source; raise what `ast.parse` raises."""
    return ast.parse(source)
