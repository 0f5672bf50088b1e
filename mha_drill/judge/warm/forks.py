"""The forks of the judge, one a check, and the runners each was given: made, served, ended. Called by `loop`.

One fork and one runner are made ahead, while nobody waits: a fork of all that the judge has loaded takes as
long as a tenth of a check.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from mha_drill.judge.host import Template
from mha_drill.judge.lifeline import die_with
from mha_drill.judge.warm.errands import Errands


class Closes(Protocol):
    """Something with a descriptor that a fork must not keep open."""

    def close(self) -> None:
        """Close it."""


@dataclass(slots=True)
class Fork:
    """A process forked for one check: its id, the loop's end of its errands, the runners it has."""

    child: int
    channel: socket.socket
    runners: set[int] = field(default_factory=set)


class Forks:
    """Makes forks that each do `work`, and looks after them."""

    def __init__(
        self,
        template: Template,
        work: Callable[[Errands], None],
        foreign: Callable[[], Iterable[Closes]],
    ) -> None:
        self._template = template
        self._work = work
        self._foreign = foreign
        self._alive: set[int] = set()
        self._spare: Fork | None = None
        self._spare_runner: tuple[int, socket.socket] | None = None

    def take(self, line: socket.socket) -> Fork:
        """Return a fork that answers the command at the other end of `line`."""
        fork = self._spare or self._make()
        self._spare = None
        try:
            socket.send_fds(fork.channel, [b"+"], [line.fileno()])
        except OSError:  # the one made ahead has died since
            self.end(fork)
            fork = self._make()
            socket.send_fds(fork.channel, [b"+"], [line.fileno()])
        return fork

    def errand(self, fork: Fork) -> bool:
        """Do what a fork asks for; False when it asks no more, because it has ended."""
        try:
            words = fork.channel.recv(32).split()
            if not words:
                return False
            if words[0] == b"spawn":
                child, channel = self._runner()
                fork.runners.add(child)
                with channel:
                    socket.send_fds(fork.channel, [b"%d" % child], [channel.fileno()])
            else:
                fork.runners.discard(int(words[1]))
                fork.channel.sendall(self._template.end(int(words[1])).encode())
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def end(self, fork: Fork) -> None:
        """Kill a fork, if it still lives, and every runner it still has."""
        fork.channel.close()
        with suppress(ProcessLookupError):
            os.kill(fork.child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(fork.child, 0)
        self._alive.discard(fork.child)
        for child in fork.runners:
            self._template.end(child)

    def prepare(self) -> None:
        """Make the next fork and the next runner ahead."""
        if self._spare is None:
            self._spare = self._make(ahead=True)
        if self._spare_runner is None:
            self._spare_runner = self._template.spawn(ahead=True)

    def kill_all(self) -> None:
        """End every fork at once, on the way out; the template ends the runners when its own line closes."""
        for child in self._alive:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def _make(self, *, ahead: bool = False) -> Fork:
        ours, theirs = socket.socketpair()
        judge = os.getpid()
        child = os.fork()
        if child == 0:
            self._become(ours, theirs, judge, ahead=ahead)
        theirs.close()
        self._alive.add(child)
        return Fork(child, ours)

    def _become(self, ours: socket.socket, theirs: socket.socket, judge: int, *, ahead: bool) -> None:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            die_with(judge)
            ours.close()
            self._template.control.close()
            if self._spare_runner is not None:
                self._spare_runner[1].close()
            for item in self._foreign():
                item.close()
            self._work(Errands(theirs, ahead=ahead))
        finally:
            os._exit(0)

    def _runner(self) -> tuple[int, socket.socket]:
        """Return the runner made ahead, if it still lives, else a new one."""
        spare, self._spare_runner = self._spare_runner, None
        if spare is None:
            return self._template.spawn()
        gone = select.poll()
        gone.register(spare[1].fileno(), 0)
        if not gone.poll(0):
            return spare
        spare[1].close()
        self._template.end(spare[0])
        return self._template.spawn()
