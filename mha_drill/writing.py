"""A file written whole or not at all, and never over one that is the learner's; called by the exports and `mock`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from mha_drill.errors import UsageError

ENOUGH_TO_TELL = 200


def check_place(path: Path, may_replace: Callable[[bytes], bool]) -> None:
    """Raise UsageError where `path` is a folder, cannot be, or is a file that may not be replaced.

    may_replace: tells from the first bytes of the file that is there whether it is one of ours.
    """
    try:
        if path.is_dir():
            raise UsageError("cli.target-is-folder", path=path)
        if not path.parent.is_dir():
            raise UsageError("cli.target-fails", path=path, reason=os.strerror(2))
        if path.exists():
            if not path.is_file():
                raise UsageError("cli.target-exists", path=path)
            with path.open("rb") as file:
                start = file.read(ENOUGH_TO_TELL)
            if start and not may_replace(start):
                raise UsageError("cli.target-exists", path=path)
    except OSError as error:
        raise UsageError("cli.target-fails", path=path, reason=error.strerror or error) from None


def write_whole(path: Path, content: bytes, *, may_replace: Callable[[bytes], bool]) -> None:
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
