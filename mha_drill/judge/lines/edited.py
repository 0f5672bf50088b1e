"""Some mistakes show on one line and are written on another, whatever found them: the last look at a finding's line.

A fill has a name, a mask is made before it is used, what does nothing yet has a body. Called by `diagnosis` when all
findings are known. Judge side.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from mha_drill.judge.findings import Finding
from mha_drill.judge.lines.definitions import TRIANGLES, definition_of
from mha_drill.judge.lines.statements import (
    Function,
    called_function,
    function_at,
    given,
    last_given,
    names_in,
    statement_at,
)
from mha_drill.judge.names import role
from mha_drill.judge.parsing import nodes_of, tree_of

CASTS = frozenset({"to", "type", "type_as", "item", "float", "double"})
FILLING = frozenset(
    {"masked_fill", "masked_fill_", "where", "full", "full_like", "new_full", "fill_", "fill"}
)


# Names of masks that are true where a position may be seen.
KEPT = re.compile(r"see|keep|visib|allow|tril|lower")


def edited(source: str, finding: Finding) -> Finding:
    """Return a finding at the line that has to be edited."""
    if finding.line is None:
        return finding
    if finding.code == "mask-fill-value":
        return replace(finding, line=_fill_line(source, finding.line))
    if finding.code == "mask-inverted":
        return replace(finding, line=_made_line(source, finding.line))
    if finding.code == "missing-scale":
        return replace(finding, line=_unscaled_line(source, finding.line))
    if finding.code == "key-not-transposed":
        return replace(finding, line=_reshaped_line(source, finding.line))
    if finding.code == "batch-mixing":
        return replace(finding, line=_repeated_line(source, finding.line))
    if finding.code in ("softmax-axis", "unstable-softmax"):
        return replace(finding, line=_softmax_line(source, finding.line, finding.code))
    return finding


def body_line(source: str, start: int, name: str = "forward") -> int:
    """Return the line of the last statement of a function, or of a class's `forward`, that starts at a line."""
    for node in nodes_of(tree_of(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.lineno == start:
            inside = [item for item in ast.walk(node) if isinstance(item, ast.FunctionDef)]
            told = [item for item in inside if item is node or item.name in (name, "__call__")]
            if told:
                ends = [item for item in told[-1].body if isinstance(item, ast.Return | ast.Raise | ast.Pass)]
                return (ends or told[-1].body[-1:])[0].lineno
    return start


def _hands_axis(call: ast.Call, helper: Function) -> bool:
    """Whether a call says itself which axis its helper takes."""
    wanted = [item.arg for item in helper.args.args if item.arg not in ("self", "cls")]
    told = [*wanted[: len(call.args)], *(item.arg or "" for item in call.keywords)]
    return any(re.search(r"axis|dim", name) for name in told)


def _reshaped_line(source: str, line: int) -> int:
    """Return where what is multiplied was only reshaped: `kt = k.reshape(B, H, d, S)`."""
    tree = tree_of(source)
    function, statement = function_at(tree, line), statement_at(tree, line)
    for name in names_in(statement) if function is not None and statement is not None else ():
        made = last_given(function, name, line) if function is not None else None
        match made.value if made is not None else None:
            case ast.Call(func=ast.Attribute(value=ast.Name(), attr="reshape" | "view")) if made is not None:
                if role(name) != "q":
                    return made.line
    return line


def _unscaled_line(source: str, line: int) -> int:
    """Return where scores got another name as they are: `scaled = scores`."""
    tree = tree_of(source)
    function, statement = function_at(tree, line), statement_at(tree, line)
    if function is None or not isinstance(statement, ast.Assign):
        return line
    made = {
        item.id for target in statement.targets for item in ast.walk(target) if isinstance(item, ast.Name)
    }
    renamed = [
        item.line
        for item in given(function)
        if isinstance(item.value, ast.Name)
        and "scal" in item.name
        and (item.line < line or item.value.id in made)
    ]
    return renamed[0] if renamed else line


def _softmax_line(source: str, line: int, code: str) -> int:
    """Return where a softmax takes its axis or its exponentials: as a layer is made, or in a helper of the file's."""
    tree = tree_of(source)
    statement = statement_at(tree, line)
    for node in ast.walk(statement) if statement is not None else ():
        if code == "softmax-axis" and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            layer = isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
            made = definition_of(source, node.func.attr) if layer else None
            if made is not None and re.search(
                r"Softmax\(.", "".join(source.splitlines()[made - 1 : made + 1])
            ):
                return made
        helper = called_function(tree, node) if isinstance(node, ast.Call) else None
        if (
            helper is not None
            and isinstance(node, ast.Call)
            and code == "softmax-axis"
            and _hands_axis(node, helper)
        ):
            return line
        if helper is not None and any(".exp" in ast.unparse(item) for item in helper.body):
            wanted = r"\bexp\(" if code == "unstable-softmax" else r"\bsum\("
            return next((item.lineno for item in helper.body if re.search(wanted, ast.unparse(item))), line)
    function = function_at(tree, line)
    if code == "softmax-axis" and function is not None and statement is not None:
        own = {item.arg for item in function.args.args if re.search(r"axis|dim", item.arg)}
        if own & {*names_in(statement)}:
            handed = [
                node.lineno
                for node in nodes_of(tree)
                if isinstance(node, ast.Call)
                and called_function(tree, node) is function
                and _hands_axis(node, function)
            ]
            return handed[0] if len(handed) == 1 else line
        text = ast.unparse(statement)
        if "exp(" in text and "sum(" not in text and "softmax(" not in text:
            later = [item for item in function.body if item.lineno > line and "sum(" in ast.unparse(item)]
            return later[0].lineno if later else line
    return line


def _repeated_line(source: str, line: int) -> int:
    """Return where the mask that a masking goes by was repeated or moved, in the one place where one is."""
    tree = tree_of(source)
    statement = statement_at(tree, line)
    if statement is None or not re.search(r"masked_fill|where\(", ast.unparse(statement)):
        return line
    repeated = [
        node.lineno
        for node in nodes_of(tree)
        if isinstance(node, ast.Assign)
        and re.search(r"\b(repeat|repeat_interleave|tile|flip|roll)\(", ast.unparse(node.value))
        and any(isinstance(item, ast.Name) and role(item.id) in ("mask", "lengths") for item in node.targets)
    ]
    return repeated[0] if len(repeated) == 1 else line


def _fill_line(source: str, line: int) -> int:
    """Return where the number that a masking fills in has its name from."""
    tree = tree_of(source)
    function, statement = function_at(tree, line), statement_at(tree, line)
    if function is None or statement is None:
        return line
    filled: list[ast.expr] = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in FILLING:
            filled += [*node.args[1:], *(item.value for item in node.keywords if item.arg != "mask")]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            filled.append(node.value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            filled += [node.left, node.right]
    made_of = _filled_before(function, statement) if not filled else None
    if made_of is not None:
        return made_of
    for value in filled:
        bare = value.operand if isinstance(value, ast.UnaryOp) else value
        if isinstance(bare, ast.Call) and isinstance(bare.func, ast.Attribute) and bare.func.attr in CASTS:
            bare = bare.func.value
        if isinstance(bare, ast.Constant | ast.Call) and bare.lineno > line and _is_number(bare):
            return bare.lineno
        if isinstance(bare, ast.Name):
            told = last_given(function, bare.id, line)
            if told is not None and _is_number(told.value):
                return told.line
            if (
                told is None
                and role(bare.id) != "mask"
                and bare.id in {item.arg for item in function.args.args}
            ):
                handed = [
                    node.lineno
                    for node in nodes_of(tree)
                    if isinstance(node, ast.Call) and called_function(tree, node) is function
                ]
                return handed[0] if len(handed) == 1 else line
        if isinstance(bare, ast.Attribute) and isinstance(bare.value, ast.Name) and bare.value.id == "self":
            made = definition_of(source, bare.attr)
            if made is not None:
                return made
    return line


def _filled_before(function: Function, statement: ast.stmt) -> int | None:
    """Return where what a statement adds was filled: `mask = full(..., -1.0)`, through up to three names."""
    names, before = names_in(statement), statement.lineno
    for _ in range(3):
        found = [item for name in names if (item := last_given(function, name, before)) is not None]
        filled = [
            item
            for item in found
            if any(
                isinstance(node, ast.Call) and getattr(node.func, "attr", "") in FILLING
                for node in ast.walk(item.value)
            )
        ]
        if filled:
            return filled[0].line
        masks = [item for item in found if role(item.name) == "mask"]
        if not masks:
            return None
        names, before = names_in(masks[0].value), masks[0].line
    return None


def _is_number(value: ast.expr) -> bool:
    """Whether an expression is a number written down, or made of one: nothing of the learner's goes in but a dtype."""
    kinds = {
        node.value.id
        for node in ast.walk(value)
        if isinstance(node, ast.Attribute) and node.attr == "dtype" and isinstance(node.value, ast.Name)
    }
    return not {*names_in(value)} - kinds - {"torch", "np", "numpy", "math", "float"}


def _made_line(source: str, line: int) -> int:
    """Return where the triangle or comparison is made that a masking goes by, where the masking is as it is meant.

    `masked_fill(tril == 0)` is the idiom, and so is adding what `triu` made: then it is the triangle that is turned.
    """
    tree = tree_of(source)
    function, statement = function_at(tree, line), statement_at(tree, line)
    if function is None or statement is None or _makes_mask(statement):
        return line
    text = ast.unparse(statement)
    if re.search(r"== (1|True)\b|!= 0", text):
        return line
    turned = "== 0" in text or "~" in text or "logical_not" in text or ".eq(0)" in text
    for node in ast.walk(statement):
        made: int | None = None
        found: ast.AST | None = None
        if isinstance(node, ast.Name) and (told := last_given(function, node.id, line)) is not None:
            made, found = told.line, told.value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            made = None if KEPT.search(node.attr) and not turned else definition_of(source, node.attr)
            found = None if made is None else statement_at(tree, made)
        elif isinstance(node, ast.Call) and (helper := called_function(tree, node)) is not None:
            inside = [item for item in helper.body if _makes_mask(item)]
            if inside:
                return inside[0].lineno
        kind = "" if found is None else _makes_mask(found)
        if made is not None and kind:
            additive = isinstance(statement, ast.Assign) and "fill" not in text and "where" not in text
            if additive or (turned and kind == "triu") or (not turned and kind in ("tril", "compared")):
                return made
    if not re.search(r"fill|where|\[.*\] =", text):
        makers = [
            node.lineno
            for node in nodes_of(tree)
            if isinstance(node, ast.Assign)
            and _makes_mask(node)
            and not isinstance(node.targets[0], ast.Subscript)
        ]
        return makers[0] if len(makers) == 1 else line
    return line


def _makes_mask(node: ast.AST) -> str:
    """Return `tril`, `triu` or `compared` for what makes a mask of positions, else nothing."""
    for item in ast.walk(node):
        name = (
            getattr(item, "attr", getattr(item, "id", ""))
            if isinstance(item, ast.Attribute | ast.Name)
            else ""
        )
        if name in TRIANGLES:
            return "tril" if name.startswith("tril") else "triu"
    for item in ast.walk(node):
        if isinstance(item, ast.Compare) and isinstance(item.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            return "compared"
    return ""


__all__ = ["body_line", "edited"]
