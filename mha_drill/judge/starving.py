"""Whether a runner that is late was kept from running: the machine was busy, or stood still. Judge side; for `host`.

A file that computes for too long has the processor, and one that waits for ever does not want it. One that wants it
and does not get it is waited for some more.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

# Of the time that has passed: who had less of the processor, and wants it, is starving.
STARVED = 0.25
# How often the limit is put off.
MOST = 3
# Runnable, or waiting for memory and disks.
WANTING = ("R", "D")


@dataclass(frozen=True, slots=True)
class Worked:
    """What the kernel says of a process: its state, a letter, and the seconds it has had of the processor."""

    state: str
    seconds: float


def worked(process: int | None) -> Worked | None:
    """Return what a process has done; None where the kernel does not say."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        fields = told.rpartition(")")[2].split()
        return Worked(fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return None


def starving(before: Worked | None, now: Worked | None, passed: float) -> bool:
    """Whether a process wants the processor and has had little of it in the seconds that passed."""
    if before is None or now is None or now.state not in WANTING:
        return False
    return now.seconds - before.seconds < STARVED * passed


class Patience:
    """Says how much longer to wait for a process that was given so many seconds."""

    def __init__(self, process: int | None, seconds: float, until: float) -> None:
        self._process, self._seconds, self._until = process, seconds, until
        self._begun, self._before, self._left = time.monotonic(), worked(process), MOST

    def more(self) -> float:
        """Return the seconds to wait for it once more; 0 where it had its chance."""
        now, moment = worked(self._process), time.monotonic()
        if not self._left or not starving(self._before, now, moment - self._begun):
            return 0.0
        self._left, self._begun, self._before = self._left - 1, moment, now
        return min(self._seconds, self._until - moment)
