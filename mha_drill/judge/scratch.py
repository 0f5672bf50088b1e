"""The folder a runner may write to: made before it starts, removed after its end. Called by the template.

Where the namespaces layer is on, the runner has a file system in memory over it and the folder itself stays
empty. A template that was killed leaves its folders; the next one takes them away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

PREFIX = "mha-drill-scratch-"


def make() -> Path:
    """Return a new empty folder that only this user can read; its name tells which process made it."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


def remove(place: Path) -> None:
    """Remove a scratch folder with all that is in it, also what was made unreadable."""
    shutil.rmtree(place, ignore_errors=True)
    if not place.exists():
        return
    for folder, names, _ in os.walk(place):
        for name in names:
            with contextlib.suppress(OSError):
                Path(folder, name).chmod(stat.S_IRWXU)
    shutil.rmtree(place, ignore_errors=True)


def clear_left_over() -> None:
    """Remove the scratch folders of templates of this user that are no more."""
    with contextlib.suppress(OSError):
        for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            maker = place.name.removeprefix(PREFIX).partition("-")[0]
            if maker.isdigit() and not _alive(int(maker)) and place.lstat().st_uid == os.getuid():
                remove(place)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
