"""The messages between the processes: what is sent arrives, and what is not a message ends the line."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mha_drill.judge import answers, wire
from mha_drill.judge.recording import Recording

TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ARRAYS = st.sampled_from(wire.DTYPES).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)


@contextlib.contextmanager
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, two = socket.socketpair()
    with one, two:
        yield one, two


@given(
    st.dictionaries(st.text().filter(lambda key: key != "arrays"), TREES, max_size=4),
    st.lists(ARRAYS, max_size=3),
)
def test_what_is_sent_arrives(header: dict[str, object], sent: list[np.ndarray]) -> None:
    with line() as (one, two):
        wire.send(one, header, sent)
        wire.send(one, {"next": 1})
        got, received = wire.receive(two, time.monotonic() + 30)
        assert got == header
        assert [(item.dtype, item.shape) for item in received] == [(item.dtype, item.shape) for item in sent]
        assert [item.tobytes() for item in received] == [item.tobytes() for item in sent]
        assert wire.receive(two, time.monotonic() + 30)[0] == {"next": 1}


def test_an_array_that_is_not_contiguous_arrives_as_it_looks() -> None:
    array = np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)[::2]
    with line() as (one, two):
        wire.send(one, {}, [array])
        assert np.array_equal(wire.receive(two)[1][0], array)


def framed(text: bytes) -> bytes:
    return struct.pack("!Q", len(text)) + text


@given(
    st.binary(max_size=200)
    | st.binary(max_size=200).map(framed)
    | TREES.map(lambda tree: framed(repr(tree).encode()))
)
@example(framed(b"{}"))
@example(framed(b"[]"))
@example(framed(b"null"))
@example(framed(b'{"arrays": 1}'))
@example(framed(b'{"arrays": [1]}'))
@example(framed(b'{"arrays": [["float64", [-1]]]}'))
@example(framed(b'{"arrays": [["float64", [true]]]}'))
@example(framed(b'{"arrays": [["object", [1]]]}'))
@example(framed(b'{"arrays": [["float64", [1000000, 1000000, 1000000]]]}'))
@example(framed(b'{"arrays": [["float64", [0, 99999999999999999999]]]}'))
@example(framed(b'{"arrays": [[["float64"], [1]]]}'))
@example(framed(b'{"arrays": [["float64", {"a": 1}]]}'))
@example(framed(b"[" * 100_000))
@example(struct.pack("!Q", 2**63))
def test_garbage_is_either_a_message_or_the_end_of_the_line(garbage: bytes) -> None:
    with line() as (one, two):
        one.sendall(garbage)
        one.close()
        with contextlib.suppress(wire.Closed):
            header, received = wire.receive(two, time.monotonic() + 30)
            assert isinstance(header, dict)
            assert all(isinstance(item, np.ndarray) for item in received)


def test_the_end_of_the_other_side_is_closed_and_silence_is_late() -> None:
    with line() as (one, two):
        with pytest.raises(wire.Late):
            wire.receive(two, time.monotonic() + 0.01)
        one.sendall(struct.pack("!Q", 50) + b"{")
        with pytest.raises(wire.Late):
            wire.receive(two, time.monotonic() + 0.01)
        one.close()
        with pytest.raises(wire.Closed):
            wire.receive(two)


def test_sending_to_nobody_is_closed() -> None:
    with line() as (one, two):
        two.close()
        with pytest.raises(wire.Closed):
            wire.send(one, {"a": "b" * 1_000_000})


# --- what a runner may answer

ERROR = {
    "type": "ValueError", "bases": ["ValueError"], "message": "", "line": 3, "column": None, "lines": [3],
    "builtin": True, "name": "", "where": "submission",
}  # fmt: skip
OBSERVED = {
    "error": None,
    "stage": "call",
    "output": {"type": "Tensor", "items": [{"array": 0, "shape": [2], "dtype": "float64", "grad": True}]},
    "changed": [],
    "calls": [{"name": "torch.mul", "line": 4, "in": [0], "out": [1], "args": ""}],
    "values": [
        {"origin": "input:x", "shape": [2], "dtype": "float64", "grad": True, "array": 0},
        {"origin": "call", "shape": [2], "dtype": "float64", "grad": True, "array": None},
    ],
    "repairs": [],
    "gradients": {"input:x": {"shape": [2], "array": None, "value": 0}},
    "reaches": True,
}


@pytest.mark.parametrize("bent", [{"value": 1}, {"value": None}, {"array": -1}, {"shape": [3]}])
def test_a_gradient_without_its_numbers_is_refused(bent: dict[str, object]) -> None:
    told = {"shape": [2], "array": 0, "value": 0} | bent
    assert not answers.is_observed(OBSERVED | {"gradients": {"input:x": told}}, [np.zeros(2)])


def test_more_calls_than_the_judge_could_read_are_refused() -> None:
    calls = OBSERVED["calls"] * (answers.MOST_CALLS + 1)
    assert not answers.is_observed(OBSERVED | {"calls": calls}, [np.zeros(2)])


def test_an_answer_that_fits_is_read() -> None:
    assert answers.is_observed(OBSERVED, [np.zeros(2)])
    assert answers.is_observed({"error": ERROR, "stage": "construct"}, [])
    assert answers.is_loaded(
        {"ok": True, "definitions": [], "failures": [ERROR | {"statement": 1, "names": []}]}
    )


@given(
    st.sampled_from(
        ["error", "stage", "output", "changed", "calls", "values", "repairs", "gradients", "reaches"]
    ),
    TREES,
)
def test_an_answer_with_another_thing_in_a_field_is_read_or_refused_and_breaks_nothing(
    field: str, tree: object
) -> None:
    changed = OBSERVED | {field: tree}
    if answers.is_observed(changed, [np.zeros(2)]):
        Recording(changed, [np.zeros(2)])


@pytest.mark.parametrize(
    "changes",
    [
        {"values": [OBSERVED["values"][0] | {"array": 1}, OBSERVED["values"][1]]},
        {"values": [OBSERVED["values"][0] | {"shape": [3]}, OBSERVED["values"][1]]},
        {"calls": [OBSERVED["calls"][0] | {"in": [-1]}]},
        {"calls": [OBSERVED["calls"][0] | {"out": [2]}]},
        {"calls": [OBSERVED["calls"][0] | {"line": 0}]},
        {"calls": [OBSERVED["calls"][0] | {"line": 10**30}]},
        {"error": ERROR | {"message": 5}},
        {"error": ERROR | {"line": -4}},
        {"output": {"type": "Tensor", "items": [{"array": True, "shape": [2]}]}},
        {"verdict": "pass"},
    ],
    ids=str,
)
def test_an_answer_that_would_break_its_reader_is_refused(changes: dict[str, object]) -> None:
    assert not answers.is_observed(OBSERVED | changes, [np.zeros(2)])


def test_a_deadline_that_is_put_off_is_waited_beyond_and_loses_nothing() -> None:
    one, two = socket.socketpair()
    with one, two:
        late = threading.Timer(0.3, wire.send, (one, {"late": True}, [np.arange(3.0)]))
        late.start()
        offered = iter([0.05, 5.0, 0.0])
        header, arrays = wire.receive(two, time.monotonic() + 0.05, lambda: next(offered))
        late.join()
        assert header == {"late": True}
        assert arrays[0].tolist() == [0.0, 1.0, 2.0]
        with pytest.raises(wire.Late):
            wire.receive(two, time.monotonic() + 0.05, lambda: next(offered))
