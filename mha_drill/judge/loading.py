"""Run the learner's file, statement by statement, and say what it defines. Runner side.

Every statement runs, also after one that raised, so that all that went wrong can be said at once; whether the
file counts as loaded is for the judge to say. What `__main__` guards is left alone, as on any import.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import contextlib
import inspect
import linecache
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from mha_drill.judge.looping import loop_instead_of_vmap, modules_instead_of_scripts

# Attention ready made. A file that takes it where it is there and has a path of its own is run on its own path.
BUILTINS = ("scaled_dot_product_attention", "multi_head_attention_forward")
MODULE = "submission"
_MAKERS = frozenset({"vmap", "partial", "compile", "script"})
LONGEST_NAME, LONGEST_MESSAGE, DEEPEST = 200, 2000, 1000
_FLAGS = sum(getattr(__future__, name).compiler_flag for name in ("annotations",))


@contextlib.contextmanager
def builtin_hidden() -> Iterator[None]:
    """Take the built-in attention away, as on a release that does not have it yet."""
    import torch

    functional = torch.nn.functional
    kept = {name: getattr(functional, name) for name in BUILTINS if hasattr(functional, name)}
    for name in kept:
        delattr(functional, name)
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(functional, name, value)


class Loaded:
    """The module made from the file, the exceptions its statements raised, and what it defines."""

    def __init__(self, path: str, source: str, package: str = "") -> None:
        self.path = path
        self.source = source
        self.module = types.ModuleType(MODULE)
        self.module.__file__ = path
        self.module.__package__ = package
        self.failures: list[dict[str, Any]] = []
        self.tree: ast.Module | None = None

    def run(self) -> dict[str, Any] | None:
        """Run every top-level statement; return what was raised where the file cannot be parsed."""
        loop_instead_of_vmap()
        modules_instead_of_scripts()
        sys.modules[MODULE] = self.module
        linecache.cache[self.path] = (
            len(self.source),
            None,
            self.source.splitlines(keepends=True),
            self.path,
        )
        try:
            self.tree = ast.parse(self.source, self.path)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return describe(error, self.path)
        flags = 0
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                flags |= _FLAGS if any(name.name == "annotations" for name in node.names) else 0
        for node in self.tree.body:
            try:
                code = compile(ast.Module([node], []), self.path, "exec", flags=flags, dont_inherit=True)
                wanted = isinstance(node, ast.ImportFrom) and any(
                    alias.name in BUILTINS for alias in node.names
                )
                with contextlib.nullcontext() if wanted else builtin_hidden():
                    exec(code, self.module.__dict__)
            except BaseException as error:
                self.failures.append(
                    describe(error, self.path) | {"statement": node.lineno, "names": _bound(node)}
                )
        return None

    def definitions(self) -> list[dict[str, Any]]:
        """Return classes and functions the file defines, in order, with their signatures as data."""
        assert self.tree is not None
        found: list[dict[str, Any]] = []
        for node in self.tree.body:
            wraps = self._wrapped(node, {entry["name"] for entry in found})
            name = node.targets[0].id if wraps else _defines(node)  # type: ignore[attr-defined]
            if name is None:
                continue
            value = self.module.__dict__.get(name)
            if not callable(value):
                continue
            uses = sorted({item.id for item in ast.walk(node) if isinstance(item, ast.Name)} - {name})
            entry: dict[str, Any] = {
                "name": name,
                "line": node.lineno,
                "wraps": wraps,
                "uses": uses,
                "attributes": sorted(
                    {item.attr for item in ast.walk(node) if isinstance(item, ast.Attribute)}
                ),
                "doc": (isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)) or "",
            }
            wrapped = _wrapped_class(value) if isinstance(node, ast.ClassDef) else None
            if wrapped is not None:
                shape = _class_shape(wrapped) | {"construct": parameters(value)}
                entry |= {"kind": "class", "module": _is_module(wrapped), **shape}
            elif inspect.isclass(value):
                entry |= {"kind": "class", "module": _is_module(value), **_class_shape(value)}
            else:
                entry |= {"kind": "function", "call": parameters(value), "construct": []}
            found.append(entry)
        return [
            entry
            for entry in found
            if entry["name"]
            not in {later["name"] for later in found if later is not entry and later["line"] > entry["line"]}
        ]

    def _wrapped(self, node: ast.stmt, known: set[str]) -> str:
        """Return the function that a statement makes another one of, as `batched = torch.vmap(attend)` does."""
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Call(func=maker, args=arguments)):
                how = maker.attr if isinstance(maker, ast.Attribute) else getattr(maker, "id", "")
                names = [
                    item.id for each in arguments for item in ast.walk(each) if isinstance(item, ast.Name)
                ]
                made = self.module.__dict__.get(name)
                if how in _MAKERS | known and isinstance(made, types.FunctionType | partial):
                    return next((item for item in names if item in known), "")
        return ""


def _defines(node: ast.stmt) -> str | None:
    """Return the name of the class or function that a statement defines; `f = lambda q, k, v: ...` is one too."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(name)], value=ast.Lambda()):
            return name
    return None


