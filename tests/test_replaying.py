"""A trace is believed as far as its linear maps and products come out again when the judge computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mha_drill.judge.recording import Recording
from mha_drill.judge.replaying import holds, rests_on

GENERATOR = np.random.default_rng(0)
X, W, B = (GENERATOR.standard_normal(shape) for shape in ((2, 5, 6), (4, 6), (4,)))


def recording(name: str, given: list[np.ndarray], made: list[np.ndarray], literals: str = "@") -> Recording:
    """A trace of one call; its operands are `parameter:0`, `parameter:1`, ..."""
    arrays = [*given, *made]
    origins = [*(f"parameter:{number}" for number in range(len(given))), *("call" for _ in made)]
    values = [
        {"shape": list(array.shape), "dtype": str(array.dtype), "grad": True, "origin": origin, "array": at}
        for at, (array, origin) in enumerate(zip(arrays, origins, strict=True))
    ]
    numbers = list(range(len(arrays)))
    call: dict[str, Any] = {"name": f"torch.{name}", "line": 1, "args": literals}
    call |= {"in": numbers[: len(given)], "out": numbers[len(given) :]}
    return Recording({"values": values, "calls": [call], "repairs": []}, arrays)


@pytest.mark.parametrize(
    ("name", "given", "made", "literals"),
    [
        ("linear", [X, W, B], [X @ W.T + B], "@, @, @"),
        ("linear", [X, W], [X @ W.T], "@, @"),
        ("matmul", [X, X.swapaxes(1, 2)], [X @ X.swapaxes(1, 2)], "@, @"),
        ("einsum", [X, W], [np.einsum("bld,ed->ble", X, W)], "'bld,ed->ble', @, @"),
        ("Tensor.__mul__", [W], [W * 0.5], "@, 0.5"),
        ("Tensor.__add__", [X, X[0, 0]], [X + X[0, 0]], "@, @"),
        ("Tensor.transpose", [X], [X.swapaxes(0, 1)], "@, 0, 1"),
        ("Tensor.detach", [W], [W], "@"),
        ("chunk", [W], [W[:2], W[2:]], "@, 2"),
        ("Tensor.__getitem__", [W], [W[:, 2:4]], "@, [None:None:None,2:4:None]"),
        ("stack", [W, W], [np.stack([W, W], 1)], "[@,@], dim=1"),
        ("sqrt", [np.array([6, 7])], [np.sqrt([6, 7])], "@"),
        ("tensordot", [X, W], [np.tensordot(X, W, ([2], [1]))], "@, @, dims=[[2],[1]]"),
        ("nn.functional.softmax", [W], [np.exp(W) / np.exp(W).sum(1, keepdims=True)], "@, dim=1"),
    ],
)
def test_a_true_call_comes_out_and_a_bent_one_does_not(
    name: str, given: list[np.ndarray], made: list[np.ndarray], literals: str
) -> None:
    assert holds(recording(name, given, made, literals), {})
    for at in range(len(made)):
        bent = [array.copy() for array in made]
        bent[at].flat[0] += 1e-6
        assert not holds(recording(name, given, bent, literals), {})


def test_weights_that_are_not_those_sent_do_not_hold() -> None:
    true = recording("linear", [X, W], [X @ W.T], "@, @")
    assert holds(true, {"parameter:1": W})
    assert not holds(true, {"parameter:1": W + 1e-6})
    assert holds(true, {"parameter:elsewhere": W})


@pytest.mark.parametrize(
    ("name", "given", "made", "literals"),
    [
        ("einsum", [np.ones(60_000), np.ones(60_000)], [np.ones(1)], "'a,b->ab', @, @"),
        ("linear", [np.ones((60_000, 1)), np.ones((60_000, 1))], [np.ones(1)], "@, @"),
        ("matmul", [np.ones((60_000, 1)), np.ones((1, 60_000))], [np.ones(1)], "@, @"),
        ("Tensor.__add__", [np.ones((60_000, 1)), np.ones(60_000)], [np.ones(1)], "@, @"),
        ("frobnicate", [X], [2 * X], "@"),
        ("Tensor.__getitem__", [X, X], [X], "@, [@,None:None:None]"),
        ("Tensor.repeat", [np.ones(60_000)], [np.ones(1)], "@, 60000"),
        ("linear", [X, W], [X @ W.T], "@, @, ..."),
        ("Tensor.view", [X], [X], "@, __import__('os')"),
    ],
)
def test_what_is_not_known_or_would_cost_too_much_is_not_computed(
    name: str, given: list[np.ndarray], made: list[np.ndarray], literals: str
) -> None:
    assert holds(recording(name, given, made, literals), {})


def test_what_a_value_rests_on_is_told_where_every_call_is_known() -> None:
    assert rests_on(recording("mul", [W, W], [W * W], "@, @"), 2) == {"parameter:0", "parameter:1"}
    assert rests_on(recording("mul", [W, W], [W * W + 1e-6], "@, @"), 2) is None
    assert rests_on(recording("frobnicate", [W], [W], "@"), 1) is None
