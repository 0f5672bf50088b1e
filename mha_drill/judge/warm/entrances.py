"""Where lines come in at the judge: the socket that all of a user's commands share, or one command's own line.

Called by `loop`. An entrance also knows when the judge has no more business being there.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from mha_drill.judge.warm.doors import BACKLOG, locked, user_of


class Entrance(Protocol):
    """Where lines come in."""

    minutes: float

    def fileno(self) -> int:
        """Return what to poll."""

    def admit(self) -> socket.socket | None:
        """Return the next line, None where there is none."""

    def seconds_left(self) -> float:
        """Return how long to wait for the next; 0 when it is time to leave."""

    def busy(self) -> None:
        """Count the idle time from now."""

    def withdraw(self) -> None:
        """Let nobody else come."""

    def close(self) -> None:
        """Close it in a fork, which has no business with it."""


class SharedEntrance:
    """The listening socket at a path in the user's folder; closed when nobody has come for `minutes`."""

    def __init__(self, listener: int, address: Path, lock: Path, minutes: float) -> None:
        self._listener = socket.socket(fileno=listener)
        self._listener.setblocking(False)
        self._listener.listen(BACKLOG)  # once more: from now on the kernel names this process to who connects
        self._address = address
        self._lock = lock
        self.minutes = minutes
        self._node = _node(address)
        self._idle_since = time.monotonic()

    def fileno(self) -> int:
        """Return what to poll."""
        return self._listener.fileno()

    def admit(self) -> socket.socket | None:
        """Return the next line, None where there is none or it is another user's."""
        try:
            line, _ = self._listener.accept()
        except OSError:
            return None
        self._idle_since = time.monotonic()
        if user_of(line) != os.geteuid():
            line.close()
            return None
        line.setblocking(True)
        return line

    def seconds_left(self) -> float:
        """Return how long to wait for somebody; 0 when it is time to leave, or the address is no longer ours."""
        if _node(self._address) != self._node:
            return 0.0
        return max(self._idle_since + 60 * self.minutes - time.monotonic(), 0.0)

    def busy(self) -> None:
        """Count the idle time from now."""
        self._idle_since = time.monotonic()

    def withdraw(self) -> None:
        """Take the address away, if it is still ours; who has connected is still admitted."""
        with suppress(OSError), locked(self._lock, wait=0.0) as mine:
            # Where another process holds the lock, it is about to put its own socket there.
            if mine is not None and _node(self._address) in (self._node, None):
                self._address.unlink(missing_ok=True)
                self._lock.unlink()

    def close(self) -> None:
        """Close it in a fork, which has no business with it."""
        self._listener.close()


class OwnEntrance:
    """One command's line to its own judge: lines come over it, and its end is the command's."""

    minutes = 0.0

    def __init__(self, control: int) -> None:
        self._control = socket.socket(fileno=control)
        self._open = True

    def fileno(self) -> int:
        """Return what to poll."""
        return self._control.fileno()

    def admit(self) -> socket.socket | None:
        """Return the line that came, None when the command has gone."""
        try:
            sign, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        except OSError:
            sign, descriptors = b"", []
        self._open = bool(sign)
        return socket.socket(fileno=descriptors[0]) if descriptors else None

    def seconds_left(self) -> float:
        """Return how long to wait; 0 when the command has gone."""
        return 3600.0 if self._open else 0.0

    def busy(self) -> None:
        """Do nothing: this judge's time is the command's."""

    def withdraw(self) -> None:
        """Do nothing: nobody else knows the way."""

    def close(self) -> None:
        """Close it in a fork, which has no business with it."""
        self._control.close()


def _node(address: Path) -> tuple[int, int] | None:
    try:
        status = address.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
