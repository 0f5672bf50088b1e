"""Runs one file of the corpus for prove.py: loads it, builds it by its style's Drive, and probes it."""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import sys
import types
import zlib
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch

from . import truth
from .base import Drive

COUNTER = itertools.count()


@dataclass(frozen=True)
class Size:
    """The sizes of a probe; all distinct by default."""

    B: int = 2
    L: int = 5
    S: int = 7
    D: int = 12
    H: int = 4

    @property
    def d(self) -> int:
        """Width of a head."""
        return self.D // self.H


SIZES = (Size(), Size(B=3, L=4, S=6, D=10, H=2), Size(B=2, L=6, S=3, D=24, H=4))


def load(source: str) -> dict:
    """The file's names. It is not __main__."""
    module = types.ModuleType(f"submission_{next(COUNTER)}")
    sys.modules[module.__name__] = module
    torch.set_default_dtype(torch.float64)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(source, "<file>", "exec"), module.__dict__)
    return module.__dict__


def leaves(thing, path="", seen=None, depth=0):
    """Every parameter (and plain floating tensor) below an object, by path."""
    seen = set() if seen is None else seen
    if id(thing) in seen or depth > 7:
        return
    seen.add(id(thing))
    if isinstance(thing, torch.Tensor):
        if thing.is_floating_point() and not isinstance(thing, torch.nn.parameter.UninitializedParameter):
            yield path, thing
        return
    if isinstance(thing, (list, tuple)):
        items = list(enumerate(thing))
    elif isinstance(thing, dict):
        items = list(thing.items())
    elif isinstance(thing, torch.nn.Module):
        items = [
            *thing._parameters.items(),
            *thing._modules.items(),
            *((k, v) for k, v in vars(thing).items() if not k.startswith("_")),
        ]
    elif hasattr(thing, "__dict__") and not isinstance(thing, (type, types.ModuleType, types.FunctionType)):
        items = list(vars(thing).items())
    else:
        return
    for key, value in items:
        yield from leaves(value, f"{path}.{key}", seen, depth + 1)


def mask_of(kind: str, size: Size, length: int, seed: int, causal: bool) -> torch.Tensor:
    """A boolean mask (B, L, S), True = may look; each row keeps a key and drops one."""
    generator = torch.Generator().manual_seed(seed)
    shape = {
        "full": (size.B, size.L, length),
        "pad": (size.B, 1, length),
        "rows": (1, size.L, length),
        "prefix": (size.B, 1, length),
    }[kind]
    if kind == "prefix":
        lengths = torch.randint(1, length, (size.B, 1, 1), generator=generator)
        keep = torch.arange(length) < lengths
    else:
        keep = torch.rand(shape, generator=generator) > 0.4
        row = torch.randint(0, length, shape[:2], generator=generator)
        keep.scatter_(2, row[..., None], True)
        keep.scatter_(2, ((row + 1) % length)[..., None], False)
    if causal:
        keep[..., 0] = True
    return keep.expand(size.B, size.L, length)


@contextlib.contextmanager
def forgiving_view():
    """view behaves as reshape, to see what lies behind a stride error."""
    kept = torch.Tensor.view
    torch.Tensor.view = torch.Tensor.reshape
    try:
        yield
    finally:
        torch.Tensor.view = kept


class Run:
    """A file built at one size, with weights from a seed (or copied by path from another run)."""

    def __init__(self, source: str, drive: Drive, size: Size, like: Run | None = None, dropout: float = 0.0):
        self.drive, self.size = drive, size
        self.names = load(source)
        torch.manual_seed(1)
        sizes = {letter: getattr(size, letter) for letter in "BLSDHd"}
        self.scope = {
            **truth.HELPERS,
            "torch": torch,
            "np": np,
            "NS": SimpleNamespace,
            **self.names,
            **sizes,
            "P": dropout,
            "math": math,
            "watch": self.watch,
        }
        self.watched: list = []
        with contextlib.redirect_stdout(io.StringIO()):
            self.m = self.scope["m"] = eval(drive.make, self.scope)
        if isinstance(self.m, torch.nn.Module):
            self.m.eval()
            if any(isinstance(p, torch.nn.parameter.UninitializedParameter) for p in self.m.parameters()):
                with forgiving_view():
                    self(masked=False)
        self.values = dict(leaves(self.m))
        self.randomise(like)

    def randomise(self, like: Run | None) -> None:
        """Fresh weights by path, so that two files with the same names get the same ones."""
        for path, tensor in self.values.items():
            wanted = isinstance(tensor, torch.nn.Parameter)
            if like is not None and path in like.values:
                wanted = wanted or isinstance(like.values[path], torch.nn.Parameter)
            if not wanted or tensor.ndim == 0 or tensor.numel() == 1:
                continue
            generator = torch.Generator().manual_seed(zlib.crc32(path.encode()))
            spread = 0.3 if tensor.ndim == 1 else 1.1 / self.size.D**0.5
            with torch.no_grad():
                tensor.data.copy_(torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype) * spread)

    def watch(self, mask):
        """Remembers a mask as it was given, so that evidence.mutates can see whether it still is."""
        self.watched.append((mask, mask.clone()))
        return mask

    def weights(self):
        """The weights as truth.attention wants them (three, four, or None)."""
        found = eval(f"({self.drive.weights})", self.scope)
        return None if found is None else [*found, *([None] * (4 - len(found)))]

    def inputs(self, cross: bool, big: float, seed: int = 0):
        """q, k, v of this style's probe."""
        generator = torch.Generator().manual_seed(100 + seed)
        size, length = self.size, self.size.S if cross else self.size.L
        q, k, v = (
            torch.randn(size.B, n, size.D, generator=generator, dtype=torch.float64) * big
            for n in (size.L, length, length)
        )
        if self.drive.inputs == "x":
            return q, q, q
        return (q, k, k) if self.drive.inputs == "ctx" else (q, k, v)

    def keep(self, cross: bool, masked: bool):
        """The mask in force, (B, L, S) bool, or None."""
        length = self.size.S if cross else self.size.L
        keep = mask_of(self.drive.keep, self.size, length, 7, self.drive.causal) if masked else None
        if self.drive.causal:
            lower = torch.ones(self.size.L, length, dtype=torch.bool).tril().expand(self.size.B, -1, -1)
            keep = lower if keep is None else keep & lower
        return keep

    def __call__(self, cross=False, masked=False, big=1.0, given=None, raw=False):
        """The output, as a float64 tensor."""
        q, k, v = given or self.inputs(cross, big)
        keep = mask_of(self.drive.keep, self.size, k.shape[1], 7, self.drive.causal) if masked else None
        if keep is not None and self.drive.flipped:
            keep = ~keep
        scope = {**self.scope, "q": q, "k": k, "v": v, "x": q, "keep": keep, "S": k.shape[1]}
        if self.drive.numpy:
            scope.update(
                {n: scope[n].numpy().copy() for n in "qkvx"}, keep=None if keep is None else keep.numpy()
            )
        with contextlib.redirect_stdout(io.StringIO()):
            out = eval(self.drive.masked if masked else self.drive.call, scope)
        if raw:
            return out
        return torch.as_tensor(out).to(torch.float64)

    def truth(self, cross=False, masked=False, big=1.0, weights=None):
        """What the plain loop says with this file's own weights."""
        heads = self.size.H if self.drive.heads else 1
        weights = self.weights() if weights is None else weights
        return truth.attention(*self.inputs(cross, big), weights, heads, self.keep(cross, masked))
