"""The only process that imports the learner's file: it answers one request after the other over a socket.

`load` shuts it into the sandbox, runs the file and says what it defines; `run` does experiments and answers
each as soon as it is done, so that the judge knows which one hangs. It knows nothing of the reference or the
hidden tests.
"""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path
from typing import Any

from mha_drill.judge import clocks, wire
from mha_drill.judge.laboratory import Laboratory
from mha_drill.judge.loading import Loaded
from mha_drill.judge.sandbox.entering import enter
from mha_drill.judge.sandbox.layers import Layer
from mha_drill.judge.sandbox.limits import FILE_SIZE
from mha_drill.judge.seclusion import Printed, close_files, forget_the_drill, silence, take_environment
from mha_drill.judge.siblings import package_of
from mha_drill.judge.stretching import stretch

MOST_PRINTED = 1_000_000


def serve(channel: socket.socket, layers: tuple[Layer, ...], scratch: Path, *, ahead: bool = False) -> None:
    """Answer requests until the judge closes the channel. ahead: the first will not come at once."""
    close_files(channel.fileno())
    printed = silence(MOST_PRINTED)
    if ahead:
        stretch(lambda: bool(select.select([channel], [], [], 0)[0]))
    loaded: Loaded | None = None
    laboratory: Laboratory | None = None
    while True:
        try:
            request, arrays = wire.receive(channel)
        except wire.Closed:
            return
        if request["op"] == "load":
            take_environment(request.get("environ"))
            enter(layers, Path(request["path"]).parent, scratch)
            loaded, answer = _load(request)
            wire.send(channel, answer | _aside(request, printed, scratch))
            continue
        assert loaded is not None
        laboratory = laboratory or Laboratory(loaded)
        for experiment in request["experiments"]:
            header, results = laboratory.run(experiment, arrays)
            wire.send(channel, header | _aside(request, printed, scratch), results)


def _aside(request: dict[str, Any], printed: Printed, scratch: Path) -> dict[str, Any]:
    """Return what goes with every answer: the request's ticket, and what was cut."""
    cut = ["output-cut"] if printed.count > MOST_PRINTED else []
    return {"ticket": request["ticket"], "cut": cut + (["file-cut"] if _full(scratch) else [])}


def _full(scratch: Path) -> bool:
    """Whether a file in the scratch folder came to its limit, or all of them together did."""
    try:
        with os.scandir(scratch) as entries:
            if any(entry.stat(follow_symlinks=False).st_size >= FILE_SIZE for entry in entries):
                return True
        room = os.statvfs(scratch)
    except OSError:
        return False
    return room.f_blocks > 0 and room.f_bavail == 0


def _load(request: dict[str, Any]) -> tuple[Loaded, dict[str, Any]]:
    import torch

    path = request["path"]
    forget_the_drill(path)
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(0)
    clocks.install()
    loaded = Loaded(path, request["source"], package_of(Path(path).parent))
    error = loaded.run()
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    if error is not None:
        return loaded, {"ok": False, "error": error}
    return loaded, {"ok": True, "definitions": loaded.definitions(), "failures": loaded.failures}
