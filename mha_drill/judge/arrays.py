"""Record what a forward does with numpy arrays, in the words of torch, so that one judge reads both. Runner side.

`Traced` is an array that tells its recorder of every operation on it; the laboratory puts it in the place of the
inputs and of the weights that an object holds. What leaves numpy, or is taken apart into Python numbers, is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
import torch

from mha_drill.judge.frames import lines_of, placed_call
from mha_drill.judge.tracing import LARGEST_VALUE, MOST_CALLS

# numpy's names that torch has another for.
TORCH_NAMES = {
    "subtract": "sub",
    "multiply": "mul",
    "true_divide": "div",
    "divide": "div",
    "negative": "neg",
    "power": "pow",
    "concatenate": "cat",
    "add.reduce": "sum",
    "maximum.reduce": "amax",
    "tensordot": "tensordot",
    "equal": "eq",
}
_VIEWING = "reshape transpose swapaxes copy astype flatten ravel squeeze repeat take __getitem__".split()
# Made from nothing or from a list: arrays that are written into, or that join what was taken apart.
_MAKING = ("array", "asarray", "zeros", "ones", "empty", "full")


class Recorder:
    """The calls and values of one forward, laid out as `tracing.Trace` lays them out."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.calls: list[dict[str, Any]] = []
        self.values: list[torch.Tensor | None] = []
        self.facts: list[dict[str, Any]] = []
        self.repairs: list[dict[str, Any]] = []
        self._current: dict[int, int] = {}
        self._alive: dict[int, list[np.ndarray]] = {}

    def __enter__(self) -> Recorder:
        Traced.recorder = self
        self._kept = {name: getattr(np, name) for name in _MAKING}
        for name, function in self._kept.items():
            setattr(np, name, _making(function))
        return self

    def __exit__(self, *_: object) -> None:
        Traced.recorder = None
        for name, function in self._kept.items():
            setattr(np, name, function)

    def leaf(self, array: np.ndarray, origin: str) -> int:
        """Record an array that no call made: an input, a weight or a constant."""
        if id(array) not in self._current:
            self._enter(array, origin)
        return self._current[id(array)]

    def record(
        self, name: str, inputs: Any, result: Any, literals: str = "", wrote: np.ndarray | None = None
    ) -> Any:
        """Record one call; return its result with every array in it traced."""
        if len(self.calls) >= MOST_CALLS:
            return _wrapped(result)
        before = [self.leaf(array, "constant") for array in _arrays(inputs)]
        made = wrote if wrote is not None else _wrapped(result)
        out = [self._enter(array, "call") for array in _arrays(made)]
        self.calls.append(placed_call(f"torch.{name}", lines_of(self.path), before, out, literals))
        if wrote is not None:
            self._refresh(wrote, out[0])
        return made

    def _enter(self, array: np.ndarray, origin: str) -> int:
        number = len(self.values)
        self._current[id(array)] = number
        self._alive.setdefault(id(_root(array)), []).append(array)
        kept = array.dtype.kind in "fiub" and array.size <= LARGEST_VALUE
        value = torch.from_numpy(np.ndarray.copy(bare(array))) if kept else None
        self.values.append(value)
        kind = str(array.dtype) if value is None else str(value.dtype)[6:]
        learns = origin.startswith("parameter")
        self.facts.append({"origin": origin, "shape": list(array.shape), "dtype": kind, "grad": learns})
        return number

    def _refresh(self, array: np.ndarray, source: int) -> None:
        """After a write in place, give every other known view of that memory a new value as well."""
        for other in {id(item): item for item in self._alive[id(_root(array))]}.values():
            if other is not array and np.may_share_memory(bare(other), bare(array)):
                old = self._current[id(other)]
                new = self._enter(other, "call")
                self.calls.append(placed_call("alias", lines_of(self.path), [old, source], [new]))


