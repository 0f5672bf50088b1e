"""The process that runners are forked from: it has loaded torch and the runner's code, and nothing secret.

The judge sends `spawn` with one end of a socket pair, or `ahead` where nobody waits for the runner yet, and gets
its process id; `end` kills that runner with all it started, removes its scratch folder and says how it ended. When
the judge is gone, the template ends every runner and goes too.

The judge forks it off itself, before it has loaded anything that a submission must not see, so that both share
what torch takes of the memory and it is loaded once. One that has died is followed by one run as
`python -m mha_drill.judge.template FD PID`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from mha_drill.judge import scratch
from mha_drill.judge.lifeline import adopt_orphans, die_with, outlive, sweep
from mha_drill.judge.sandbox.entering import prepare
from mha_drill.judge.sandbox.layers import Layer
from mha_drill.judge.seclusion import close_files


def main(descriptor: int, judge: int) -> None:
    """Fork runners until the judge, of that process id, closes its end."""
    die_with(judge)
    control = socket.socket(fileno=descriptor)
    layers = load()
    with contextlib.suppress(OSError):
        control.sendall(b"ready\n")
        _live(control, judge, layers)


def single_threaded() -> None:
    """Keep this process to one thread, before torch is imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def fork_off(layers: tuple[Layer, ...]) -> tuple[socket.socket, Forked]:
    """Fork a template off this process, which has done `load` and no more; return the line to it, and it."""
    ours, theirs = socket.socketpair()
    judge = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            close_files(theirs.fileno())
            with contextlib.suppress(OSError):
                _live(theirs, judge, layers)
        finally:
            os._exit(0)
    theirs.close()
    return ours, Forked(child)


class Forked:
    """A process forked off this one, to be handled like one that was started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, as `subprocess` tells it; None while it lives."""
        if self.returncode is None:
            try:
                child, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                child, status = self.pid, 0
            if child:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Wait for its end; subprocess.TimeoutExpired where that does not come."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("template", timeout)
            time.sleep(0.002)
        return code

    def kill(self) -> None:
        """Kill it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _live(control: socket.socket, judge: int, layers: tuple[Layer, ...]) -> None:
    """Fork runners until the judge closes its end, then end them."""
    adopt_orphans()
    scratch.clear_left_over()
    if os.getppid() != judge:
        return
    outlive()
    runners: dict[int, Path] = {}
    try:
        _serve(control, layers, runners)
    finally:
        for child in list(runners):
            _end(child, runners)


def _serve(control: socket.socket, layers: tuple[Layer, ...], runners: dict[int, Path]) -> None:
    """Do what the judge asks until it closes its end; `runners` holds who is alive, and their scratch folders."""
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        if not command:
            return
        words = command.decode().split()
        if words[0] in ("spawn", "ahead"):
            place = scratch.make()
            template = os.getpid()
            child = os.fork()
            if child == 0:
                control.close()
                _become_runner(descriptors[0], template, layers, place, ahead=words[0] == "ahead")
            os.close(descriptors[0])
            runners[child] = place
            control.sendall(f"{child}\n".encode())
        elif words[0] == "end":
            control.sendall(f"{_end(int(words[1]), runners)}\n".encode())


def load() -> tuple[Layer, ...]:
    """Load what every runner needs before the first fork; return the layers of the sandbox they will enter."""
    single_threaded()
    os.environ["TORCHDYNAMO_DISABLE"] = "1"  # `torch.compile` would start a compiler
    import torch

    import mha_drill.judge.laboratory
    import mha_drill.judge.runner
    import mha_drill.judge.stretching  # noqa: F401

    torch.set_num_threads(1)
    x = torch.ones(2, 2, requires_grad=True)
    (x @ x).softmax(-1).sum().backward()  # type: ignore[no-untyped-call]
    layers = prepare()
    gc.freeze()
    return layers


def _become_runner(
    descriptor: int, template: int, layers: tuple[Layer, ...], place: Path, *, ahead: bool
) -> None:
    from mha_drill.judge.runner import serve

    code = 1
    try:
        die_with(template)
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        serve(socket.socket(fileno=descriptor), layers, place, ahead=ahead)
        code = 0
    finally:
        os._exit(code)


def _end(child: int, runners: dict[int, Path]) -> str:
    """Kill a runner and all it started, however it hid them; return how the runner had ended."""
    place = runners.pop(child, None)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    try:
        _, status = os.waitpid(child, 0)
    except ChildProcessError:
        status = None
    sweep(runners)
    if place is not None:
        scratch.remove(place)
    if status is None:
        return "unknown 0"
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit {os.WEXITSTATUS(status)}"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
