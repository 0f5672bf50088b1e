"""The landlock layer: which files can be read, a scratch folder to write to, no signals to anybody outside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from landlockpy import AccessFS, LandlockError, Ruleset, Scope

from mha_drill.judge.sandbox import places

LIST = AccessFS.READ_DIR
READ = AccessFS.READ_FILE | AccessFS.READ_DIR
USE = AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.TRUNCATE
OWN = (
    READ
    | AccessFS.WRITE_FILE
    | AccessFS.TRUNCATE
    | AccessFS.MAKE_REG
    | AccessFS.MAKE_DIR
    | AccessFS.MAKE_SYM
    | AccessFS.MAKE_FIFO
    | AccessFS.REMOVE_FILE
    | AccessFS.REMOVE_DIR
    | AccessFS.REFER
)


def enter(folder: Path, scratch: Path, hide: Iterable[Path]) -> None:
    """Allow this process the system's files, the learner's folder and the scratch folder, and nothing else."""
    with Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET) as ruleset:
        for place, whole in (*places.system(), *places.beside(folder, hide)):
            _allow(ruleset, place, READ if whole else LIST)
        for device in places.DEVICES:
            _allow(ruleset, Path(device), USE)
        _allow(ruleset, Path("/proc/self"), READ)
        _allow(ruleset, scratch, OWN)
        ruleset.restrict()


def _allow(ruleset: Ruleset, place: Path, access: AccessFS) -> None:
    """Allow a place; one that is not there, or has gone meanwhile, needs no rule."""
    with contextlib.suppress(OSError, LandlockError):
        ruleset.allow_path(place, access if place.is_dir() else access & ~_FOR_FOLDERS)


_FOR_FOLDERS = (
    AccessFS.READ_DIR
    | AccessFS.MAKE_REG
    | AccessFS.MAKE_DIR
    | AccessFS.MAKE_SYM
    | AccessFS.MAKE_FIFO
    | AccessFS.REMOVE_FILE
    | AccessFS.REMOVE_DIR
    | AccessFS.REFER
)
