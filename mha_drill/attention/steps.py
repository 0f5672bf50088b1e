"""The reference: ten small functions in a row. B batch, L query length, S key length, D width, H heads, d = D/H.

Scaled dot-product and multi-head attention as in "Attention Is All You Need" (Vaswani et al., 2017), section 3.2,
in evaluation: dropout lets everything through.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Material:
    """What the ten steps work on: a submission's own projections.

    query (B, L, D), key and value (B, S, D): channels in the order of heads, head h at h*d..(h+1)*d.
    inputs: the tensors that were projected, (B, L, D), (B, S, D), (B, S, D).
    allowed: True where a query may see a key, broadcast to (B, H, L, S), or None.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    heads: int
    allowed: Tensor | None = None
    inputs: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def head_width(self) -> int:
        """d, the width of one head of query and key."""
        return self.query.shape[-1] // self.heads


Walk = dict[str, Tensor]


def project(material: Material, walk: Walk) -> Tensor:
    """(B, L, D): the queries; keys and values are kept in the walk as `key` and `value`, (B, S, D)."""
    walk["key"], walk["value"] = material.key, material.value
    return material.query


def split(material: Material, walk: Walk) -> Tensor:
    """(B, H, L, d): the last axis cut into heads, heads moved before time; `k` and `v` are (B, H, S, d)."""
    walk["k"] = cut(walk["key"], material.heads)
    walk["v"] = cut(walk["value"], material.heads)
    return cut(walk["project"], material.heads)


def cut(x: Tensor, heads: int) -> Tensor:
    """Cut (B, T, D) into (B, H, T, d)."""
    batch, length, width = x.shape
    return x.reshape(batch, length, heads, width // heads).transpose(1, 2)


def score(material: Material, walk: Walk) -> Tensor:
    """(B, H, L, S): every query with every key."""
    return walk["split"] @ walk["k"].transpose(-2, -1)


def scale(material: Material, walk: Walk) -> Tensor:
    """(B, H, L, S): divided by sqrt(d)."""
    return walk["score"] / math.sqrt(material.head_width)


def mask(material: Material, walk: Walk) -> Tensor:
    """(B, H, L, S): what may not be seen gets minus infinity."""
    if material.allowed is None:
        return walk["scale"]
    return walk["scale"].masked_fill(~material.allowed, -torch.inf)


def softmax(material: Material, walk: Walk) -> Tensor:
    """(B, H, L, S): weights that sum to one over the keys."""
    return walk["mask"].softmax(dim=-1)


def dropout(material: Material, walk: Walk) -> Tensor:
    """(B, H, L, S): nothing is dropped in evaluation."""
    return walk["softmax"]


def weigh(material: Material, walk: Walk) -> Tensor:
    """(B, H, L, d): the weights' mean of the values."""
    return walk["dropout"] @ walk["v"]


def merge(material: Material, walk: Walk) -> Tensor:
    """(B, L, D): heads back beside each other."""
    return join(walk["weigh"])


def join(x: Tensor) -> Tensor:
    """Put (B, H, L, d) back to (B, L, D)."""
    batch, heads, length, width = x.shape
    return x.transpose(1, 2).reshape(batch, length, heads * width)


StepFunction = Callable[[Material, Walk], Tensor]

# The output projection, the tenth step, is the submission's own recorded call: the judge replays it.
REFERENCE: dict[str, StepFunction] = {
    "project": project,
    "split": split,
    "score": score,
    "scale": scale,
    "mask": mask,
    "softmax": softmax,
    "dropout": dropout,
    "weigh": weigh,
    "merge": merge,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake as steps replaced: nearly always one; a second where the first forces the learner's hand.

    code: the contract's. variant: which way of making it, in a word or two, for the explanation.
    """

    code: str
    step: str
    variant: str
    replace: dict[str, StepFunction] = field(default_factory=dict)


def walk_through(material: Material, faults: tuple[Fault, ...] = ()) -> Walk:
    """Take the nine steps up to the merged heads with the wrong steps put in; return every tensor by step.

    Raises RuntimeError where the faults make shapes that do not meet, as they would in the learner's file.
    """
    steps = dict(REFERENCE)
    for fault in faults:
        steps.update(fault.replace)
    walk: Walk = {}
    for name, function in steps.items():
        walk[name] = function(material, walk)
    return walk
