"""Where what a wrong line uses is made: the line a learner has to change. Judge side.

A factor, a triangle or a weight is often made in the constructor and used below; the trace only shows the use.
Called by `numbers` and `gradients`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mha_drill.judge.parsing import tree_of
from mha_drill.judge.recording import Call, Recording

TRIANGLES = frozenset({"tril", "triu", "tril_", "triu_"})


def definition_of(source: str, attribute: str) -> int | None:
    """Return the line that gives `self.attribute` its value, where exactly one does."""
    lines = [line for line, name, _ in _definitions(tree_of(source)) if name == attribute]
    return lines[0] if len(lines) == 1 else None


def factor_line(source: str, line: int) -> int:
    """Return where the factor of a scaling is made: where `line` multiplies or divides by `self.scale` alone."""
    tree = tree_of(source)
    made = {name: (where, value) for where, name, value in _definitions(tree)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.BinOp | ast.AugAssign)
            and isinstance(node.op, ast.Mult | ast.Div)
            and _at(node, line)
        ):
            other = node.right if isinstance(node, ast.BinOp) else node.value
            if isinstance(other, ast.Attribute) and _own(other) and other.attr in made:
                where, value = made[other.attr]
                return where if _is_factor(other.attr, value) else line
    return line


def _is_factor(name: str, value: ast.AST) -> bool:
    """Whether an attribute is made to scale by, and not a size that the scaling line should have taken the root of."""
    powers = (
        isinstance(node, ast.Pow) or getattr(node, "attr", "") in ("sqrt", "rsqrt")
        for node in ast.walk(value)
    )
    return bool(re.search(r"scal|factor|temper|root|sqrt", name.lower())) or any(powers)


def triangle_line(source: str, recording: Recording, masking: Call | None, line: int | None) -> int | None:
    """Return where the triangle that a masking uses is made: in the call, or in the constructor."""
    if masking is None or line is None:
        return line
    made = [
        call
        for call in recording.calls
        if call.short in TRIANGLES
        and call.outputs
        and call.line is not None
        and any(recording.depends(number, set(call.outputs)) for number in masking.inputs)
    ]
    if made:
        return made[-1].line
    tree = tree_of(source)
    names = {node.attr for node in ast.walk(tree) if _own(node) and _at(node, line)}  # type: ignore[attr-defined]
    for where, name, value in _definitions(tree):
        if name in names and any(
            isinstance(node, ast.Attribute) and node.attr in TRIANGLES for node in ast.walk(value)
        ):
            return where
    return line


def _definitions(tree: ast.Module) -> Iterator[tuple[int, str, ast.AST]]:
    """Yield line, name and value of every `self.name = value` and `self.register_buffer("name", value)`."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if _own(target):
                        yield node.lineno, target.attr, value  # type: ignore[attr-defined]
            case ast.AnnAssign(
                target=ast.Attribute(attr=name, value=ast.Name("self")), value=ast.expr() as value
            ):
                yield node.lineno, name, value
            case ast.Call(
                func=ast.Attribute(attr="register_buffer"), args=[ast.Constant(str() as name), value, *_]
            ):
                yield node.lineno, name, value


def _own(node: ast.AST) -> bool:
    """Whether a node is `self.something`."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _at(node: ast.AST, line: int) -> bool:
    return getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)
