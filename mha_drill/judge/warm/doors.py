"""The ways to a judge: the warm one's, found or started or healed, and that of a judge for one command alone. No torch.

Called by `judge.client`. A door is opened once a check; each opening is a new line to the judge. `None` says
that this door leads nowhere, and the next one is tried.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mha_drill.judge.warm.greeting import RETIRE
from mha_drill.judge.warm.place import Place, make, ours, places

MINUTES: Final = 15.0

# A judge that is being started lets nobody wait for the lock longer than its own start takes.
PATIENCE: Final = 60.0
BACKLOG: Final = 512
OFF: Final = ("0", "no", "off", "false")


def minutes_to_stay(environ: Mapping[str, str]) -> float:
    """Return how long a judge stays when nobody asks it anything; 0 where none is wanted."""
    if environ.get("CI", "").lower() not in ("", *OFF):
        return 0.0
    wish = environ.get("MHA_DRILL_WARM", "").lower()
    if wish in OFF:
        return 0.0
    try:
        return max(float(wish), 0.0)
    except ValueError:
        return MINUTES


class WarmDoor:
    """The door of the judge that stays."""

    def __init__(self, environ: Mapping[str, str], minutes: float) -> None:
        self._environ = environ
        self._minutes = minutes
        self._place: Place | None = None

    def open(self) -> socket.socket | None:
        """Return a line to the warm judge, starting it where none answers."""
        candidates = list(places(self._environ))
        for place in candidates:
            if ours(place.folder) and (line := connect(place.socket)):
                self._place = place
                return line
        for place in candidates:
            with suppress(OSError):  # a full disk, a folder that is read-only: the next place
                if make(place.folder) and (line := self._start(place)):
                    self._place = place
                    return line
        return None

    def is_being_started(self) -> bool:
        """Whether the judge last reached is still loading: so long it holds its lock."""
        if self._place is None:
            return False
        with suppress(OSError), locked(self._place.lock, wait=0.0) as mine:
            return mine is None
        return False

    def forget(self) -> None:
        """Let nobody else come to the judge last reached, which does not answer."""
        if self._place is not None:
            with suppress(OSError):
                self._place.socket.unlink()

    def close(self) -> None:
        """Leave the judge to others."""

    def _start(self, place: Place) -> socket.socket | None:
        """Start a judge at `place` unless another command is about to; return a line to whichever it is."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with locked(place.lock, wait=0.02) as mine:
                line = connect(place.socket)
                if line:
                    return line
                if mine is None:
                    continue
                retire_others(place)
                if not _start_judge(place, mine, self._minutes):
                    return None
            # The lock is the new judge's now.
            return connect(place.socket)
        return None


class PrivateDoor:
    """The door of a judge that this command starts and that ends with it."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> socket.socket | None:
        """Return a line to the judge, starting it the first time and after it died."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._control, theirs = socket.socketpair()
            self._process = _run(["private", str(theirs.fileno())], [theirs.fileno()])
            theirs.close()
        ours_end, theirs = socket.socketpair()
        assert self._control is not None
        with theirs:
            try:
                socket.send_fds(self._control, [b"+"], [theirs.fileno()])
            except OSError:
                ours_end.close()
                return None
        return ours_end

    def is_being_started(self) -> bool:
        """A judge of our own is waited for as long as it lives; its end closes the line."""
        return True

    def forget(self) -> None:
        """End the judge, which does not answer."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the judge and all it started."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None


def connect(address: Path) -> socket.socket | None:
    """Return a line to the judge that listens there, if one does and it is this user's."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(5)
    try:
        line.connect(str(address))
        if user_of(line) == os.geteuid():
            line.settimeout(None)
            return line
    except OSError:
        pass
    line.close()
    return None


def user_of(line: socket.socket) -> int:
    """Return the user id of the process at the other end, as the kernel knows it."""
    credentials = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


@contextmanager
def locked(path: Path, wait: float) -> Iterator[int | None]:
    """Hold a lock while the block lasts: its descriptor, or None where another has it, said after `wait` seconds.

    Whoever holds it may remove its file; who had opened it before then has a lock of nothing, and not this one.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait)
            yield None
        else:
            yield descriptor if _is_at(descriptor, path) else None
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except OSError:
        return False


def retire_others(place: Place) -> None:
    """Ask the judges that this one takes the place of to leave when they are done."""
    for address in place.folder.glob(f"{place.home}-*.sock"):
        if address != place.socket and (line := connect(address)):
            with line, suppress(OSError):
                line.sendall(RETIRE)


def _start_judge(place: Place, lock: int, minutes: float) -> bool:
    """Start a judge that listens at `place` from this moment on; it keeps the lock until it has loaded."""
    place.unnamed.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place.unnamed))
        listener.listen(BACKLOG)
        place.unnamed.rename(place.socket)
        words = ["warm", str(listener.fileno()), str(lock), str(place.socket), str(place.lock), str(minutes)]
        try:
            starter = _run(words, [listener.fileno(), lock])
        except OSError:
            place.socket.unlink(missing_ok=True)
            raise
        # It forks the judge off and leaves at once, so that the judge is nobody's child.
        try:
            return starter.wait(PATIENCE) == 0
        except subprocess.TimeoutExpired:  # so slow a disk: it comes, and the lock tells that it is coming
            return True


def _run(words: Sequence[str], descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "mha_drill.judge.server", *words],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        pass_fds=descriptors,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
