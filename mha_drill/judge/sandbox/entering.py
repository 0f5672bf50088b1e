"""Enter the sandbox: each layer that is on, in the one order that works. The runner does, before it loads the file."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mha_drill.judge.lifeline import die_with
from mha_drill.judge.sandbox import places
from mha_drill.judge.sandbox.layers import Layer, layers


def prepare(environ: Mapping[str, str] = os.environ) -> tuple[Layer, ...]:
    """Load, in the template, all that the runners will need; return which layers are on.

    Once a runner is inside, the drill's own modules can no longer be read.
    """
    found = layers(environ)
    from mha_drill.judge.sandbox import limits  # noqa: F401

    if is_on("namespaces", found):
        from mha_drill.judge.sandbox import kernel, namespaces  # noqa: F401
    if is_on("landlock", found):
        from mha_drill.judge.sandbox import files  # noqa: F401

        places.system()
    if is_on("seccomp", found):
        from mha_drill.judge.sandbox import calls

        calls.prepare()
    return found


def is_on(name: str, found: tuple[Layer, ...]) -> bool:
    """Return whether the layer of that name is on."""
    return any(layer.name == name and layer.on for layer in found)


def enter(found: tuple[Layer, ...], folder: Path, scratch: Path) -> None:
    """Shut this process, which has one thread, into the layers that are on; `folder` is the learner's own.

    A layer that this process after all may not enter is left out: the drill goes on with the others.
    """
    hide = places.hidden()
    with contextlib.suppress(OSError):
        os.chdir(scratch if any(folder.is_relative_to(place) for place in hide) else folder)
    own_user = False
    become = _whom(found)
    if become is not None:
        os.chown(scratch, become, -1)
    if is_on("namespaces", found):
        from mha_drill.judge.sandbox import namespaces

        parent = os.getppid()
        with contextlib.suppress(OSError):
            namespaces.enter(scratch, hide, become)
            own_user = become is None
        die_with(parent)  # forgotten by the kernel where rights change, as they do with the user namespace
    if is_on("limits", found):
        from mha_drill.judge.sandbox import limits

        parent = os.getppid()
        with contextlib.suppress(OSError):
            limits.enter(own_user=own_user, become=become)
        die_with(parent)
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        os.environ[name] = str(scratch)
    tempfile.tempdir = None
    if is_on("landlock", found):
        from mha_drill.judge.sandbox import files

        with contextlib.suppress(OSError):
            files.enter(folder, scratch, hide)
    if is_on("seccomp", found):
        from mha_drill.judge.sandbox import calls

        with contextlib.suppress(OSError):
            calls.enter()


def _whom(found: tuple[Layer, ...]) -> int | None:
    """Return the user that root becomes where seccomp, which lets nobody start a process, is not on."""
    from mha_drill.judge.sandbox import limits

    needed = sys.platform == "linux" and is_on("limits", found) and not is_on("seccomp", found)
    return limits.NOBODY if needed and os.getuid() == 0 else None
