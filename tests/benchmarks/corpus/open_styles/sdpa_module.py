"""Scaled dot-product attention as a module with dropout, in-place mask."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sdpa-module",
    "sdpa",
    r"""
import numpy as np
import torch
import torch.nn as nn


class ScaledDotProductAttention(nn.Module):
    def __init__(self, d_k, attn_dropout=0.0):
        super(ScaledDotProductAttention, self).__init__()
        self.d_k = d_k
        self.dropout = nn.Dropout(attn_dropout)
        self.softmax = nn.Softmax(dim=2)

    def forward(self, Q, K, V, attn_mask=None):
        # Q: [batch_size, len_q, d_k]  K, V: [batch_size, len_k, d_k]  attn_mask: [batch_size, len_q, len_k]
        scores = torch.bmm(Q, K.transpose(1, 2)) / np.sqrt(self.d_k)
        if attn_mask is not None:
            scores.masked_fill_(attn_mask, -1e9)  # Fills elements of scores where mask is True
        attn = self.dropout(self.softmax(scores))
        context = torch.bmm(attn, V)
        return context, attn
""",
    Drive(
        "ScaledDotProductAttention(D, P)",
        "m(Q=q, K=k, V=v)[0]",
        "None",
        "m(q, k, v, watch(~keep))[0]",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "temperature",
    ("self, d_k, attn_dropout=0.0", "self, temperature, attn_dropout=0.0"),
    ("self.d_k = d_k", "self.temperature = temperature"),
    ("np.sqrt(self.d_k)", "self.temperature"),
    make="ScaledDotProductAttention(np.sqrt(D), P)",
)
right(
    "no-arguments",
    ("self, d_k, attn_dropout=0.0", "self"),
    ("        self.d_k = d_k\n        self.dropout = nn.Dropout(attn_dropout)\n", ""),
    ("np.sqrt(self.d_k)", "np.sqrt(Q.size(-1))"),
    ("self.dropout(self.softmax(scores))", "self.softmax(scores)"),
    make="ScaledDotProductAttention()",
)
right(
    "tensor-sqrt",
    ("np.sqrt(self.d_k)", "torch.sqrt(torch.tensor(self.d_k, dtype=torch.float32))"),
    tolerance=1e-6,
)
wrong("missing-scale", (" / np.sqrt(self.d_k)", ""))
wrong("wrong-scale", ("/ np.sqrt(self.d_k)", "/ self.d_k"))
wrong("softmax-axis", ("nn.Softmax(dim=2)", "nn.Softmax(dim=1)"))
wrong("missing-softmax", ("self.dropout(self.softmax(scores))", "self.dropout(scores)"))
wrong("mask-inverted", ("masked_fill_(attn_mask,", "masked_fill_(~attn_mask,"))
wrong("mask-missing", ("scores.masked_fill_(attn_mask", "scores.masked_fill(attn_mask"))
wrong("mask-fill-value", ("-1e9)", "-1e-9)"))
wrong("mask-fill-value", ("-1e9)", "0)"), on="temperature")
wrong("dropout-missing", ("self.dropout(self.softmax(scores))", "self.softmax(scores)"))
wrong(
    "dropout-in-eval",
    ("self.dropout(self.softmax(scores))", "nn.functional.dropout(self.softmax(scores), self.dropout.p)"),
)
wrong("weigh-wrong-tensor", ("torch.bmm(attn, V)", "torch.bmm(attn, K)"))
wrong(
    "swapped-inputs",
    ("torch.bmm(Q, K.transpose(1, 2))", "torch.bmm(Q, V.transpose(1, 2))"),
    ("torch.bmm(attn, V)", "torch.bmm(attn, K)"),
)
wrong(
    "mutates-input",
    (
        "        scores = torch.bmm(Q, K.transpose(1, 2)) / np.sqrt(self.d_k)\n",
        "        Q.div_(np.sqrt(self.d_k))\n        scores = torch.bmm(Q, K.transpose(1, 2))\n",
    ),
    at="Q.div_",
)
wrong(
    "mutates-input",
    (
        "        if attn_mask is not None:\n",
        (
            "        if attn_mask is not None:\n"
            "            attn_mask.logical_not_()\n"
            "            attn_mask = ~attn_mask\n"
        ),
    ),
    at="logical_not_",
)
wrong("detached-graph", ("torch.bmm(attn, V)", "torch.bmm(attn, V.detach())"))
wrong(
    "batch-mixing",
    ("context = torch.bmm(attn, V)", "context = torch.einsum('bij,bjd->id', attn, V).expand_as(Q)"),
)
wrong("extra-residual", ("return context, attn", "return context + Q, attn"))
wrong("wrong-output-type", ("return context, attn", "return (context.tolist(), attn)"))
wrong(
    "builtin-used",
    (
        "        context = torch.bmm(attn, V)\n",
        (
            "        context = nn.functional.scaled_dot_product_attention(Q, K, V, "
            "attn_mask=None if attn_mask is None else ~attn_mask)\n"
        ),
    ),
)
wrong("crash", ("torch.bmm(Q, K.transpose(1, 2))", "torch.bmm(Q, K.transpose(1, 2), 2)"))
