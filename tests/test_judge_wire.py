"""The messages between the processes: what is sent arrives, and what is not a message ends the line."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mha_drill.judge import wire

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
