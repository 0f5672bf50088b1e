"""einops by hand: rearrange_heads and rearrange_back, an empty baddbmm and slices."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "rearranged",
    "mha",
    r'''
import torch
from torch import nn


def rearrange_heads(x, h):
    """'b t (h d) -> (b h) t d', without einops"""
    b, t, c = x.shape
    return x.view(b, t, h, c // h).permute(0, 2, 1, 3).reshape(b * h, t, c // h)


def rearrange_back(x, h):
    """'(b h) t d -> b t (h d)'"""
    bh, t, d = x.shape
    return x.view(bh // h, h, t, d).permute(0, 2, 1, 3).reshape(bh // h, t, h * d)


class Attention(nn.Module):
    def __init__(self, query_dim, heads=8, dropout=0.0):
        super().__init__()
        inner_dim = query_dim
        self.heads = heads
        self.scale = (query_dim // heads) ** -0.5
        self.to_q = nn.Linear(query_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(query_dim, inner_dim, bias=False)
        self.to_v = nn.Linear(query_dim, inner_dim, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner_dim, query_dim), nn.Dropout(dropout))

    def forward(self, x, k=None, v=None, mask=None):
        h = self.heads
        k = x if k is None else k
        v = k if v is None else v
        q, k, v = (rearrange_heads(f(t), h) for f, t in zip((self.to_q, self.to_k, self.to_v), (x, k, v)))
        sim = torch.baddbmm(torch.empty(len(q), q.shape[1], k.shape[1]), q, k.transpose(-1, -2), beta=0, alpha=self.scale)
        if mask is not None:
            mask = mask[:, None].expand(-1, h, -1, -1).flatten(0, 1)
            sim.masked_fill_(~mask, -torch.finfo(sim.dtype).max)
        attn = sim.softmax(dim=-1)
        out = torch.bmm(attn, v)
        return self.to_out(rearrange_back(out, h))
''',
    Drive(
        "Attention(D, heads=H, dropout=P)",
        "m(q, k, v)",
        "lin(m.to_q), lin(m.to_k), lin(m.to_v), lin(m.to_out[0])",
        "m(q, k, v, keep)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

SIM = "torch.baddbmm(torch.empty(len(q), q.shape[1], k.shape[1]), q, k.transpose(-1, -2), beta=0, alpha=self.scale)"
right(
    "einsum",
    (SIM, "torch.einsum('b i d, b j d -> b i j', q, k) * self.scale"),
    ("torch.bmm(attn, v)", "torch.einsum('b i j, b j d -> b i d', attn, v)"),
)
right(
    "by-slices",
    (
        "        sim = "
        + SIM
        + "\n        if mask is not None:\n            mask = mask[:, None].expand(-1, h, -1, -1).flatten(0, 1)\n"
        "            sim.masked_fill_(~mask, -torch.finfo(sim.dtype).max)\n        attn = sim.softmax(dim=-1)\n        out = torch.bmm(attn, v)\n",
        (
            "        if mask is not None:\n            mask = mask[:, None].expand(-1, h, -1, -1).flatten(0, 1)\n"
            "        out = torch.zeros_like(q)\n        for i in range(0, len(q), 3):\n            part = slice(i, i + 3)\n"
            "            sim = q[part] @ k[part].mT * self.scale\n            if mask is not None:\n                sim = sim.masked_fill(~mask[part], -1e9)\n"
            "            out[part] = sim.softmax(dim=-1) @ v[part]\n"
        ),
    ),
)
right(
    "x-alone",
    ("x, k=None, v=None, mask=None", "x, mask=None"),
    ("        k = x if k is None else k\n        v = k if v is None else v\n", ""),
    ("(x, k, v)))", "(x, x, x)))"),
    call="m(x)",
    masked="m(x, keep)",
    inputs="x",
)
right(
    "lambda-context",
    ("x, k=None, v=None, mask=None", "x, context=None, mask=None"),
    (
        "        k = x if k is None else k\n        v = k if v is None else v\n",
        "        context = x if context is None else context\n",
    ),
    ("(x, k, v)))", "(x, context, context)))"),
    call="m(q, context=k)",
    masked="m(q, k, keep)",
    inputs="ctx",
)
wrong("missing-scale", (", beta=0, alpha=self.scale", ", beta=0"))
wrong("wrong-scale", ("self.scale = (query_dim // heads) ** -0.5", "self.scale = query_dim ** -0.5"))
wrong(
    "wrong-scale", ("self.scale = (query_dim // heads) ** -0.5", "self.scale = (query_dim // heads) ** -1.0")
)
wrong("wrong-scale", ("alpha=self.scale", "alpha=1 / self.scale"))
wrong(
    "scale-after-softmax",
    ("q, k) * self.scale", "q, k)"),
    ("sim.softmax(dim=-1)", "sim.softmax(dim=-1) * self.scale"),
    on="einsum",
    at="sim.softmax(",
)
wrong("softmax-axis", ("sim.softmax(dim=-1)", "sim.softmax(dim=1)"))
wrong("softmax-axis", ("sim.softmax(dim=-1) @", "sim.softmax(dim=-2) @"), on="by-slices")
wrong(
    "missing-softmax",
    ("attn = sim.softmax(dim=-1)", "attn = sim"),
    alone=True,
    also=("missing-softmax+nan-output",),
)
wrong("mask-missing", ("sim.masked_fill_(~mask", "sim.masked_fill(~mask"))
wrong("mask-fill-value", ("-torch.finfo(sim.dtype).max", "-torch.finfo(sim.dtype).eps"))
wrong("mask-fill-value", ("-1e9", "-9"), on="by-slices")
wrong(
    "mask-after-softmax",
    (
        "            sim.masked_fill_(~mask, -torch.finfo(sim.dtype).max)\n        attn = sim.softmax(dim=-1)\n",
        "        attn = sim.softmax(dim=-1)\n        if mask is not None:\n            attn = attn.masked_fill(~mask, 0)\n",
    ),
    at="attn.masked_fill",
)
wrong(
    "batch-mixing",
    ("mask[:, None].expand(-1, h, -1, -1).flatten(0, 1)", "mask.repeat(h, 1, 1)"),
    alone=True,
    also=("wrong-value", "mask-missing"),
)
wrong(
    "batch-mixing",
    (
        "            out[part] = sim.softmax(dim=-1) @ v[part]\n",
        "            out[part] = sim.softmax(dim=-1) @ v[:1]\n",
    ),
    on="by-slices",
    also=("wrong-value",),
)
wrong("shared-projection", ("(self.to_q, self.to_k, self.to_v)", "(self.to_q, self.to_k, self.to_k)"))
wrong(
    "shared-projection",
    ("(self.to_q, self.to_k, self.to_v)", "(self.to_q, self.to_q, self.to_q)"),
    on="lambda-context",
)
wrong("missing-projection", ("(self.to_q, self.to_k, self.to_v)", "(self.to_q, self.to_k, nn.Identity())"))
wrong("swapped-inputs", ("(x, k, v)))", "(x, v, k)))"))
wrong(
    "split-without-transpose",
    ("x.view(b, t, h, c // h).permute(0, 2, 1, 3).reshape(b * h, t, c // h)", "x.view(b * h, t, c // h)"),
)
wrong(
    "merge-without-transpose",
    (
        "x.view(bh // h, h, t, d).permute(0, 2, 1, 3).reshape(bh // h, t, h * d)",
        "x.reshape(bh // h, t, h * d)",
    ),
)
wrong(
    "non-contiguous-view",
    (
        "x.view(bh // h, h, t, d).permute(0, 2, 1, 3).reshape(",
        "x.view(bh // h, h, t, d).permute(0, 2, 1, 3).view(",
    ),
)
wrong(
    "non-contiguous-view",
    (
        "x.view(b, t, h, c // h).permute(0, 2, 1, 3).reshape(",
        "x.view(b, t, h, c // h).permute(0, 2, 1, 3).view(",
    ),
    on="einsum",
)
wrong("weigh-wrong-tensor", ("torch.bmm(attn, v)", "torch.bmm(attn, k)"))
wrong(
    "dropout-missing",
    (
        "nn.Sequential(nn.Linear(inner_dim, query_dim), nn.Dropout(dropout))",
        "nn.Sequential(nn.Linear(inner_dim, query_dim))",
    ),
    at=("def __init__", "self.to_out = "),
)
wrong(
    "missing-output-projection",
    (
        "self.to_out = nn.Sequential(nn.Linear(inner_dim, query_dim), nn.Dropout(dropout))",
        "self.to_out = nn.Dropout(dropout)",
    ),
    at=("self.to_out = ", "self.to_out("),
)
wrong(
    "extra-residual",
    ("return self.to_out(rearrange_back(out, h))", "return x + self.to_out(rearrange_back(out, h))"),
)
wrong(
    "extra-normalization",
    ("self.to_out = nn.Sequential(", "self.to_out = nn.Sequential(nn.LayerNorm(inner_dim), "),
    at=("self.to_out = ", "self.to_out("),
)
wrong("detached-graph", ("attn = sim.softmax(dim=-1)", "attn = sim.detach().softmax(dim=-1)"))
wrong(
    "cross-length",
    (
        "    b, t, c = x.shape\n    return x.view(b, t, h, c // h).permute",
        "    b, t = x.shape[0], length\n    c = x.shape[2]\n    return x.view(b, t, h, c // h).permute",
    ),
    ("def rearrange_heads(x, h):", "def rearrange_heads(x, h, length):"),
    ("rearrange_heads(f(t), h) for", "rearrange_heads(f(t), h, x.shape[1]) for"),
    at=("x.view(b, t, h", "x.shape[1]) for", "length\n"),
)
