"""Where what a wrong line uses is made: the line a learner has to change. Judge side.

A factor, a triangle or a weight is often made in the constructor and used below; the trace only shows the use.
Called by `numbers` and `gradients`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mha_drill.judge.lines.statements import function_at, last_given, names_in, statement_at
from mha_drill.judge.parsing import nodes_of, tree_of
from mha_drill.judge.recording import Call, Recording

TRIANGLES = frozenset({"tril", "triu", "tril_", "triu_", "tril_indices", "triu_indices"})
COMPARISONS = frozenset(
    """
    lt le gt ge __lt__ __le__ __gt__ __ge__ less less_equal greater greater_equal
    """.split()
)


def definition_of(source: str, attribute: str, start: int = 0) -> int | None:
    """Return the line that gives `self.attribute` its value, where exactly one does; of the class at line `start`."""
    tree = tree_of(source)
    owner = next(
        (node for node in tree.body if isinstance(node, ast.ClassDef) and node.lineno == start), tree
    )
    found = [(line, value) for line, name, value in _definitions(owner) if name == attribute]
    if len(found) != 1:
        return None
    line, value = found[0]
    copied = [
        node.lineno
        for node in ast.walk(value)
        if isinstance(node, ast.ListComp | ast.GeneratorExp)
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(node.left, ast.List))
    ]
    return copied[0] if copied else line


def definition_path(source: str, name: str, start: int) -> int | None:
    """Return the line that makes `attribute.weight`: in the class of the attribute, where that is one of the file's."""
    tree = tree_of(source)
    first, _, rest = name.partition(".")
    if rest:
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        for _, attribute, value in _definitions(tree):
            made = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
            if attribute == first and made in classes:
                inner = definition_of(source, rest.split(".")[0], classes[made].lineno)
                if inner is not None:
                    return inner
    return definition_of(source, first, start) or definition_of(source, first)


def factor_line(source: str, line: int) -> int:
    """Return where the factor of a scaling is made: where `line` scales by `self.scale` or by a name alone."""
    tree = tree_of(source)
    made = {name: (where, value) for where, name, value in _definitions(tree)}
    for factor, divides in _factors(tree, line):
        if isinstance(factor, ast.Attribute) and _own(factor) and factor.attr in made:
            where, value = made[factor.attr]
            handed = isinstance(value, ast.Name) and value.id == factor.attr
            once = sum(item.attr == factor.attr for item in _read_of_self(function_at(tree, line))) == 1
            meant = not (divides and INVERSE.search(ast.unparse(value)))
            if handed and (made_at := _handed_factor(tree, factor, made)) is not None:
                return made_at
            return where if once and meant and _is_factor(factor.attr, value) and not handed else line
        if (handed_at := _handed_factor(tree, factor, made)) is not None:
            return handed_at
        function = function_at(tree, line)
        if isinstance(factor, ast.Name) and function is not None:
            told = last_given(function, factor.id, line)
            read = [
                item.lineno
                for item in ast.walk(function)
                if isinstance(item, ast.Name) and item.id == factor.id
            ]
            once = len(set(read)) == len(read)
            own = told is not None and once and not isinstance(told.value, ast.Name)
            if told is not None and own and _is_factor(told.name, told.value):
                return told.line
        elif factor.lineno > line:
            return factor.lineno
    return line


# A factor to multiply with, and not to divide by.
INVERSE = re.compile(r"\*\* ?\(?-|\b1(\.0?)? /|rsqrt")


