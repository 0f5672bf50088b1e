"""How a function of the submission uses one of its parameters: read off the source. Judge side."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TypeGuard

from mha_drill.judge.names import meaning, role
from mha_drill.judge.parsing import nodes_of, taken_apart, tree_of

SIZES = frozenset({"width", "heads", "head_dim", "kv_heads", "context", "dropout"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


def parameter_of(source: str, name: str, start: int) -> tuple[Function, ast.arg] | None:
    """Return the first function from line `start` on that has a parameter of this name, with that parameter."""
    found = [
        (node, argument)
        for node in nodes_of(tree_of(source))
        if isinstance(node, Function)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if argument.arg == name and argument.lineno >= start
    ]
    return min(found, key=lambda item: item[1].lineno, default=None)


def used_under_other_conditions(function: Function, name: str) -> bool:
    """Whether every use of a parameter stands behind a condition on something else, and there is one at all."""
    uses = list(_uses(function.body, name, free=True))
    return bool(uses) and not any(uses)


def last_use(function: Function, name: str) -> int | None:
    """Return the last line of a function that reads a parameter."""
    lines = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Name) and _reads(node, name)]
    return max(lines, default=None)


def asked_for_sizes(source: str, name: str) -> frozenset[str]:
    """Return the parameters of a class's constructor of which it reads an attribute or item that means a size."""
    found: set[str] = set()
    for node in nodes_of(tree_of(source)):
        if not isinstance(node, ast.ClassDef) or node.name != name:
            continue
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                own = {argument.arg for argument in function.args.args[1:] + function.args.kwonlyargs}
                found |= {bag for bag, size in _asked(function) if bag in own and meaning(size) in SIZES}
    return frozenset(found)


def read_of_keywords(source: str, name: str) -> tuple[str, ...]:
    """Return the keys that a class's constructor reads of its `**keywords`, or a class it hands them to, in order."""
    found: dict[str, None] = {}
    tree = tree_of(source)
    for node in nodes_of(tree):
        for function in node.body if isinstance(node, ast.ClassDef) and node.name == name else []:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__" and function.args.kwarg:
                found |= {key: None for bag, key in _asked(function) if bag == function.args.kwarg.arg}
                found |= dict.fromkeys(_handed_on(tree, function, function.args.kwarg.arg))
    return tuple(key for key in found if not hasattr(dict, key))


def _handed_on(tree: ast.Module, function: ast.FunctionDef, keywords: str) -> Iterator[str]:
    """Yield the fields of the file's own classes that a function makes with its `**keywords`: what may be in them."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for call in ast.walk(function):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        spread = any(
            item.arg is None and isinstance(item.value, ast.Name) and item.value.id == keywords
            for item in call.keywords
        )
        made = classes.get(call.func.id)
        if spread and made is not None:
            named = {item.arg for item in call.keywords}
            yield from (field for field in _fields(made)[len(call.args) :] if field not in named)


def _fields(made: ast.ClassDef) -> list[str]:
    """Return what a class is made with, in order: its constructor's parameters, or the fields of a dataclass."""
    for node in made.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return [argument.arg for argument in (*node.args.args[1:], *node.args.kwonlyargs)]
    fields = [node.target for node in made.body if isinstance(node, ast.AnnAssign)]
    return [field.id for field in fields if isinstance(field, ast.Name)]


LEAST_WEIGHTS = 3


def weights_held(source: str, name: str) -> dict[str, tuple[str, ...]]:
    """Return for each parameter of a function that holds weights, `params["wq"]` or `params.wq`, their names."""
    return _held(source, name, _asked)


def weights_in_order(source: str, name: str) -> dict[str, tuple[str, ...]]:
    """Return the same for weights that are taken out one after another, `wq, wk, wv, wo = weights`."""
    return _held(source, name, _unpacked)


