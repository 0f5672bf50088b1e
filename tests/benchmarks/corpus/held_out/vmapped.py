"""One head as a function, mapped over heads and batch with torch.vmap; stacked parameters (H, D, d)."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "vmapped",
    "mha",
    r'''
import torch
from torch import nn
from torch.func import vmap


def one_head(q, k, v, w_q, w_k, w_v):
    """q (L, D), k and v (S, D), w_* (D, d) -> (L, d)"""
    q, k, v = q @ w_q, k @ w_k, v @ w_v
    scores = (q @ k.T) / (k.shape[-1] ** 0.5)
    weights = torch.softmax(scores, dim=-1)
    return weights @ v


class VmapAttention(nn.Module):
    def __init__(self, dim, n_heads):
        super().__init__()
        d = dim // n_heads
        init = lambda *shape: nn.Parameter(torch.randn(*shape) / dim**0.5)
        self.w_q = init(n_heads, dim, d)
        self.w_k = init(n_heads, dim, d)
        self.w_v = init(n_heads, dim, d)
        self.w_o = init(dim, dim)

    def forward(self, q, k, v):
        all_heads = vmap(one_head, in_dims=(None, None, None, 0, 0, 0), out_dims=1)
        whole_batch = vmap(all_heads, in_dims=(0, 0, 0, None, None, None))
        y = whole_batch(q, k, v, self.w_q, self.w_k, self.w_v)  # (B, L, H, d)
        return y.reshape(*q.shape[:2], -1) @ self.w_o
''',
    Drive(
        "VmapAttention(D, H)",
        "m(q, k, v)",
        "*(raw(w.transpose(0, 1).flatten(1)) for w in (m.w_q, m.w_k, m.w_v)), raw(m.w_o)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "batch-by-loop",
    (
        (
            "        whole_batch = vmap(all_heads, in_dims=(0, 0, 0, None, None, None))\n"
            "        y = whole_batch(q, k, v, self.w_q, self.w_k, self.w_v)  # (B, L, H, d)\n"
        ),
        "        y = torch.stack([all_heads(*qkv, self.w_q, self.w_k, self.w_v) for qkv in zip(q, k, v)])\n",
    ),
)
right(
    "self-only",
    ("def forward(self, q, k, v):", "def forward(self, x):"),
    ("whole_batch(q, k, v, self", "whole_batch(x, x, x, self"),
    ("*q.shape[:2]", "*x.shape[:2]"),
    call="m(x)",
    inputs="x",
)
right(
    "output-by-head",
    ("self.w_o = init(dim, dim)", "self.w_o = init(n_heads, d, dim)"),
    ("y.reshape(*q.shape[:2], -1) @ self.w_o", "torch.einsum('blhd,hde->ble', y, self.w_o)"),
    weights="*(raw(w.transpose(0, 1).flatten(1)) for w in (m.w_q, m.w_k, m.w_v)), raw(m.w_o.flatten(0, 1))",
)
wrong("missing-scale", (" / (k.shape[-1] ** 0.5)", ""))
wrong("wrong-scale", ("k.shape[-1] ** 0.5", "k.shape[-1]"))
wrong("wrong-scale", ("k.shape[-1] ** 0.5", "w_q.shape[0] ** 0.5"))
wrong("softmax-axis", ("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=0)"))
wrong("missing-softmax", ("weights = torch.softmax(scores, dim=-1)", "weights = scores"))
wrong(
    "scale-after-softmax",
    (" / (k.shape[-1] ** 0.5)", ""),
    ("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=-1) / (k.shape[-1] ** 0.5)"),
)
wrong("weigh-wrong-tensor", ("return weights @ v", "return weights @ k"))
wrong("shared-projection", ("q @ w_q, k @ w_k, v @ w_v", "q @ w_q, k @ w_q, v @ w_v"))
wrong(
    "shared-projection",
    (
        "whole_batch(q, k, v, self.w_q, self.w_k, self.w_v)",
        "whole_batch(q, k, v, self.w_q, self.w_k, self.w_k)",
    ),
)
wrong("swapped-inputs", ("whole_batch(q, k, v, self", "whole_batch(q, v, k, self"))
wrong(
    "shared-across-heads",
    (
        "in_dims=(None, None, None, 0, 0, 0), out_dims=1)",
        "in_dims=(None, None, None, 0, None, None), out_dims=1)",
    ),
    ("self.w_k = init(n_heads, dim, d)", "self.w_k = init(dim, d)"),
    ("self.w_v = init(n_heads, dim, d)", "self.w_v = init(dim, d)"),
    at="in_dims=(None, None, None, 0, None",
    alone=True,
)
wrong(
    "merge-without-transpose",
    ("in_dims=(None, None, None, 0, 0, 0), out_dims=1)", "in_dims=(None, None, None, 0, 0, 0), out_dims=0)"),
    at=("out_dims=0", "y.reshape("),
)
wrong("missing-output-projection", (" @ self.w_o", ""))
wrong(
    "extra-residual",
    ("return y.reshape(*q.shape[:2], -1) @ self.w_o", "return q + y.reshape(*q.shape[:2], -1) @ self.w_o"),
)
wrong(
    "heads-not-concatenated",
    ("y.reshape(*q.shape[:2], -1) @ self.w_o", "y.sum(dim=2).repeat(1, 1, y.shape[2]) @ self.w_o"),
    also=("wrong-value",),
)
wrong(
    "unregistered-parameters",
    (
        "init = lambda *shape: nn.Parameter(torch.randn(*shape) / dim**0.5)",
        "init = lambda *shape: torch.randn(*shape) / dim**0.5",
    ),
)
wrong("detached-graph", ("return weights @ v", "return weights.detach() @ v"))
wrong("key-not-transposed", ("k.T", "k.reshape(k.shape[1], k.shape[0])"))
wrong(
    "unexpected-mask",
    (
        "    weights = torch",
        "    scores = scores + torch.full(scores.shape, -1e9).triu(1)\n    weights = torch",
    ),
    at="triu",
)
wrong(
    "unstable-softmax",
    (
        "    weights = torch.softmax(scores, dim=-1)\n",
        "    weights = scores.exp()\n    weights = weights / weights.sum(-1, keepdim=True)\n",
    ),
    at="exp()",
)
wrong(
    "wrong-output-shape",
    ("return y.reshape(*q.shape[:2], -1) @ self.w_o", "return (y.reshape(*q.shape[:2], -1) @ self.w_o).mT"),
)
