"""Give the identifiers of a source other names and change nothing else: layout and comments stay. Judge side.

A mapping sends plain names (`query`) and attributes (`self.q_proj`) to names of the same kind. Two names may
become one only where the program stays the same: parameters that are only read (the later ones leave the
signature, as for a forward that takes one `x`), and names of which one ends where the next begins
(`q = self.q_proj(query)` as `q = self.q_linear(q)`). `renaming` decides what is wished for.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from mha_drill.judge.parsing import tree_of

ATTRIBUTE = "self."
_WINDING = (
    ast.For, ast.While, ast.AsyncFor, ast.AsyncFunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp, ast.Try, ast.Global, ast.Nonlocal, ast.Delete, ast.NamedExpr, ast.Match, ast.With,
)  # fmt: skip
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(slots=True)
class _Life:
    """Of one name in a function: is it a parameter; which statements first and last store it, which uses it last."""

    parameter: bool = False
    stored: int | None = None
    written: int = -1
    used: int = -1


@dataclass(slots=True)
class _Scope:
    """The names of one outermost function, with their lives where it runs straight down."""

    names: set[str]
    lives: dict[str, _Life] = field(default_factory=dict)
    plain_stores: set[int] = field(default_factory=set)
    parameters: list[ast.arg] = field(default_factory=list)
    node: ast.FunctionDef | None = None


class Names:
    """The identifiers of a source that may be renamed, and which of them stand in each other's way."""

    def __init__(self, source: str) -> None:
        self.tree = tree_of(source)
        nodes = self.nodes = list(ast.walk(self.tree))
        inner: set[ast.AST] = set()
        self.functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        for node in nodes:
            if isinstance(node, _FUNCTIONS) and node not in inner:
                self.functions.append(node)
                inner.update(ast.walk(node))
        self.methods = {node.name for node in nodes if isinstance(node, _FUNCTIONS)}
        self.classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
        self.module = self.methods | self.classes
        self.module |= {node.id for node in nodes if isinstance(node, ast.Name) and node not in inner}
        self.module |= {
            (node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)
        }
        self.scopes = [_scope(node) for node in self.functions]
        self.attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute) and _of_self(node)}
        self.attributes |= self.methods
        self.fixed = self._fixed()

    def _fixed(self) -> set[str]:
        """Return what must keep its name: what others gave it, methods, what a string names, keywords of own calls."""
        fixed = {"self", *self.methods}
        stored = {
            node.attr
            for node in self.nodes
            if isinstance(node, ast.Attribute) and _of_self(node) and isinstance(node.ctx, ast.Store)
        }
        fixed |= {ATTRIBUTE + name for name in self.attributes - stored | self.methods}
        local = {name for scope in self.scopes for name in scope.lives if name not in self.module}
        fixed |= (
            {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)} - local - self.classes
        )
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                fixed.add(ATTRIBUTE + node.value)
            elif isinstance(node, ast.Call) and (
                _of_self(node.func) or (isinstance(node.func, ast.Name) and node.func.id in self.module)
            ):
                fixed |= {item.arg for item in node.keywords if item.arg}
        return fixed

    def knows(self, key: str) -> bool:
        """Whether the source has a renamable identifier of this key."""
        if key in self.fixed or hasattr(builtins, key):
            return False
        if key.startswith(ATTRIBUTE):
            return key.removeprefix(ATTRIBUTE) in self.attributes
        return key in self.classes or any(key in scope.names for scope in self.scopes)

    def conflicts(self, mapping: dict[str, str]) -> list[set[str]]:
        """Return the groups of keys that would become one identifier and may not."""
        found = _doubles({ATTRIBUTE + name for name in self.attributes}, mapping)
        for scope in self.scopes:
            for group in _doubles(scope.names | self.module, mapping):
                if group & self.module or not _may_be_one(scope, group):
                    found.append(group)
        return found if self.scopes else found + _doubles(self.module, mapping)


@lru_cache(maxsize=16)
def names_of(source: str) -> Names:
    """Return the identifiers of a source, read once; nobody changes them."""
    return Names(source)


def _doubles(names: Iterable[str], mapping: dict[str, str]) -> list[set[str]]:
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(mapping.get(name, name), set()).add(name)
    return [group for group in groups.values() if len(group) > 1]


