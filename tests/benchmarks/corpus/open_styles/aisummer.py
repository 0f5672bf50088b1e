# ruff: noqa: E501 (another author's lines, as they were written)
"""AI Summer: heads innermost, '(d k h)'."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "aisummer",
    "mha",
    r'''
import numpy as np
import torch
from torch import nn


class MultiHeadSelfAttention(nn.Module):
    def __init__(self, dim, heads=8, dim_head=None):
        """
        Implementation of multi-head attention layer of the original transformer model. einsum is used.
        Args:
            dim: token's dimension, i.e. word embedding vector size
            heads: the number of distinct representations to learn
            dim_head: the dim of the head. In general dim_head<dim. However, it may not necessary be (dim/heads)
        """
        super().__init__()
        self.dim_head = (int(dim / heads)) if dim_head is None else dim_head
        _dim = self.dim_head * heads
        self.heads = heads
        self.to_qvk = nn.Linear(dim, _dim * 3, bias=False)
        self.W_0 = nn.Linear(_dim, dim, bias=False)
        self.scale_factor = self.dim_head ** -0.5

    def forward(self, x, mask=None):
        assert x.dim() == 3
        b, t, _ = x.shape
        qkv = self.to_qvk(x)  # [batch, tokens, dim*3*heads ]

        # decomposition to q,v,k and cast to tuple: 'b t (d k h) -> k b h t d', k=3
        q, k, v = tuple(qkv.reshape(b, t, self.dim_head, 3, self.heads).permute(3, 0, 4, 1, 2))

        # resulted shape will be: [batch, heads, tokens, tokens]
        scaled_dot_prod = torch.einsum('b h i d , b h j d -> b h i j', q, k) * self.scale_factor

        if mask is not None:
            assert mask.shape == scaled_dot_prod.shape[2:]
            scaled_dot_prod = scaled_dot_prod.masked_fill(mask, -np.inf)

        attention = torch.softmax(scaled_dot_prod, dim=-1)

        # calc result per batch and per head h, re-compose: merge heads with dim_head d
        out = torch.einsum('b h i j , b h j d -> b i h d', attention, v).reshape(b, t, -1)

        # Apply final linear transformation layer
        return self.W_0(out)
''',
    Drive(
        "MultiHeadSelfAttention(D, heads=H)",
        "m(x)",
        "*fused(lin(m.to_qvk), 'd k h', H), lin(m.W_0)",
        "m(x, mask=~keep[0])",
        keep="rows",
        inputs="x",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "merged-d-h",
    ("'b h i j , b h j d -> b i h d'", "'b h i j , b h j d -> b i d h'"),
    weights="*fused(lin(m.to_qvk), 'd k h', H), rows_by(lin(m.W_0), 'd h', H)",
)
right(
    "k-d-h",
    (
        "qkv.reshape(b, t, self.dim_head, 3, self.heads).permute(3, 0, 4, 1, 2)",
        "qkv.reshape(b, t, 3, self.dim_head, self.heads).permute(2, 0, 4, 1, 3)",
    ),
    ("(d k h)", "(k d h)"),
    weights="*fused(lin(m.to_qvk), 'k d h', H), lin(m.W_0)",
)
right(
    "no-mask",
    ("x, mask=None", "x"),
    (
        (
            "        if mask is not None:\n"
            "            assert mask.shape == scaled_dot_prod.shape[2:]\n"
            "            scaled_dot_prod = scaled_dot_prod.masked_fill(mask, -np.inf)\n"
            "\n"
        ),
        "",
    ),
    masked="",
)
wrong("missing-scale", (" * self.scale_factor\n", "\n"))
wrong("wrong-scale", ("self.dim_head ** -0.5", "dim ** -0.5"))
wrong("wrong-scale", ("self.dim_head ** -0.5", "heads ** -0.5"), on="no-mask")
wrong("softmax-axis", ("torch.softmax(scaled_dot_prod, dim=-1)", "torch.softmax(scaled_dot_prod, dim=-2)"))
wrong(
    "missing-softmax", ("attention = torch.softmax(scaled_dot_prod, dim=-1)", "attention = scaled_dot_prod")
)
wrong("mask-inverted", ("masked_fill(mask, -np.inf)", "masked_fill(~mask, -np.inf)"))
wrong("mask-fill-value", ("-np.inf", "1 / np.inf"))
wrong("mask-missing", ("            scaled_dot_prod = scaled_dot_prod.masked_fill(mask, -np.inf)\n", ""))
wrong("merge-without-transpose", ("'b h i j , b h j d -> b i h d'", "'b h i j , b h j d -> b h i d'"))
wrong(
    "split-without-transpose",
    (
        "qkv.reshape(b, t, self.dim_head, 3, self.heads).permute(3, 0, 4, 1, 2)",
        "qkv.reshape(3, b, self.heads, t, self.dim_head)",
    ),
    also=("batch-mixing", "split-without-transpose+batch-mixing", "wrong-value"),
    alone=True,
)
wrong("weigh-wrong-tensor", ("-> b i h d', attention, v)", "-> b i h d', attention, k)"))
wrong("missing-output-projection", ("return self.W_0(out)", "return out"))
wrong("batch-mixing", ("'b h i d , b h j d -> b h i j', q, k", "'b h i d , a h j d -> b h i j', q, k"))
wrong("wrong-output-shape", (".reshape(b, t, -1)", ".reshape(b * t, -1)"))
wrong(
    "unexpected-mask",
    (
        "        attention = torch.softmax(",
        (
            "        scaled_dot_prod = scaled_dot_prod.masked_fill(torch.ones(t, t).triu(1) "
            "> 0, -np.inf)\n"
            "        attention = torch.softmax("
        ),
    ),
    at="triu",
)
wrong(
    "import-error",
    ("from torch import nn\n", "from torch import nn\nfrom einops import rearrange\n"),
    at="einops",
)
wrong("crash", ("        b, t, _ = x.shape\n", "        b, t = x.shape\n"))
wrong(
    "heads-not-concatenated",
    (
        "'b h i j , b h j d -> b i h d', attention, v).reshape(b, t, -1)",
        "'b h i j , b h j d -> b i d', attention, v).repeat(1, 1, self.heads)",
    ),
)
wrong(
    "wrong-gradient",
    (
        "        return self.W_0(out)",
        "        out = out + (out * 3 - (out * 3).detach())\n        return self.W_0(out)",
    ),
    at="detach",
)
