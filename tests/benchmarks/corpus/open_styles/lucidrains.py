# ruff: noqa: E501 (another author's lines, as they were written)
"""lucidrains: q and a fused kv, an optional context, helpers exists() and default(), einsum."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "lucidrains",
    "mha",
    r"""
import torch
from torch import nn, einsum

# helpers

def exists(val):
    return val is not None

def default(val, d):
    return val if exists(val) else d

# attention

class Attention(nn.Module):
    def __init__(
        self,
        dim,
        heads = 8,
        dim_head = 64,
        dropout = 0.
    ):
        super().__init__()
        inner_dim = dim_head * heads
        self.scale = dim_head ** -0.5
        self.heads = heads

        self.to_q = nn.Linear(dim, inner_dim, bias = False)
        self.to_kv = nn.Linear(dim, inner_dim * 2, bias = False)

        self.attn_dropout = nn.Dropout(dropout)
        self.to_out = nn.Sequential(
            nn.Linear(inner_dim, dim),
            nn.Dropout(dropout)
        )

    def forward(self, x, context = None, mask = None):
        b, n, h = x.shape[0], x.shape[1], self.heads
        context = default(context, x)

        q = self.to_q(x)
        k, v = self.to_kv(context).chunk(2, dim = -1)

        q, k, v = map(lambda t: t.reshape(b, -1, h, t.shape[-1] // h).transpose(1, 2), (q, k, v))

        q = q * self.scale
        sim = einsum('b h i d, b h j d -> b h i j', q, k)

        if exists(mask):
            max_neg_value = -torch.finfo(sim.dtype).max
            sim = sim.masked_fill(~mask[:, None, None, :], max_neg_value)

        attn = sim.softmax(dim = -1)
        attn = self.attn_dropout(attn)

        out = einsum('b h i j, b h j d -> b h i d', attn, v)
        out = out.transpose(1, 2).reshape(b, n, -1)
        return self.to_out(out)
""",
    Drive(
        "Attention(D, heads=H, dim_head=d, dropout=P)",
        "m(q, k)",
        "lin(m.to_q), *fused(lin(m.to_kv), 'k h d', H, 2), lin(m.to_out[0])",
        "m(q, context=k, mask=keep[:, 0])",
        keep="pad",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "self-only",
    ("x, context = None, mask = None", "x, mask = None"),
    ("        context = default(context, x)\n", ""),
    ("self.to_kv(context)", "self.to_kv(x)"),
    call="m(x)",
    masked="m(x, mask=keep[:, 0])",
    inputs="x",
)
right(
    "stable-amax",
    (
        "        attn = sim.softmax(dim = -1)\n",
        (
            "        sim = sim - sim.amax(dim = -1, keepdim = True).detach()\n"
            "        attn = sim.softmax(dim = -1)\n"
        ),
    ),
)
right("full-mask", ("~mask[:, None, None, :]", "~mask[:, None]"), masked="m(q, k, keep)", keep="full")
right(
    "fused-three",
    (
        (
            "        self.to_q = nn.Linear(dim, inner_dim, bias = False)\n"
            "        self.to_kv = nn.Linear(dim, inner_dim * 2, bias = False)\n"
        ),
        "        self.to_qkv = nn.Linear(dim, inner_dim * 3, bias = False)\n",
    ),
    ("x, context = None, mask = None", "x, mask = None"),
    ("        context = default(context, x)\n", ""),
    (
        "        q = self.to_q(x)\n        k, v = self.to_kv(context).chunk(2, dim = -1)\n",
        "        q, k, v = self.to_qkv(x).chunk(3, dim = -1)\n",
    ),
    call="m(x)",
    masked="m(x, keep[:, 0])",
    inputs="x",
    weights="*fused(lin(m.to_qkv), 'k h d', H), lin(m.to_out[0])",
)
right(
    "prenorm-in-file",
    bottom="""

class PreNorm(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fn = fn
    def forward(self, x, **kwargs):
        return self.fn(self.norm(x), **kwargs)

class FeedForward(nn.Module):
    def __init__(self, dim, mult = 4, dropout = 0.):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, dim * mult), nn.GELU(), nn.Dropout(dropout), nn.Linear(dim * mult, dim))
    def forward(self, x):
        return self.net(x)

class Transformer(nn.Module):
    def __init__(self, dim, depth, heads, dim_head, dropout = 0.):
        super().__init__()
        self.layers = nn.ModuleList([])
        for _ in range(depth):
            self.layers.append(nn.ModuleList([
                PreNorm(dim, Attention(dim, heads, dim_head, dropout)),
                PreNorm(dim, FeedForward(dim, dropout = dropout))
            ]))
    def forward(self, x):
        for attn, ff in self.layers:
            x = attn(x) + x
            x = ff(x) + x
        return x
""",
)
wrong("missing-scale", ("        q = q * self.scale\n", ""))
wrong("wrong-scale", ("self.scale = dim_head ** -0.5", "self.scale = inner_dim ** -0.5"))
wrong(
    "wrong-scale",
    ("        attn = sim.softmax(dim = -1)\n", "        attn = (sim * self.scale).softmax(dim = -1)\n"),
)
wrong(
    "shared-projection",
    ("k, v = self.to_kv(context).chunk(2, dim = -1)", "k = v = self.to_kv(context)"),
    ("inner_dim * 2, bias", "inner_dim, bias"),
    at="k = v",
)
wrong(
    "shared-projection",
    (
        "k, v = self.to_kv(context).chunk(2, dim = -1)",
        "k, _ = self.to_kv(context).chunk(2, dim = -1)\n        v = k",
    ),
    on="full-mask",
)
wrong(
    "swapped-inputs",
    ("q = self.to_q(x)", "q = self.to_q(context)"),
    ("self.to_kv(context)", "self.to_kv(x)"),
    alone=True,
)
wrong(
    "swapped-inputs",
    ("self.to_kv(context)", "self.to_kv(x)"),
    ("        context = default(context, x)\n", ""),
    at="to_kv(x)",
    alone=True,
)
wrong("mask-inverted", ("~mask[:, None, None, :]", "mask[:, None, None, :]"))
wrong("mask-missing", ("sim = sim.masked_fill(", "masked = sim.masked_fill("))
wrong("mask-fill-value", ("-torch.finfo(sim.dtype).max", "torch.finfo(sim.dtype).tiny"))
wrong(
    "mask-fill-value",
    ("max_neg_value = -torch.finfo(sim.dtype).max", "max_neg_value = -100."),
    on="full-mask",
)
wrong(
    "mask-after-softmax",
    (
        """        if exists(mask):
            max_neg_value = -torch.finfo(sim.dtype).max
            sim = sim.masked_fill(~mask[:, None, None, :], max_neg_value)

        attn = sim.softmax(dim = -1)
""",
        """        attn = sim.softmax(dim = -1)

        if exists(mask):
            attn = attn * mask[:, None, None, :]

""",
    ),
    at="attn * mask",
)
wrong("softmax-axis", ("sim.softmax(dim = -1)", "sim.softmax(dim = 1)"))
wrong(
    "split-without-transpose",
    ("t.reshape(b, -1, h, t.shape[-1] // h).transpose(1, 2)", "t.reshape(b, h, -1, t.shape[-1] // h)"),
)
wrong("cross-length", ("t.reshape(b, -1, h, t.shape[-1] // h)", "t.reshape(b, n, h, -1)"))
wrong("merge-without-transpose", ("out.transpose(1, 2).reshape(b, n, -1)", "out.reshape(b, n, -1)"))
wrong(
    "weigh-wrong-tensor", ("'b h i j, b h j d -> b h i d', attn, v", "'b h i j, b h j d -> b h i d', attn, k")
)
wrong("missing-output-projection", ("return self.to_out(out)", "return out"))
wrong(
    "dropout-missing",
    ("        attn = self.attn_dropout(attn)\n", ""),
    (
        "            nn.Linear(inner_dim, dim),\n            nn.Dropout(dropout)\n",
        "            nn.Linear(inner_dim, dim)\n",
    ),
    at="dropout = 0.",
)
wrong(
    "dropout-in-eval",
    ("attn = self.attn_dropout(attn)", "attn = nn.functional.dropout(attn, self.attn_dropout.p, True)"),
)
wrong("extra-residual", ("return self.to_out(out)", "return self.to_out(out) + x"))
wrong(
    "extra-normalization",
    ("        self.attn_dropout =", "        self.norm = nn.LayerNorm(dim)\n        self.attn_dropout ="),
    (
        "        context = default(context, x)\n",
        "        x = self.norm(x)\n        context = default(context, x)\n",
    ),
    at="x = self.norm(x)",
)
wrong(
    "unstable-softmax",
    ("attn = sim.softmax(dim = -1)", "attn = sim.exp() / sim.exp().sum(dim = -1, keepdim = True)"),
)
wrong(
    "wrong-value",
    ("attn = sim.softmax(dim = -1)", "attn = sim.exp() / (1 + sim.exp().sum(dim = -1, keepdim = True))"),
    also=("unstable-softmax", "unstable-softmax+wrong-value"),
)
wrong("batch-mixing", ("'b h i j, b h j d -> b h i d', attn, v", "'b h i j, c h j d -> b h i d', attn, v"))
wrong(
    "import-error",
    (
        "from torch import nn, einsum\n",
        "from torch import nn, einsum\nfrom einops import rearrange, repeat\n",
    ),
    at="einops",
)
wrong(
    "import-error",
    (
        "from torch import nn, einsum\n",
        "from torch import nn, einsum\nfrom einops_exts import rearrange_many\n",
    ),
    at="einops",
)
wrong("crash", ("'b h i d, b h j d -> b h i j', q, k", "'b h i d, b h j d -> b h i k', q, k"))
wrong("hard-coded-shape", ("t.shape[-1] // h)", "64)"))