def _of_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def _scope(node: ast.FunctionDef | ast.AsyncFunctionDef) -> _Scope:
    inside = [item for statement in node.body for item in ast.walk(statement)]
    every = [*_parameters(node.args), *(arg for arg in (node.args.vararg, node.args.kwarg) if arg)]
    scope = _Scope(
        {item.id for item in ast.walk(node) if isinstance(item, ast.Name)} | {arg.arg for arg in every}
    )
    scope.lives = {arg.arg: _Life(parameter=True) for arg in every}
    statements = list(_in_order(node.body))
    for number, statement in enumerate(statements):
        for item in _own(statement):
            if isinstance(item, ast.Name):
                life = scope.lives.setdefault(item.id, _Life())
                life.used = number
                if not isinstance(item.ctx, ast.Load):
                    life.stored = number if life.stored is None else life.stored
                    life.written = number
        if isinstance(statement, ast.Assign) and all(
            isinstance(part, ast.Name | ast.Tuple | ast.expr_context)
            for target in statement.targets
            for part in ast.walk(target)
        ):
            scope.plain_stores.add(number)
    scope.lives = {
        name: life for name, life in scope.lives.items() if life.parameter or life.stored is not None
    }
    if isinstance(node, ast.FunctionDef) and not any(
        isinstance(item, (*_WINDING, *_FUNCTIONS)) for item in inside
    ):
        scope.node = node
        if node.name != "__init__":  # what an instance is made with is no one tensor
            scope.parameters = node.args.args[: len(node.args.args) - len(node.args.defaults)]
    return scope


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _in_order(body: list[ast.stmt]) -> Iterable[ast.stmt]:
    for statement in body:
        yield statement
        for part in ("body", "orelse"):
            yield from _in_order(getattr(statement, part, []))


def _own(statement: ast.stmt) -> Iterable[ast.AST]:
    """Yield what a statement does itself, not the statements inside it."""
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, ast.stmt):
            yield from ast.walk(child)


def _may_be_one(scope: _Scope, group: set[str]) -> bool:
    """Whether names of one function may share a name: each ends before, or in the assignment where, the next begins."""
    if scope.node is None or not group <= set(scope.lives):
        return False
    given = [scope.lives[name] for name in group if scope.lives[name].parameter]
    if len(given) > 1 and (
        any(life.stored is not None for life in given) or len(_foldable(scope, group)) != len(given)
    ):
        return False
    spans = [(-1, max(life.written for life in given), max(life.used for life in given))] if given else []
    spans += sorted(
        (life.stored, life.written, life.used)
        for life in (scope.lives[name] for name in group)
        if not life.parameter and life.stored is not None
    )
    return all(
        end < start or (written < end == start and start in scope.plain_stores)
        for (_, written, end), (start, _, _) in pairwise(spans)
    )


def _foldable(scope: _Scope, group: set[str]) -> list[ast.arg]:
    """Return the parameters of a group that can leave a signature: plain ones, on one line with their neighbours."""
    lines = {arg.lineno for arg in scope.parameters}
    return [arg for arg in scope.parameters if arg.arg in group and arg.arg != "self" and len(lines) == 1]


def usable(name: str) -> bool:
    """Whether a name may be given to anything: an identifier, no keyword, no builtin, not private to a class."""
    return (
        name.isidentifier()
        and unicodedata.normalize("NFKC", name) == name
        and not keyword.iskeyword(name)
        and not hasattr(builtins, name)
        and not name.startswith("__")
        and name not in ("self", "_")
    )


def settle(source: str, wishes: list[tuple[str, str, int]]) -> dict[str, str]:
    """Return the wishes (key, name, rank) that can be granted together; in a conflict the highest rank stands back."""
    names = names_of(source)
    granted: dict[str, tuple[str, int]] = {}
    for key, name, rank in wishes:
        if key not in granted and names.knows(key) and usable(name.removeprefix(ATTRIBUTE)):
            granted[key] = (name, rank)
    while True:
        mapping = {key: name for key, (name, _) in granted.items()}
        groups = [group & set(granted) for group in names.conflicts(mapping)]
        if not any(groups):
            return {key: name for key, name in mapping.items() if key != name}
        for group in groups:
            last = max((granted[key][1] for key in group if key in granted), default=None)
            for key in group:
                if key in granted and granted[key][1] == last:
                    del granted[key]


