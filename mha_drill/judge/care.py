"""How long a file is looked at before it passes: by what its source could do. Judge side; for `audit`.

A file of plain attention computes the same whenever and wherever it is asked. One with conditions may do otherwise
where no probe is; one that remembers, draws or reads a clock may do otherwise at a time when nobody looks. What is
taken for more than it is costs a right file some calls, no more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import IntEnum

from mha_drill.judge.parsing import nodes_of, tree_of


class Care(IntEnum):
    """How much is asked of a file: as always; also where no probe is; also for long."""

    USUAL, ELSEWHERE, LONG = 0, 1, 2


_MODULES = frozenset(
    """
    torch math cmath typing typing_extensions numpy einops dataclasses __future__ abc enum collections functools
    copy logging warnings operator string numbers jaxtyping
    """.split()
)
# What brings in other modules, stands between a call and its answer, or is a source of chance, anywhere in a file.
_DOORS = frozenset(
    """
    os sys time random threading datetime signal secrets uuid gc ctypes inspect builtins importlib weakref itertools
    lru_cache cache cached_property singledispatch multiprocessing subprocess socket tempfile pathlib contextvars atexit platform resource asyncio sched
    autograd Function library overrides hub jit ops classes package profiler utils Event Generator default_rng
    RandomState default_generator load save from_file fromfile memmap frombuffer data_ptr storage untyped_storage
    __import__ eval exec compile globals locals vars id hash open input setattr delattr dir iter next memoryview type
    deque Counter defaultdict OrderedDict ChainMap
    """.split()
)
# The same of what a call does: a constructor and the lines beside the definitions draw and fill.
_DEEDS = frozenset(
    """
    rand rand_like randint randn randn_like randperm normal bernoulli multinomial empty empty_like new_empty
    manual_seed seed grad grad_fn backward register_buffer register_parameter register_module add_module
    load_state_dict state_dict getattr copyto put
    """.split()
)
_FILLS = frozenset("append extend insert pop popitem update setdefault remove discard clear add".split())
_DUNDER = frozenset({"__init__", "__post_init__", "__repr__", "__name__", "__call__", "__class__", "__all__"})
_DECORATORS = frozenset({"staticmethod", "classmethod", "property", "dataclass", "abstractmethod", "no_grad"})
_UNUSUAL = (
    *(ast.Try, ast.With, ast.Delete, ast.Yield, ast.YieldFrom, ast.Global, ast.Nonlocal, ast.Await),
    *(ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Match),
)
# What says yes or no of something that a probe need not have: built-in functions, and words of torch.
_FUNCTIONS = frozenset({"isinstance", "hasattr", "min", "max", "bool", "divmod", "sorted", "abs"})
_WORDS = frozenset(
    """
    is_contiguous stride storage_offset equal is_grad_enabled is_inference_mode_enabled is_inference is_leaf
    is_floating_point detach data requires_grad
    """.split()
)
_SMALL = 4


def care_of(source: str) -> Care:
    """Return how long a source asks to be looked at."""
    tree = tree_of(source)
    run = [node for node in tree.body if not _demo(node)]
    nodes = [inner for node in run for inner in ast.walk(node)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.Lambda)]
    bodies = [list(ast.walk(node)) for node in functions if getattr(node, "name", "") != "__init__"]
    called = [inner for body in bodies for inner in body]
    if any(map(_lasting, nodes)) or any(_word(node) in _DEEDS for node in called) or _remembers(nodes, called):
        return Care.LONG
    chosen = (found for node in functions for found in _choices(node))
    return Care.ELSEWHERE if any(chosen) else Care.USUAL


def _demo(node: ast.stmt) -> bool:
    """Whether a statement runs only where the file is a program."""
    return isinstance(node, ast.If) and "__main__" in ast.dump(node.test)


def _word(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _lasting(node: ast.AST) -> bool:
    """Whether something opens a door: to other modules, to chance, to what stands behind the names."""
    match node:
        case ast.Import(names=names):
            return any(alias.name.partition(".")[0] not in _MODULES for alias in names)
        case ast.ImportFrom(module=module, names=names):
            return (module or "").partition(".")[0] not in _MODULES or any(
                alias.name in _DOORS | _DEEDS or alias.name == "*" for alias in names
            )
        case ast.Attribute(attr=word) | ast.Name(id=word):
            return word in _DOORS or _hidden(word) or "hook" in word or word.startswith(("set_", "get_rng"))
        case ast.FunctionDef():
            given = [*node.args.defaults, *(item for item in node.args.kw_defaults if item is not None)]
            return (
                _decorated(node)
                or _hidden(node.name)
                or any(isinstance(item, ast.Call | ast.List | ast.Dict | ast.Set) for item in given)
            )
        case ast.ClassDef():
            return bool(node.keywords) or _decorated(node)
        case ast.keyword(arg="out"):
            return True
    return isinstance(node, _UNUSUAL)


def _hidden(word: str) -> bool:
    return word.startswith("__") and word.endswith("__") and word not in _DUNDER


def _decorated(node: ast.FunctionDef | ast.ClassDef) -> bool:
    plain = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    return any(_word(item) not in _DECORATORS for item in plain)


def _remembers(nodes: list[ast.AST], called: list[ast.AST]) -> bool:
    """Whether a call leaves something behind that a later one reads, or something is put in another's place."""
    read = {node.attr for node in called if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    own = {id(node) for node in called}
    aliases = {
        target.id
        for node in called
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute | ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    local = {node.id for node in called if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    local |= {node.arg for node in called if isinstance(node, ast.arg)} - {"self"}
    for node in nodes:
        match node:
            case ast.AugAssign(target=ast.Attribute()) if id(node) in own:
                return True
            case ast.AugAssign(target=ast.Name(id=name)) if id(node) in own and name in aliases:
                return True
            case ast.Attribute(value=value, attr=name, ctx=ast.Store()):
                if _word(value) != "self" or (id(node) in own and name in read):
                    return True
            case ast.Subscript(value=value, ctx=ast.Store()) if id(node) in own:
                if _root(value) not in local - aliases:
                    return True
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if id(node) in own:
                in_place = name in _FILLS or (name.endswith("_") and not name.endswith("__"))
                if in_place and _root(value) not in local - aliases:
                    return True
    return False


def _root(node: ast.AST) -> str:
    """Return the name that attributes and items are taken of; nothing where that is `self` or a call."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) and node.id != "self" else ""


def _choices(function: ast.AST) -> Iterator[bool]:
    """Yield for each word of a function whether it chooses by what a probe need not have: a size, a type, a mode."""
    refused = {
        id(inner)
        for node in ast.walk(function)
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.If) and all(isinstance(item, ast.Raise) for item in node.body) and not node.orelse)
        for inner in ast.walk(node)
    }
    arguments = {id(inner) for inner in ast.walk(getattr(function, "args", ast.Pass()))}
    for node in ast.walk(function):
        if id(node) in refused or id(node) in arguments:
            continue
        match node:
            case ast.Compare(left=left, comparators=[ast.Constant(value=value)]):
                yield value is not None and not (value in (0, 1, 2, 3, 4) and "mask" in ast.dump(left).lower())
            case ast.Compare() | ast.While():
                yield True
            case ast.Constant(value=int() as number) if number is not True and number is not False:
                yield number > _SMALL
            case ast.Name(id=word):
                yield word in _FUNCTIONS
            case ast.Attribute(attr=word):
                yield word in _WORDS
