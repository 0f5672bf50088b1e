"""ESPnet: three methods, the mask used before and after the softmax."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "espnet",
    "mha",
    r'''
"""Multi-Head Attention layer definition."""

import math

import numpy
import torch
from torch import nn


class MultiHeadedAttention(nn.Module):
    """Multi-Head Attention layer.

    Args:
        n_head (int): The number of heads.
        n_feat (int): The number of features.
        dropout_rate (float): Dropout rate.
    """

    def __init__(self, n_head, n_feat, dropout_rate):
        """Construct an MultiHeadedAttention object."""
        super(MultiHeadedAttention, self).__init__()
        assert n_feat % n_head == 0
        # We assume d_v always equals d_k
        self.d_k = n_feat // n_head
        self.h = n_head
        self.linear_q = nn.Linear(n_feat, n_feat)
        self.linear_k = nn.Linear(n_feat, n_feat)
        self.linear_v = nn.Linear(n_feat, n_feat)
        self.linear_out = nn.Linear(n_feat, n_feat)
        self.attn = None
        self.dropout = nn.Dropout(p=dropout_rate)

    def forward_qkv(self, query, key, value):
        """Transform query, key and value."""
        n_batch = query.size(0)
        q = self.linear_q(query).view(n_batch, -1, self.h, self.d_k)
        k = self.linear_k(key).view(n_batch, -1, self.h, self.d_k)
        v = self.linear_v(value).view(n_batch, -1, self.h, self.d_k)
        q = q.transpose(1, 2)  # (batch, head, time1, d_k)
        k = k.transpose(1, 2)  # (batch, head, time2, d_k)
        v = v.transpose(1, 2)  # (batch, head, time2, d_k)
        return q, k, v

    def forward_attention(self, value, scores, mask):
        """Compute attention context vector."""
        n_batch = value.size(0)
        if mask is not None:
            mask = mask.unsqueeze(1).eq(0)  # (batch, 1, *, time2)
            min_value = float(numpy.finfo(torch.tensor(0, dtype=scores.dtype).numpy().dtype).min)
            scores = scores.masked_fill(mask, min_value)
            self.attn = torch.softmax(scores, dim=-1).masked_fill(mask, 0.0)  # (batch, head, time1, time2)
        else:
            self.attn = torch.softmax(scores, dim=-1)  # (batch, head, time1, time2)

        p_attn = self.dropout(self.attn)
        x = torch.matmul(p_attn, value)  # (batch, head, time1, d_k)
        x = x.transpose(1, 2).contiguous().view(n_batch, -1, self.h * self.d_k)  # (batch, time1, d_model)
        return self.linear_out(x)

    def forward(self, query, key, value, mask):
        """Compute scaled dot product attention."""
        q, k, v = self.forward_qkv(query, key, value)
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        return self.forward_attention(v, scores, mask)
''',
    Drive(
        "MultiHeadedAttention(H, D, P)",
        "m(q, k, v, None)",
        "lin(m.linear_q), lin(m.linear_k), lin(m.linear_v), lin(m.linear_out)",
        "m(q, k, v, keep.int())",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("pad", masked="m(q, k, v, keep[:, :1])", keep="pad")
right(
    "wenet",
    ('value, mask):\n        """Compute scaled', 'value, mask=None):\n        """Compute scaled'),
    (
        (
            "            min_value = float(numpy.finfo(torch.tensor(0, "
            "dtype=scores.dtype).numpy().dtype).min)\n"
            "            scores = scores.masked_fill(mask, min_value)"
        ),
        "            scores = scores.masked_fill(mask, -float('inf'))",
    ),
    call="m(q, k, v)",
)
wrong("missing-scale", (" / math.sqrt(self.d_k)", ""))
wrong("wrong-scale", ("math.sqrt(self.d_k)", "math.sqrt(self.d_k * self.h)"))
wrong(
    "mask-after-softmax",
    (
        (
            "            min_value = float(numpy.finfo(torch.tensor(0, "
            "dtype=scores.dtype).numpy().dtype).min)\n"
            "            scores = scores.masked_fill(mask, min_value)\n"
        ),
        "",
    ),
    at=".masked_fill(mask, 0.0)",
)
wrong("mask-inverted", ("mask.unsqueeze(1).eq(0)", "mask.unsqueeze(1).eq(1)"), alone=True)
wrong(
    "mask-missing",
    (
        (
            "scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)\n"
            "        return self.forward_attention(v, scores, mask)"
        ),
        (
            "scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)\n"
            "        return self.forward_attention(v, scores, None)"
        ),
    ),
)
wrong(
    "softmax-axis",
    (
        "            self.attn = torch.softmax(scores, dim=-1)  #",
        "            self.attn = torch.softmax(scores, dim=-2)  #",
    ),
    ("torch.softmax(scores, dim=-1).masked", "torch.softmax(scores, dim=-2).masked"),
)
wrong(
    "dropout-missing",
    ("        p_attn = self.dropout(self.attn)\n", "        p_attn = self.attn\n"),
    at="self.dropout = ",
)
wrong(
    "dropout-in-eval",
    ("p_attn = self.dropout(self.attn)", "p_attn = nn.functional.dropout(self.attn, self.dropout.p)"),
)
wrong(
    "merge-without-transpose",
    ("x.transpose(1, 2).contiguous().view(n_batch,", "x.contiguous().view(n_batch,"),
)
wrong(
    "non-contiguous-view", ("x.transpose(1, 2).contiguous().view(n_batch,", "x.transpose(1, 2).view(n_batch,")
)
wrong(
    "weigh-wrong-tensor",
    ("self.forward_attention(v, scores, mask)", "self.forward_attention(k, scores, mask)"),
)
wrong("shared-projection", ("self.linear_v(value)", "self.linear_k(value)"))
wrong("swapped-inputs", ("self.forward_qkv(query, key, value)", "self.forward_qkv(query, value, key)"))
wrong(
    "cross-length",
    ("self.linear_k(key).view(n_batch, -1,", "self.linear_k(key).view(n_batch, query.size(1),"),
    ("self.linear_v(value).view(n_batch, -1,", "self.linear_v(value).view(n_batch, query.size(1),"),
)
wrong("missing-output-projection", ("return self.linear_out(x)", "return x"))
wrong(
    "extra-normalization",
    (
        "        self.attn = None\n",
        "        self.attn = None\n        self.layer_norm = nn.LayerNorm(n_feat)\n",
    ),
    ("return self.linear_out(x)", "return self.layer_norm(self.linear_out(x))"),
    at="return self.layer_norm",
)
wrong("crash", ("self.forward_qkv(query, key, value)", "self.forward_qkv(query, key)"))
