"""Statements of a source as the search for a line needs them: which stands where, and what gave a name its value.

Called by the other modules of this room, which look for the line a learner has to change. Judge side.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mha_drill.judge.parsing import nodes_of, taken_apart

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Given:
    """A name given a value: by which statement, and by which part of it where a tuple is taken apart."""

    name: str
    value: ast.expr
    line: int


def covers(node: ast.AST, line: int) -> bool:
    """Whether a node stands on a line, or around it."""
    return getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)


def function_at(tree: ast.Module, line: int | None) -> Function | None:
    """Return the innermost function around a line."""
    found = [node for node in nodes_of(tree) if isinstance(node, Function) and line and covers(node, line)]
    return max(found, key=lambda node: node.lineno, default=None)


def statement_at(tree: ast.Module, line: int | None) -> ast.stmt | None:
    """Return the innermost statement around a line."""
    found = [node for node in nodes_of(tree) if isinstance(node, ast.stmt) and line and covers(node, line)]
    return min(found, key=lambda node: (node.end_lineno or 0) - node.lineno, default=None)


def names_in(node: ast.AST) -> list[str]:
    """Return the plain names that an expression or statement reads, each once."""
    read = (
        item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load)
    )
    return [name for name in dict.fromkeys(read) if name != "self"]


def given(function: ast.AST) -> Iterator[Given]:
    """Yield every name that a function gives a value, in order; what only stands in for a missing argument aside."""
    for node in _plain_statements(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _named(target, node.value, node.lineno)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _named(node.target, node.value, node.lineno)


def last_given(function: ast.AST, name: str, before: int) -> Given | None:
    """Return what gave a name its value before a line."""
    found = [item for item in given(function) if item.name == name and item.line < before]
    return found[-1] if found else None


def _plain_statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a function in order, without those of functions in it and of `if x is None:`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.If) and _is_none(child.test):
            continue
        yield from _plain_statements(child)


def _is_none(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is)


def _named(target: ast.expr, value: ast.expr, line: int) -> Iterator[Given]:
    for item, part in taken_apart(target, value):
        if isinstance(item, ast.Name):
            yield Given(item.id, part, line)


def called_function(tree: ast.Module, node: ast.Call) -> Function | None:
    """Return the function of the file that a call runs: by its name, or the `forward` of what an attribute holds."""
    name = str(getattr(node.func, "attr", getattr(node.func, "id", "")))
    classes = {item.name: item for item in tree.body if isinstance(item, ast.ClassDef)}
    if isinstance(node.func, ast.Attribute):
        holder = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        if holder not in ("self", "cls", *classes):
            return None  # a method of a tensor or a module's function, whatever else is called so
    for item in nodes_of(tree):
        if isinstance(item, Function) and item.name == name:
            return item
    for item in nodes_of(tree):
        match item:
            case ast.Assign(targets=[ast.Attribute(attr=attr)], value=ast.Call(func=ast.Name(kind))) if (
                attr == name and kind in classes
            ):
                methods = [each for each in classes[kind].body if isinstance(each, Function)]
                return next((each for each in methods if each.name in ("forward", "__call__")), None)
    return None
