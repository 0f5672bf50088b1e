"""Whether a call in a source leaves something behind that a later call reads. Judge side; for `care`.

What is made, filled and drawn while an instance is built is no part of a call. What a call keeps for whoever wants
to look, as weights for a picture, is not read by the next one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import torch

Function = ast.FunctionDef | ast.Lambda

_BUILDERS = frozenset({"__init__", "__post_init__"})
_FILLS = frozenset("append extend insert pop popitem update setdefault remove discard clear add".split())
# Whose functions give a tensor of its own, which may be written into.
_MAKERS = frozenset("torch th F np numpy math".split())


def calling(nodes: Sequence[ast.AST]) -> list[Function]:
    """Return the functions that a call may go through: not those that only build an instance."""
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.Lambda)]
    building = {id(one) for one in functions if getattr(one, "name", "") in _BUILDERS}
    while True:
        within = {id(inner) for one in functions if id(one) in building for inner in ast.walk(one)}
        more = {id(one) for one in functions if _builds(one, nodes, within)} - building
        if not more:
            return [one for one in functions if id(one) not in building]
        building |= more


def _builds(function: Function, nodes: Sequence[ast.AST], within: set[int]) -> bool:
    """Whether a function is only called, or given to `apply`, by those that build."""
    name = getattr(function, "name", "")
    if not name or getattr(function, "decorator_list", []) or hasattr(torch.nn.Module, name):
        return False
    mentions = {id(node) for node in nodes if name in (word(node), getattr(node, "value", None))}
    direct = {
        id(item)
        for node in nodes
        if isinstance(node, ast.Call) and id(node) in within
        for item in (node.func, *(node.args if word(node.func) == "apply" else []))
    }
    return bool(mentions) and mentions <= direct


def remembers(nodes: Sequence[ast.AST], functions: Sequence[Function]) -> bool:
    """Whether a call leaves something behind that a later one reads, or something is put in another's place.

    functions: those of `calling`.
    """
    called = [inner for one in functions for inner in ast.walk(one)]
    selves = {"self", *_selves(nodes)}
    fresh = {id(node) for one in functions for node in _written_first(one, called)}
    read = {
        node.attr
        for node in called
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in fresh
    }
    own, names = {id(node) for node in called}, {getattr(one, "name", "") for one in functions}
    aliases = {
        target.id
        for node in called
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute | ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    local = {node.id for node in called if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    local |= {node.arg for node in called if isinstance(node, ast.arg)} - selves
    local -= aliases
    for node in nodes:
        match node:
            case ast.AugAssign(target=ast.Attribute()) if id(node) in own:
                return True
            case ast.AugAssign(target=ast.Name(id=name)) if id(node) in own and name in aliases:
                return True
            case ast.Attribute(value=value, attr=name, ctx=ast.Store()):
                if word(value) not in selves or (id(node) in own and name in read):
                    return True
            case ast.Subscript(value=value, ctx=ast.Store()) if id(node) in own:
                if _root(value) not in local:
                    return True
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if id(node) in own:
                in_place = name in _FILLS or (name.endswith("_") and not name.endswith("__"))
                if in_place and name not in names and _root(value) not in local and not _made(value, selves):
                    return True
    return False


def word(node: ast.AST | None) -> str:
    """Return the name that a name or an attribute ends in."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _selves(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yield what the methods call their instance."""
    for node in nodes:
        for item in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(item, ast.FunctionDef) and item.args.args and not item.decorator_list:
                yield item.args.args[0].arg


def _written_first(function: Function, called: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield the readings of attributes that this function, and no other, has written just before."""
    body = function.body if isinstance(function, ast.FunctionDef) else []
    inner = list(ast.walk(function))
    elsewhere = {id(node) for node in called} - {id(node) for node in inner}
    for statement in body:
        for target in statement.targets if isinstance(statement, ast.Assign) else ():
            if not isinstance(target, ast.Attribute):
                continue
            same = [node for node in called if isinstance(node, ast.Attribute) and node.attr == target.attr]
            reads = [node for node in same if isinstance(node.ctx, ast.Load)]
            after = statement.end_lineno or statement.lineno
            if not any(id(node) in elsewhere or node.lineno <= after for node in reads):
                yield from reads


def _made(value: ast.AST, selves: set[str]) -> bool:
    """Whether something is the result of a library's function, or of a product of what is local."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    if any(isinstance(node, ast.Attribute) and word(node.value) in selves for node in value.args):
        return False
    return _root(value.func) in _MAKERS or value.func.attr in ("matmul", "mm", "bmm", "clone")


def _root(node: ast.AST) -> str:
    """Return the name that attributes and items are taken of; nothing where that is `self` or a call."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) and node.id != "self" else ""
