"""A small nn.MultiheadAttention: forward(query, key=None, value=None, attn_mask=None, ...), batch_first, time first inside."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "optional-kv",
    "mha",
    r'''
import torch
import torch.nn.functional as F
from torch import nn


class MultiheadAttention(nn.Module):
    """Like torch.nn.MultiheadAttention, but readable.

    attn_mask: float, added to the scores, or bool, True = not allowed; (L, S) or (N, L, S)
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, batch_first=True):
        super().__init__()
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        assert self.head_dim * num_heads == self.embed_dim, "embed_dim must be divisible by num_heads"
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def forward(self, query, key=None, value=None, attn_mask=None, need_weights=True):
        key = query if key is None else key
        value = key if value is None else value
        if self.batch_first:
            query, key, value = (t.transpose(0, 1) for t in (query, key, value))

        tgt_len, bsz, embed_dim = query.shape
        src_len = key.shape[0]
        q = self.q_proj(query)
        k = self.k_proj(key)
        v = self.v_proj(value)

        # (length, batch, embed) -> (batch * heads, length, head_dim)
        q = q.contiguous().view(tgt_len, bsz * self.num_heads, self.head_dim).transpose(0, 1)
        k = k.contiguous().view(src_len, bsz * self.num_heads, self.head_dim).transpose(0, 1)
        v = v.contiguous().view(src_len, bsz * self.num_heads, self.head_dim).transpose(0, 1)

        q_scaled = q / self.head_dim**0.5
        scores = torch.bmm(q_scaled, k.transpose(-2, -1))
        if attn_mask is not None:
            if attn_mask.dtype == torch.bool:
                attn_mask = torch.zeros_like(attn_mask, dtype=q.dtype).masked_fill(attn_mask, float("-inf"))
            if attn_mask.dim() == 3:
                attn_mask = attn_mask.repeat_interleave(self.num_heads, dim=0)
            scores = scores + attn_mask
        attn = F.softmax(scores, dim=-1)
        attn = F.dropout(attn, p=self.dropout, training=self.training)

        output = torch.bmm(attn, v)
        # (batch * heads, length, head_dim) -> (length, batch, embed)
        output = output.transpose(0, 1).contiguous().view(tgt_len, bsz, embed_dim)
        output = self.out_proj(output)
        if self.batch_first:
            output = output.transpose(0, 1)

        if need_weights:
            attn = attn.view(bsz, self.num_heads, tgt_len, src_len)
            return output, attn.mean(dim=1)
        return output, None
