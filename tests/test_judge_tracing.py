"""The trace: every call with its line, values as they were at the time, writes in place and their aliases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from mha_drill.judge.tracing import Trace

PATH = "/nowhere/traced.py"


def traced(body: str, *tensors: torch.Tensor, **wishes: Any) -> tuple[Trace, Any]:
    """Run `body`, the inside of a function of a, b, c that starts at line 2, under a trace."""
    space: dict[str, Any] = {"torch": torch}
    names = "abc"[: len(tensors)]
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    exec(compile(f"def run({', '.join(names)}):\n{lines}\n", PATH, "exec"), space)
    run: Callable[..., Any] = space["run"]
    trace = Trace(PATH, **wishes)
    for name, tensor in zip(names, tensors, strict=True):
        trace.leaf(tensor, f"input:{name}")
    with trace:
        result = run(*tensors)
    return trace, result


def short(trace: Trace) -> list[tuple[str, int | None]]:
    return [(call["name"].rpartition(".")[2], call["line"]) for call in trace.calls]


def test_every_call_has_its_line_and_its_values() -> None:
    trace, result = traced(
        "x = a @ b\ny = x.transpose(0, 1)\nreturn y.sum()", torch.ones(2, 3), torch.ones(3, 4)
    )
    assert short(trace) == [("__matmul__", 2), ("transpose", 3), ("sum", 4)] or short(trace) == [
        ("matmul", 2), ("transpose", 3), ("sum", 4),
    ]  # fmt: skip
    assert trace.calls[0]["in"] == [0, 1]
    assert trace.facts[trace.calls[1]["out"][0]]["shape"] == [4, 2]
    assert result.item() == 24


def test_a_value_is_kept_as_it_was_before_it_was_written_over() -> None:
    trace, _ = traced("x = a * 2\nx.add_(1)\nx[0] = 7\nreturn x", torch.zeros(3))
    numbers = [call["out"][-1] for call in trace.calls]
    kept = [trace.values[number] for number in numbers]
    assert [value.tolist() for value in kept if value is not None] == [[0, 0, 0], [1, 1, 1], [7, 1, 1]]
    assert len(set(numbers)) == 3


@pytest.mark.parametrize("view", ["x.view(4)", "x[0]", "x.transpose(0, 1)", "x.T"])
def test_a_write_reaches_the_views_of_the_same_memory(view: str) -> None:
    trace, result = traced(f"x = a + 0\ny = {view}\nx.mul_(5)\nz = y + 0\nreturn z", torch.ones(2, 2))
    last = trace.calls[-1]
    read = trace.values[last["in"][0]]
    assert read is not None
    assert bool((read == 5).all())
    assert bool((result == 5).all())
    write = next(call for call in trace.calls if call["name"].endswith("mul_"))
    alias = next(call for call in trace.calls if call["name"] == "alias")
    assert set(write["out"]) & set(alias["in"])


def test_a_write_to_a_view_reaches_the_whole() -> None:
    trace, _ = traced("x = a + 0\ny = x[0]\ny.fill_(9)\nreturn x.sum()", torch.ones(2, 2))
    read = trace.values[trace.calls[-1]["in"][0]]
    assert read is not None
    assert read.tolist() == [[9, 9], [1, 1]]


def test_a_write_elsewhere_reaches_nothing() -> None:
    trace, _ = traced("x = a + 0\ny = a + 0\nx.mul_(5)\nreturn y.sum()", torch.ones(2))
    assert not any(call["name"] == "alias" for call in trace.calls)


def test_a_view_that_strides_forbid_is_repaired_and_noted() -> None:
    trace, result = traced("x = a.transpose(0, 1)\nreturn x.view(6)", torch.arange(6.0).view(2, 3))
    assert result.tolist() == [0, 3, 1, 4, 2, 5]
    assert [(item["code"], item["line"]) for item in trace.repairs] == [("non-contiguous-view", 3)]


def test_an_impossible_view_and_a_repair_that_is_not_wanted_raise() -> None:
    with pytest.raises(RuntimeError):
        traced("return a.view(7)", torch.ones(2, 3))
    with pytest.raises(RuntimeError):
        traced("return a.transpose(0, 1).view(6)", torch.ones(2, 3), repair=False)


def test_a_key_that_was_not_transposed_is_repaired() -> None:
    query, key = torch.rand(2, 5, 6), torch.rand(2, 7, 6)
    trace, result = traced("return a @ b", query, key)
    assert torch.equal(result, query @ key.transpose(1, 2))
    assert [item["code"] for item in trace.repairs] == ["key-not-transposed"]


def test_dropout_in_evaluation_is_repaired_and_in_training_left_alone() -> None:
    body = "return torch.nn.functional.dropout(a, 0.5)"
    trace, result = traced(body, torch.ones(100))
    assert bool((result == 1).all())
    assert [item["code"] for item in trace.repairs] == ["dropout-in-eval"]
    trace, result = traced(body, torch.ones(100), training=True)
    assert trace.repairs == []
    assert bool((result == 0).any())


def test_tensors_that_died_do_not_lend_their_number_to_new_ones() -> None:
    trace, _ = traced("for i in range(200):\n    x = a + i\n    del x\nreturn a", torch.zeros(1))
    outputs = [call["out"][0] for call in trace.calls]
    assert len(set(outputs)) == 200
    assert [float(np.asarray(trace.values[number].tolist())[0]) for number in outputs] == list(range(200))