def _held(
    source: str, name: str, read: Callable[[ast.FunctionDef], Iterator[tuple[str, str]]]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for node in tree_of(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            own = {argument.arg for argument in node.args.args + node.args.kwonlyargs}
            for held, key in read(node):
                if held in own and (role(key) in ("weight", "bias") or _letter_of_map(held, key)):
                    found.setdefault(held, {})[key] = None
    return {held: tuple(keys) for held, keys in found.items() if len(keys) >= LEAST_WEIGHTS}


def _unpacked(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield each name with those it is taken apart into."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple | ast.List) else []
                yield from ((node.value.id, name.id) for name in names if isinstance(name, ast.Name))


def _letter_of_map(held: str, key: str) -> bool:
    """Whether the letter of a map is asked of what is called parameters: `params["q"]`."""
    plainly = re.fullmatch(r"p|w|params?|parameters|weights?|theta|variables", held.lower())
    return plainly is not None and re.fullmatch(r"[qkvo]|out|proj|qkv|query|key|value", key) is not None


def rate_is_read(source: str) -> bool:
    """Whether a dropout layer or function is given a rate that is no number of the file's own."""
    tree = tree_of(source)
    nodes = nodes_of(tree)
    parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
    own = {name for node in tree.body for name in _assigned(node)} - parameters
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        rates = [keyword.value for keyword in node.keywords if keyword.arg == "p"]
        if name.endswith("Dropout"):
            rates += node.args[:1]
        elif name.endswith(("F.dropout", "functional.dropout", "torch.dropout")):
            rates += node.args[1:2]
        else:
            continue
        if not all(isinstance(rate, ast.Constant) or getattr(rate, "id", "") in own for rate in rates):
            return True
    return False


def _assigned(node: ast.stmt) -> list[str]:
    """Return the names that a statement assigns to."""
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return [item.id for target in targets for item in ast.walk(target) if isinstance(item, ast.Name)]


def given_to_dropout(source: str) -> frozenset[str]:
    """Return the names that are handed to a dropout layer or function as its rate, also by way of an attribute."""
    nodes = nodes_of(tree_of(source))
    rates = [
        argument
        for node in nodes
        if isinstance(node, ast.Call) and re.search(r"[Dd]ropout$", ast.unparse(node.func))
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
    ]
    kept = {rate.attr for rate in rates if isinstance(rate, ast.Attribute)}
    rates += [
        value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        for one, value in taken_apart(target, node.value)
        if isinstance(one, ast.Attribute) and one.attr in kept and (one is target or value is not node.value)
    ]
    return frozenset(rate.id for rate in rates if isinstance(rate, ast.Name))


def given_to_masking(source: str) -> frozenset[str]:
    """Return the names that decide in a `masked_fill` or `where`, or are added to or multiplied with something."""
    parts: list[ast.expr] = []
    for node in nodes_of(tree_of(source)):
        if isinstance(node, ast.Call) and re.search(r"(masked_fill_?|where)$", ast.unparse(node.func)):
            parts += node.args[:1]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mult | ast.Sub):
            parts += [node.left, node.right]
        elif isinstance(node, ast.AugAssign):
            parts.append(node.value)
    return frozenset(
        name.id
        for part in parts
        for name in ast.walk(part)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    )


def _asked(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield each name with what is read of it by attribute or by a string as its key."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            if isinstance(key, str):
                yield node.value.id, key


def _uses(nodes: list[ast.stmt] | list[ast.AST], name: str, *, free: bool) -> Iterator[bool]:
    """Yield for each use whether it depends on no condition but one on the parameter itself."""
    for node in nodes:
        if isinstance(node, ast.If | ast.IfExp):
            own = any(_reads(part, name) for part in ast.walk(node.test))
            inner = [child for child in ast.iter_child_nodes(node) if child is not node.test]
            yield from _uses(inner, name, free=free and own)
        elif _reads(node, name):
            yield free
        else:
            yield from _uses(list(ast.iter_child_nodes(node)), name, free=free)


def _reads(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)


def weighs_what_was_scored(source: str, score: int | None, weigh: int | None) -> bool:
    """Whether the weighing names a tensor that the scores are made of: `weights @ q`, not `@ v` with v = q."""
    tree = tree_of(source)
    weighing = [node for node in nodes_of(tree) if _is_product(node) and node.lineno == weigh]
    if not weighing or score is None:
        return False
    outer = weighing[0]  # the walk goes from the outside in
    scoring = [
        node for node in nodes_of(tree) if _is_product(node) and node.lineno == score and node is not outer
    ]
    scored = {item.id for node in scoring for item in ast.walk(node) if isinstance(item, ast.Name)}
    last = (
        outer.right
        if isinstance(outer, ast.BinOp)
        else outer.args[-1]
        if isinstance(outer, ast.Call)
        else None
    )
    return isinstance(last, ast.Name) and last.id in scored


def _is_product(node: ast.AST) -> TypeGuard[ast.BinOp | ast.Call]:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
    return name in ("matmul", "bmm", "einsum", "mm", "dot")
