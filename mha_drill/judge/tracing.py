"""Record every torch call of a forward with its source line, its tensors and their values. Runner side.

The recording is in static single assignment: each call's results are new values, and a write in place makes
a new value for the tensor and for every known alias of its memory. Some faults are repaired and noted, so
that what comes after them can be seen too: a `view` whose strides do not fit returns `reshape`, dropout that
acts in evaluation returns its input, a product of query and key whose axes do not meet is tried with the
key transposed.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from itertools import permutations
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, resolve_name

from mha_drill.judge.contractions import Pair, in_pairs
from mha_drill.judge.frames import lines_of, placed_call

# Builds torch's table of names once, while every function is in its place.
resolve_name(torch.matmul)

LARGEST_VALUE = 60_000
MOST_CALLS = 6_000

_DROPOUTS = frozenset(
    {
        "dropout",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "alpha_dropout",
        "feature_alpha_dropout",
        "feature_dropout",
    }
)
_PRODUCTS = frozenset({"matmul", "__matmul__", "bmm", "mm"})
# What tells of numbers without making a tensor, and is recorded all the same.
_NUMBERS = frozenset({"tolist", "item", "numpy", "__array__", "__bool__", "__float__", "__int__"})
_SEQUENCES = (list, tuple)
_HOLDERS = (*_SEQUENCES, dict)
_LAZY = (torch.nn.parameter.UninitializedParameter, torch.nn.parameter.UninitializedBuffer)


@cache
def name_of(function: Any) -> str:
    """Return the qualified name of a torch function: `torch.Tensor.view`, `torch.nn.functional.linear`."""
    name = str(resolve_name(function) or getattr(function, "__name__", "unknown"))
    # `torch.mm` is the same function as `torch.spmm`, and is found under that name.
    return "torch.mm" if name in ("torch.spmm", "torch.dsmm") else name


class Trace(TorchFunctionMode):
    """A `TorchFunctionMode` that records. `path` is the learner's file; `training` tells whether dropout may act."""

    def __init__(
        self, path: str, *, values: bool = True, repair: bool = True, training: bool = False
    ) -> None:
        super().__init__()
        self.path = path
        self.keep_values = values
        self.repair = repair
        self.training = training
        self.calls: list[dict[str, Any]] = []
        self.values: list[torch.Tensor | None] = []
        self.facts: list[dict[str, Any]] = []
        self.repairs: list[dict[str, Any]] = []
        self._current: dict[int, int] = {}
        self._alive: list[torch.Tensor] = []
        self._shared: dict[int, list[torch.Tensor]] = {}
        self._weighed = False

    def leaf(self, tensor: torch.Tensor, origin: str) -> int:
        """Record a tensor that no call made: an input, a parameter, a buffer or a constant."""
        key = id(tensor)
        if key not in self._current:
            self._enter(tensor, {"origin": origin})
        return self._current[key]

    def number(self, tensor: torch.Tensor) -> int:
        """Return the number of a tensor's present value."""
        known = self._current.get(id(tensor))
        if known is None:
            return self.leaf(tensor, "constant")
        if tensor.requires_grad:
            # What an `autograd.Function` gives gets its gradient only when it is handed over.
            self.facts[known]["grad"] = True
        return known

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        short = getattr(func, "__name__", "")
        if len(self.calls) >= MOST_CALLS:
            return func(*args, **kwargs)
        lines = lines_of(self.path)
        line = lines[0] if lines else None
        before = [self.number(tensor) for tensor in _tensors(args)]
        if kwargs:
            before += [self.number(tensor) for tensor in _tensors(kwargs)]
        result, repaired = self._call(func, short, args, kwargs, line)
        self._weighed = self._weighed or "softmax" in short or short.startswith("exp")
        made = _tensors(result)
        if not made and short not in ("__setitem__", "backward"):
            if short in _NUMBERS:
                self.calls.append(placed_call(name_of(func), lines, before, []))
            return result
        wrote = (
            short == "__setitem__"
            or (short.endswith("_") and not short.endswith("__"))
            or "out" in kwargs
            or short.startswith("__i")
        )
        target = args[0] if short == "__setitem__" else None
        if isinstance(target, torch.Tensor):
            made = [target]
        out = []
        for tensor in made:
            known = self._current.get(id(tensor))
            if wrote or known is None:
                out.append(self._enter(tensor, {"origin": "call"}))
                if wrote:
                    self._refresh(tensor)
            else:
                out.append(known)
        literals = _literals(args, kwargs)
        if short == "einsum" and len(before) > 2 and isinstance(args[0], str):
            before, literals = self._in_pairs(name_of(func), lines, args[0], _tensors(args)) or (
                before,
                literals,
            )
        call = placed_call(name_of(func), lines, before, out, literals)
        if repaired:
            call["repaired"] = repaired
        self.calls.append(call)
        return result

    def _in_pairs(
        self, name: str, lines: list[int], equation: str, operands: list[torch.Tensor]
    ) -> tuple[list[int], str] | None:
        """Record all but the last of the products that a product of many is made of; return what goes into that one."""
        pairs = in_pairs(equation)
        for pair in pairs[:-1]:
            operands.append(torch.einsum(pair.equation, operands[pair.left], operands[pair.right]))
            went, came = self._numbers(pair, operands), self._enter(operands[-1], {"origin": "call"})
            self.calls.append(placed_call(name, lines, went, [came], f"{pair.equation!r}, @, @"))
        return (self._numbers(pairs[-1], operands), f"{pairs[-1].equation!r}, @, @") if pairs else None

    def _numbers(self, pair: Pair, operands: list[torch.Tensor]) -> list[int]:
        return [self.number(operands[pair.left]), self.number(operands[pair.right])]

    def _call(self, func: Any, short: str, args: Any, kwargs: Any, line: int | None) -> tuple[Any, str]:
        if short in _DROPOUTS and not self.training and self.repair:
            bound = dict(zip(("input", "p", "training"), args, strict=False)) | kwargs
            if bound.get("training", True) and bound.get("p", 0.5) > 0:
                self._note("dropout-in-eval", line, [bound["input"]])
                return bound["input"], "dropout-in-eval"
        try:
            return func(*args, **kwargs), ""
        except RuntimeError as error:
            if not self.repair:
                raise
            repaired = self._mend(short, args, kwargs, str(error), line)
            if repaired is None:
                raise
            result, code = repaired
            self._note(code, line, [item for item in args if isinstance(item, torch.Tensor)])
            return result, code

    def _mend(
        self, short: str, args: Any, kwargs: Any, message: str, line: int | None
    ) -> tuple[Any, str] | None:
        if short == "view" and "view size is not compatible" in message:
            return args[0].reshape(*args[1:], **kwargs), "non-contiguous-view"
        again = any(item["code"] == "key-not-transposed" and item["line"] == line for item in self.repairs)
        if short in _PRODUCTS and len(args) == 2 and (again or not self._weighed):
            return self._with_key_turned(args[0], args[1])
        return None

    @staticmethod
    def _with_key_turned(left: Any, right: Any) -> tuple[Any, str] | None:
        """Multiply with the one order of the key's axes that meets the query: (..., L, d) by (..., d, S)."""
        if not (isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor)):
            return None
        if left.dim() != right.dim() or left.dim() not in (3, 4):
            return None
        for order in permutations(range(right.dim())):
            shape = [right.shape[axis] for axis in order]
            if shape[:-2] == list(left.shape[:-2]) and shape[-2] == left.shape[-1]:
                return left @ right.permute(order), "key-not-transposed"
        return None

    def _note(self, code: str, line: int | None, tensors: list[torch.Tensor]) -> None:
        self.repairs.append(
            {
                "code": code,
                "line": line,
                "shapes": [list(tensor.shape) for tensor in tensors],
                "call": len(self.calls),
            }
        )

    def _enter(self, tensor: torch.Tensor, fact: dict[str, Any]) -> int:
        number = len(self.values)
        self._alive.append(tensor)
        self._current[id(tensor)] = number
        lazy = type(tensor) is not torch.Tensor and isinstance(tensor, _LAZY)
        if lazy or torch._C._functorch.is_functorch_wrapped_tensor(tensor):
            # A lazy layer on its way has no shape yet; what `vmap` hands out lives inside it alone.
            self.values.append(None)
            self.facts.append(fact | {"shape": [], "dtype": _kind(tensor.dtype), "grad": True})
            return number
        keep = (
            self.keep_values
            and tensor.numel() <= LARGEST_VALUE
            and tensor.layout == torch.strided
            and not tensor.is_complex()
        )
        with torch._C.DisableTorchFunctionSubclass():
            self.values.append(tensor.detach().clone() if keep else None)
            fact |= {
                "shape": list(tensor.shape),
                "dtype": _kind(tensor.dtype),
                "grad": bool(tensor.requires_grad),
            }
            with suppress(RuntimeError, NotImplementedError):
                self._shared.setdefault(tensor.untyped_storage().data_ptr(), []).append(tensor)
        self.facts.append(fact)
        return number

    def _refresh(self, tensor: torch.Tensor) -> None:
        """After a write in place, give every other known alias of that memory a new value as well."""
        with torch._C.DisableTorchFunctionSubclass():
            aliases = [
                other
                for other in self._shared.get(tensor.untyped_storage().data_ptr(), [])
                if other is not tensor
            ]
        source = self._current[id(tensor)]
        for other in list({id(item): item for item in aliases}.values()):
            old = self._current[id(other)]
            new = self._enter(other, {"origin": "call"})
            self.calls.append(placed_call("alias", lines_of(self.path), [old, source], [new]))


@cache
def _kind(dtype: torch.dtype) -> str:
    """Return a kind of numbers as answers tell it: `float64`."""
    return str(dtype)[6:]


def _tensors(value: Any) -> list[torch.Tensor]:
    """Return the tensors in what a call was given or gave, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    found: list[torch.Tensor] = []
    if isinstance(value, _HOLDERS):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, torch.Tensor):
                found.append(item)
            elif isinstance(item, _HOLDERS):
                found += _tensors(item)
    return found


def _literals(args: Any, kwargs: Any) -> str:
    """Return the arguments that are not tensors, as text with `@` for each tensor, in order."""
    parts = [_shown(value) for value in args] + [f"{name}={_shown(value)}" for name, value in kwargs.items()]
    return ", ".join(parts)[:400]


def _shown(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return "@"
    if isinstance(value, _SEQUENCES):
        return "[" + ",".join(map(_shown, value)) + "]"
    if isinstance(value, slice):
        return f"{value.start}:{value.stop}:{value.step}"
    return repr(value)[:80]
