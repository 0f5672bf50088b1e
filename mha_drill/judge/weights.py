"""Find every tensor an instance owns, registered or not, and give the weights fresh random values. Runner side."""

from __future__ import annotations

import contextlib
import functools
import math
import types
from typing import Any

import torch

DEEPEST = 6
LEAST_RANDOM = 12


def is_lazy(value: torch.Tensor) -> bool:
    """Whether a tensor is that of a lazy layer that has not been called yet."""
    return isinstance(
        value, torch.nn.parameter.UninitializedParameter | torch.nn.parameter.UninitializedBuffer
    )


def reachable(target: Any) -> dict[str, torch.Tensor]:
    """Return tensors by name: registered ones under their own names, then those in plain attributes and lists."""
    found: dict[str, torch.Tensor] = {}
    known: set[int] = set()
    if isinstance(target, torch.nn.Module):
        for name, value in [*target.named_parameters(), *target.named_buffers()]:
            if id(value) not in known and not is_lazy(value):
                found[name] = value
                known.add(id(value))
    _walk(target, "", 0, found, known, set())
    return found


def _walk(
    value: Any, name: str, depth: int, found: dict[str, torch.Tensor], known: set[int], seen: set[int]
) -> None:
    if depth > DEEPEST or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        if id(value) not in known and not is_lazy(value):
            known.add(id(value))
            found[name] = value
    elif isinstance(value, list | tuple | torch.nn.ModuleList | torch.nn.ParameterList):
        for index, item in enumerate(value):
            _walk(item, f"{name}.{index}" if name else str(index), depth + 1, found, known, seen)
    elif isinstance(value, dict):
        for key, item in value.items():
            _walk(item, f"{name}.{key}" if name else str(key), depth + 1, found, known, seen)
    elif isinstance(value, types.MethodType):
        _walk(value.__self__, name, depth + 1, found, known, seen)
    elif isinstance(value, types.FunctionType):
        _walk(value.__defaults__ or (), f"{name}.default", depth + 1, found, known, seen)
        for cell in value.__closure__ or ():
            with contextlib.suppress(ValueError):
                _walk(cell.cell_contents, f"{name}.closure", depth + 1, found, known, seen)
    elif isinstance(value, functools.partial):
        _walk([value.func, value.args, value.keywords], name, depth + 1, found, known, seen)
    elif isinstance(value, type | types.ModuleType):
        return
    elif isinstance(value, torch.nn.Module) or hasattr(value, "__dict__"):
        inner = dict(vars(value))
        if isinstance(value, torch.nn.Module):
            for kind in ("_parameters", "_buffers", "_modules"):
                inner.update(inner.pop(kind, {}))
            inner = {
                key: item
                for key, item in inner.items()
                if not key.startswith("_") or isinstance(item, torch.Tensor | torch.nn.Module)
            }
        for key, item in inner.items():
            _walk(item, f"{name}.{key}" if name else str(key), depth + 1, found, known, seen)


def registered(target: Any) -> dict[int, str]:
    """Return, by the tensor's id, "parameter" or "buffer" for what an `nn.Module` has registered.

    A plain class registers nothing and owes nothing: its tensors count as parameters where they take gradients.
    """
    if not isinstance(target, torch.nn.Module):
        return {
            id(value): "parameter" if value.requires_grad else "buffer"
            for value in reachable(target).values()
        }
    kinds = {id(value): "buffer" for value in target.buffers()}
    kinds.update({id(value): "parameter" for value in target.parameters()})
    return kinds


def scramble(target: Any, seed: int) -> None:
    """Give every weight new values: about 1.1/sqrt(fan in), biases 0.3; scalars, masks and tables stay."""
    generator = torch.Generator().manual_seed(1000 + seed)
    with torch.no_grad():
        for value in reachable(target).values():
            if not value.is_floating_point():
                continue
            learned = value.requires_grad or isinstance(value, torch.nn.Parameter)
            if _is_triangle(value) or (not learned and not looks_random(value)):
                continue
            if value.numel() <= 1:
                continue
            spread = 0.3 if value.dim() == 1 else 1.1 / math.sqrt(_fan_in(value))
            value.copy_(
                torch.randn(value.shape, generator=generator, dtype=torch.float64).to(value.dtype) * spread
            )


def _is_triangle(value: torch.Tensor) -> bool:
    """Whether a tensor is a causal mask, a parameter or not: one number on one side and another on the other."""
    if value.dim() < 2 or value.shape[-1] != value.shape[-2] or value.shape[-1] < 2:
        return False
    grid = value.detach().reshape(-1, *value.shape[-2:])[0]
    if bool(grid[0, -1] == grid[-1, 0]):
        return False
    sides = (torch.ones_like(grid, dtype=torch.bool).tril(diagonal) for diagonal in (0, 1, -1))
    return any(bool((grid == torch.where(side, grid[-1, 0], grid[0, -1])).all()) for side in sides)


def _fan_in(value: torch.Tensor) -> int:
    """Return the size of the contracted axis: the larger of the two last, the usual width."""
    if value.dim() == 2:
        return int(min(value.shape)) if max(value.shape) % min(value.shape) == 0 else int(value.shape[-1])
    return int(max(value.shape))


def looks_random(value: torch.Tensor) -> bool:
    """Whether a tensor holds numbers that were drawn, not those of a mask or a table."""
    if value.numel() < LEAST_RANDOM or value.dim() < 2 or not torch.isfinite(value).all():
        return False
    whole = (value == value.round()).double().mean()
    return bool(whole < 0.1 and len(set(value.flatten().tolist())) > 0.9 * value.numel())
