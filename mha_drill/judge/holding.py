"""Traced arrays in the place of the weights that a numpy object holds. Runner side, for `laboratory`."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import torch

from mha_drill.judge.arrays import Traced, bare
from mha_drill.judge.weights import DEEPEST, looks_random


def held(target: Any, seed: int) -> dict[str, Traced]:
    """Put traced arrays in the place of all that an object holds; return them by name, the weights with new values."""
    found: dict[str, Traced] = {}
    _hold(target, "", 0, found, set())
    generator = np.random.default_rng(1000 + seed)
    for name, array in found.items():
        plain = bare(array)
        if not plain.flags.writeable:
            continue
        if is_weight(plain):
            square = plain.ndim == 2 and max(plain.shape) % min(plain.shape) == 0
            fan_in = min(plain.shape) if square else max(plain.shape)
            plain[...] = generator.standard_normal(plain.shape) * 1.1 / fan_in**0.5
        elif is_bias(name, plain):
            plain[...] = generator.standard_normal(plain.shape) * 0.3
    return found


def is_weight(array: np.ndarray) -> bool:
    """Whether an array holds drawn numbers, as a map does, and neither a mask nor a table."""
    return array.dtype.kind == "f" and looks_random(torch.from_numpy(bare(array)))


def is_bias(name: str, array: np.ndarray) -> bool:
    """Whether an array is a row to add, by its name."""
    row = array.dtype.kind == "f" and array.size == array.shape[-1] > 1 if array.ndim else False
    return row and name.rpartition(".")[2].lower().lstrip("_").startswith("b")


def _hold(value: Any, name: str, depth: int, found: dict[str, Traced], seen: set[int]) -> None:
    if depth > DEEPEST or id(value) in seen:
        return
    seen.add(id(value))
    items: Any = ()
    if isinstance(value, list):
        items = list(enumerate(value))
    elif isinstance(value, dict):
        items = list(value.items())
    elif (
        hasattr(value, "__dict__")
        and not isinstance(value, type)
        and not callable(getattr(value, "__code__", None))
    ):
        value, items = vars(value), list(vars(value).items())
    for key, item in items:
        label = f"{name}.{key}" if name else str(key)
        if isinstance(item, np.ndarray):
            traced = item.view(Traced)
            with contextlib.suppress(TypeError):
                value[key] = traced
                found[label] = traced
        elif isinstance(item, tuple):
            continue
        else:
            _hold(item, label, depth + 1, found, seen)
