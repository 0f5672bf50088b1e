"""The process that runners are forked from: it has loaded torch and the runner's code, and nothing secret.

The judge sends `spawn` with one end of a socket pair and gets the runner's process id; `end` kills that
runner with all it started and says how it ended. Run as `python -m mha_drill.judge.template FD`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys

from mha_drill.judge.lifeline import die_with


def main(descriptor: int, judge: int) -> None:
    """Fork runners until the judge, of that process id, closes its end."""
    die_with(judge)
    control = socket.socket(fileno=descriptor)
    _warm()
    control.sendall(b"ready\n")
    alive: set[int] = set()
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, 64, 1)
        if not command:
            break
        words = command.decode().split()
        if words[0] == "spawn":
            template = os.getpid()
            child = os.fork()
            if child == 0:
                control.close()
                _become_runner(descriptors[0], template)
            os.close(descriptors[0])
            alive.add(child)
            control.sendall(f"{child}\n".encode())
        elif words[0] == "end":
            child = int(words[1])
            control.sendall(f"{_end(child)}\n".encode())
            alive.discard(child)
    for child in alive:
        _end(child)


def _warm() -> None:
    """Load what every runner needs before the first fork."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    import mha_drill.judge.laboratory
    import mha_drill.judge.runner  # noqa: F401

    torch.set_num_threads(1)
    # The first gradient imports sympy and much else: here, before a learner's folder is on the path.
    x = torch.ones(2, 2, requires_grad=True)
    torch.autograd.grad((x @ x).softmax(-1), x, grad_outputs=torch.ones(2, 2))
    (x @ x).backward(torch.ones(2, 2))  # type: ignore[no-untyped-call]
    gc.collect()
    gc.freeze()


def _become_runner(descriptor: int, template: int) -> None:
    from mha_drill.judge.runner import serve

    code = 1
    try:
        die_with(template)
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        serve(socket.socket(fileno=descriptor))
        code = 0
    finally:
        os._exit(code)


def _end(child: int) -> str:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    try:
        _, status = os.waitpid(child, 0)
    except ChildProcessError:
        return "unknown 0"
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit {os.WEXITSTATUS(status)}"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
