"""Processes that end with the one that started them, however it ended. On Linux; elsewhere the closed line tells."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# A submission that keeps forking while it is being killed is given up on after this long.
LONGEST_SWEEP = 5.0


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, which started it, is gone."""
    if not sys.platform.startswith("linux"):
        return
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def outlive() -> None:
    """Let this process go on when its parent is gone: it has something to tidy up, and sees its line closed."""
    if sys.platform.startswith("linux"):
        _prctl(PR_SET_PDEATHSIG, 0)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent has ended."""
    if sys.platform.startswith("linux"):
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def sweep(spare: Collection[int]) -> None:
    """Kill the children this process did not start itself, orphans it adopted, until there are none."""
    until = time.monotonic() + LONGEST_SWEEP
    while (strangers := children() - set(spare)) and time.monotonic() < until:
        for child in strangers:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        for child in strangers:
            with contextlib.suppress(OSError):
                os.waitpid(child, 0)


def children() -> set[int]:
    """Return the process ids of this process's children."""
    try:
        listed = Path("/proc/self/task", str(os.getpid()), "children").read_text(encoding="ascii")
    except OSError:
        return set()
    return {int(number) for number in listed.split()}


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
