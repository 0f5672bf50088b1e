"""The Annotated Transformer and its many copies: clones(), a free attention() function, mask == 0."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "annotated",
    "mha",
    r"""
import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def clones(module, N):
    "Produce N identical layers."
    return nn.ModuleList([copy.deepcopy(module) for _ in range(N)])


def attention(query, key, value, mask=None, dropout=None):
    "Compute 'Scaled Dot Product Attention'"
    d_k = query.size(-1)
    scores = torch.matmul(query, key.transpose(-2, -1)) \
             / math.sqrt(d_k)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    p_attn = F.softmax(scores, dim=-1)
    if dropout is not None:
        p_attn = dropout(p_attn)
    return torch.matmul(p_attn, value), p_attn


class MultiHeadedAttention(nn.Module):
    def __init__(self, h, d_model, dropout=0.1):
        "Take in model size and number of heads."
        super(MultiHeadedAttention, self).__init__()
        assert d_model % h == 0
        # We assume d_v always equals d_k
        self.d_k = d_model // h
        self.h = h
        self.linears = clones(nn.Linear(d_model, d_model), 4)
        self.attn = None
        self.dropout = nn.Dropout(p=dropout)

    def forward(self, query, key, value, mask=None):
        if mask is not None:
            # Same mask applied to all h heads.
            mask = mask.unsqueeze(1)
        nbatches = query.size(0)

        # 1) Do all the linear projections in batch from d_model => h x d_k
        query, key, value = \
            [l(x).view(nbatches, -1, self.h, self.d_k).transpose(1, 2)
             for l, x in zip(self.linears, (query, key, value))]

        # 2) Apply attention on all the projected vectors in batch.
        x, self.attn = attention(query, key, value, mask=mask,
                                 dropout=self.dropout)

        # 3) "Concat" using a view and apply a final linear.
        x = x.transpose(1, 2).contiguous() \
             .view(nbatches, -1, self.h * self.d_k)
        return self.linears[-1](x)
""",
    Drive(
        "MultiHeadedAttention(H, D, P)",
        "m(q, k, v)",
        "[lin(l) for l in m.linears]",
        "m(q, k, v, keep.long())",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("bool-mask", ("mask == 0", "~mask"), masked="m(q, k, v, mask=keep)")
right("pad-mask", masked="m(q, k, v, keep[:, :1])", keep="pad")
right("drop-mask", ("mask == 0, -1e9", "mask, float('-inf')"), masked="m(q, k, v, ~keep)")
right(
    "mask-as-given",
    (
        "            # Same mask applied to all h heads.\n            mask = mask.unsqueeze(1)\n",
        "            assert mask.dim() == 4\n",
    ),
    masked="m(q, k, v, keep[:, None])",
)
right(
    "whole-model",
    top=r'''
"""A Transformer, after 'Attention Is All You Need'."""
import math
import torch
import torch.nn as nn


class LayerNorm(nn.Module):
    def __init__(self, features, eps=1e-6):
        super().__init__()
        self.a_2 = nn.Parameter(torch.ones(features))
        self.b_2 = nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + self.eps) + self.b_2


class SublayerConnection(nn.Module):
    def __init__(self, size, dropout):
        super().__init__()
        self.norm = LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, sublayer):
        return x + self.dropout(sublayer(self.norm(x)))


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout, max_len=5000):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * -(math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return self.dropout(x + self.pe[:, : x.size(1)])


''',
    bottom=r"""

class PositionwiseFeedForward(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.1):
        super().__init__()
        self.w_1 = nn.Linear(d_model, d_ff)
        self.w_2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.w_2(self.dropout(self.w_1(x).relu()))


class EncoderLayer(nn.Module):
    "Encoder is made up of self-attn and feed forward (defined above)"

    def __init__(self, size, self_attn, feed_forward, dropout):
        super().__init__()
        self.self_attn = self_attn
        self.feed_forward = feed_forward
        self.sublayer = clones(SublayerConnection(size, dropout), 2)
        self.size = size

    def forward(self, x, mask):
        x = self.sublayer[0](x, lambda x: self.self_attn(x, x, x, mask))
        return self.sublayer[1](x, self.feed_forward)
