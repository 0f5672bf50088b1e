"""Where something was left out: the line a learner has to edit, where the trace shows only what came of it. Judge side.

A map was left out where its input got another name or was handed on, a softmax where the scores did. Called by
`diagnosis` and `masks`.
"""

from __future__ import annotations

import ast
import re

from mha_drill.judge.assessment import Assessment
from mha_drill.judge.lines.exchanged import side_of
from mha_drill.judge.lines.handed import beside
from mha_drill.judge.lines.statements import (
    Function,
    Given,
    called_function,
    covers,
    function_at,
    given,
    last_given,
    names_in,
    statement_at,
)
from mha_drill.judge.names import role
from mha_drill.judge.parsing import nodes_of, tree_of
from mha_drill.judge.recording import Call
from mha_drill.judge.sides import operands


def unprojected_line(source: str, assessment: Assessment, letter: str) -> int | None:
    """Return where an input was taken for a query, key or value as it is: where it first goes on, under any name."""
    recording, roles = assessment.recording, assessment.roles
    assert roles is not None
    number = operands(recording, assessment.wiring, roles).get(letter)
    call: Call = roles.weighs[0] if letter == "v" else roles.scores[0]
    while number is not None and (maker := recording.producer.get(number)) is not None:
        call = maker
        number = next((item for item in maker.inputs if recording.content[item]), None)
    made = [item.call for item in assessment.wiring.projections if item.index >= 0]
    line = next(
        (found for other in made if (found := beside(source, call, other)) is not None), call.outermost
    )
    return renamed_line(source, line, letter) or _renamed_later(source, line, letter) or line


def _is_alias(value: ast.expr) -> bool:
    """Whether an expression is a plain name, or one of two."""
    if isinstance(value, ast.IfExp):
        return isinstance(value.body, ast.Name) and isinstance(value.orelse, ast.Name)
    return isinstance(value, ast.Name)


def _renamed_later(source: str, line: int | None, letter: str) -> int | None:
    """Return where, after a line, one side is another plain name: `V = X_v`."""
    function = function_at(tree_of(source), line)
    found = [
        item.line
        for item in (given(function) if function is not None and line is not None else ())
        if item.line > (line or 0) and isinstance(item.value, ast.Name) and side_of(item.name) == letter
    ]
    return found[0] if len(found) == 1 else None


def renamed_line(source: str, line: int | None, letter: str) -> int | None:
    """Return where one of the names that a line reads was given another plain name's value: `v = x`."""
    tree = tree_of(source)
    function, statement = function_at(tree, line), statement_at(tree, line)
    if function is None or statement is None or line is None:
        return None
    found = [last_given(function, name, statement.lineno) for name in names_in(statement)]
    aliases = [item for item in found if item is not None and _is_alias(item.value)]
    told = [item for item in aliases if side_of(item.name) == letter] or aliases
    return told[0].line if len(told) == 1 else None


def unweighted_line(source: str, line: int | None) -> int | None:
    """Return where the scores were taken for weights before a line that weighs: `weights = scores`, or a dropout."""
    tree = tree_of(source)
    function, statement = function_at(tree, line), statement_at(tree, line)
    if function is None or statement is None:
        return line
    found = line
    names, before = names_in(statement), statement.lineno
    while True:
        made = [item for name in names if (item := last_given(function, name, before)) is not None]
        made = [item for item in made if side_of(item.name) is None]
        passed = [
            item
            for item in made
            if isinstance(item.value, ast.Name)
            or drops(tree, item.value)
            or _divides(item.value)
            or _only_renames(item)
        ]
        if not passed:
            return found
        last = max(passed, key=lambda item: item.line)
        found, before, names = last.line, last.line, names_in(last.value)


def drops(tree: ast.Module, value: ast.expr) -> bool:
    """Whether an expression is a call of a dropout, by its name or by what the attribute is made as."""
    if not isinstance(value, ast.Call):
        return False
    name = getattr(value.func, "attr", getattr(value.func, "id", ""))
    made = (item.value for item in nodes_of(tree) if isinstance(item, ast.Assign) and name in _named(item))
    return "drop" in name.lower() or any("Dropout" in ast.unparse(item) for item in made)


def _named(statement: ast.Assign) -> list[str]:
    return [target.attr for target in statement.targets if isinstance(target, ast.Attribute)]


def _only_renames(item: Given) -> bool:
    """Whether a name is made of others without a product, and is none of them: `weights = scores / root`."""
    told = ast.unparse(item.value)
    cast = isinstance(item.value, ast.Call) and re.search(
        r"\.(to|type|float|double)$", ast.unparse(item.value.func)
    )
    if not isinstance(item.value, ast.BinOp) and not cast:
        return False
    return item.name not in names_in(item.value) and not re.search(r"@|matmul|einsum|bmm|softmax|exp\(", told)


def _divides(value: ast.expr) -> bool:
    """Whether an expression divides by a sum, and takes no exponentials."""
    text = ast.unparse(value)
    return (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Div)
        and re.search(r"\bsum\(", text) is not None
        and "exp" not in text
    )


def unmasked_line(source: str, name: str, start: int) -> int | None:
    """Return where a function that takes a mask is called without the one that its caller has."""
    tree = tree_of(source)
    for node in nodes_of(tree):
        match node:
            case ast.If(test=test, body=[*_, ast.Pass(lineno=line)]) if any(
                role(item) == "mask" for item in names_in(test)
            ):
                return line
    for function in [node for node in nodes_of(tree) if isinstance(node, Function)]:
        own = {item.arg for item in (*function.args.args, *function.args.kwonlyargs)}
        if name not in own or function.end_lineno is None or function.end_lineno < start:
            continue
        for node in ast.walk(function):
            called = called_function(tree, node) if isinstance(node, ast.Call) else None
            if called is None or not isinstance(node, ast.Call) or called is function:
                continue
            wanted = [item.arg for item in called.args.args if item.arg not in ("self", "cls")]
            masks = [
                item
                for item in (*wanted, *(each.arg for each in called.args.kwonlyargs))
                if role(item) == "mask"
            ]
            if masks and not _hands_on(node, wanted, masks[0]):
                return node.lineno
    return None


def _hands_on(node: ast.Call, wanted: list[str], mask: str) -> bool:
    """Whether a call gives the parameter called `mask` anything but None."""
    if any(isinstance(item, ast.Starred) for item in node.args) or any(
        item.arg is None for item in node.keywords
    ):
        return True
    value = next((item.value for item in node.keywords if item.arg == mask), None)
    if value is None and mask in wanted and len(node.args) > wanted.index(mask):
        value = node.args[wanted.index(mask)]
    return value is not None and not (isinstance(value, ast.Constant) and value.value is None)


def undropped_line(source: str, definition: int) -> int | None:
    """Return where dropout comes to nothing: a call whose result nobody takes."""
    tree = tree_of(source)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in ast.walk(next((item for item in classes if covers(item, definition)), tree)):
        if isinstance(node, ast.Expr) and drops(tree, node.value):
            return node.lineno
    return None
