"""What a source calls things at given lines: results of steps, sizes unpacked from shapes, its dropout. Judge side.

Read off the text alone, the learner's and the reference's alike; used by `renaming`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from mha_drill.judge.candidates import Definition
from mha_drill.judge.owners import letter_of
from mha_drill.judge.parsing import nodes_of, tree_of

Size = tuple[str, int]
_AXES = {"q": 3, "k": 3, "v": 3}


def parsed(source: str) -> ast.Module | None:
    """Return the tree of a source, or None for one that Python cannot read or nest so deep."""
    try:
        return tree_of(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def local_names(tree: ast.Module, lines: Mapping[str, int]) -> dict[str, str]:
    """Return the name that the result of each step is given on its line, where it is given one of its own.

    lines: by step; `project:k` and its like are those of one side. A statement that does several steps names
    the last of them.
    """
    statements = [node for node in nodes_of(tree) if isinstance(node, ast.stmt) and not hasattr(node, "body")]
    done: dict[ast.stmt, list[str]] = {}
    for step, line in lines.items():
        around = [node for node in statements if node.lineno <= line <= (node.end_lineno or node.lineno)]
        if around:
            done.setdefault(min(around, key=lambda node: (node.end_lineno or 0) - node.lineno), []).append(
                step
            )
    found: dict[str, str] = {}
    for statement, steps in done.items():
        targets = _targets(statement)
        sided = [step for step in steps if ":" in step]
        letters = {step[-1] for step in sided}
        if len(targets) == 1 and not sided:
            found[steps[-1]] = targets[0]
        elif len(targets) == len(letters) == 1 and {*steps} - {*sided} <= {"scale"}:
            found |= dict.fromkeys(sided, targets[0])
        elif len(targets) > 1:
            named = {letter_of(name): name for name in targets}
            if len(named) == len(targets):
                found |= {step: named[step[-1]] for step in sided if step[-1] in named}
    return found


def _targets(statement: ast.stmt) -> list[str]:
    """Return the plain names a statement assigns."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        target = statement.target
    else:
        return []
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return [part.id for part in parts if isinstance(part, ast.Name)] if _plain(parts) else []


def _plain(parts: list[ast.expr]) -> bool:
    return all(isinstance(part, ast.Name) for part in parts)


def sized_names(tree: ast.Module, tensors: Mapping[str, str]) -> dict[Size, str]:
    """Return what the axes of the inputs are called: `B, L, D = query.shape` is (q, 0), (q, 1), (q, 2).

    tensors: the inputs by the name of their parameter. `n_head = self.n_head` is (heads, 0) and
    `d = C // n_head` (head_dim, 0). A name that is given to two sizes is given to none.
    """
    from mha_drill.judge.names import meaning

    found: dict[Size, str] = {}
    for node in nodes_of(tree):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        names = [part.id if isinstance(part, ast.Name) else "" for part in parts]
        whole = tensors.get(_shaped(value), "")
        if isinstance(target, ast.Tuple) and whole in _AXES and len(names) == _AXES[whole]:
            for axis, name in enumerate(names):
                found.setdefault((whole, axis), name)
            continue
        values = value.elts if isinstance(value, ast.Tuple) else [value]
        if len(values) != len(names):
            continue
        for name, item in zip(names, values, strict=True):
            if not name:
                continue
            tensor, axis = _sized(item)
            if tensors.get(tensor) in _AXES and axis in (0, 1, 2):
                found.setdefault((tensors[tensor], axis), name)
            elif _own(item) and meaning(_own(item)) in ("heads", "head_dim"):
                found.setdefault((str(meaning(_own(item))), 0), name)
            elif isinstance(item, ast.BinOp) and isinstance(item.op, ast.FloorDiv):
                found.setdefault(("head_dim", 0), name)
    given = [name for name in found.values() if name]
    return {size: name for size, name in found.items() if given.count(name) == 1}


def _shaped(node: ast.expr) -> str:
    """Return `x` of `x.shape` and of `x.size()`."""
    if isinstance(node, ast.Call) and not node.args and isinstance(node.func, ast.Attribute):
        node = node.func
        wanted = "size"
    else:
        wanted = "shape"
    if isinstance(node, ast.Attribute) and node.attr == wanted and isinstance(node.value, ast.Name):
        return node.value.id
    return ""


def _sized(node: ast.expr) -> tuple[str, int]:
    """Return `x` and 1 of `x.size(1)` and of `x.shape[1]`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        tensor, axis = _shaped(node.value), node.slice.value
    elif (
        isinstance(node, ast.Call)
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "size"
        and isinstance(node.func.value, ast.Name)
    ):
        tensor, axis = node.func.value.id, node.args[0].value
    else:
        return "", -1
    return (tensor, axis) if isinstance(axis, int) else ("", -1)


def _own(node: ast.expr) -> str:
    """Return `n_head` of `self.n_head`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return ""


def written_dropout(tree: ast.Module | None, definition: Definition, modules: list[list[str]]) -> str | None:
    """Return the attribute that holds the answer's dropout of weights: the only one, else the one named so."""
    found = [name for name, kind in modules if kind.startswith("Dropout") and name and "." not in name]
    if tree is not None and not modules:
        for owner in nodes_of(tree):
            if isinstance(owner, ast.ClassDef) and owner.name == definition.name:
                found += [
                    _own(node.targets[0])
                    for node in ast.walk(owner)
                    if isinstance(node, ast.Assign) and _own(node.targets[0]) and _makes_dropout(node.value)
                ]
    telling = [name for name in found if "att" in name.lower()]
    return found[0] if len(found) == 1 else telling[0] if len(telling) == 1 else None


def _makes_dropout(node: Any) -> bool:
    named = node.func if isinstance(node, ast.Call) else None
    name = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""
    return name.startswith("Dropout")


__all__ = ["local_names", "parsed", "sized_names", "written_dropout"]
