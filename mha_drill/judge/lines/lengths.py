"""Where a length was taken from the wrong tensor, of the lines that an exception went through. Judge side."""

from __future__ import annotations

import ast
import re

from mha_drill.judge.lines.statements import (
    Given,
    function_at,
    given,
    last_given,
    names_in,
    statement_at,
)
from mha_drill.judge.names import role
from mha_drill.judge.parsing import tree_of


def length_line(source: str, lines: list[int]) -> int | None:
    """Return where a length was taken from the query, of the lines that an exception about it went through.

    lines: the innermost first. Where a helper is handed the length, it is its caller that has the wrong one.
    """
    tree = tree_of(source)
    for line in lines:
        function, statement = function_at(tree, line), statement_at(tree, line)
        if function is None or statement is None:
            break
        match statement:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(name))]):
                made = last_given(function, name, line)
                if made is not None and isinstance(made.value, ast.Call):
                    return made.line
        found = [last_given(function, name, statement.lineno) for name in names_in(statement)]
        sizes = [item for item in found if item is not None and _is_size(item.value)]
        own = {item.arg for item in function.args.args}
        outer = own | {item.name for item in given(function)}
        single = [item.line for item in sizes if _is_length(item) or outer.isdisjoint(names_in(item.value))]
        single += [
            item.line
            for item in found
            if item is not None
            and isinstance(item.value, ast.Name)
            and (source_of := last_given(function, item.value.id, item.line)) is not None
            and _is_size(source_of.value)
        ]
        if single:
            return single[0]
        named = [item.line for item in given(function) if _is_keys_from_query(item)]
        if named and not sizes:
            return named[0]
        if sizes or not {item.arg for item in function.args.args[2:]} & {*names_in(statement)}:
            return line
    return lines[0] if lines else None


def _is_length(item: Given) -> bool:
    """Whether a name is given one axis of a shape, and not that of the batch."""
    axis = re.search(r"(shape\[|size\()(-?\d)", ast.unparse(item.value))
    return axis is not None and (
        axis[2] != "0" or bool(re.match(r"s(rc)?(_|$|len)|k(ey|v)?(_|$|len)", item.name.lower()))
    )


def _is_keys_from_query(item: Given) -> bool:
    """Whether what is called the keys' length is the query's: `S = query.shape[1]`."""
    keys = re.fullmatch(r"(s|src|k|kv|key|keys|mem\w*)(_?(len|length|seq_?len))?", item.name.lower())
    return bool(keys) and _is_length(item) and {role(name) for name in names_in(item.value)} == {"q"}


def _is_size(value: ast.expr) -> bool:
    """Whether an expression is a shape, or an axis of one."""
    text = ast.unparse(value)
    return bool(
        re.fullmatch(r"[\w.]+\.(shape|size\(\))(\[[^\]]*\])?|[\w.]+\.size\([^()]*\)|len\([\w.]+\)", text)
    )
