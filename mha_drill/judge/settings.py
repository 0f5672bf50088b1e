"""Settings that a class reads from its configuration and the file's own dictionary does not hold. Judge side.

The drill fills in whatever a configuration is asked for, so only the source shows that the file's own cannot do it.
Called by `ruling` before a submission is diagnosed.
"""

from __future__ import annotations

import ast

from mha_drill.judge.findings import Finding

# With so many settings in common a dictionary is meant for the class.
LEAST_SHARED = 3


def unset_setting(source: str, name: str) -> Finding | None:
    """Return the first setting that the constructor of class `name` reads and no dictionary of the file has."""
    tree = ast.parse(source)
    reads = _reads(tree, name)
    keys = {key for key, _ in reads}
    held = [settings for settings in _dictionaries(tree) if len(settings & keys) >= LEAST_SHARED]
    if not held or any(keys <= settings for settings in held):
        return None
    known = frozenset().union(*held)
    key, line = next((key, line) for key, line in reads if key not in known or len(held) > 1)
    return Finding("constructor-error", "load", line, False, detail=f"KeyError: '{key}'")


def _reads(tree: ast.Module, name: str) -> list[tuple[str, int]]:
    """Return the keys, with lines, that a constructor takes from one of its parameters by `parameter["key"]`."""
    found = []
    for node in tree.body:
        for function in node.body if isinstance(node, ast.ClassDef) and node.name == name else []:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                given = {argument.arg for argument in (*function.args.args[1:], *function.args.kwonlyargs)}
                found += [
                    (item.slice.value, item.lineno)
                    for item in ast.walk(function)
                    if isinstance(item, ast.Subscript)
                    and isinstance(item.ctx, ast.Load)
                    and isinstance(item.value, ast.Name)
                    and item.value.id in given
                    and isinstance(item.slice, ast.Constant)
                    and isinstance(item.slice.value, str)
                ]
    return sorted(found, key=lambda item: item[1])


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
    for item in ast.walk(tree):
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
