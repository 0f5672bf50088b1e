"""Which of the lines that a call was made through is the one to edit: a helper's or its caller's. Judge side.

A helper that weighs what it is handed is right; who hands it the key is not. Called by `diagnosis`.
"""

from __future__ import annotations

import ast
import re

from mha_drill.judge.lines.exchanged import side_of
from mha_drill.judge.lines.statements import Function, covers, function_at, last_given, names_in, statement_at
from mha_drill.judge.parsing import nodes_of, tree_of
from mha_drill.judge.recording import Call


def stack(call: Call) -> list[int]:
    """Return the lines that a call was made through, the innermost first."""
    return [line for line in (call.line, *call.via) if line is not None]


def handed_line(source: str, call: Call, letter: str) -> int | None:
    """Return the line where what a call takes for one side is chosen: past the helpers whose parameter it is."""
    tree = tree_of(source)
    lines = stack(call)
    for line in lines[:-1]:
        function, statement = function_at(tree, line), statement_at(tree, line)
        if function is None or statement is None:
            return line
        own = {item.arg for item in function.args.args}
        names = [name for name in names_in(statement) if side_of(name) == letter]
        if not names or not all(name in own and last_given(function, name, line) is None for name in names):
            return line
    return lines[-1] if lines else None


def beside(source: str, call: Call, other: Call | None) -> int | None:
    """Return the line of a call in the function that another call is made in, or made through."""
    tree = tree_of(source)
    around: list[Function | None] = [function_at(tree, line) for line in (stack(other) if other else [])]
    inside = [(line, function) for line in stack(call) if (function := function_at(tree, line)) in around]
    # What a lambda or a comprehension does is done where it is called.
    return next((line for line, function in inside[::-1] if function is inside[0][1]), None)


def without_gradient_line(source: str, call: Call) -> int | None:
    """Return the line of the `with torch.no_grad():` that a call is made under."""
    blocks = [
        node
        for node in nodes_of(tree_of(source))
        if isinstance(node, ast.With)
        and any(re.search(r"no_grad|inference_mode", ast.unparse(item.context_expr)) for item in node.items)
    ]
    return next((block.lineno for line in stack(call) for block in blocks if covers(block, line)), None)


def own_line(source: str, call: Call, start: int) -> int | None:
    """Return the first line of a call that stands in the definition at line `start`, the answer, else its own."""
    tree = tree_of(source)
    owner = next((node for node in tree.body if node.lineno == start), None)
    return next((line for line in stack(call) if owner is not None and covers(owner, line)), call.line)
