"""The namespaces layer: no network, nothing to write to but a scratch folder in memory, the drill's own files hidden.

It stands behind Landlock and seccomp: each holds when the other two are not there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mha_drill.judge.sandbox import kernel

SCRATCH_SIZE = 128 * 2**20


def enter(scratch: Path, hidden: Iterable[Path], owner: int | None = None) -> None:
    """Move this process, which must have one thread, into namespaces of its own; OSError where it may not.

    owner: root goes without a user namespace, to become this user later.
    """
    user, group = os.getuid(), os.getgid()
    apart = kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC
    if owner is None:
        kernel.unshare(kernel.CLONE_NEWUSER | apart)
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(line, encoding="ascii")
    else:
        kernel.unshare(apart)
        kernel.keep_mounts_apart()
    kernel.mount_read_only()
    plain = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount_memory(
        str(scratch),
        plain,
        f"size={SCRATCH_SIZE},nr_inodes=4096,mode=0700,uid={user if owner is None else owner}",
    )
    for place in hidden:
        if place.is_dir():
            kernel.mount_memory(str(place), plain | kernel.MS_RDONLY, "size=4k,nr_inodes=2,mode=0")
