"""The few calls to Linux that neither Python nor a library makes for us. Called by the other modules of this room."""

from __future__ import annotations

import ctypes
import os
from functools import cache

CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8

_AT_FDCWD, _AT_RECURSIVE, _MOUNT_ATTR_RDONLY = -100, 0x8000, 1
_MOUNT_SETATTR = 442  # one number on every machine; the C library of 2022 does not know it yet
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 1 << 2
_PR_SET_DUMPABLE, _PR_SET_KEEPCAPS = 4, 8
_MS_REC, _MS_PRIVATE = 1 << 14, 1 << 18


@cache
def library() -> ctypes.CDLL:
    """Return the C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> None:
    """Raise OSError where the C library said -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones; `os.unshare` comes with Python 3.12."""
    checked(library().unshare(flags))


def mount_memory(place: str, flags: int, options: str) -> None:
    """Mount a file system in memory over a folder."""
    checked(library().mount(b"tmpfs", os.fsencode(place), b"tmpfs", ctypes.c_ulong(flags), options.encode()))


def keep_mounts_apart() -> None:
    """Let nothing that is mounted in this namespace show in others; one of a new user is apart from birth."""
    checked(library().mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None))


def mount_read_only() -> None:
    """Make every mount of this namespace read-only, with all below it."""
    attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    checked(
        library().syscall(
            _MOUNT_SETATTR,
            _AT_FDCWD,
            b"/",
            _AT_RECURSIVE,
            ctypes.byref(attributes),
            ctypes.sizeof(attributes),
        )
    )


def drop_capabilities(kept: int = 0) -> None:
    """Give up all that root may do beyond the owner of its files, and what a new user namespace gives."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    checked(library().capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)(kept, kept))))


def become(user: int) -> None:
    """Stop being root for good: another user, who may read what root could, and nothing else of root's."""
    checked(library().prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setresuid(user, user, user)
    drop_capabilities(_CAP_DAC_READ_SEARCH)
    checked(library().prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0))
