"""What a forked check asks of the judge's loop: its line, its runners, their end. Called by `judge.server` in the fork.

The loop alone speaks to the template, so that a check that is killed leaves no half a conversation behind, and
the runners it had are ended for it.
"""

from __future__ import annotations

import select
import socket

from mha_drill.judge.host import Died


class Errands:
    """The fork's end of its line to the loop; a `Runner` gets its processes here as it would from the template.

    ahead: whether the fork was made before anybody asked, and has time.
    """

    def __init__(self, channel: socket.socket, *, ahead: bool) -> None:
        self._channel = channel
        self.ahead = ahead

    def asked(self) -> bool:
        """Whether a command's line has come."""
        return bool(select.select([self._channel], [], [], 0)[0])

    def line(self) -> socket.socket | None:
        """Wait for the line of the command to answer; None when the judge needs this fork no more."""
        descriptors = socket.recv_fds(self._channel, 1, 1)[1]
        return socket.socket(fileno=descriptors[0]) if descriptors else None

    def spawn(self) -> tuple[int, socket.socket]:
        """Return a fresh runner's process id and the channel to it."""
        self._channel.sendall(b"spawn")
        child, descriptors, _, _ = socket.recv_fds(self._channel, 32, 1)
        if not descriptors:
            raise Died("judge")
        return int(child), socket.socket(fileno=descriptors[0])

    def end(self, child: int) -> str:
        """Kill a runner and all it started; return how it had ended."""
        self._channel.sendall(b"end %d" % child)
        return self._channel.recv(64).decode()
