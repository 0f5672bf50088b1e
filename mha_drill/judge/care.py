"""How long a file is looked at before it passes: by what its source could do. Judge side; for `audit`.

A file of plain attention computes the same whenever it is asked. One that remembers, draws or reads a clock may do
otherwise at a time when nobody looks. What is taken for more than it is costs a right file some calls, no more.
"""

from __future__ import annotations

import ast

from mha_drill.judge.parsing import tree_of
from mha_drill.judge.remembering import calling, remembers, word

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


def looked_at_for_long(source: str) -> bool:
    """Return whether a source could do otherwise at a time when nobody looks."""
    tree = tree_of(source)
    nodes = [inner for node in tree.body if not _demo(node) for inner in ast.walk(node)]
    functions = calling(nodes)
    called = [inner for one in functions for inner in ast.walk(one)]
    return any(map(_lasting, nodes)) or any(map(_does, called)) or remembers(nodes, functions)


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