class Traced(np.ndarray):
    """An array whose operations are recorded while there is a recorder."""

    recorder: ClassVar[Recorder | None] = None

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        written = kwargs.get("out", ())
        if written:
            kwargs["out"] = tuple(map(bare, written))
        result = getattr(ufunc, method)(
            *map(bare, inputs), **{name: bare(item) for name, item in kwargs.items()}
        )
        if result is NotImplemented:
            return result
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        wrote = written[0] if written and isinstance(written[0], Traced) else None
        return _told(TORCH_NAMES.get(name, name), inputs, result, wrote=wrote)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = func(*bare(args), **bare(kwargs))
        name = func.__name__
        if name == "dot":
            name = "matmul" if np.ndim(args[1]) <= 2 else "tensordot"
        text = f"{args[0]!r}, " if args and isinstance(args[0], str) else ""
        return _told(TORCH_NAMES.get(name, name), (args, kwargs), result, text)

    def __setitem__(self, key: Any, value: Any) -> None:
        bare(self)[bare(key)] = bare(value)
        _told("Tensor.__setitem__", (self, key, value), None, wrote=self)

    def dot(self, other: Any, out: Any = None) -> Any:
        """Multiply, as `np.dot` does."""
        return np.dot(self, other)

    @property
    def T(self) -> Any:  # noqa: N802
        """All axes in the other order."""
        return _told("Tensor.T", (self,), bare(self).T)

    @property
    def mT(self) -> Any:  # noqa: N802
        """The last two axes in the other order."""
        return _told("Tensor.mT", (self,), bare(self).mT)


def _method(name: str) -> Callable[..., Any]:
    def told(self: Traced, *args: Any, **kwargs: Any) -> Any:
        result = getattr(bare(self), name)(*bare(args), **bare(kwargs))
        return _told(f"Tensor.{name}", (self, args, kwargs), result)

    return told


for _name in _VIEWING:
    setattr(Traced, _name, _method(_name))


def _making(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **kwargs: Any) -> Any:
        joined = any(isinstance(item, Traced) for item in _arrays(args))
        if joined:
            return _told("stack", args, np.asanyarray(function(*bare(args), **bare(kwargs))))
        result = function(*args, **kwargs)
        return result.view(Traced) if type(result) is np.ndarray and result.dtype.kind == "f" else result

    return made


def _told(name: str, inputs: Any, result: Any, text: str = "", wrote: np.ndarray | None = None) -> Any:
    recorder = Traced.recorder
    if recorder is None:
        return wrote if wrote is not None else _wrapped(result)
    return recorder.record(name, inputs, result, text, wrote)


@contextlib.contextmanager
def plain_types(names: dict[str, Any]) -> Iterator[None]:
    """Let a file's `type(x) == np.ndarray` be true of traced arrays while it is open."""
    had = names.get("type", names)
    names["type"] = lambda *args: (
        np.ndarray if len(args) == 1 and isinstance(args[0], Traced) else type(*args)
    )
    try:
        yield
    finally:
        if had is names:
            del names["type"]
        else:
            names["type"] = had


def bare(value: Any) -> Any:
    """Return plain arrays for traced ones, in lists, tuples and dictionaries too."""
    if isinstance(value, Traced):
        return value.view(np.ndarray)
    if type(value) in (list, tuple):
        return type(value)(bare(item) for item in value)
    if type(value) is dict:
        return {key: bare(item) for key, item in value.items()}
    return value


def _wrapped(value: Any) -> Any:
    if isinstance(value, Traced):
        return value
    if isinstance(value, np.ndarray):
        return value.view(Traced)
    if isinstance(value, np.floating):
        return _scalar(value)
    if type(value) in (list, tuple):
        return type(value)(_wrapped(item) for item in value)
    return value


def _scalar(value: np.floating[Any]) -> Traced:
    holder = np.ndarray((), value.dtype)
    holder[()] = value
    return holder.view(Traced)


def _arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _arrays(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arrays(item)


def _root(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
