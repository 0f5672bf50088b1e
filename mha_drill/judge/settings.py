"""What keeps a class from being made by its own file: an unset setting, a misspelt `__init__`. Judge side.

The drill fills in whatever a configuration is asked for, so only the source shows that the file's own cannot do it.
Called by `ruling` before a submission is diagnosed.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mha_drill.judge.findings import Finding
from mha_drill.judge.parsing import nodes_of, tree_of

# With so many settings in common a configuration is meant for the class.
LEAST_SHARED = 3


@dataclass(frozen=True, slots=True)
class Read:
    """A setting that a constructor reads: `config["key"]`, or `config.key` where `dotted`."""

    key: str
    line: int
    dotted: bool


def constructor_finding(source: str, name: str) -> Finding | None:
    """Return why class `name` cannot be made by its own file, as far as the source alone shows it."""
    tree = tree_of(source)
    return _unset_setting(tree, name) or _misspelt_constructor(tree, name)


def _unset_setting(tree: ast.Module, name: str) -> Finding | None:
    """Return the first setting that the constructor of class `name` reads and no configuration of the file has."""
    reads = _reads(tree, name)
    for dotted, configurations in ((False, _dictionaries(tree)), (True, _classes(tree, name))):
        wanted = [read for read in reads if read.dotted == dotted]
        keys = {read.key for read in wanted}
        held = [settings for settings in configurations if len(settings & keys) >= LEAST_SHARED]
        if held and not any(keys <= settings for settings in held):
            nearest = max(held, key=lambda settings: len(settings & keys))
            read = next(read for read in wanted if read.key not in nearest)
            words = f"AttributeError: no attribute '{read.key}'" if dotted else f"KeyError: '{read.key}'"
            return Finding("constructor-error", "load", read.line, False, detail=words)
    return None


# `_init_`, `__int__` and the like: what was meant for `__init__`.
MISSPELT = re.compile(r"_{1,2}(init|int|inti|intit|initi|ini)_{0,2}")


def _misspelt_constructor(tree: ast.Module, name: str) -> Finding | None:
    """Return that class `name` has no `__init__`, but a method that is nearly called so."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            methods = {item.name: item.lineno for item in node.body if isinstance(item, ast.FunctionDef)}
            near = [method for method in methods if MISSPELT.fullmatch(method)]
            if near and "__init__" not in methods:
                words = f"`{near[0]}` is never called: the constructor is `__init__`, two underscores on each side"
                return Finding("constructor-error", "load", methods[near[0]], False, detail=words)
    return None


def _reads(tree: ast.Module, name: str) -> list[Read]:
    """Return what a constructor takes from one of its parameters, in order."""
    found = []
    for node in tree.body:
        for function in node.body if isinstance(node, ast.ClassDef) and node.name == name else []:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                given = {argument.arg for argument in (*function.args.args[1:], *function.args.kwonlyargs)}
                for item in ast.walk(function):
                    match item:
                        case ast.Subscript(ast.Name(bag), ast.Constant(str() as key), ast.Load()) if (
                            bag in given
                        ):
                            found.append(Read(key, item.lineno, False))
                        case ast.Attribute(ast.Name(bag), key, ast.Load()) if bag in given:
                            found.append(Read(key, item.lineno, True))
    return sorted(found, key=lambda read: read.line)


def _dictionaries(tree: ast.Module) -> list[frozenset[str]]:
    """Return the keys of the dictionaries at the top of the file that nothing is put into afterwards."""
    found: dict[str, frozenset[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            keys = [item.value for item in node.value.keys if isinstance(item, ast.Constant)]
            if len(keys) == len(node.value.keys):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = frozenset(key for key in keys if isinstance(key, str))
    for name in _changed(tree):
        found.pop(name, None)
    return list(found.values())


def _changed(tree: ast.Module) -> set[str]:
    """Return the names of what gets or passes on more settings: `c["new"] = 1`, `c.update(...)`, `c | d`, `{**c}`."""
    found: list[ast.expr] = []
    for item in nodes_of(tree):
        match item:
            case ast.Subscript(ctx=ast.Store()) | ast.Attribute(attr="update" | "setdefault" | "copy"):
                found.append(item.value)
            case ast.BinOp(op=ast.BitOr()):
                found += [item.left, item.right]
            case ast.AugAssign(op=ast.BitOr()):
                found += [item.target]
            case ast.Dict():
                found += [value for key, value in zip(item.keys, item.values, strict=True) if key is None]
    return {node.id for node in found if isinstance(node, ast.Name)}


def _classes(tree: ast.Module, name: str) -> list[frozenset[str]]:
    """Return what the plain classes of the file have: fields, methods, what is set in `__init__` or from outside."""
    outside = {
        item.attr
        for item in nodes_of(tree)
        if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store)
    }
    open_ended = any(isinstance(item, ast.Name) and item.id in ("setattr", "vars") for item in nodes_of(tree))
    found = []
    for node in tree.body:
        if (
            not isinstance(node, ast.ClassDef)
            or node.name == name
            or node.bases
            or node.keywords
            or open_ended
        ):
            continue
        own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        dynamic = own & {"__getattr__", "__getattribute__"} or any(
            isinstance(item, ast.Attribute) and item.attr in ("__dict__", "__getattr__")
            for item in ast.walk(node)
        )
        for item in node.body:
            match item:
                case ast.AnnAssign(target=ast.Name(field)):
                    own.add(field)
                case ast.Assign(targets=targets):
                    own |= {target.id for target in targets if isinstance(target, ast.Name)}
        if not dynamic:
            found.append(frozenset(own | outside))
    return found
