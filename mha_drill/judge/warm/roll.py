"""Which judges of this user stay warm, and their end: what `judge status` and `judge stop` ask. No torch."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mha_drill.judge import wire
from mha_drill.judge.warm.doors import connect, locked
from mha_drill.judge.warm.greeting import STATUS, STOP
from mha_drill.judge.warm.place import folders, ours, places

PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class WarmJudge:
    """A judge that stays. current: the one that this very version, Python and content use.

    since: when it was started, in seconds since the epoch. minutes: how long it stays when nobody asks.
    megabytes: what it and all below it hold of the memory, shared pages shared out; None where unknown.
    loading: it is there, and has not answered yet.
    """

    pid: int | None
    current: bool
    version: str = ""
    since: float = 0.0
    checks: int = 0
    running: int = 0
    minutes: float = 0.0
    megabytes: float | None = None
    loading: bool = False


def warm_judges(environ: Mapping[str, str]) -> list[WarmJudge]:
    """Return the judges that listen in this user's folders, the current one first."""
    current = {place.socket for place in places(environ)}
    found = [judge for address in _addresses(environ) if (judge := _ask(address, address in current))]
    return sorted(found, key=lambda judge: not judge.current)


def stop_judges(environ: Mapping[str, str]) -> list[int]:
    """End every judge of this user, of whatever version, and what it is doing; return their process ids."""
    stopped = []
    for address in _addresses(environ):
        line = connect(address)
        if line is None:
            with suppress(OSError):
                address.unlink()
            _unlock(address)
            continue
        pid = _listening(address)
        with line:
            if not _ends(line) and pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        with suppress(OSError):
            address.unlink(missing_ok=True)
        _unlock(address)
        if pid is not None:
            stopped.append(pid)
    return stopped


def _unlock(address: Path) -> None:
    """Remove the lock of a judge that has ended, unless another is being started there."""
    lock = address.with_suffix(".lock")
    with suppress(OSError), locked(lock, wait=0.0) as mine:
        if mine is not None and not address.exists():
            lock.unlink()


def _addresses(environ: Mapping[str, str]) -> Iterator[Path]:
    for folder in folders(environ):
        if ours(folder):
            yield from sorted(folder.glob("*.sock"))


def _ask(address: Path, current: bool) -> WarmJudge | None:
    line = connect(address)
    if line is None:
        return None
    with line:
        try:
            line.sendall(STATUS)
            told, _ = wire.receive(line, time.monotonic() + 1.0)
        except wire.Late:
            return WarmJudge(_listening(address), current, loading=True)
        except (OSError, wire.Closed):
            return None
    return _read(told, current)


def _read(told: dict[str, Any], current: bool) -> WarmJudge:
    sizes = list(filter(None, map(_megabytes, _family(told["pid"]))))
    return WarmJudge(
        pid=told["pid"],
        current=current,
        version=told["version"],
        since=told["since"],
        checks=told["checks"],
        running=told["running"],
        minutes=told["minutes"],
        megabytes=sum(sizes) if sizes else None,
    )


def _ends(line: socket.socket) -> bool:
    """Whether the judge at the other end of a line leaves when told to: then the line closes."""
    line.settimeout(PATIENCE)
    try:
        line.sendall(STOP)
        return line.recv(1) == b""
    except ConnectionError:
        return True
    except OSError:
        return False


def _listening(address: Path) -> int | None:
    """Return the process that was started to listen at `address`, by its command line."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"mha_drill.judge.server" in words and os.fsencode(address) in words:
                return int(folder.name)
    return None


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all below it: the template, and what stands ready for the next check."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text(encoding="ascii").split()):
                yield from _family(child)


def _megabytes(pid: int) -> float | None:
    """Return a process's share of the memory."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")), None)
