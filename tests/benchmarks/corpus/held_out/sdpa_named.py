"""A frozen dataclass for the settings, a NamedTuple returned, typed to the teeth."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sdpa-named",
    "sdpa",
    r'''
from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, NamedTuple, Optional

import torch
from torch import Tensor


class AttentionResult(NamedTuple):
    output: Tensor   # (N, L, D)
    weights: Tensor  # (N, L, S)


@dataclass(frozen=True)
class DotProductAttention:
    """Scaled dot-product attention.

    query (N, L, D), key (N, S, D), value (N, S, D), mask (N, L, S) True = may look.
    """

    width: Optional[int] = None
    normalise: Callable[..., Tensor] = torch.softmax

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Optional[Tensor] = None) -> AttentionResult:
        width = query.size(-1) if self.width is None else self.width
        scores = torch.matmul(query, torch.transpose(key, -1, -2))
        scores = torch.mul(scores, width ** -0.5)
        if mask is not None:
            scores = scores.masked_fill(torch.eq(mask, 0), torch.finfo(scores.dtype).min)
        weights = self.normalise(scores, dim=-1)
        return AttentionResult(torch.matmul(weights, value), weights)
''',
    Drive(
        "DotProductAttention(D)",
        "m(q, k, v).output",
        "None",
        "m(q, k, v, watch(keep.double())).output",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("by-default", make="DotProductAttention()")
right(
    "plain-tuple",
    (
        "return AttentionResult(torch.matmul(weights, value), weights)",
        "return torch.matmul(weights, value), weights",
    ),
    ("mask: Optional[Tensor] = None) -> AttentionResult:", "mask: Optional[Tensor] = None):"),
    call="m(q, k, v)[0]",
    masked="m(q, k, v, keep)[0]",
)
right(
    "no-mask",
    (", mask: Optional[Tensor] = None)", ")"),
    (", mask (N, L, S) True = may look", ""),
    (
        "        if mask is not None:\n            scores = scores.masked_fill(torch.eq(mask, 0), torch.finfo(scores.dtype).min)\n",
        "",
    ),
    masked="",
)
right(
    "as-a-module",
    ("@dataclass(frozen=True)\nclass DotProductAttention:", "class DotProductAttention(torch.nn.Module):"),
    (
        "    width: Optional[int] = None\n    normalise: Callable[..., Tensor] = torch.softmax\n\n    def __call__(",
        "    def __init__(self, width: Optional[int] = None) -> None:\n        super().__init__()\n        self.width = width\n        self.normalise = torch.softmax\n\n    def forward(",
    ),
)
wrong("missing-scale", ("        scores = torch.mul(scores, width ** -0.5)\n", ""))
wrong("wrong-scale", ("width ** -0.5", "width ** 0.5"))
wrong("wrong-scale", ("width ** -0.5", "width ** -1"), on="no-mask")
wrong(
    "wrong-scale",
    ("torch.mul(scores, width ** -0.5)", "torch.mul(scores, key.size(1) ** -0.5)"),
    on="plain-tuple",
    also=("wrong-value",),
)
wrong(
    "scale-after-softmax",
    ("        scores = torch.mul(scores, width ** -0.5)\n", ""),
    ("self.normalise(scores, dim=-1)", "self.normalise(scores, dim=-1) * width ** -0.5"),
)
wrong("softmax-axis", ("self.normalise(scores, dim=-1)", "self.normalise(scores, dim=-2)"))
wrong(
    "softmax-axis",
    ("self.normalise(scores, dim=-1)", "self.normalise(scores, dim=0)"),
    on="no-mask",
    alone=True,
    also=("batch-mixing", "batch-mixing+softmax-axis"),
)
wrong("missing-softmax", ("weights = self.normalise(scores, dim=-1)", "weights = scores"), on="no-mask")
wrong(
    "wrong-value",
    ("Callable[..., Tensor] = torch.softmax", "Callable[..., Tensor] = torch.log_softmax"),
    also=("missing-softmax",),
    on="no-mask",
    at=("= torch.log_softmax", "self.normalise(scores"),
)
wrong("mask-missing", ("            scores = scores.masked_fill(", "            scores.masked_fill("))
wrong("mask-fill-value", ("torch.finfo(scores.dtype).min", "torch.finfo(scores.dtype).tiny"))
wrong("mask-fill-value", ("torch.finfo(scores.dtype).min", "-3.0"), on="plain-tuple")
wrong(
    "mask-after-softmax",
    (
        "        if mask is not None:\n            scores = scores.masked_fill(torch.eq(mask, 0), torch.finfo(scores.dtype).min)\n        weights = self.normalise(scores, dim=-1)\n",
        "        weights = self.normalise(scores, dim=-1)\n        if mask is not None:\n            weights = weights.masked_fill(torch.eq(mask, 0), 0.0)\n",
    ),
    at="weights.masked_fill",
)
wrong(
    "unexpected-mask",
    (
        "        weights = self.normalise",
        "        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)\n        scores = scores.masked_fill(hidden, -torch.inf)\n        weights = self.normalise",
    ),
    on="no-mask",
    at="scores.masked_fill(hidden",
)
wrong(
    "swapped-inputs",
    (
        "torch.matmul(query, torch.transpose(key, -1, -2))",
        "torch.matmul(query, torch.transpose(value, -1, -2))",
    ),
    ("torch.matmul(weights, value)", "torch.matmul(weights, key)"),
)
wrong("weigh-wrong-tensor", ("torch.matmul(weights, value)", "torch.matmul(weights, key)"))
wrong(
    "key-not-transposed",
    ("torch.transpose(key, -1, -2)", "torch.reshape(key, (key.size(0), key.size(2), key.size(1)))"),
)
wrong(
    "key-not-transposed",
    ("torch.matmul(query, torch.transpose(key, -1, -2))", "torch.matmul(query, key)"),
    on="as-a-module",
)
wrong(
    "extra-residual",
    (
        "AttentionResult(torch.matmul(weights, value), weights)",
        "AttentionResult(query + torch.matmul(weights, value), weights)",
    ),
)
wrong(
    "extra-normalization",
    (
        "AttentionResult(torch.matmul(weights, value), weights)",
        "AttentionResult(torch.layer_norm(torch.matmul(weights, value), (width,)), weights)",
    ),
)
wrong(
    "mutates-input",
    (
        "        scores = torch.matmul(query, torch.transpose(key, -1, -2))\n        scores = torch.mul(scores, width ** -0.5)\n",
        "        query.mul_(width ** -0.5)\n        scores = torch.matmul(query, torch.transpose(key, -1, -2))\n",
    ),
    at="query.mul_",
)
wrong(
    "mutates-input",
    (
        "            scores = scores.masked_fill(torch.eq(mask, 0), torch.finfo(scores.dtype).min)\n",
        "            mask -= 1\n            scores = scores.masked_fill(mask < 0, torch.finfo(scores.dtype).min)\n",
    ),
    at="mask -= 1",
)
wrong("detached-graph", ("torch.matmul(weights, value)", "torch.matmul(weights.detach(), value)"))
wrong(
    "detached-graph",
    (
        "        scores = torch.matmul(query,",
        "        key = key.detach()\n        scores = torch.matmul(query,",
    ),
    on="as-a-module",
    at="key.detach()",
)
wrong(
    "wrong-output-shape",
    (
        "AttentionResult(torch.matmul(weights, value), weights)",
        "AttentionResult(torch.matmul(weights, value).flatten(0, 1), weights)",
    ),
)
wrong(
    "batch-mixing",
    ("torch.transpose(key, -1, -2)", "torch.transpose(key.mean(0, keepdim=True), -1, -2)"),
    also=("wrong-value",),
)
wrong(
    "builtin-used",
    (
        "        weights = self.normalise(scores, dim=-1)\n",
        "        weights = self.normalise(scores, dim=-1)\n        value = torch.nn.functional.scaled_dot_product_attention(query, key, value)\n        return AttentionResult(value, weights)\n",
    ),
    on="no-mask",
    at="scaled_dot",
)
wrong(
    "constructor-error",
    ("        self.width = width\n", "        self.widht = width\n        assert self.width is None\n"),
    on="as-a-module",
    at="assert self.width",
)
