"""How long a file is looked at before it passes: by what its source could do. Judge side; for `audit`.

A file of plain attention computes the same whenever and wherever it is asked. One with conditions may do otherwise
where no probe is; one that remembers, draws or reads a clock may do otherwise at a time when nobody looks. What is
taken for more than it is costs a right file some calls, no more.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import IntEnum

from mha_drill.judge.parsing import tree_of
from mha_drill.judge.remembering import calling, remembers, word


class Care(IntEnum):
    """How much is asked of a file: as always; also where no probe is; also for long."""

    USUAL, ELSEWHERE, LONG = 0, 1, 2


_MODULES = frozenset(
    """
    torch math cmath typing typing_extensions numpy einops dataclasses __future__ abc enum collections functools
    copy logging warnings operator string numbers jaxtyping types
    """.split()
)
# What brings in other modules, stands between a call and its answer, or is a source of chance, in a library's name
# or of a library's module.
_DOORS = frozenset(
    """
    os sys time random threading datetime signal secrets uuid gc ctypes inspect builtins importlib weakref itertools
    lru_cache cache cached_property singledispatch multiprocessing subprocess socket tempfile pathlib contextvars
    atexit platform resource asyncio sched autograd Function library overrides hub jit ops classes package profiler
    utils Event Generator default_rng RandomState default_generator load save from_file fromfile memmap frombuffer
    data_ptr storage untyped_storage deque Counter defaultdict OrderedDict ChainMap FunctionType CodeType MethodType
    ModuleType
    """.split()
)
# The same of what is there without an import.
_OPEN = frozenset(
    """
    __import__ eval exec compile globals locals vars id hash open input setattr delattr dir iter next memoryview type
    """.split()
)
# The same of what a call does: a constructor and the lines beside the definitions draw and fill.
_DEEDS = frozenset(
    """
    rand rand_like randint randn randn_like randperm normal bernoulli multinomial manual_seed seed grad grad_fn
    backward register_buffer register_parameter register_module add_module load_state_dict state_dict copyto put
    """.split()
)
_DUNDER = frozenset(
    {"__init__", "__post_init__", "__repr__", "__name__", "__call__", "__class__", "__all__", "__constants__"}
)
_DECORATORS = frozenset({"staticmethod", "classmethod", "property", "dataclass", "abstractmethod", "no_grad"})
_UNUSUAL = (
    *(ast.Try, ast.Global, ast.Nonlocal, ast.Await),
    *(ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Match),
)
# What says yes or no of something that a probe need not have: built-in functions, and words of torch.
_FUNCTIONS = frozenset({"isinstance", "hasattr", "min", "max", "bool", "divmod", "sorted", "abs"})
_WORDS = frozenset(
    """
    is_contiguous stride storage_offset equal is_grad_enabled is_inference_mode_enabled is_inference is_leaf
    is_floating_point detach data requires_grad empty empty_like new_empty eps tiny itemsize element_size nbytes
    gt lt ge le eq ne greater less
    """.split()
)
_SMALL = 4
_MASKS = re.compile(r"mask|msk|bias|tril|triu|causal")


def care_of(source: str) -> Care:
    """Return how long a source asks to be looked at."""
    tree = tree_of(source)
    nodes = [inner for node in tree.body if not _demo(node) for inner in ast.walk(node)]
    functions = calling(nodes)
    called = [inner for one in functions for inner in ast.walk(one)]
    if any(map(_lasting, nodes)) or any(map(_does, called)) or remembers(nodes, functions):
        return Care.LONG
    made = [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    chosen = (found for one in (*functions, *made) for found in _choices(one))
    return Care.ELSEWHERE if any(chosen) or any(map(_settled, tree.body)) else Care.USUAL


def _settled(node: ast.stmt) -> bool:
    """Whether a statement beside the definitions gives a name a number or a table that a function may choose by."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    return any(
        isinstance(inner, ast.Dict)
        or (isinstance(inner, ast.Constant) and isinstance(inner.value, int | float))
        for inner in ast.walk(node.value)
    )


def _demo(node: ast.stmt) -> bool:
    """Whether a statement runs only where the file is a program: `if __name__ == "__main__":`, and nothing else."""
    match node:
        case ast.If(
            test=ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]), orelse=[]
        ):
            return True
    return False


def _lasting(node: ast.AST) -> bool:
    """Whether something opens a door: to other modules, to chance, to what stands behind the names."""
    match node:
        case ast.Import(names=names):
            return any(not _plain(alias.name) for alias in names)
        case ast.ImportFrom(module=module, names=names):
            return not _plain(module or "") or any(
                alias.name in _DOORS | _DEEDS or alias.name == "*" for alias in names
            )
        case ast.Name(id=name):
            return name in _OPEN or _hidden(name)
        case ast.Attribute(attr=name):
            return name in _DOORS or _hidden(name) or "hook" in name or name.startswith(("set_", "get_rng"))
        case ast.Delete(targets=targets):
            return not all(isinstance(target, ast.Name) for target in targets)
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


def _plain(module: str) -> bool:
    """Whether a module, and whatever it is a part of, is of those that attention is written with."""
    first, *parts = module.split(".")
    return first in _MODULES and not _DOORS & set(parts)


def _does(node: ast.AST) -> bool:
    """Whether a call draws, fills, or asks for something by a name that is not there to read."""
    match node:
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
            return name in _DOORS | _DEEDS or _hidden(name)
        case ast.Call(func=ast.Name(id="getattr")):
            return True
    return isinstance(node, ast.With) or word(node) in _DEEDS


def _hidden(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in _DUNDER


def _decorated(node: ast.FunctionDef | ast.ClassDef) -> bool:
    plain = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    return any(word(item) not in _DECORATORS for item in plain)


def _choices(function: ast.AST) -> Iterator[bool]:
    """Yield for each word of a function whether it chooses by what a probe need not have: a size, a type, a mode."""
    refused = {
        id(inner)
        for node in ast.walk(function)
        if isinstance(node, ast.Assert)
        or (
            isinstance(node, ast.If)
            and all(isinstance(item, ast.Raise) for item in node.body)
            and not node.orelse
        )
        for inner in ast.walk(node)
    }
    arguments = {id(inner) for inner in ast.walk(getattr(function, "args", ast.Pass()))}
    for node in ast.walk(function):
        if id(node) in refused or id(node) in arguments:
            continue
        match node:
            case ast.Compare(left=left, comparators=[ast.Constant(value=value)]):
                yield value is not None and not (value in (0, 1) and _is_mask(left))
            case ast.Compare() | ast.While() | ast.Dict():
                yield True
            case ast.BinOp(op=ast.FloorDiv() | ast.Mod() | ast.RShift(), right=ast.Constant()):
                yield True
            case ast.Constant(value=int() as number) if number is not True and number is not False:
                yield number > _SMALL
            case ast.Name(id=word):
                yield word in _FUNCTIONS
            case ast.Attribute(attr=word):
                yield word in _WORDS


def _is_mask(node: ast.expr) -> bool:
    """Whether an expression is a mask by its name: `mask`, `self.bias[:, :, :T, :T]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return bool(_MASKS.search(word(node).lower()))
