"""Where a warm judge is found: a folder nobody else can enter, and a name only the same code gives. No torch.

Called by `doors` for every check, before anything slow is loaded.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mha_drill import __version__
from mha_drill.judge.sandbox.layers import LAYER_NAMES, variable

LONGEST_ADDRESS = 107  # bytes of a Unix socket's path
PRIVATE = 0o700
# Whoever sets one of these gets another interpreter or another torch, so another judge.
SETTINGS = (
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONUSERBASE"),
    *map(
        variable, LAYER_NAMES
    ),  # a judge has the layers of the sandbox that were not switched off when it started
)


@dataclass(frozen=True, slots=True)
class Place:
    """One place a judge may live at. home: who runs which Python from where; content: with exactly which files."""

    folder: Path
    home: str
    content: str

    @property
    def socket(self) -> Path:
        """Where the judge listens."""
        return self.folder / f"{self.home}-{self.content}.sock"

    @property
    def unnamed(self) -> Path:
        """Where a socket is made before it is renamed to `socket`, so that it is never seen half made."""
        return self.folder / f"{self.home}-{self.content}.new"

    @property
    def lock(self) -> Path:
        """Whose holder alone may start a judge here."""
        return self.folder / f"{self.home}-{self.content}.lock"


def places(environ: Mapping[str, str]) -> Iterator[Place]:
    """Yield the places to look for a judge, the best first; none where the folder could be another user's."""
    home, content = _home(environ), _content()
    for folder in folders(environ):
        place = Place(folder, home, content)
        if len(os.fsencode(place.socket)) <= LONGEST_ADDRESS:
            yield place


def folders(environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the folders that sockets may lie in, made or not."""
    user = os.geteuid()
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and _owner(Path(runtime)) == user:
        yield Path(runtime, "mha-drill")
    for temporary in dict.fromkeys((environ.get("TMPDIR", ""), "/tmp")):
        if temporary.startswith("/"):
            yield Path(temporary, f"mha-drill-{user}")


def ours(folder: Path) -> bool:
    """Whether a folder is there, no link, this user's, and closed to everybody else."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and stat.S_IMODE(status.st_mode) == PRIVATE
    )


def make(folder: Path) -> bool:
    """Make a folder that is `ours`; False where that cannot be."""
    try:
        folder.mkdir(mode=PRIVATE, exist_ok=True)
        if not folder.is_symlink() and _owner(folder) == os.geteuid():
            folder.chmod(PRIVATE)
    except OSError:
        pass
    return ours(folder)


def _owner(folder: Path) -> int | None:
    try:
        return folder.lstat().st_uid
    except OSError:
        return None


def _home(environ: Mapping[str, str]) -> str:
    settings = [f"{name}={environ.get(name, '')}" for name in SETTINGS]
    return _digest(sys.executable, str(_package()), *settings)[:8]


def _content() -> str:
    """Return a digest that changes with our code, the problems, the interpreter, torch and what stands beside it."""
    package = _package()
    roots = [package] if (package / "_content").is_dir() else [package, *_content_folders(package.parent)]
    marks = [__version__, sys.version, _mark(Path(sys.executable))]
    torch = importlib.machinery.PathFinder.find_spec("torch")
    if torch is not None and torch.origin:
        marks += [_mark(Path(torch.origin)), _mark(Path(torch.origin).parents[1])]
    for root in roots:
        marks += sorted(_marks(str(root)))
    return _digest(*marks)[:12]


def _package() -> Path:
    return Path(__file__).resolve().parents[2]


def _content_folders(checkout: Path) -> list[Path]:
    return [checkout / "problems", checkout / "solutions"]


def _marks(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _marks(entry.path)
            else:
                status = entry.stat()
                yield f"{entry.path} {status.st_mtime_ns} {status.st_size}"


def _mark(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return str(path)
    return f"{path} {status.st_ino} {status.st_mtime_ns} {status.st_size}"


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()
