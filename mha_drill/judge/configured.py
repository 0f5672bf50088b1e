"""The values a constructor is handed, configurations among them, made from the sizes of a probe. Runner side.

Called by `laboratory`, which makes instances with them.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from mha_drill.judge.binding import Sizes, value_for
from mha_drill.judge.loading import Loaded, parameters

# Parts of a larger configuration that hold the sizes one level down: `config.transformer["num_heads"]`.
SECTIONS = frozenset({"transformer", "attention", "attn", "model", "encoder", "decoder", "network", "vit"})


class Bag:
    """A configuration object: any attribute or item whose name means a size has one."""

    def __init__(self, sizes: Sizes) -> None:
        self.__dict__["_sizes"] = sizes

    def __getattr__(self, name: str) -> Any:
        if "_sizes" not in self.__dict__ or name.startswith("__"):
            raise AttributeError(name)  # a copy in the making
        if name in self.__dict__["_sizes"].extra:
            return self.__dict__["_sizes"].extra[name]
        try:
            return decoded(value_for(name, self.__dict__["_sizes"]), self.__dict__["_sizes"], None)
        except KeyError:
            if name in SECTIONS:
                return self
            raise AttributeError(f"the configuration has no attribute {name!r}") from None

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def get(self, name: str, default: Any = None) -> Any:
        """Return an item, or `default` where the name means nothing."""
        return getattr(self, name, default)

    def __contains__(self, name: str) -> bool:
        return hasattr(self, name)


class Rate(float):
    """No dropout, to whoever takes a rate and to whoever takes a layer."""

    def __call__(self, tensor: Any) -> Any:
        """Return the tensor as it is."""
        return tensor


def decoded(value: Any, sizes: Sizes, loaded: Loaded | None) -> Any:
    """Return a plan's value as the object it stands for."""
    if not isinstance(value, dict):
        return value
    if value["$"] == "dtype":
        return torch.get_default_dtype()
    if value["$"] == "rate":
        return Rate(0.0)
    if value["$"] == "config":
        return configuration(value.get("class", ""), sizes, loaded)
    raise KeyError(value["$"])


def configuration(name: str, sizes: Sizes, loaded: Loaded | None) -> Any:
    """Return a bag, or an instance of the file's own configuration class with its sizes set."""
    named = loaded.module.__dict__.get(name) if loaded is not None and name else None
    if named is None:
        return Bag(sizes)
    arguments: dict[str, Any] = {}
    for item in parameters(named):
        with contextlib.suppress(KeyError):
            arguments[item["name"]] = decoded(value_for(item["name"], sizes, item["default"]), sizes, None)
    made = named(**arguments)
    for key in [
        key for key in dir(made) if not key.startswith("_") and not callable(getattr(made, key, None))
    ]:
        with contextlib.suppress(KeyError, AttributeError, TypeError):
            setattr(made, key, decoded(value_for(key, sizes), sizes, None))
    return made
