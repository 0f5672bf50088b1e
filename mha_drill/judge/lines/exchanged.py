"""Where one thing stands in another's place, by both names: `attention(q, v, k)`. Judge side, for `diagnosis`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mha_drill.judge.lines.statements import (
    Function,
    Given,
    called_function,
    given,
    names_in,
    statement_at,
)
from mha_drill.judge.names import role
from mha_drill.judge.owners import letter_of
from mha_drill.judge.parsing import nodes_of, tree_of
from mha_drill.judge.sides import LETTERS

LONGEST_NAME = 40


def side_of(name: str) -> str | None:
    """Return `q`, `k` or `v` for a name that says one of them, of a map or of a tensor."""
    found = letter_of(name) or role(name)
    return found if found in LETTERS else None


def swapped_line(source: str, letter: str, other: str, used: int | None = None) -> int | None:
    """Return where the side of one letter is made from what bears another's name, and the other way round."""
    tree = tree_of(source)
    crossed = [*_crossed_arguments(tree, {letter, other}), *_crossed_targets(tree, {letter, other})]
    if len(set(crossed)) == 1:
        return crossed[0]
    single = [
        item.line
        for function in nodes_of(tree)
        if isinstance(function, Function)
        for item in given(function)
        if side_of(item.name) == letter and _letters(item.value) == {other}
    ]
    if len(set(single)) == 1:
        return single[0]
    statement = statement_at(tree, used)
    return (
        used
        if statement is not None and other in (told := _letters(statement)) and letter not in told
        else None
    )


def _letters(node: ast.AST) -> set[str | None]:
    return {side_of(name) for name in names_in(node)} - {None}


def _crossed_arguments(tree: ast.Module, sides: set[str]) -> Iterator[int]:
    """Yield the lines of calls that hand two sides to each other's parameter: `attention(q, v, k)`."""
    for node in nodes_of(tree):
        if not isinstance(node, ast.Call):
            continue
        told = [_single(argument) for argument in node.args]
        called = called_function(tree, node)
        wanted: list[str | None] = ["q", "k", "v"]
        if called is not None:
            wanted = [side_of(item.arg) for item in called.args.args if item.arg not in ("self", "cls")]
        if _exchanged(wanted, told, sides):
            yield node.lineno


def _crossed_targets(tree: ast.Module, sides: set[str]) -> Iterator[int]:
    """Yield the lines of assignments that give two sides each other's value: `k, v = v, k`."""
    for node in nodes_of(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            value: ast.expr = node.value
            if isinstance(value, ast.GeneratorExp | ast.ListComp):
                value = value.generators[0].iter
            if isinstance(value, ast.Tuple | ast.List):
                targets = [
                    side_of(item.id) if isinstance(item, ast.Name) else None for item in node.targets[0].elts
                ]
                if _exchanged(targets, [_single(item) for item in value.elts], sides):
                    yield node.lineno


def _exchanged(wanted: list[str | None], told: list[str | None], sides: set[str]) -> bool:
    pairs = set(zip(wanted, told, strict=False))
    one, two = sorted(sides)
    return (one, two) in pairs and (two, one) in pairs


def _single(node: ast.expr) -> str | None:
    """Return the letter of the one side that an expression reads."""
    letters = _letters(node)
    return letters.pop() if len(letters) == 1 else None


def shared_line(source: str, line: int | None, letters: str, weights: frozenset[str]) -> int | None:
    """Return where two sides come to have one map: `self.v = self.k`, `v = k`, or `v` from the map of another letter.

    letters: of the two sides, the one that was found later last.
    """
    tree = tree_of(source)
    for node in nodes_of(tree):
        match node:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name("self"), attr=new)],
                value=ast.Attribute(value=ast.Name("self"), attr=old),
            ) if side_of(new) in (*letters, None) and any(
                name.split(".")[0] in (new, old) for name in weights
            ):
                return node.lineno
    sides = {*letters}
    told = [
        item.line
        for function in nodes_of(tree)
        if isinstance(function, Function)
        for item in given(function)
        if side_of(item.name) in sides and _taken_from(item) in sides - {side_of(item.name)}
    ]
    return told[0] if len(set(told)) == 1 else _picked_twice(tree, letters) or line


def _picked_twice(tree: ast.Module, letters: str) -> int | None:
    """Return where two sides are the same part of something: `q, k, v = parts[0], parts[0], parts[2]`."""
    for function in nodes_of(tree):
        parts: dict[str | None, str] = {}
        for item in given(function) if isinstance(function, Function) else ():
            if isinstance(item.value, ast.Subscript) and (side := side_of(item.name)) in {*letters}:
                part = ast.unparse(item.value)
                if any(part == other for letter, other in parts.items() if letter != side):
                    return item.line
                parts[side] = part
    return None


def _taken_from(item: Given) -> str | None:
    """Return the side that a name's value is another's of.

    `values = keys`, `v = self.k_map(v)`, `v = x @ wk`, `project("k", v)`.
    """
    if isinstance(item.value, ast.Name):
        return side_of(item.value.id)
    said = [node.attr for node in ast.walk(item.value) if isinstance(node, ast.Attribute)]
    said += [
        node.value
        for node in ast.walk(item.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    said += [name for name in names_in(item.value) if role(name) == "weight"]
    letters = {side_of(name) for name in said if len(name) < LONGEST_NAME} - {None}
    return letters.pop() if len(letters) == 1 else None
