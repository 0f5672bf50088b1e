"""Where the learner's own data lies on this machine; asked by `commands.base` and `entry`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

FILE_NAME = "progress.sqlite3"


def data_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for the learner's data, which may not be there yet.

    `MHA_DRILL_HOME` names it outright; else it is `mha-drill` in the platform's folder for user data.
    """
    if chosen := environ.get("MHA_DRILL_HOME"):
        return _expanded(chosen, environ)
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA") or environ.get("APPDATA") or "~"
    elif sys.platform == "darwin":
        base = "~/Library/Application Support"
    else:
        asked = environ.get("XDG_DATA_HOME", "")
        base = asked if asked.startswith("/") else "~/.local/share"
    return _expanded(base, environ) / "mha-drill"


def store_path(environ: Mapping[str, str]) -> Path:
    """Return the path of the store."""
    return data_folder(environ) / FILE_NAME


def _expanded(name: str, environ: Mapping[str, str]) -> Path:
    """Return `name` with a leading `~` made the home of `environ`, else the user's own, else the root."""
    path = Path(name)
    if path.parts[:1] != ("~",):
        return path
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME", "")
    try:
        return Path(home or Path.home(), *path.parts[1:])
    except RuntimeError:
        return Path(path.anchor or "/", *path.parts[1:])
