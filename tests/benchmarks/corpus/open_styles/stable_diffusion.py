"""Stable Diffusion's CrossAttention: heads folded into the batch by a closure."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "stable-diffusion",
    "mha",
    r"""
from inspect import isfunction
import torch
from torch import nn, einsum


def exists(val):
    return val is not None


def default(val, d):
    if exists(val):
        return val
    return d() if isfunction(d) else d


class CrossAttention(nn.Module):
    def __init__(self, query_dim, context_dim=None, heads=8, dim_head=64, dropout=0.):
        super().__init__()
        inner_dim = dim_head * heads
        context_dim = default(context_dim, query_dim)

        self.scale = dim_head ** -0.5
        self.heads = heads

        self.to_q = nn.Linear(query_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(context_dim, inner_dim, bias=False)
        self.to_v = nn.Linear(context_dim, inner_dim, bias=False)

        self.to_out = nn.Sequential(
            nn.Linear(inner_dim, query_dim),
            nn.Dropout(dropout)
        )

    def forward(self, x, context=None, mask=None):
        h = self.heads

        q = self.to_q(x)
        context = default(context, x)
        k = self.to_k(context)
        v = self.to_v(context)

        def fold(t):  # b n (h d) -> (b h) n d
            b, n, c = t.shape
            return t.reshape(b, n, h, c // h).permute(0, 2, 1, 3).reshape(b * h, n, c // h)

        q, k, v = map(fold, (q, k, v))

        sim = einsum('b i d, b j d -> b i j', q, k) * self.scale

        if exists(mask):
            max_neg_value = -torch.finfo(sim.dtype).max
            mask = mask.flatten(1)[:, None, None, :].expand(-1, h, -1, -1).reshape(x.shape[0] * h, 1, -1)
            sim.masked_fill_(~mask, max_neg_value)

        # attention, what we cannot get enough of
        attn = sim.softmax(dim=-1)

        out = einsum('b i j, b j d -> b i d', attn, v)
        b, n, c = out.shape
        out = out.reshape(b // h, h, n, c).permute(0, 2, 1, 3).reshape(b // h, n, h * c)
        return self.to_out(out)
""",
    Drive(
        "CrossAttention(D, heads=H, dim_head=d)",
        "m(q, k)",
        "lin(m.to_q), lin(m.to_k), lin(m.to_v), lin(m.to_out[0])",
        "m(q, context=k, mask=keep[:, 0])",
        keep="pad",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "heads-outside",
    ("permute(0, 2, 1, 3).reshape(b * h, n, c // h)", "permute(2, 0, 1, 3).reshape(h * b, n, c // h)"),
    ("out.reshape(b // h, h, n, c).permute(0, 2, 1, 3)", "out.reshape(h, b // h, n, c).permute(1, 2, 0, 3)"),
    (
        "mask.flatten(1)[:, None, None, :].expand(-1, h, -1, -1).reshape(x.shape[0] * h, 1, -1)",
        "mask.flatten(1)[None, :, None, :].expand(h, -1, -1, -1).reshape(h * x.shape[0], 1, -1)",
    ),
)
right(
    "repeat-interleave",
    (
        "mask.flatten(1)[:, None, None, :].expand(-1, h, -1, -1).reshape(x.shape[0] * h, 1, -1)",
        "mask.repeat_interleave(h, dim=0)[:, None]",
    ),
)
right(
    "no-mask",
    ("context=None, mask=None", "context=None"),
    (
        STYLE.source[
            STYLE.source.index("        if exists(mask):") : STYLE.source.index("        # attention, what")
        ],
        "",
    ),
    masked="",
)
wrong("missing-scale", (" * self.scale\n", "\n"))
wrong("wrong-scale", (" * self.scale\n", " * self.scale ** 2\n"))
wrong("wrong-scale", ("dim_head ** -0.5", "query_dim ** -0.5"), on="no-mask")
wrong(
    "batch-mixing",
    ("mask.repeat_interleave(h, dim=0)[:, None]", "mask.repeat(h, 1)[:, None]"),
    on="repeat-interleave",
    alone=True,
    also=("wrong-value", "mask-missing"),
)
wrong(
    "batch-mixing",
    ("out.reshape(h, b // h, n, c).permute(1, 2, 0, 3)", "out.reshape(b // h, h, n, c).permute(0, 2, 1, 3)"),
    on="heads-outside",
    alone=True,
    also=("merge-without-transpose", "wrong-value"),
)
wrong("mask-inverted", ("masked_fill_(~mask,", "masked_fill_(mask,"))
wrong("mask-missing", ("sim.masked_fill_(~mask", "sim.masked_fill(~mask"))
wrong("mask-fill-value", ("-torch.finfo(sim.dtype).max", "0."))
wrong(
    "mask-after-softmax",
    ("            sim.masked_fill_(~mask, max_neg_value)\n", ""),
    (
        "        attn = sim.softmax(dim=-1)\n",
        (
            "        attn = sim.softmax(dim=-1)\n"
            "        if exists(mask):\n"
            "            attn = attn.masked_fill(~mask, 0.)\n"
        ),
    ),
    at="attn.masked_fill",
)
wrong("softmax-axis", ("sim.softmax(dim=-1)", "sim.softmax(dim=1)"))
wrong("missing-softmax", ("attn = sim.softmax(dim=-1)", "attn = sim"))
wrong(
    "split-without-transpose",
    (
        "t.reshape(b, n, h, c // h).permute(0, 2, 1, 3).reshape(b * h, n, c // h)",
        "t.reshape(b * h, n, c // h)",
    ),
)
wrong(
    "merge-without-transpose",
    (
        "out.reshape(b // h, h, n, c).permute(0, 2, 1, 3).reshape(b // h, n, h * c)",
        "out.reshape(b // h, n, h * c)",
    ),
)
wrong("shared-projection", ("v = self.to_v(context)", "v = self.to_k(context)"))
wrong("missing-projection", ("v = self.to_v(context)", "v = context"))
wrong("swapped-inputs", ("k = self.to_k(context)", "k = self.to_k(x)"), alone=True)
wrong("cross-length", ("            b, n, c = t.shape\n", "            b, n, c = x.shape\n"))
wrong("weigh-wrong-tensor", ("'b i j, b j d -> b i d', attn, v", "'b i j, b j d -> b i d', attn, k"))
wrong("missing-output-projection", ("return self.to_out(out)", "return out"))
wrong("extra-residual", ("return self.to_out(out)", "return self.to_out(out) + x"))
wrong(
    "extra-normalization",
    (
        "        q = self.to_q(x)\n",
        "        x = nn.functional.layer_norm(x, x.shape[-1:])\n        q = self.to_q(x)\n",
    ),
    at="layer_norm",
)
wrong(
    "unregistered-parameters",
    (
        "self.to_v = nn.Linear(context_dim, inner_dim, bias=False)",
        "self.to_v = lambda t, w=torch.randn(context_dim, inner_dim): t @ w",
    ),
)
wrong("detached-graph", ("'b i j, b j d -> b i d', attn, v", "'b i j, b j d -> b i d', attn, v.detach()"))
wrong(
    "nondeterministic",
    ("        q = self.to_q(x)\n", "        q = self.to_q(x) + torch.randn_like(x) * 0.1\n"),
)
wrong(
    "import-error",
    (
        "from inspect import isfunction\n",
        "from inspect import isfunction\nfrom ldm.modules.diffusionmodules.util import checkpoint\n",
    ),
    at="ldm",
)
wrong("crash", ("q, k, v = map(fold, (q, k, v))", "q, k, v = map(folds, (q, k, v))"))
