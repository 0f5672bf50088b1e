"""Call an instance or a function of the file, with the weights that a plain function is handed. Runner side.

Called by `laboratory`, which watches the call.
"""

from __future__ import annotations

from typing import Any

import torch

from mha_drill.judge.arrays import Traced
from mha_drill.judge.binding import Sizes
from mha_drill.judge.configured import decoded
from mha_drill.judge.loading import Loaded
from mha_drill.judge.names import parts_of


class Held(dict[str, Any]):
    """Weights that a function is handed together: by item or by attribute."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def handed_over(source: Any) -> list[tuple[str, str]]:
    """Return the names and kinds of the weights that an argument stands for: of one, of many, of none."""
    if not isinstance(source, dict):
        return []
    if source["$"] in ("weight", "bias"):
        return [(source["name"], source["$"])]
    return [(name, kind) for name, kind in source["names"]] if source["$"] == "weights" else []


class Given:
    """The weights that functions of one file are handed: by name, the same in every call."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.tensors: dict[str, torch.Tensor] = {}
        self.arrays: dict[str, Traced] = {}

    def call(
        self, target: Any, call: dict[str, Any], inputs: dict[str, Any], sizes: Sizes, *, numpy: bool = False
    ) -> Any:
        """Call an instance or a function with what the arguments say."""
        positional, named = [], {}
        for name, source, by_name in call["arguments"]:
            if handed := handed_over(source):
                given = self.array if numpy else self.tensor
                held = Held({key: given(key, kind, sizes) for key, kind in handed})
                if source["$"] == "weights":
                    value = tuple(held.values()) if source["in_order"] else held
                else:
                    value = held[source["name"]]
            elif isinstance(source, dict) and source["$"] in inputs:
                value = inputs[source["$"]]
            else:
                value = decoded(source, sizes, self.loaded)
            if by_name:
                named[name] = value
            else:
                positional.append(value)
        if not callable(target):
            return target.forward(*positional, **named)
        return target(*positional, **named)

    def tensor(self, name: str, kind: str, sizes: Sizes) -> torch.Tensor:
        """Return the weights a plain function is handed, by name: (D, D) maps, or (D, 3 D) for `w_qkv`, and biases."""
        key = f"{name} turned" if sizes.weights_turned else name
        if key not in self.tensors:
            generator = torch.Generator().manual_seed(len(self.tensors) + 50)
            wide = sizes.width * parts_of(name)
            turned = (wide, sizes.width) if sizes.weights_turned else (sizes.width, wide)
            shape = turned if kind == "weight" else (wide,)
            spread = 1.1 / sizes.width**0.5 if kind == "weight" else 0.3
            self.tensors[key] = (
                torch.randn(shape, generator=generator, dtype=torch.get_default_dtype()) * spread
            ).requires_grad_()
        return self.tensors[key]

    def array(self, name: str, kind: str, sizes: Sizes) -> Traced:
        """Return the weights of `_give` as an array."""
        tensor = self.tensor(name, kind, sizes)
        key = f"{name} {id(tensor)}"
        if key not in self.arrays:
            self.arrays[key] = tensor.detach().numpy().view(Traced)
        return self.arrays[key]
