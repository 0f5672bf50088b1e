"""The only process that imports the learner's file: it answers one request after the other over a socket.

`load` runs the file and says what it defines; `run` does experiments and answers each as soon as it is done,
so that the judge knows which one hangs. It knows nothing of the reference or the hidden tests.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from mha_drill.judge import wire
from mha_drill.judge.loading import Loaded

KEPT = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTHONPATH")


def serve(channel: socket.socket) -> None:
    """Answer requests until the judge closes the channel."""
    _silence()
    loaded: Loaded | None = None
    laboratory = None
    while True:
        try:
            request, arrays = wire.receive(channel)
        except wire.Closed:
            return
        if request["op"] == "load":
            loaded, answer = _load(request)
            wire.send(channel, answer)
            continue
        from mha_drill.judge.laboratory import Laboratory

        assert loaded is not None
        laboratory = laboratory or Laboratory(loaded)
        for experiment in request["experiments"]:
            header, results = laboratory.run(experiment, arrays)
            wire.send(channel, header, results)


def _silence() -> None:
    """Send what the file prints nowhere, and give it no input."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.close(null)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", closefd=False)


def _settle(request: dict[str, Any]) -> None:
    """Take on the working folder and the environment of the command; what keeps torch to one thread stays."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    if "environ" in request:
        os.environ.clear()
        os.environ.update(request["environ"] | kept)
    if "folder" in request:
        with suppress(OSError):
            os.chdir(request["folder"])


def _load(request: dict[str, Any]) -> tuple[Loaded, dict[str, Any]]:
    import torch

    path = request["path"]
    _settle(request)
    # Last, so that a learner's `random.py` is not taken for the library's.
    sys.path.append(str(Path(path).parent))
    sys.argv = [path]
    sys.dont_write_bytecode = True  # a sibling module leaves nothing beside the learner's file
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    loaded = Loaded(path, request["source"])
    error = loaded.run()
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    if error is not None:
        return loaded, {"ok": False, "error": error}
    return loaded, {"ok": True, "definitions": loaded.definitions(), "failures": loaded.failures}