''',
    Drive(
        "MultiheadAttention(D, H, dropout=P)",
        "m(q, k, v)[0]",
        "lin(m.q_proj), lin(m.k_proj), lin(m.v_proj), lin(m.out_proj)",
        "m(q, k, v, ~keep)[0]",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "output-only",
    (
        (
            "        if need_weights:\n            attn = attn.view(bsz, self.num_heads, tgt_len, src_len)\n"
            "            return output, attn.mean(dim=1)\n        return output, None\n"
        ),
        "        return output\n",
    ),
    (", need_weights=True", ""),
    call="m(q, k, v)",
    masked="m(q, k, v, torch.where(keep, 0.0, -torch.inf))",
)
right(
    "weights-not-wanted",
    ("need_weights=True", "need_weights=False"),
)
right(
    "always-batch-first",
    (", batch_first=True", ""),
    ("        self.batch_first = batch_first\n", ""),
    ("        if self.batch_first:\n            query, key, value = (", "        query, key, value = ("),
    (
        "        if self.batch_first:\n            output = output.transpose(0, 1)\n",
        "        output = output.transpose(0, 1)\n",
    ),
)
wrong("missing-scale", ("q_scaled = q / self.head_dim**0.5", "q_scaled = q"))
wrong("wrong-scale", ("self.head_dim**0.5", "self.embed_dim**0.5"))
wrong("wrong-scale", ("q / self.head_dim**0.5", "q / self.head_dim"))
wrong("wrong-scale", ("self.head_dim**0.5", "self.num_heads**0.5"), on="output-only")
wrong("softmax-axis", ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=1)"))
wrong(
    "softmax-axis",
    ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=0)"),
    also=("batch-mixing", "batch-mixing+softmax-axis", "softmax-axis+nan-output"),
    alone=True,
)
wrong(
    "missing-softmax",
    ("attn = F.softmax(scores, dim=-1)", "attn = scores"),
    on="output-only",
    alone=True,
    also=("missing-softmax+nan-output",),
)
wrong("mask-missing", ("            scores = scores + attn_mask\n", ""))
wrong("mask-fill-value", ('float("-inf")', "-10.0"))
wrong(
    "mask-after-softmax",
    (
        "            scores = scores + attn_mask\n        attn = F.softmax(scores, dim=-1)\n",
        "        attn = F.softmax(scores, dim=-1)\n        if attn_mask is not None:\n            attn = attn * attn_mask.exp()\n",
    ),
    at="attn_mask.exp()",
)
wrong("shared-projection", ("k = self.k_proj(key)", "k = self.q_proj(key)"))
wrong(
    "shared-projection",
    ("        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)\n", ""),
    ("v = self.v_proj(value)", "v = self.k_proj(value)"),
)
wrong("missing-projection", ("v = self.v_proj(value)", "v = value"))
wrong(
    "swapped-inputs",
    ("(t.transpose(0, 1) for t in (query, key, value))", "(t.transpose(0, 1) for t in (query, value, key))"),
)
wrong(
    "swapped-inputs",
    ("torch.bmm(q_scaled, k.transpose(-2, -1))", "torch.bmm(q_scaled, v.transpose(-2, -1))"),
    ("torch.bmm(attn, v)", "torch.bmm(attn, k)"),
    on="always-batch-first",
)
wrong("cross-length", ("src_len = key.shape[0]", "src_len = tgt_len"))
wrong(
    "split-without-transpose",
    (
        "view(tgt_len, bsz * self.num_heads, self.head_dim).transpose(0, 1)",
        "view(bsz * self.num_heads, tgt_len, self.head_dim)",
    ),
    (
        "        k = k.contiguous().view(src_len, bsz * self.num_heads, self.head_dim).transpose(0, 1)\n",
        "        k = k.contiguous().view(bsz * self.num_heads, src_len, self.head_dim)\n",
    ),
    (
        "        v = v.contiguous().view(src_len, bsz * self.num_heads, self.head_dim).transpose(0, 1)\n",
        "        v = v.contiguous().view(bsz * self.num_heads, src_len, self.head_dim)\n",
    ),
    also=("batch-mixing", "batch-mixing+split-without-transpose", "wrong-value"),
    alone=True,
)
wrong(
    "merge-without-transpose",
    (
        "output.transpose(0, 1).contiguous().view(tgt_len, bsz, embed_dim)",
        "output.contiguous().view(tgt_len, bsz, embed_dim)",
    ),
    also=("batch-mixing", "batch-mixing+merge-without-transpose", "wrong-value"),
    alone=True,
)
wrong(
    "non-contiguous-view",
    ("output.transpose(0, 1).contiguous().view(tgt_len", "output.transpose(0, 1).view(tgt_len"),
)
wrong(
    "batch-mixing",
    ("attn_mask.repeat_interleave(self.num_heads, dim=0)", "attn_mask.repeat(self.num_heads, 1, 1)"),
    alone=True,
    also=("wrong-value", "mask-missing"),
)
wrong("weigh-wrong-tensor", ("torch.bmm(attn, v)", "torch.bmm(attn, k)"))
wrong("dropout-in-eval", ("p=self.dropout, training=self.training)", "p=self.dropout)"))
wrong("dropout-missing", ("        attn = F.dropout(attn, p=self.dropout, training=self.training)\n", ""))
wrong("missing-output-projection", ("        output = self.out_proj(output)\n", ""))
wrong("extra-residual", ("output = self.out_proj(output)", "output = self.out_proj(output) + query"))
wrong("detached-graph", ("torch.bmm(attn, v)", "torch.bmm(attn.detach(), v)"))
wrong(
    "wrong-output-shape", ("        if self.batch_first:\n            output = output.transpose(0, 1)\n", "")
)
wrong(
    "builtin-used",
    (
        "        output = torch.bmm(attn, v)\n",
        "        output = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0)\n",
    ),
    on="output-only",
    at="scaled_dot_product",
    also=("mask-missing+builtin-used",),
)
wrong(
    "builtin-used",
    (
        "        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)\n",
        "        self.mha = nn.MultiheadAttention(embed_dim, num_heads, dropout, bias, batch_first=True)\n        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)\n",
    ),
    (
        "        if self.batch_first:\n            query, key, value = (",
        "        return self.mha(query, key, value, attn_mask=None)\n        if self.batch_first:\n            query, key, value = (",
    ),
    at="self.mha(",
    also=("mask-missing+builtin-used",),
)
wrong("crash", ("self.k_proj(key)", "self.k_proj(keys)"))
