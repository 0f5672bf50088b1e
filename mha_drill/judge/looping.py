"""What hides from the trace, done in plain sight: `torch.vmap` as a loop, `ScriptModule` as a module. Runner side.

Set in place before the learner's file is run; the file may import it under any name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch


def loop_instead_of_vmap() -> None:
    """Let `torch.vmap` and `torch.func.vmap` be the loop."""
    torch.vmap = vmap
    torch.func.vmap = vmap


def modules_instead_of_scripts() -> None:
    """Let a `torch.jit.ScriptModule` be the module it is with `PYTORCH_JIT=0`, its methods what is written there."""
    torch.jit.ScriptModule = PlainModule  # type: ignore[misc, assignment]
    for name in ("script_method", "export", "ignore", "unused"):
        setattr(torch.jit, name, _as_written)


class PlainModule(torch.nn.Module):
    """What a `torch.jit.ScriptModule` is where nothing is compiled; no other module may be taken for one."""


def _as_written(method: Any = None, **_: Any) -> Any:
    return _as_written if method is None or isinstance(method, bool) else method


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: Any = None,
) -> Callable[..., Any]:
    """Return `func` called item by item along `in_dims`, what it gives stacked along `out_dims`."""

    @wraps(func)
    def batched(*args: Any, **kwargs: Any) -> Any:
        axes = in_dims if isinstance(in_dims, tuple | list) else (in_dims,) * len(args)
        count = next((size for arg, axis in zip(args, axes, strict=True) if (size := _length(arg, axis))), 0)
        results = []
        for index in range(count):
            items = (_item(arg, axis, index) for arg, axis in zip(args, axes, strict=True))
            results.append(func(*items, **{name: _item(value, 0, index) for name, value in kwargs.items()}))
        return _stacked(results, out_dims)

    return batched


def _length(value: Any, axis: Any) -> int:
    if isinstance(value, torch.Tensor):
        return 0 if axis is None else value.shape[axis]
    if isinstance(value, tuple | list):
        axes = axis if isinstance(axis, tuple | list) else (axis,) * len(value)
        return next((size for item, at in zip(value, axes, strict=True) if (size := _length(item, at))), 0)
    if isinstance(value, dict):
        return next((size for item in value.values() if (size := _length(item, axis))), 0)
    return 0


def _item(value: Any, axis: Any, index: int) -> Any:
    if isinstance(value, torch.Tensor):
        return value if axis is None else value.select(axis, index)
    if isinstance(value, tuple | list):
        axes = axis if isinstance(axis, tuple | list) else (axis,) * len(value)
        return type(value)(_item(item, at, index) for item, at in zip(value, axes, strict=True))
    if isinstance(value, dict):
        return {name: _item(item, axis, index) for name, item in value.items()}
    return value


def _stacked(results: list[Any], axis: Any) -> Any:
    if results and isinstance(results[0], tuple | list):
        axes = axis if isinstance(axis, tuple | list) else (axis,) * len(results[0])
        parts = zip(*results, strict=True)
        return type(results[0])(_stacked(list(part), at) for part, at in zip(parts, axes, strict=True))
    return torch.stack(results, axis)
