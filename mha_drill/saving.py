"""Tells, over a pipe, that a file may have been saved. Called by `watching`, which reads the file and sees.

The folder is watched and not the file: most editors write another file and rename it over the old one.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

# Milliseconds: how long the folder must be still before a burst of events counts as one save, and at most.
# A file that is read between two writes is judged anew at the second: a short wait costs nothing but a check.
STILL, BURST = 5, 250


class Saves:
    """Watches the folder of a file, and that of the file a link leads to, in a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._names = {path.absolute(), path.resolve()}
        self._folders = {name.parent for name in self._names}
        self._stop = threading.Event()
        self._read, self._write = os.pipe()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Saves:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._read)
        os.close(self._write)

    def fileno(self) -> int:
        """Return what to poll: readable when there was a change."""
        return self._read

    def taken(self) -> None:
        """Take note of the changes so far."""
        os.read(self._read, 4096)

    def _watch(self) -> None:
        from watchfiles import watch

        changes = watch(
            *self._folders,
            watch_filter=None,
            debounce=BURST,
            step=STILL,
            stop_event=self._stop,
            rust_timeout=200,
            recursive=False,
            ignore_permission_denied=True,
        )
        names = {str(name) for name in self._names}
        for change in changes:
            if any(path in names for _, path in change):
                os.write(self._write, b"+")
