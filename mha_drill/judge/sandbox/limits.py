"""The limits layer: memory over what the template had, file sizes, open files, processes, no administrator's rights."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource
if sys.platform == "linux":
    from mha_drill.judge.sandbox import kernel

MEMORY = 2 * 2**30
FILE_SIZE = 64 * 2**20
OPEN_FILES = 512
PROCESSES = 64
# Whom root becomes where nothing else bounds its processes: the limit on them does not bind root.
NOBODY = 65534


def enter(memory: int = MEMORY, *, own_user: bool = False, become: int | None = None) -> None:
    """Set the limits on this process. They count from what it has now: torch alone maps hundreds of megabytes.

    own_user: whether it is in a user namespace of its own, where no other process counts against it.
    become: the user to be from now on, for root.
    """
    wanted = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ]
    if sys.platform == "linux":
        if become is not None:
            kernel.become(become)
        size, data = mapped()
        wanted += [
            (resource.RLIMIT_AS, size + memory),
            (resource.RLIMIT_DATA, data + memory),
            (resource.RLIMIT_MSGQUEUE, 0),
            (resource.RLIMIT_NPROC, PROCESSES if own_user else _tasks() + PROCESSES),
        ]
    for kind, most in wanted:
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (bound, bound))
    if sys.platform == "linux" and become is None:
        kernel.drop_capabilities()


def mapped() -> tuple[int, int]:
    """Return how much address space and how much data this process has, in bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(pages[0]) * resource.getpagesize(), int(pages[5]) * resource.getpagesize()


def _tasks() -> int:
    """Return how many tasks the limit on processes counts already: those of this user."""
    count = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if folder.stat().st_uid == os.getuid():
                    count += sum(1 for _ in (folder / "task").iterdir())
    return count
