"""A file written whole or not at all, and never over one that is the learner's; called by the exports and `mock`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from mha_drill.errors import UsageError


def check_place(path: Path, may_replace: Callable[[Path], bool]) -> None:
    """Raise UsageError where `path` is a folder, cannot be, or is a file that may not be replaced.

    may_replace: tells whether the file that is there is one of ours.
    """
    try:
        if path.is_dir():
            raise UsageError("cli.target-is-folder", path=path)
        if not path.parent.is_dir():
            raise UsageError("cli.target-fails", path=path, reason=os.strerror(2))
        if path.exists():
            if not path.is_file():
                raise UsageError("cli.target-exists", path=path)
            if path.stat().st_size and not may_replace(path):
                raise UsageError("cli.target-exists", path=path)
    except OSError as error:
        raise UsageError("cli.target-fails", path=path, reason=error.strerror or error) from None


def write_whole(path: Path, content: bytes, *, may_replace: Callable[[Path], bool]) -> None:
    """Write `content` to `path`, under another name first; raises UsageError as `check_place` does."""
    check_place(path, may_replace)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UsageError("cli.target-fails", path=path, reason=error.strerror or error) from None
