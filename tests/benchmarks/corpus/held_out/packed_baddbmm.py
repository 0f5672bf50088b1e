"""One map packed as [3, B, H, L, d], heads folded, torch.baddbmm with alpha and a mask as its first argument."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "packed-baddbmm",
    "causal-mha",
    r'''
import torch
from torch import nn


class PackedCausalAttention(nn.Module):
    """qkv packed in one matrix multiplication; scores by baddbmm: beta * mask + alpha * (q @ k^T)"""

    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not divisible by heads {heads}")
        self.width, self.heads = width, heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        B, L, D = x.shape
        H = self.heads
        d = D // H
        qkv = self.in_proj(x)                                  # B, L, 3D
        qkv = qkv.reshape(B, L, 3, H, d)
        qkv = qkv.permute(2, 0, 3, 1, 4)                       # 3, B, H, L, d
        q, k, v = qkv.reshape(3, B * H, L, d).unbind(0)        # B*H, L, d
        future = torch.full((1, L, L), float("-inf"), dtype=x.dtype, device=x.device).triu(1)
        scores = torch.baddbmm(future, q, k.transpose(1, 2), beta=1.0, alpha=d ** -0.5)
        weights = self.drop(scores.softmax(2))
        y = torch.bmm(weights, v)                              # B*H, L, d
        y = y.reshape(B, H, L, d).permute(0, 2, 1, 3).reshape(B, L, D)
        return self.out_proj(y)
''',
    Drive(
        "PackedCausalAttention(D, H, P)",
        "m(x)",
        "*fused(lin(m.in_proj), 'k h d', H), lin(m.out_proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "unpack-by-index",
    (
        "        q, k, v = qkv.reshape(3, B * H, L, d).unbind(0)        # B*H, L, d\n",
        "        qkv = qkv.flatten(1, 2)\n        q, k, v = qkv[0], qkv[1], qkv[2]\n",
    ),
)
right(
    "heads-first-in-the-weight",
    ("qkv.reshape(B, L, 3, H, d)", "qkv.reshape(B, L, H, 3, d)"),
    ("qkv.permute(2, 0, 3, 1, 4)", "qkv.permute(3, 0, 2, 1, 4)"),
    weights="*fused(lin(m.in_proj), 'h k d', H), lin(m.out_proj)",
)
right(
    "q-k-v-innermost",
    ("qkv.reshape(B, L, 3, H, d)", "qkv.reshape(B, L, H, d, 3)"),
    ("qkv.permute(2, 0, 3, 1, 4)", "qkv.permute(4, 0, 2, 1, 3)"),
    weights="*fused(lin(m.in_proj), 'h d k', H), lin(m.out_proj)",
)
right(
    "in-place-baddbmm",
    (
        "        scores = torch.baddbmm(future, q, k.transpose(1, 2), beta=1.0, alpha=d ** -0.5)\n",
        (
            "        scores = future.repeat(B * H, 1, 1)\n"
            "        scores.baddbmm_(q, k.transpose(1, 2), alpha=1 / d ** 0.5)\n"
        ),
    ),
)
right(
    "beta-zero",
    (
        "        scores = torch.baddbmm(future, q, k.transpose(1, 2), beta=1.0, alpha=d ** -0.5)\n",
        (
            "        scores = torch.baddbmm(torch.empty(1, 1, 1), q, k.mT, beta=0, alpha=d ** -0.5)\n"
            "        scores = scores + future\n"
        ),
    ),
)
wrong("missing-scale", (", alpha=d ** -0.5", ""))
wrong("wrong-scale", ("alpha=d ** -0.5", "alpha=d ** 0.5"))
wrong("wrong-scale", ("alpha=d ** -0.5", "alpha=D ** -0.5"))
wrong("wrong-scale", ("alpha=d ** -0.5", "alpha=1 / d"))
wrong("mask-missing", ("beta=1.0", "beta=0.0"))
wrong("mask-missing", ("        scores = scores + future\n", ""), on="beta-zero")
wrong("mask-inverted", ("device=x.device).triu(1)", "device=x.device).tril(-1)"))
wrong("mask-off-by-one", ("device=x.device).triu(1)", "device=x.device).triu(2)"))
wrong("mask-off-by-one", ('float("-inf")', "-1e30"), (".triu(1)", ".triu()"), at=".triu()")
wrong("mask-fill-value", ('float("-inf")', "-2.0"))
wrong(
    "mask-after-softmax",
    ("        scores = scores + future\n", ""),
    ("self.drop(scores.softmax(2))", "self.drop(scores.softmax(2).tril())"),
    on="beta-zero",
    at=".tril()",
)
wrong("softmax-axis", ("scores.softmax(2)", "scores.softmax(1)"))
wrong(
    "missing-softmax",
    ("scores.softmax(2)", "scores"),
    on="beta-zero",
    also=("nan-output", "missing-softmax+nan-output"),
    alone=True,
)
wrong("dropout-missing", ("self.drop(scores.softmax(2))", "scores.softmax(2)"))
wrong(
    "dropout-in-eval",
    ("self.drop(scores.softmax(2))", "nn.functional.dropout(scores.softmax(2), self.drop.p)"),
)
wrong("weigh-wrong-tensor", ("torch.bmm(weights, v)", "torch.bmm(weights, k)"))
wrong(
    "shared-projection",
    (".unbind(0)        # B*H, L, d\n", ".unbind(0)        # B*H, L, d\n        k = q\n"),
    at="k = q",
)
wrong(
    "split-without-transpose",
    ("qkv.reshape(B, L, 3, H, d)", "qkv.chunk(3, -1)"),
    ("qkv.permute(2, 0, 3, 1, 4)", "torch.stack([t.reshape(B, H, L, d) for t in qkv])"),
)
wrong(
    "merge-without-transpose",
    ("y.reshape(B, H, L, d).permute(0, 2, 1, 3).reshape(B, L, D)", "y.reshape(B, L, D)"),
)
wrong("non-contiguous-view", (".permute(0, 2, 1, 3).reshape(B, L, D)", ".permute(0, 2, 1, 3).view(B, L, D)"))
wrong(
    "batch-mixing",
    ("y.reshape(B, H, L, d).permute(0, 2, 1, 3)", "y.reshape(H, B, L, d).permute(1, 2, 0, 3)"),
    also=("merge-without-transpose", "wrong-value"),
    alone=True,
)
wrong("missing-output-projection", ("return self.out_proj(y)", "return y"))
wrong("extra-residual", ("return self.out_proj(y)", "return self.out_proj(y) + x"))
wrong(
    "extra-normalization",
    ("return self.out_proj(y)", "return nn.functional.normalize(self.out_proj(y), dim=-1)"),
    also=("wrong-value",),
)
wrong("detached-graph", ("y = torch.bmm(weights, v)", "y = torch.bmm(weights, v.detach())"))
wrong("hard-coded-shape", ("B, L, D = x.shape", "B, L, D = 2, x.shape[1], self.width"))
wrong(
    "constructor-error",
    ("self.in_proj = nn.Linear(width, 3 * width)", "self.in_proj = nn.Linear(width, 3 * dim)"),
)
wrong(
    "wrong-output-shape", ("        return self.out_proj(y)\n", "        return self.out_proj(y)[:, -1:]\n")
)
