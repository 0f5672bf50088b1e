"""Say what came of an experiment as data: outputs, the trace, what an instance holds. Runner side, for `laboratory`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mha_drill.judge.arrays import Recorder
from mha_drill.judge.tracing import Trace
from mha_drill.judge.weights import reachable, registered

# Sizes worth telling of: no larger number is one.
LARGEST = 1_000_000


def first_of(result: Any) -> Any:
    """Return the first of what a call returned."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple) and result:
        return result[0]
    return result


def plain_array(value: Any) -> np.ndarray:
    """Return a copy of an input's numbers."""
    return value.detach().numpy().copy() if isinstance(value, torch.Tensor) else np.array(value)


def outputs(result: Any, store: list[np.ndarray]) -> dict[str, Any]:
    """Return the result's kind and its tensors, in order."""
    items = (
        list(result.values())
        if isinstance(result, dict)
        else list(result)
        if isinstance(result, list | tuple)
        else [result]
    )
    found = []
    for item in items[:8]:
        if isinstance(item, torch.Tensor):
            found.append(
                {
                    "array": keep(item, store),
                    "shape": list(item.shape),
                    "dtype": str(item.dtype)[6:],
                    "grad": item.requires_grad,
                }
            )
        elif isinstance(item, np.ndarray):
            found.append(
                {
                    "array": keep(torch.from_numpy(np.ascontiguousarray(item)), store),
                    "shape": list(item.shape),
                    "dtype": str(item.dtype),
                    "grad": False,
                }
            )
        else:
            found.append({"array": None, "type": type(item).__name__})
    return {"type": type(result).__name__, "items": found}


def keep(tensor: torch.Tensor, store: list[np.ndarray]) -> int | None:
    """Store the numbers of a tensor; return their index, or None for a kind that cannot cross the pipe."""
    if tensor.layout != torch.strided or tensor.is_complex() or tensor.is_quantized:
        return None
    plain = tensor.detach().cpu()
    if plain.dtype not in (torch.float64, torch.float32, torch.int64, torch.int32, torch.uint8, torch.bool):
        plain = plain.to(torch.float32 if plain.is_floating_point() else torch.int64)
    store.append(np.ascontiguousarray(plain.resolve_conj().resolve_neg().numpy()))
    return len(store) - 1


def recorded(trace: Trace | Recorder, store: list[np.ndarray]) -> dict[str, Any]:
    """Return the calls, values and repairs of a trace."""
    values = []
    for value, fact in zip(trace.values, trace.facts, strict=True):
        values.append(fact | {"array": None if value is None else keep(value, store)})
    return {"calls": trace.calls, "values": values, "repairs": trace.repairs}


def inventory(target: Any) -> dict[str, Any]:
    """Return every tensor reachable from an instance: its name, shape and how it is registered."""
    names = registered(target)
    tensors = {
        name: {
            "shape": list(value.shape),
            "kind": names.get(id(value), "unregistered"),
            "grad": value.requires_grad,
            "float": value.is_floating_point(),
        }
        for name, value in reachable(target).items()
    }
    modules = []
    if isinstance(target, torch.nn.Module):
        modules = [[name, _kind(item)] for name, item in target.named_modules()]
    attributes = sorted(name for name in getattr(target, "__dict__", {}) if not name.startswith("_"))
    own = getattr(target, "__dict__", {})
    return {
        "tensors": tensors,
        "modules": modules,
        "attributes": attributes,
        "integers": {
            name: own[name] for name in attributes if type(own[name]) is int and abs(own[name]) < LARGEST
        },
        "module": isinstance(target, torch.nn.Module),
    }


def _kind(module: torch.nn.Module) -> str:
    """Return the name of a module's class; the learner's own are marked, whatever they are called."""
    kind = type(module)
    return kind.__name__ if kind.__module__.startswith("torch.") else f"own {kind.__name__}"
