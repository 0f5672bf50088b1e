"""How a learner calls attention and a probe does not: nothing to learn, one tensor three times, views. Runner side.

Used by `laboratory`. What is computed is the same in every manner, so that the judge can hold one against another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

# As it comes; with nothing to learn; with inputs whose numbers lie in another order, as after a transpose.
PLAIN, STILL, STRIDED = "", "still", "strided"


def called(call: Callable[[dict[str, Any]], Any], inputs: dict[str, Any], manner: str) -> Any:
    """Return what a call gives on inputs as this manner has them."""
    if manner == STRIDED:
        with contextlib.suppress(RuntimeError):  # some take a `view` of what they are given, and may
            return call({name: _strided(value) for name, value in inputs.items()})
    with torch.no_grad() if manner == STILL else contextlib.nullcontext():
        return call(inputs)


def as_one(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs with one and the same tensor in the place of all that hold the same numbers: self-attention."""
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        same = (one for one in found.values() if one.shape == value.shape and torch.equal(one, value))
        found[name] = next(same, value)
    return found


def _strided(value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.dim() < 2:
        return value
    return value.transpose(0, 1).contiguous().transpose(0, 1)
