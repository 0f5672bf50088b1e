"""The judge's hold on the runner: start one, ask it, bound every answer in time, end it, start the next.

Used by the judge alone. `Runner.load` and `Runner.run` raise `Died` or `Hung`, never an exception of the file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np

from mha_drill.judge import answers, scratch, wire
from mha_drill.judge.ahead import Ahead, Asked, together
from mha_drill.judge.answers import Answer
from mha_drill.judge.bounds import limit_met
from mha_drill.judge.starving import Patience

# What a runner may say went beyond a limit and was cut; each is a note of the report.
CUTS = ("output-cut", "file-cut")
# A whole check may take this many time limits, what the judge thinks meanwhile included: files that are slow at
# every call, or that show so much that it takes long to read, would otherwise never end.
MOST_LIMITS = 10


class Hung(Exception):
    """The runner did not answer in time and was killed."""


class Died(Exception):
    """The runner ended by itself; `how` says by which signal or exit code, or `line`: it spoke out of turn."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Spawns(Protocol):
    """Who makes runners: the template, or in a fork of the judge whoever asks it on the fork's behalf."""

    def spawn(self) -> tuple[int, socket.socket]:
        """Fork a runner; return its process id and the channel to it."""

    def end(self, child: int) -> str:
        """Kill a runner and all it started; return how it had ended."""


class Process(Protocol):
    """What is needed of a process that was started or forked."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Return how it ended, None while it lives."""

    def wait(self, timeout: float) -> object:
        """Wait for its end; subprocess.TimeoutExpired where that does not come."""

    def kill(self) -> None:
        """Kill it."""


class Template:
    """The process that runners are forked from. One that has gone is started again for the next runner.

    born: one that is there already, forked off this process: the line to it, and the process.
    """

    def __init__(self, born: tuple[socket.socket, Process] | None = None) -> None:
        self.process: Process
        if born is None:
            self._start()
        else:
            (self.control, self.process), self.ready = born, True

    def _start(self) -> None:
        self.control, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mha_drill.judge.template", str(theirs.fileno()), str(os.getpid())],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.ready = False

    def tidy(self) -> None:
        """Remove what a template that was killed has left; one that ends by itself leaves nothing."""
        if self.process.poll():
            scratch.clear_left_over()

    def _line(self) -> str:
        text = b""
        while not text.endswith(b"\n"):
            try:
                piece = self.control.recv(64)
            except OSError:
                piece = b""
            if not piece:
                raise Died("template")
            text += piece
        return text.decode().strip()

    def spawn(self, *, ahead: bool = False) -> tuple[int, socket.socket]:
        """Fork a runner; return its process id and the channel to it. ahead: nobody waits for it yet."""
        try:
            return self._spawn(b"ahead" if ahead else b"spawn")
        except (Died, OSError):
            self.close()
            self._start()
            return self._spawn(b"spawn")

    def _spawn(self, word: bytes) -> tuple[int, socket.socket]:
        if not self.ready:
            self.ready = self._line() == "ready"
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [word], [theirs.fileno()])
        return int(self._line()), ours

    def end(self, child: int) -> str:
        """Kill a runner and all it started; return how it had ended: `exit 0`, `signal 9`."""
        try:
            self.control.sendall(f"end {child}".encode())
            return self._line()
        except (Died, OSError):  # gone, and its runners with it
            return "signal 9"

    def close(self) -> None:
        """End the template and every runner it still has."""
        self.control.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.tidy()


