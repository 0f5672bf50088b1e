"""What the learner's file finds around it in the runner: no input, no terminal, no module of the drill. Runner side."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import io
import os
import pkgutil
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

PACKAGE = __name__.partition(".")[0]
KEPT = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("CUDA_VISIBLE_DEVICES", "TORCHDYNAMO_DISABLE"),
)


class Printed(io.RawIOBase):
    """Where standard output and error go: counted up to a limit and kept from everybody."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.count = 0

    def writable(self) -> bool:
        """Anything can be written."""
        return True

    def write(self, data: object) -> int:
        """Count what is written."""
        size = memoryview(data).nbytes  # type: ignore[arg-type]
        self.count = min(self.count + size, self.most + 1)
        return size

    def fileno(self) -> int:
        """Return the number that programs written in C would print to."""
        return 1


def silence(most: int) -> Printed:
    """Give the file no input, and let what it prints be counted; what C code prints goes nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    if null > 2:
        os.close(null)
    printed = Printed(most)
    streams: dict[str, TextIO] = {"stdin": os.fdopen(0, encoding="utf-8", closefd=False)}
    for name in ("stdout", "stderr"):
        streams[name] = io.TextIOWrapper(
            io.BufferedWriter(printed), "utf-8", errors="replace", write_through=True
        )
    for name, stream in streams.items():
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    return printed


def close_files(keep: int) -> None:
    """Close every descriptor that the template had open, but the three standard ones and the judge's line."""
    try:
        numbers = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    except OSError:
        numbers = list(range(256))
    for number in numbers:
        if number > 2 and number != keep:
            with contextlib.suppress(OSError):
                os.close(number)


def take_environment(environ: dict[str, str] | None) -> None:
    """Take on the environment of the command that asks; what keeps torch to one thread stays."""
    if environ is None:
        return
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update(environ | kept)


class Refusal(importlib.abc.MetaPathFinder):
    """Finds nothing of the drill: its modules are not there for the file."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Refuse the drill's own package; leave all else to the other finders."""
        if name.partition(".")[0] == PACKAGE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def forget_the_drill(path: str) -> None:
    """Take the drill's modules and folder out of the file's reach, and put the file's own folder in."""
    for name in list(sys.modules):
        if name.partition(".")[0] == PACKAGE:
            del sys.modules[name]
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.meta_path.insert(0, Refusal())
    checkout = str(Path(__file__).resolve().parents[2])
    if not any(name in checkout for name in ("site-packages", "dist-packages")):
        sys.path[:] = [place for place in sys.path if str(Path(place).resolve()) != checkout]
    os.environ.pop("PYTHONPATH", None)
    folder = str(Path(path).parent)
    # Last, so that a learner's `random.py` is not taken for the library's.
    sys.path.append(folder)
    # Lists the folder now: where its names may not be listed later, its modules are still found.
    if (finder := pkgutil.get_importer(folder)) is not None:
        finder.find_spec("")
    sys.argv = [path]
    sys.dont_write_bytecode = True  # a sibling module leaves nothing beside the learner's file
