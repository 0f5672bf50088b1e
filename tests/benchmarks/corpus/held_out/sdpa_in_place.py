"""A module that works in place on the scores, keyword-only mask, the mask as a logarithm of a boolean."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sdpa-in-place",
    "sdpa",
    r'''
import torch
from torch import nn


class InPlaceAttention(nn.Module):
    """softmax(q k^T / sqrt(d)) v with as few new tensors as possible.

    q: (N, L, D); k, v: (N, S, D); may_look: (N, L, S) or None
    """

    def __init__(self, p: float = 0.0):
        super().__init__()
        self.p = p

    def forward(self, q, k, v, *, may_look=None):
        N, L, D = q.shape
        S = k.shape[-2]
        weights = q.new_empty(N, L, S)
        weights = torch.einsum("nld, nsd -> nls", q, k)
        weights *= D ** -0.5
        if may_look is not None:
            weights += may_look.to(weights.dtype).log()
        weights = weights.sub_(weights.amax(-1, keepdim=True).detach()).exp()
        weights = weights / weights.sum(-1, keepdim=True)
        dropped = torch.dropout(weights, self.p, self.training)
        return torch.einsum("nls, nsd -> nld", dropped, v), weights
''',
    Drive(
        "InPlaceAttention(P)",
        "m(q, k, v)[0]",
        "None",
        "m(q, k, v, may_look=keep)[0]",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "no-dropout",
    ("        dropped = torch.dropout(weights, self.p, self.training)\n", ""),
    ("    def __init__(self, p: float = 0.0):\n        super().__init__()\n        self.p = p\n\n", ""),
    ('nld", dropped, v)', 'nld", weights, v)'),
    make="InPlaceAttention()",
)
right(
    "positional-mask",
    ("q, k, v, *, may_look=None", "q, k, v, may_look=None"),
    masked="m(q, k, v, keep)[0]",
)
right(
    "masked-fill-in-place",
    (
        "weights += may_look.to(weights.dtype).log()",
        "weights.masked_fill_(may_look.logical_not(), float('-inf'))",
    ),
    ("        weights = q.new_empty(N, L, S)\n", ""),
)
right(
    "torch-softmax",
    (
        "        weights = weights.sub_(weights.amax(-1, keepdim=True).detach()).exp()\n        weights = weights / weights.sum(-1, keepdim=True)\n",
        "        weights = weights.softmax(-1)\n",
    ),
    ("p: float = 0.0", "dropout: float = 0.0"),
    ("self.p = p", "self.p = dropout"),
)
wrong("missing-scale", ("        weights *= D ** -0.5\n", ""))
wrong("wrong-scale", ("weights *= D ** -0.5", "weights *= D ** 0.5"))
wrong("wrong-scale", ("weights *= D ** -0.5", "weights /= D"), on="torch-softmax")
wrong(
    "scale-after-softmax",
    ("        weights *= D ** -0.5\n", ""),
    (
        "weights = weights / weights.sum(-1, keepdim=True)",
        "weights = weights / weights.sum(-1, keepdim=True) * D ** -0.5",
    ),
)
wrong("softmax-axis", ("weights.softmax(-1)", "weights.softmax(-2)"), on="torch-softmax")
wrong(
    "softmax-axis",
    ("weights.amax(-1, keepdim=True)", "weights.amax(1, keepdim=True)"),
    ("weights.sum(-1, keepdim=True)", "weights.sum(1, keepdim=True)"),
    on="no-dropout",
    alone=True,
    also=("softmax-axis+nan-output", "nan-output"),
)
wrong(
    "missing-softmax",
    ("        weights = weights.softmax(-1)\n", ""),
    on="torch-softmax",
    alone=True,
    also=("missing-softmax+nan-output", "nan-output"),
)
wrong(
    "wrong-value",
    ("        weights = weights / weights.sum(-1, keepdim=True)\n", ""),
    also=("missing-softmax",),
)
wrong("unstable-softmax", ("weights.sub_(weights.amax(-1, keepdim=True).detach()).exp()", "weights.exp()"))
wrong(
    "wrong-gradient",
    (
        "weights = weights / weights.sum(-1, keepdim=True)",
        "weights = weights / weights.sum(-1, keepdim=True).detach()",
    ),
    also=("detached-graph",),
)
wrong(
    "mask-missing",
    (
        "            weights += may_look.to(weights.dtype).log()\n",
        "            may_look.to(weights.dtype).log()\n",
    ),
)
wrong("mask-missing", ("weights.masked_fill_(", "weights.masked_fill("), on="masked-fill-in-place")
wrong("mask-fill-value", ("float('-inf')", "0."), on="masked-fill-in-place")
wrong(
    "mask-fill-value",
    ("may_look.to(weights.dtype).log()", "may_look.to(weights.dtype)"),
    also=("wrong-value",),
)
wrong(
    "mask-after-softmax",
    (
        "        if may_look is not None:\n            weights += may_look.to(weights.dtype).log()\n        weights = weights.softmax(-1)\n",
        "        weights = weights.softmax(-1)\n        if may_look is not None:\n            weights = weights * may_look\n",
    ),
    on="torch-softmax",
    at="weights * may_look",
)
wrong(
    "dropout-in-eval",
    ("torch.dropout(weights, self.p, self.training)", "torch.dropout(weights, self.p, True)"),
)
wrong(
    "dropout-missing",
    ("torch.dropout(weights, self.p, self.training)", "torch.dropout(weights, self.p, False)"),
)
wrong(
    "dropout-missing",
    ("        dropped = torch.dropout(weights, self.p, self.training)\n", ""),
    ("dropped, v", "weights, v"),
    on="torch-softmax",
    at=("self.p = ", "weights, v"),
)
wrong("weigh-wrong-tensor", ("dropped, v)", "dropped, k)"))
wrong(
    "swapped-inputs", ('"nld, nsd -> nls", q, k', '"nld, nsd -> nls", q, v'), ("dropped, v)", "dropped, k)")
)
wrong("batch-mixing", ('"nld, nsd -> nls", q, k', '"nld, msd -> nls", q, k'))
wrong("extra-residual", (", dropped, v), weights", ", dropped, v).add_(q), weights"))
wrong(
    "extra-normalization",
    (
        'return torch.einsum("nls, nsd -> nld", dropped, v), weights',
        'return nn.functional.layer_norm(torch.einsum("nls, nsd -> nld", dropped, v), [D]), weights',
    ),
)
wrong("detached-graph", ("dropped, v)", "dropped.detach(), v)"))
wrong(
    "detached-graph",
    ('torch.einsum("nld, nsd -> nls", q, k)', 'torch.einsum("nld, nsd -> nls", q, k.data)'),
    on="no-dropout",
)
wrong(
    "mutates-input",
    (
        "        weights = q.new_empty(N, L, S)\n",
        "        weights = q.new_empty(N, L, S)\n        k.mul_(D ** -0.5)\n",
    ),
    ("        weights *= D ** -0.5\n", ""),
    at="k.mul_",
)
wrong("wrong-output-shape", (", dropped, v), weights", ", dropped, v)[0], weights"))
wrong(
    "unexpected-mask",
    (
        "        weights *= D ** -0.5\n",
        "        weights *= D ** -0.5\n        weights += torch.full((L, S), -1e9).triu_(1)\n",
    ),
    at="triu_",
)
wrong(
    "builtin-used",
    (
        'return torch.einsum("nls, nsd -> nld", dropped, v), weights',
        "return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=may_look), weights",
    ),
    at="scaled_dot",
    on="torch-softmax",
)
wrong("crash", ("weights.amax(-1, keepdim=True)", "weights.amax(-1, keepdims=True).values"))