def _wrapped_class(value: Any) -> type | None:
    """Return the class behind a function that a class decorator put in its place."""
    if inspect.isclass(value):
        return None
    cells = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
    return next((item for item in cells if inspect.isclass(item) and item.__module__ == MODULE), None)


def _bound(node: ast.stmt) -> list[str]:
    """Return the names a failed statement would have bound."""
    names: list[str] = []
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    elif isinstance(node, ast.ClassDef | ast.FunctionDef):
        names = [node.name]
    elif isinstance(node, ast.Assign):
        names = [
            item.id for target in node.targets for item in ast.walk(target) if isinstance(item, ast.Name)
        ]
    return names


def _is_module(value: type) -> bool:
    import torch

    return issubclass(value, torch.nn.Module)


def _class_shape(value: type) -> dict[str, Any]:
    import torch

    call = getattr(value, "forward", None)
    if (
        call is None
        or call is torch.nn.Module.forward
        or getattr(call, "__name__", "") == "_forward_unimplemented"
    ):
        call = value.__dict__.get("__call__") or next(
            (
                base.__dict__["__call__"]
                for base in value.__mro__
                if "__call__" in base.__dict__ and base.__module__ == MODULE
            ),
            None,
        )
    fields = {
        name: ""
        for base in value.__mro__
        if base.__module__ == MODULE
        for name in base.__dict__
        if not name.startswith("_")
    }
    construct = value.__dict__.get("__init__") or next(
        (base.__dict__["__init__"] for base in value.__mro__ if "__init__" in base.__dict__), None
    )
    methods = [name for name in fields if callable(getattr(value, name, None))]
    return {
        "construct": [] if construct is object.__init__ else _without_self(parameters(construct)),
        "call": _parameters_of_method(value, call) if call is not None else None,
        "methods": methods,
    }


def _parameters_of_method(owner: type, call: Any) -> list[dict[str, Any]]:
    """Return what a call of an instance's method takes: the first parameter is the instance, if any is."""
    own = inspect.getattr_static(owner, getattr(call, "__name__", ""), None)
    found = parameters(call)
    return found if isinstance(own, staticmethod | classmethod) else _without_self(found)


def parameters(function: Any) -> list[dict[str, Any]]:
    """Return the signature of a callable as data."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    kinds = {
        inspect.Parameter.POSITIONAL_ONLY: "positional_only",
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "both",
        inspect.Parameter.VAR_POSITIONAL: "var_positional",
        inspect.Parameter.KEYWORD_ONLY: "keyword_only",
        inspect.Parameter.VAR_KEYWORD: "var_keyword",
    }
    empty = inspect.Parameter.empty
    found = []
    for item in signature.parameters.values():
        annotation = item.annotation
        label = "" if annotation is empty else _words(partial(_label, annotation), LONGEST_NAME)
        required = item.default is empty and kinds[item.kind] not in ("var_positional", "var_keyword")
        default = item.default if not required and _tellable(item.default) else None
        found.append(
            {
                "name": item.name,
                "kind": kinds[item.kind],
                "required": required,
                "annotation": label,
                "default": default,
            }
        )
    return found


def _label(annotation: Any) -> object:
    return annotation.__name__ if isinstance(annotation, type) else annotation


def _tellable(value: object) -> bool:
    """Whether a default can be told to the judge as it is."""
    if isinstance(value, bool | int | float):
        return not isinstance(value, int) or abs(value) < 2**53
    return isinstance(value, str) and len(value) <= LONGEST_MESSAGE


def _without_self(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return found[1:] if found and found[0]["kind"] in ("both", "positional_only") else found


def describe(error: BaseException, path: str) -> dict[str, Any]:
    """Return an exception as data: its type, its words, and the innermost line of the learner's own file.

    where: the module that raised, so that a refusal inside `subprocess` can be told from one of the file's own.
    """
    frames = [(frame, number) for frame, number in traceback.walk_tb(error.__traceback__)][-DEEPEST:]
    own = [number for frame, number in frames if frame.f_code.co_filename == path]
    line = own[-1] if own else None
    column = None
    if isinstance(error, SyntaxError):
        line, column = _whole(error.lineno), _whole(error.offset)
    return {
        "type": _words(lambda: type(error).__name__, LONGEST_NAME),
        "bases": [_words(partial(getattr, base, "__name__"), LONGEST_NAME) for base in type(error).__mro__],
        "message": _words(lambda: error.msg if isinstance(error, SyntaxError) else error, LONGEST_MESSAGE),
        "line": line,
        "column": column,
        "lines": own,
        "builtin": type(error).__module__ == builtins.__name__,
        "name": _words(lambda: getattr(error, "name", "") or "", LONGEST_NAME),
        "where": _words(lambda: frames[-1][0].f_globals.get("__name__", "") if frames else "", LONGEST_NAME),
    }


def _words(say: Callable[[], object], most: int) -> str:
    """Return what an exception says of itself; its methods are the file's own and may do anything but answer."""
    try:
        return str(str(say())[:most])
    except BaseException:
        return ""


def _whole(number: object) -> int | None:
    return number if type(number) is int and 0 < number < 2**31 else None
