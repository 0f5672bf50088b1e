"""Which places on the disk a submission may read, and which hold what it must never see.

The package, the problems, the solutions and the tests are hidden wherever they lie. Landlock can only allow,
and allows a folder with all below it: a folder that holds something hidden is therefore opened entry by entry.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

SYSTEM = (
    "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/usr/share", "/usr/local/share",
    "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store",
    "/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mime.types",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems", "/proc/sys/vm",
    "/sys/devices/system/cpu", "/sys/devices/system/node",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
# Beside the package in a checkout: right answers in the open, or packed.
IN_A_CHECKOUT = ("problems", "solutions", "tests", "build", "dist", ".git")
MOST_SIBLINGS = 2000


@cache
def hidden() -> tuple[Path, ...]:
    """Return the folders that hold the reference, the solutions or the hidden tests: this copy's and others'."""
    package = Path(__file__).resolve().parents[2]
    found = {package}
    if not (package / "_content").is_dir():
        found |= {package.parent / name for name in IN_A_CHECKOUT}
    libraries = [*map(Path, sys.path), *Path("/usr/local/lib").glob("python3*/*-packages")]
    libraries += [*Path("/usr/lib").glob("python3*/*-packages")]
    found |= {library / package.name for library in libraries}
    return tuple(sorted(place.resolve() for place in found if place.is_dir()))


@cache
def system() -> tuple[tuple[Path, bool], ...]:
    """Return the places every submission may read: Python, its libraries, the system's. With each, see `around`."""
    package = Path(__file__).resolve().parents[2]
    roots = {Path(place) for place in (*SYSTEM, *sys.path) if place and Path(place) != package.parent}
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        roots |= {Path(prefix, name) for name in ("lib", "lib64", "share", "pyvenv.cfg")}
    if (package / "_content").is_dir():
        roots.add(package.parent)
    return tuple(dict(pair for root in sorted(roots) for pair in around(root, hidden())).items())


def around(place: Path, hide: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield what to open so that all of `place` but what is hidden can be read.

    The second of a pair tells whether everything below is open, or names can be listed and no more.
    """
    try:
        real = place.resolve(strict=True)
        if any(real.is_relative_to(secret) for secret in hide):
            return
        if not any(secret.is_relative_to(real) for secret in hide):
            yield real, True
            return
        yield real, False
        for entry in sorted(real.iterdir()):
            yield from around(entry, hide)
    except (OSError, RuntimeError):  # not there, not ours to read, or a ring of links
        return


def beside(folder: Path, hide: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield the places of the learner's own folder: what lies beside the file, one by one, no dot files.

    In a home, in the folder of temporary files and above either, folders stay closed unless they are packages.
    """
    hide = tuple(hide)
    try:
        folder = folder.resolve(strict=True)
        entries = sorted(folder.iterdir())[:MOST_SIBLINGS]
    except (OSError, RuntimeError):
        return
    if any(folder.is_relative_to(secret) for secret in hide):
        return
    crowded = any(place.is_relative_to(folder) for place in _shared())
    if not crowded and not any(secret.is_relative_to(folder) for secret in hide):
        yield folder, False
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if crowded and entry.is_dir() and not (entry / "__init__.py").is_file():
            continue
        yield from around(entry, hide)


def _shared() -> tuple[Path, ...]:
    """Return the folders in which files of all kinds lie."""
    found = [Path(tempfile.gettempdir()).resolve()]
    try:
        found.append(Path.home().resolve())
    except RuntimeError:
        return tuple(found)
    return tuple(found)
