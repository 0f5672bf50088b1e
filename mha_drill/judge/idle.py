"""Attributes that a class sets and nobody reads: read off the source, for the notes. Judge side."""

from __future__ import annotations

import ast

from mha_drill.judge.parsing import nodes_of, tree_of


def idle_attributes(source: str) -> tuple[str, ...]:
    """Return the names of plain attributes set on `self` that no line of the file ever reads, as they come.

    A layer or a parameter that goes unused is found by its gradient, not here: calls whose value is kept are
    left out.
    """
    try:
        tree = tree_of(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    read = {
        node.attr
        for node in nodes_of(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    words = {
        node.value
        for node in nodes_of(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found: dict[str, None] = {}
    for node in nodes_of(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or _makes_layers(node.value):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                if _own(one) and one.attr not in read | words and not one.attr.startswith("_"):  # type: ignore[attr-defined]
                    found[one.attr] = None  # type: ignore[attr-defined]
    return tuple(found)


def _own(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _makes_layers(value: ast.expr | None) -> bool:
    """Whether a value is made by a call of a class, or is a list of such."""
    if value is None:
        return True
    calls = [node.func for node in ast.walk(value) if isinstance(node, ast.Call)]
    names = [func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls]
    return any(name[:1].isupper() for name in names)
