"""The judge's hold on the runner: start one, ask it, bound every answer in time, end it, start the next.

Used by the judge alone. `Runner.load` and `Runner.run` raise `Died` or `Hung`, never an exception of the file.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mha_drill.judge import wire

Answer = tuple[dict[str, Any], list[np.ndarray]]


class Hung(Exception):
    """The runner did not answer in time and was killed."""


class Died(Exception):
    """The runner ended by itself; `how` says by which signal or exit code."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Spawns(Protocol):
    """Who makes runners: the template, or in a fork of the judge whoever asks it on the fork's behalf."""

    def spawn(self) -> tuple[int, socket.socket]:
        """Fork a runner; return its process id and the channel to it."""

    def end(self, child: int) -> str:
        """Kill a runner and all it started; return how it had ended."""


class Template:
    """The process that runners are forked from."""

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mha_drill.judge.template", str(theirs.fileno()), str(os.getpid())],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.ready = False

    def _line(self) -> str:
        text = b""
        while not text.endswith(b"\n"):
            piece = self.control.recv(64)
            if not piece:
                raise Died("template")
            text += piece
        return text.decode().strip()

    def spawn(self) -> tuple[int, socket.socket]:
        """Fork a runner; return its process id and the channel to it."""
        if not self.ready:
            self.ready = self._line() == "ready"
        ours, theirs = socket.socketpair()
        socket.send_fds(self.control, [b"spawn"], [theirs.fileno()])
        theirs.close()
        return int(self._line()), ours

    def end(self, child: int) -> str:
        """Kill a runner and all it started; return how it had ended: `exit 0`, `signal 9`."""
        self.control.sendall(f"end {child}".encode())
        return self._line()

    def close(self) -> None:
        """End the template and every runner it still has."""
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Runner:
    """One runner with the learner's file in it; started anew after a call that hung or died.

    setting: the working folder and the environment of the command that asks, which may not be the judge's own.
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
        self._child: int | None = None
        self._channel: socket.socket | None = None

    def load(self) -> dict[str, Any]:
        """Run the file in a fresh runner; return what it defines."""
        self.close()
        self._child, self._channel = self.template.spawn()
        self._ask({"op": "load", "path": self.path, "source": self.source} | self.setting, ())
        return self._answer(3 * self.time_limit)[0]

    def run(self, experiments: Sequence[dict[str, Any]], arrays: Sequence[np.ndarray]) -> Iterator[Answer]:
        """Do experiments in one message; yield each answer as it comes."""
        if self._channel is None:
            self.restarts += 1
            self.load()
        self._ask({"op": "run", "experiments": list(experiments)}, arrays)
        for _ in experiments:
            yield self._answer(self.time_limit)

    def _ask(self, header: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
        assert self._channel is not None
        try:
            wire.send(self._channel, header, arrays)
        except wire.Closed:
            raise Died(self.close()) from None

    def _answer(self, seconds: float) -> Answer:
        assert self._channel is not None
        try:
            return wire.receive(self._channel, time.monotonic() + seconds)
        except wire.Late:
            self.close()
            raise Hung from None
        except wire.Closed:
            raise Died(self.close()) from None

    def close(self) -> str:
        """End the runner; return how it ended."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._child is None:
            return ""
        child, self._child = self._child, None
        return self.template.end(child)


def single_threaded() -> None:
    """Keep this process to one thread, before torch is imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
