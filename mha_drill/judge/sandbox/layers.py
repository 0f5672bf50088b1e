"""Which layers of the sandbox this machine gives, and why not where it does not.

`judge status` shows them; the runner enters those that are on. A layer is switched off by setting its
variable to `0`: `MHA_DRILL_LANDLOCK`, `MHA_DRILL_SECCOMP`, `MHA_DRILL_NAMESPACES`, `MHA_DRILL_LIMITS`.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from mha_drill.records import Lang
from mha_drill.words import word

LayerName = Literal["landlock", "seccomp", "namespaces", "limits"]
# Why a layer is not on: a sentence of `words/sandbox.toml`.
Why = Literal["", "switched-off", "not-linux", "machine", "kernel", "refused"]

LAYER_NAMES: tuple[LayerName, ...] = get_args(LayerName)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the sandbox. why: empty where it is on."""

    name: LayerName
    on: bool
    why: Why = ""

    def does(self, lang: Lang) -> str:
        """Return what the layer keeps a submission from."""
        return word(f"sandbox.{self.name}", lang)

    def reason(self, lang: Lang) -> str:
        """Return why it is not on; nothing where it is."""
        return word(f"sandbox.off-{self.why}", lang, variable=variable(self.name)) if self.why else ""


def variable(name: LayerName) -> str:
    """Return the environment variable that switches a layer off."""
    return f"MHA_DRILL_{name.upper()}"


def switched_off(environ: Mapping[str, str] = os.environ) -> tuple[LayerName, ...]:
    """Return the layers that the environment switches off; a judge started with others is another judge."""
    return tuple(name for name in LAYER_NAMES if environ.get(variable(name)) == "0")


def layers(environ: Mapping[str, str] = os.environ) -> tuple[Layer, ...]:
    """Return every layer, on or not, outermost last. Tries them in a child process: some milliseconds, no torch."""
    off = switched_off(environ)
    found = []
    for name in LAYER_NAMES:
        why: Why = "switched-off" if name in off else _missing(name)
        found.append(Layer(name, not why, why))
    return tuple(found)


def _missing(name: LayerName) -> Why:
    if name == "limits":
        return "" if os.name == "posix" else "machine"
    return _TRIALS[name]() if sys.platform == "linux" else "not-linux"


def _landlock() -> Why:
    from landlockpy import LandlockError, abi_version

    try:
        return "" if abi_version() >= 1 else "kernel"
    except LandlockError:
        return "kernel"


def _seccomp() -> Why:
    import seccompy

    try:
        seccompy.arch()
    except seccompy.UnsupportedError:
        return "machine"
    return "" if seccompy.supported() else "kernel"


def _namespaces() -> Why:
    """Enter them in a child: kernels that have user namespaces may still refuse them, or what they are for."""
    import tempfile

    from mha_drill.judge.sandbox import kernel, namespaces

    kernel.library()
    with tempfile.TemporaryDirectory(prefix="mha-drill-") as place:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                namespaces.enter(Path(place), ())
                code = 0
            except OSError as error:
                code = error.errno or 1
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        return ""
    return "kernel" if code in (errno.ENOSYS, errno.EINVAL) else "refused"


_TRIALS: dict[LayerName, Callable[[], Why]] = {
    "landlock": _landlock,
    "seccomp": _seccomp,
    "namespaces": _namespaces,
}
