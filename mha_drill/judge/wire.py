"""The messages between command, judge and runner: a JSON header and raw array bytes, never pickle.

A message is eight bytes of length, a JSON object of that many bytes whose `arrays` lists dtype and shape of
each array, then the arrays' bytes one after the other.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

LARGEST_HEADER = 16 * 2**20
LARGEST_PAYLOAD = 512 * 2**20
MOST_AXES = 32
MOST_ARRAYS = 40_000
DTYPES = ("float64", "float32", "int64", "int32", "uint8", "bool")

Message = tuple[dict[str, Any], list["np.ndarray"]]


class Closed(Exception):
    """The other side has gone."""


class Garbled(Closed):
    """What came is not a message."""


class Late(Exception):
    """No whole message came before the deadline."""


def send(
    channel: socket.socket,
    header: dict[str, Any],
    arrays: Sequence[np.ndarray] = (),
    deadline: float | None = None,
) -> None:
    """Send one message; `arrays` may have any shape and one of `DTYPES`; `deadline` is on `time.monotonic()`."""
    head = dict(header, arrays=[[str(array.dtype), list(array.shape)] for array in arrays])
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=True).encode()
    parts = [struct.pack("!Q", len(text)), text, *(array.tobytes() for array in arrays)]
    try:
        channel.settimeout(None if deadline is None else max(1e-3, deadline - time.monotonic()))
        channel.sendall(b"".join(parts))
    except TimeoutError as error:
        raise Late from error
    except OSError as error:
        raise Closed from error


def receive(
    channel: socket.socket, deadline: float | None = None, more: Callable[[], float] | None = None
) -> Message:
    """Return the next message; `deadline` is on `time.monotonic()`.

    more: asked at the deadline for how many seconds longer to wait; 0 for none.
    """
    reader = _Reader(channel, deadline, more)
    (length,) = struct.unpack("!Q", reader.exactly(8))
    if length > LARGEST_HEADER:
        raise Garbled
    try:
        header = json.loads(reader.exactly(length))
        described = header.pop("arrays")
        arrays = _arrays(reader, described)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Garbled from error
    return header, arrays


def _arrays(reader: _Reader, described: list[Any]) -> list[np.ndarray]:
    if not described:
        return []
    if len(described) > MOST_ARRAYS:
        raise ValueError(len(described))
    import numpy as np

    sizes = []
    for dtype, shape in described:
        if dtype not in DTYPES or len(shape) > MOST_AXES or not all(_is_size(size) for size in shape):
            raise ValueError(dtype, shape)
        sizes.append(math.prod(shape) * np.dtype(dtype).itemsize)
    if sum(sizes) > LARGEST_PAYLOAD:
        raise ValueError(sizes)
    payload = reader.exactly(sum(sizes))
    arrays, start = [], 0
    for (dtype, shape), size in zip(described, sizes, strict=True):
        arrays.append(np.frombuffer(payload, dtype, math.prod(shape), start).reshape(shape))
        start += size
    return arrays


def _is_size(size: Any) -> bool:
    return type(size) is int and 0 <= size <= LARGEST_PAYLOAD


class _Reader:
    """Reads off a socket until a deadline, which may be put off."""

    def __init__(
        self, channel: socket.socket, deadline: float | None, more: Callable[[], float] | None
    ) -> None:
        self._channel, self._deadline, self._more = channel, deadline, more

    def exactly(self, length: int) -> bytearray:
        """Return so many bytes."""
        buffer = bytearray(length)
        view, start = memoryview(buffer), 0
        while start < length:
            try:
                self._channel.settimeout(self._left())
                count = self._channel.recv_into(view[start:])
            except TimeoutError:
                continue  # late, unless it is put off
            except OSError as error:
                raise Closed from error
            if count == 0:
                raise Closed
            start += count
        self._channel.settimeout(None)
        return buffer

    def _left(self) -> float | None:
        """Return the seconds that are left."""
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            left = self._more() if self._more is not None else 0.0
            if left <= 0:
                raise Late
            self._deadline = time.monotonic() + left
        return left