""",
)
wrong("shared-projection", ("[l(x).view", "[self.linears[0](x).view"))
wrong(
    "shared-projection",
    (
        "for l, x in zip(self.linears, (query, key, value))]",
        "for l, x in zip((self.linears[0], self.linears[1], self.linears[1]), (query, key, value))]",
    ),
)
wrong(
    "shared-projection",
    (
        "clones(nn.Linear(d_model, d_model), 4)",
        "nn.ModuleList([nn.Linear(d_model, d_model)] * 3 + [nn.Linear(d_model, d_model)])",
    ),
)
wrong(
    "unregistered-parameters",
    (
        "return nn.ModuleList([copy.deepcopy(module) for _ in range(N)])",
        "return [copy.deepcopy(module) for _ in range(N)]",
    ),
)
wrong(
    "split-without-transpose",
    (".view(nbatches, -1, self.h, self.d_k).transpose(1, 2)", ".view(nbatches, self.h, -1, self.d_k)"),
)
wrong("missing-scale", (" \\\n             / math.sqrt(d_k)", ""), at="scores = torch.matmul")
wrong("wrong-scale", ("d_k = query.size(-1)", "d_k = query.size(-2)"), alone=True)
wrong(
    "mask-missing",
    (
        "x, self.attn = attention(query, key, value, mask=mask,\n                                 dropout",
        "x, self.attn = attention(query, key, value, dropout",
    ),
)
wrong("mask-inverted", ("mask == 0, -1e9", "mask == 1, -1e9"))
wrong("mask-fill-value", ("-1e9", "1e-9"))
wrong("mask-fill-value", ("-1e9", "0"), on="pad-mask")
wrong(
    "mask-after-softmax",
    (
        """    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    p_attn = F.softmax(scores, dim=-1)
""",
        """    p_attn = F.softmax(scores, dim=-1)
    if mask is not None:
        p_attn = p_attn.masked_fill(mask == 0, 0.0)
""",
    ),
    at="p_attn.masked_fill",
)
wrong("softmax-axis", ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=1)"))
wrong("softmax-axis", ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=-2)"), on="bool-mask")
wrong(
    "dropout-missing",
    ("    if dropout is not None:\n        p_attn = dropout(p_attn)\n", ""),
    at="dropout=None)",
)
wrong("dropout-in-eval", ("p_attn = dropout(p_attn)", "p_attn = F.dropout(p_attn, dropout.p)"))
wrong(
    "merge-without-transpose",
    (
        "x = x.transpose(1, 2).contiguous() \\\n             .view(",
        "x = x.contiguous() \\\n             .view(",
    ),
    at="x = x.contiguous()",
)
wrong(
    "non-contiguous-view",
    ("x = x.transpose(1, 2).contiguous() \\\n", "x = x.transpose(1, 2) \\\n"),
    at=(".view(nbatches, -1, self.h *",),
)
wrong("missing-output-projection", ("return self.linears[-1](x)", "return x"))
wrong("swapped-inputs", ("zip(self.linears, (query, key, value))", "zip(self.linears, (query, value, key))"))
wrong("swapped-inputs", ("attention(query, key, value, mask=mask", "attention(query, value, key, mask=mask"))
wrong(
    "extra-residual",
    ("        nbatches = query.size(0)\n", "        residual = query\n        nbatches = query.size(0)\n"),
    ("return self.linears[-1](x)", "return residual + self.dropout(self.linears[-1](x))"),
    at="return residual",
)
wrong(
    "detached-graph",
    ("return torch.matmul(p_attn, value), p_attn", "return torch.matmul(p_attn.detach(), value), p_attn"),
)
wrong(
    "nan-output",
    ("scores = scores.masked_fill(mask == 0, -1e9)", "scores = scores + (1 - mask) * float('-inf')"),
)
wrong(
    "constructor-error",
    ("super(MultiHeadedAttention, self).__init__()", "super(MultiHeadAttention, self).__init__()"),
)
wrong("crash", ("nbatches = query.size(0)\n\n", "\n"), at="view(nbatches, -1, self.h, self.d_k)")
wrong(
    "import-error",
    ("import copy\n", "import copy\nfrom harvard_transformer.layers import clones\n"),
    at="from harvard",
)
