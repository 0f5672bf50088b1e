"""1x1 convolutions for linears, as in text-to-speech encoders."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "conv1d",
    "mha",
    r'''
import math

import torch
from torch import nn
from torch.nn import functional as F


class MultiHeadAttention(nn.Module):
    """Attention with 1x1 convolutions, as in a text-to-speech encoder; x: [B, T, C], c: [B, T_s, C]"""

    def __init__(self, channels, n_heads, p_dropout=0.):
        super().__init__()
        assert channels % n_heads == 0

        self.channels = channels
        self.n_heads = n_heads
        self.p_dropout = p_dropout

        self.k_channels = channels // n_heads
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        self.drop = nn.Dropout(p_dropout)

        nn.init.xavier_uniform_(self.conv_q.weight)
        nn.init.xavier_uniform_(self.conv_k.weight)

    def forward(self, x, c, attn_mask=None):
        x, c = x.transpose(1, 2), c.transpose(1, 2)
        q = self.conv_q(x)
        k = self.conv_k(c)
        v = self.conv_v(c)

        x = self.attention(q, k, v, mask=attn_mask)

        x = self.conv_o(x)
        return x.transpose(1, 2)

    def attention(self, query, key, value, mask=None):
        # reshape [b, d, t] -> [b, n_h, t, d_k]
        b, d, t_s, t_t = (*key.size(), query.size(2))
        query = query.view(b, self.n_heads, self.k_channels, t_t).transpose(2, 3)
        key = key.view(b, self.n_heads, self.k_channels, t_s).transpose(2, 3)
        value = value.view(b, self.n_heads, self.k_channels, t_s).transpose(2, 3)

        scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(self.k_channels)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        p_attn = F.softmax(scores, dim=-1)  # [b, n_h, t_t, t_s]
        p_attn = self.drop(p_attn)
        output = torch.matmul(p_attn, value)
        output = output.transpose(2, 3).contiguous().view(b, d, t_t)  # [b, n_h, t_t, d_k] -> [b, d, t_t]
        return output
''',
    Drive(
        "MultiHeadAttention(D, H, P)",
        "m(q, k)",
        "lin(m.conv_q), lin(m.conv_k), lin(m.conv_v), lin(m.conv_o)",
        "m(q, k, keep[:, None])",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "self-only",
    (
        "def forward(self, x, c, attn_mask=None):\n        x, c = x.transpose(1, 2), c.transpose(1, 2)",
        "def forward(self, x, attn_mask=None):\n        x = c = x.transpose(1, 2)",
    ),
    call="m(x)",
    masked="m(x, keep[:, None].double())",
    inputs="x",
)
right(
    "fused-conv",
    (
        (
            "        self.conv_q = nn.Conv1d(channels, channels, 1)\n"
            "        self.conv_k = nn.Conv1d(channels, channels, 1)\n"
            "        self.conv_v = nn.Conv1d(channels, channels, 1)\n"
        ),
        "        self.conv_qkv = nn.Conv1d(channels, channels * 3, 1)\n",
    ),
    (
        (
            "        nn.init.xavier_uniform_(self.conv_q.weight)\n"
            "        nn.init.xavier_uniform_(self.conv_k.weight)\n"
        ),
        "        nn.init.xavier_uniform_(self.conv_qkv.weight)\n",
    ),
    (
        "        q = self.conv_q(x)\n        k = self.conv_k(c)\n        v = self.conv_v(c)\n",
        "        q, k, v = self.conv_qkv(x).chunk(3, dim=1)\n",
    ),
    (
        "def forward(self, x, c, attn_mask=None):\n        x, c = x.transpose(1, 2), c.transpose(1, 2)",
        "def forward(self, x, attn_mask=None):\n        x = x.transpose(1, 2)",
    ),
    call="m(x)",
    masked="m(x, keep[:, None])",
    inputs="x",
    weights="*fused(lin(m.conv_qkv), 'k h d', H), lin(m.conv_o)",
)
right("no-mask", ("x, c, attn_mask=None", "x, c"), ("mask=attn_mask", "mask=None"), masked="")
wrong("missing-scale", (" / math.sqrt(self.k_channels)", ""))
wrong("wrong-scale", ("math.sqrt(self.k_channels)", "math.sqrt(self.channels)"))
wrong("mask-missing", ("self.attention(q, k, v, mask=attn_mask)", "self.attention(q, k, v)"))
wrong("mask-inverted", ("mask == 0", "mask == 1"))
wrong("mask-fill-value", ("-1e9", "-1e-4"))
wrong(
    "mask-after-softmax",
    (
        (
            "        if mask is not None:\n"
            "            scores = scores.masked_fill(mask == 0, -1e9)\n"
            "        p_attn = F.softmax(scores, dim=-1)  # [b, n_h, t_t, t_s]\n"
        ),
        (
            "        p_attn = F.softmax(scores, dim=-1)  # [b, n_h, t_t, t_s]\n"
            "        if mask is not None:\n"
            "            p_attn = p_attn * (mask != 0)\n"
        ),
    ),
    at="p_attn * (",
)
wrong("softmax-axis", ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=2)"))
wrong("missing-softmax", ("p_attn = F.softmax(scores, dim=-1)", "p_attn = scores"))
wrong(
    "split-without-transpose",
    (
        "query.view(b, self.n_heads, self.k_channels, t_t).transpose(2, 3)",
        "query.view(b, self.n_heads, t_t, self.k_channels)",
    ),
    (
        "key.view(b, self.n_heads, self.k_channels, t_s).transpose(2, 3)",
        "key.view(b, self.n_heads, t_s, self.k_channels)",
    ),
    (
        "value.view(b, self.n_heads, self.k_channels, t_s).transpose(2, 3)",
        "value.view(b, self.n_heads, t_s, self.k_channels)",
    ),
    alone=True,
    also=("wrong-value",),
)
wrong(
    "merge-without-transpose",
    ("output.transpose(2, 3).contiguous().view(b, d, t_t)", "output.contiguous().view(b, d, t_t)"),
    also=("wrong-value",),
)
wrong(
    "non-contiguous-view",
    ("output.transpose(2, 3).contiguous().view(b, d, t_t)", "output.transpose(2, 3).view(b, d, t_t)"),
)
wrong(
    "cross-length",
    ("b, d, t_s, t_t = (*key.size(), query.size(2))", "b, d, t_t = query.size()\n        t_s = t_t"),
    at="t_s = t_t",
)
wrong("shared-projection", ("v = self.conv_v(c)", "v = self.conv_k(c)"))
wrong("swapped-inputs", ("v = self.conv_v(c)", "v = self.conv_v(x)"), alone=True)
wrong("weigh-wrong-tensor", ("torch.matmul(p_attn, value)", "torch.matmul(p_attn, key)"))
wrong("missing-output-projection", ("        x = self.conv_o(x)\n", ""))
wrong("dropout-missing", ("        p_attn = self.drop(p_attn)\n", ""), at="self.drop = ")
wrong("dropout-in-eval", ("self.drop(p_attn)", "F.dropout(p_attn, self.p_dropout)"))
wrong("wrong-output-shape", ("return x.transpose(1, 2)", "return x"))
wrong(
    "extra-residual",
    (
        "        x = self.attention(q, k, v, mask=attn_mask)\n\n        x = self.conv_o(x)",
        "        x = x + self.conv_o(self.attention(q, k, v, mask=attn_mask))",
    ),
)
wrong(
    "mutates-input",
    (
        "        x, c = x.transpose(1, 2), c.transpose(1, 2)",
        "        x, c = x.transpose_(1, 2), c.transpose_(1, 2)",
    ),
)
wrong("crash", ("        x, c = x.transpose(1, 2), c.transpose(1, 2)\n", ""), at="self.conv_q(x)")
wrong(
    "constructor-error",
    ("nn.init.xavier_uniform_(self.conv_q.weight)", "nn.init.xavier_uniform_(self.conv_q.bias)"),
)
