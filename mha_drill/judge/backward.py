"""Back-propagate through a call as training would, and say what each leaf got. Runner side; for `laboratory`."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import torch

from mha_drill.judge.loading import describe
from mha_drill.judge.telling import first_of, keep

Leaves = dict[str, torch.Tensor]


def cleared(leaves: Leaves, *, zeros: bool = False) -> None:
    """Take all gradients away, as a step of training begins; with zeros, as one that adds to the last begins."""
    for value in leaves.values():
        value.grad = torch.zeros_like(value) if zeros else None


def back_propagated(
    result: Any,
    leaves: Leaves,
    upstream: np.ndarray,
    store: list[np.ndarray],
    path: str,
    *,
    twice: bool = False,
) -> dict[str, Any]:
    """Return what each leaf got from an upstream gradient, and what it was; afterwards none has a gradient.

    twice: `again` is what it gets when the same graph is gone through once more, where the file lets that be done.
    """
    output = first_of(result)
    if not isinstance(output, torch.Tensor) or not output.requires_grad:
        return {"gradients": {}, "reaches": False}
    handed = torch.from_numpy(upstream.copy()).to(output.dtype)
    try:
        # Of a number: for a gradient that is handed in torch imports sympy, a third of a second.
        total = (output * handed.reshape(output.shape)).sum()
        total.backward(retain_graph=twice)  # type: ignore[no-untyped-call]
    except BaseException as error:
        return {"gradients": {}, "reaches": True, "backward_error": describe(error, path)}
    values = {name: keep(value, store) for name, value in leaves.items()}
    answer: dict[str, Any] = {"gradients": _got(leaves, values, store), "reaches": True}
    if twice:
        with contextlib.suppress(BaseException):
            total.backward()  # type: ignore[no-untyped-call]
            answer["again"] = [_got(leaves, values, store)]
    cleared(leaves)
    return answer


def _got(leaves: Leaves, values: dict[str, int | None], store: list[np.ndarray]) -> dict[str, Any]:
    """Return the gradients that have come, and take them away."""
    told = {
        name: {
            "shape": list(value.shape),
            "array": None if value.grad is None else keep(value.grad.to_dense(), store),
            "value": values[name],
        }
        for name, value in leaves.items()
    }
    cleared(leaves)
    return told