def rename(source: str, mapping: dict[str, str]) -> str:
    """Return the source with its identifiers renamed; every other character stays where it was.

    Raises ValueError for a name that is none, and where the program would not be the same.
    """
    names = names_of(source)
    mapping = {key: name for key, name in mapping.items() if key != name}
    for key, name in mapping.items():
        if not names.knows(key):
            raise ValueError(f"{key} cannot be renamed")
        if key.startswith(ATTRIBUTE) != name.startswith(ATTRIBUTE) or not usable(
            name.removeprefix(ATTRIBUTE)
        ):
            raise ValueError(f"{key} cannot be called {name}")
    if names.conflicts(mapping):
        raise ValueError(f"one name for two: {names.conflicts(mapping)}")
    lines = source.encode().split(b"\n")
    dropped = _dropped(names, mapping)
    changes = [*_places(names, mapping, dropped, lines), *_gaps(names, dropped)]
    for number, start, end, text in sorted(changes, reverse=True):
        lines[number - 1] = lines[number - 1][:start] + text + lines[number - 1][end:]
    renamed = b"\n".join(lines).decode()
    wanted = _Renamed(mapping, {(arg.lineno, arg.col_offset) for arg in dropped}).visit(ast.parse(source))
    if ast.dump(ast.parse(renamed)) != ast.dump(wanted):
        raise ValueError("the renamed source is another program")
    return renamed


def _dropped(names: Names, mapping: dict[str, str]) -> set[ast.arg]:
    """Return the parameters that leave their signature: their name is that of one before them."""
    dropped = set()
    for scope in names.scopes:
        for group in _doubles(scope.names, mapping):
            dropped.update(_foldable(scope, group)[1:])
    return dropped


Change = tuple[int, int, int, bytes]


def _gaps(names: Names, dropped: set[ast.arg]) -> Iterable[Change]:
    for scope in names.scopes:
        for before, arg in pairwise(scope.parameters):
            if arg in dropped:
                yield arg.lineno, before.end_col_offset or 0, arg.end_col_offset or 0, b""


def _places(
    names: Names, mapping: dict[str, str], dropped: set[ast.arg], lines: list[bytes]
) -> Iterable[Change]:
    for node in names.nodes:
        key = _key(node)
        if key not in mapping or node in dropped:
            continue
        old, new = (name.removeprefix(ATTRIBUTE).encode() for name in (key, mapping[key]))
        if isinstance(node, ast.Attribute):
            number, start = node.end_lineno or 0, (node.end_col_offset or 0) - len(old)
        elif isinstance(node, ast.ClassDef):
            found = re.compile(rb"class\s+").match(lines[node.lineno - 1], node.col_offset)
            number, start = node.lineno, found.end() if found else 0
        else:
            assert isinstance(node, ast.Name | ast.arg)
            number, start = node.lineno, node.col_offset
        if lines[number - 1][start : start + len(old)] != old:
            raise ValueError(f"{key} is not where it should be")
        yield number, start, start + len(old), new


def _key(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.ClassDef):
        return node.name
    return f"{ATTRIBUTE}{node.attr}" if isinstance(node, ast.Attribute) and _of_self(node) else ""


class _Renamed(ast.NodeTransformer):
    """The tree as it should read after renaming: what `rename` proves its text by."""

    def __init__(self, mapping: dict[str, str], dropped: set[tuple[int, int]]) -> None:
        self.mapping, self.dropped = mapping, dropped

    def visit(self, node: ast.AST) -> ast.AST:
        """Rename one node and all below it."""
        if isinstance(node, ast.arguments):
            node.args = [arg for arg in node.args if (arg.lineno, arg.col_offset) not in self.dropped]
        self.generic_visit(node)
        name = self.mapping.get(_key(node), "").removeprefix(ATTRIBUTE)
        if name and isinstance(node, ast.Name):
            node.id = name
        elif name and isinstance(node, ast.arg):
            node.arg = name
        elif name and isinstance(node, ast.ClassDef):
            node.name = name
        elif name and isinstance(node, ast.Attribute):
            node.attr = name
        return node


__all__ = ["ATTRIBUTE", "Names", "names_of", "rename", "settle", "usable"]