class Runner:
    """One runner with the learner's file in it; started anew after a call that hung or died.

    setting: the environment of the command that asks, which may not be the judge's own. ended: how the last
    runner that did not come back ended, empty where each came back. cut: what the file went beyond, of `CUTS`.
    """

    def __init__(
        self,
        template: Spawns,
        path: str,
        source: str,
        time_limit: float,
        setting: dict[str, Any] | None = None,
    ) -> None:
        self.template = template
        self.path = path
        self.source = source
        self.time_limit = time_limit
        self.setting = setting or {}
        self.restarts = 0
        self.hangs = 0
        self.stopped = False
        self.last_end = ("Hung", "")  # how the last call ended that did not come back
        self.ended = ""
        self.cut: set[str] = set()
        self._until = time.monotonic() + MOST_LIMITS * time_limit
        self._loading = 3 * time_limit
        self._child: int | None = None
        self._channel: socket.socket | None = None
        self._ticket = ""
        self._exhausted = 0
        self._ahead = Ahead()
        self._patience = Patience(None, 0.0, 0.0)

    def load(self) -> dict[str, Any]:
        """Run the file in a fresh runner; return what it defines."""
        self.close()
        self._child, self._channel = self.template.spawn()
        started = time.monotonic()
        request = {"op": "load", "path": self.path, "source": self.source} | self.setting
        self._ask(request, (), self._loading)
        loaded, _ = self._answer(self._loading, lambda header, _: answers.is_loaded(header))
        # A file that loaded once has no longer than that when it has to be loaded again.
        self._loading = min(self._loading, max(self.time_limit, 2 * (time.monotonic() - started)))
        return loaded

    def run(self, experiments: Sequence[dict[str, Any]], arrays: Sequence[np.ndarray]) -> Iterator[Answer]:
        """Do experiments in one message; yield each answer as it comes, one that was foreseen perhaps at once."""
        known = self._ahead.take(experiments[0], arrays) if len(experiments) == 1 else None
        if known is not None:
            yield known
            return
        self._ahead.finish()
        if self._channel is None:
            self.restarts += 1
            self.load()
        self._ask({"op": "run", "experiments": list(experiments)}, arrays, self.time_limit)
        yield from self._answers(len(experiments))

    def foresee(self, calls: Sequence[Asked]) -> None:
        """Send calls that will be asked for, each by itself: `run` then finds them under way, or done."""
        self._ahead.finish()
        if self._channel is None or self.stopped or not calls:
            return
        experiments, arrays = together(calls)
        with contextlib.suppress(Died, Hung):  # who asks next starts it anew
            self._ask({"op": "run", "experiments": experiments}, arrays, self.time_limit)
            self._ahead.sent(calls, self._answers(len(calls)))

    def _answers(self, count: int) -> Iterator[Answer]:
        for _ in range(count):
            answer = self._answer(self.time_limit, answers.is_observed)
            error = answer[0]["error"]
            if error is not None and limit_met(error) == "memory-limit":
                # Filling the memory takes a second each time; a third time tells no more.
                self._exhausted += 1
                self.stopped = self.stopped or self._exhausted > 1
            yield answer

    def _ask(self, header: dict[str, Any], arrays: Sequence[np.ndarray], seconds: float) -> None:
        assert self._channel is not None
        self._ticket = secrets.token_hex(8)
        self._patience = Patience(self._child, seconds, self._until)
        with self._bounded():
            wire.send(self._channel, header | {"ticket": self._ticket}, arrays, time.monotonic() + seconds)

    def _answer(self, seconds: float, readable: Callable[[dict[str, Any], list[np.ndarray]], bool]) -> Answer:
        assert self._channel is not None
        started = time.monotonic()
        with self._bounded():
            header, arrays = wire.receive(
                self._channel, min(started + seconds, self._until), self._patience.more
            )
        ticket, cut = header.pop("ticket", None), header.pop("cut", None)
        if ticket != self._ticket or not answers.fits(cut, [str]) or not readable(header, arrays):
            self._over("line")
        self.cut |= set(CUTS) & set(cut)
        return header, arrays

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[None]:
        """End the runner where the line to it fails, and say how it failed."""
        try:
            yield
        except wire.Late:
            self.close()
            self.ended = "hung"
            raise Hung from None
        except wire.Garbled:
            self._over("line")
        except wire.Closed:
            self._over("")

    def _over(self, how: str) -> NoReturn:
        """End the runner and say that it died: as told, or as it had ended by itself."""
        ended = self.close()
        self.ended = how or ended
        raise Died(self.ended) from None

    def close(self) -> str:
        """End the runner; return how it ended."""
        self._ahead.forget()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._child is None:
            return ""
        child, self._child = self._child, None
        return self.template.end(child)