def _handed_factor(tree: ast.Module, factor: ast.expr, made: dict[str, tuple[int, ast.AST]]) -> int | None:
    """Return where a class is made with the width that its factor is the root of: `Attention(d_model)`."""
    own = [node.attr for node in ast.walk(factor) if isinstance(node, ast.Attribute) and _own(node)]
    where, value = made.get(own[0], (0, None)) if len(own) == 1 else (0, None)
    rooted = re.search(r"sqrt|0\.5", ast.unparse(factor)) or (own and _is_factor(own[0], ast.Constant(0)))
    if not isinstance(value, ast.Name) or not rooted:
        return None
    owner = next((node.name for node in tree.body if isinstance(node, ast.ClassDef) and _at(node, where)), "")
    calls = [
        node.lineno
        for node in nodes_of(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == owner and owner
    ]
    return calls[0] if len(calls) == 1 else None


SCALING_METHODS = frozenset({"mul", "mul_", "div", "div_", "divide", "multiply", "true_divide"})


def _factors(tree: ast.Module, line: int) -> Iterator[tuple[ast.expr, bool]]:
    """Yield what a line scales by, an operand, an argument, or the `alpha` of a product; and whether it divides."""
    for node in nodes_of(tree):
        if not _at(node, line):
            continue
        match node:
            case ast.BinOp(left=ast.Constant()):
                continue  # `1 / self.scale` is another factor than that one
            case ast.BinOp(op=ast.Mult() | ast.Div() as operator):
                yield node.right, isinstance(operator, ast.Div)
            case ast.AugAssign(op=ast.Mult() | ast.Div() as operator):
                yield node.value, isinstance(operator, ast.Div)
            case ast.Call(func=ast.Attribute(attr=name), args=[*_, last]) if name in SCALING_METHODS:
                yield last, "div" in name
            case ast.Call(keywords=keywords):
                yield from ((item.value, False) for item in keywords if item.arg == "alpha")


def _read_of_self(function: ast.AST | None) -> list[ast.Attribute]:
    """Return what a function reads of its instance."""
    nodes = [] if function is None else list(ast.walk(function))
    return [node for node in nodes if isinstance(node, ast.Attribute) and _own(node)]


def _is_factor(name: str, value: ast.AST) -> bool:
    """Whether an attribute is made to scale by, and not a size that the scaling line should have taken the root of."""
    powers = (
        isinstance(node, ast.Pow) or getattr(node, "attr", "") in ("sqrt", "rsqrt")
        for node in ast.walk(value)
    )
    return bool(re.search(r"scal|factor|temper|root|sqrt", name.lower())) or any(powers)


def triangle_line(source: str, recording: Recording, masking: Call | None, line: int | None) -> int | None:
    """Return where what a masking goes by is made: cut wrongly, a triangle or a comparison, or in the constructor."""
    if line is None:
        return line
    tree = tree_of(source)
    if masking is not None and (cut := _cut_line(tree, line)) is not None:
        return cut
    made = [
        call
        for call in recording.calls
        if call.short in TRIANGLES | COMPARISONS
        and call.outputs
        and call.line is not None
        and not any(recording.content[number] for number in call.inputs)
        and (masking is None or any(recording.depends(number, {*call.outputs}) for number in masking.inputs))
    ]
    triangles = [call for call in made if call.short in TRIANGLES] or made
    if triangles:
        return triangles[-1].line
    names = attributes_behind(tree, line)
    for _, name, value in _definitions(tree):
        for node in ast.walk(value) if name in names else ():
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in TRIANGLES:
                return node.func.end_lineno
    return line


def attributes_behind(tree: ast.Module, line: int) -> set[str]:
    """Return the attributes of the instance that a line reads, or that made the names it reads."""
    function, statement = function_at(tree, line), statement_at(tree, line)
    if function is None or statement is None:
        return set()
    given = [last_given(function, name, statement.lineno) for name in names_in(statement)]
    parts = [statement, *(item.value for item in given if item is not None)]
    return {node.attr for part in parts for node in ast.walk(part) if _own(node)}  # type: ignore[attr-defined]


def _cut_line(tree: ast.Module, line: int) -> int | None:
    """Return the line that cuts a triangle one off, `mask[1 : T + 1, :T]`: a masking, or what names its mask."""
    function, statement = function_at(tree, line), statement_at(tree, line)
    if function is None or statement is None:
        return None
    given = [last_given(function, name, statement.lineno) for name in names_in(statement)]
    for where, node in ((line, statement), *((item.line, item.value) for item in given if item is not None)):
        for part in ast.walk(node):
            if isinstance(part, ast.Slice) and part.lower is not None and part.upper is not None:
                ones = [item for item in ast.walk(part) if isinstance(item, ast.Constant) and item.value == 1]
                if ones:
                    return where
    return None


def _definitions(tree: ast.AST) -> Iterator[tuple[int, str, ast.AST]]:
    """Yield line, name and value of every `self.name = value` and `self.register_buffer("name", value)`."""
    for node in nodes_of(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    for item in target.elts if isinstance(target, ast.Tuple) else [target]:
                        if _own(item):
                            yield node.lineno, item.attr, value  # type: ignore[attr-defined]
            case ast.AnnAssign(
                target=ast.Attribute(attr=name, value=ast.Name("self")), value=ast.expr() as value
            ):
                yield node.lineno, name, value
            case ast.FunctionDef(
                name=name, decorator_list=[ast.Name("property"), *_], body=[*_, ast.Return() as last]
            ) if last.value is not None:
                yield last.lineno, name, last.value
            case ast.Call(
                func=ast.Attribute(attr="register_buffer"), args=[ast.Constant(str() as name), value, *_]
            ):
                yield node.lineno, name, value


def _own(node: ast.AST) -> bool:
    """Whether a node is `self.something`."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _at(node: ast.AST, line: int) -> bool:
    return getattr(node, "lineno", 0) <= line <= (getattr(node, "end_lineno", 0) or 0)
