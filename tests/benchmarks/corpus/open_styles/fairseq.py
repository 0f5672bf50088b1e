# ruff: noqa: E501 (another author's lines, as they were written)
"""fairseq: time first, key_padding_mask, averaged weights."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "fairseq",
    "mha",
    r'''
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MultiheadAttention(nn.Module):
    """Multi-headed attention.

    See "Attention Is All You Need" for more details. Input shape: Time x Batch x Channel
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True):
        super().__init__()
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout

        self.head_dim = embed_dim // num_heads
        assert (
            self.head_dim * num_heads == self.embed_dim
        ), "embed_dim must be divisible by num_heads"
        self.scaling = self.head_dim**-0.5

        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.reset_parameters()

    def reset_parameters(self):
        for layer in (self.k_proj, self.v_proj, self.q_proj):
            nn.init.xavier_uniform_(layer.weight, gain=2**-0.5)
        nn.init.xavier_uniform_(self.out_proj.weight)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Optional[Tensor] = None,
        attn_mask: Optional[Tensor] = None,
    ) -> Tuple[Tensor, Tensor]:
        """
        Args:
            key_padding_mask (ByteTensor, optional): (batch, src_len), 1 for padding
            attn_mask (FloatTensor, optional): (tgt_len, src_len), added to the scores
        """
        tgt_len, bsz, embed_dim = query.size()
        src_len = key.size(0)

        q = self.q_proj(query)
        k = self.k_proj(key)
        v = self.v_proj(value)
        q = q * self.scaling

        q = q.contiguous().view(tgt_len, bsz * self.num_heads, self.head_dim).transpose(0, 1)
        k = k.contiguous().view(-1, bsz * self.num_heads, self.head_dim).transpose(0, 1)
        v = v.contiguous().view(-1, bsz * self.num_heads, self.head_dim).transpose(0, 1)

        attn_weights = torch.bmm(q, k.transpose(1, 2))
        assert list(attn_weights.size()) == [bsz * self.num_heads, tgt_len, src_len]

        if attn_mask is not None:
            attn_weights = attn_weights + attn_mask.unsqueeze(0)

        if key_padding_mask is not None:
            # don't attend to padding symbols
            attn_weights = attn_weights.view(bsz, self.num_heads, tgt_len, src_len)
            attn_weights = attn_weights.masked_fill(
                key_padding_mask.unsqueeze(1).unsqueeze(2).to(torch.bool), float("-inf")
            )
            attn_weights = attn_weights.view(bsz * self.num_heads, tgt_len, src_len)

        attn_probs = F.softmax(attn_weights, dim=-1)
        attn_probs = F.dropout(attn_probs, p=self.dropout, training=self.training)

        attn = torch.bmm(attn_probs, v)
        assert list(attn.size()) == [bsz * self.num_heads, tgt_len, self.head_dim]
        attn = attn.transpose(0, 1).contiguous().view(tgt_len, bsz, embed_dim)
        attn = self.out_proj(attn)

        weights = attn_probs.view(bsz, self.num_heads, tgt_len, src_len).mean(dim=1)
        return attn, weights
''',
    Drive(
        "MultiheadAttention(D, H, dropout=P)",
        "m(*(t.transpose(0, 1) for t in (q, k, v)))[0].transpose(0, 1)",
        "lin(m.q_proj), lin(m.k_proj), lin(m.v_proj), lin(m.out_proj)",
        (
            "m(*(t.transpose(0, 1) for t in (q, k, v)), key_padding_mask=(~keep[:, "
            "0]).long())[0].transpose(0, 1)"
        ),
        keep="pad",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "attn-mask",
    masked=(
        "m(*(t.transpose(0, 1) for t in (q, k, v)), None, torch.zeros(L, "
        "S).masked_fill(~keep[0], float('-inf')))[0].transpose(0, 1)"
    ),
    keep="rows",
)
right("no-bias", make="MultiheadAttention(D, H, P, bias=False)")
right(
    "batch-first",
    (
        "        tgt_len, bsz, embed_dim = query.size()\n",
        (
            "        # batch first in, batch first out\n"
            "        query, key, value = (t.transpose(0, 1) for t in (query, key, value))\n"
            "        tgt_len, bsz, embed_dim = query.size()\n"
        ),
    ),
    ("        return attn, weights\n", "        return attn.transpose(0, 1), weights\n"),
    ("Time x Batch x Channel", "Batch x Time x Channel"),
    call="m(q, k, v)[0]",
    masked="m(q, k, v, ~keep[:, 0])[0]",
)
wrong("missing-scale", ("        q = q * self.scaling\n", ""))
wrong("wrong-scale", ("self.scaling = self.head_dim**-0.5", "self.scaling = self.embed_dim**-0.5"))
wrong(
    "wrong-scale",
    ("        k = self.k_proj(key)\n", "        k = self.k_proj(key) * self.scaling\n"),
    on="batch-first",
)
wrong(
    "batch-mixing",
    ("key.size(0)", "key.size(1)"),
    (
        (
            "        query, key, value = (t.transpose(0, 1) for t in (query, key, value))\n"
            "        tgt_len, bsz, embed_dim"
        ),
        "        bsz, tgt_len, embed_dim",
    ),
    ("attn.transpose(0, 1), weights", "attn, weights"),
    ("(tgt_len, bsz, embed_dim)", "(bsz, tgt_len, embed_dim)"),
    on="batch-first",
    alone=True,
    at="view(tgt_len, bsz",
    also=(
        "split-without-transpose",
        "batch-mixing+split-without-transpose",
        "wrong-value",
        "merge-without-transpose+split-without-transpose",
        "merge-without-transpose+split-without-transpose+batch-mixing",
    ),
)
wrong(
    "mask-missing",
    ("            attn_weights = attn_weights.masked_fill(\n", "            attn_weights.masked_fill(\n"),
)
wrong("mask-fill-value", ('float("-inf")', 'float("1e-8")'))
wrong("softmax-axis", ("F.softmax(attn_weights, dim=-1)", "F.softmax(attn_weights, dim=1)"))
wrong(
    "softmax-axis",
    ("F.softmax(attn_weights, dim=-1)", "F.softmax(attn_weights, dim=0)"),
    on="no-bias",
    alone=True,
    also=("batch-mixing",),
)
wrong("dropout-in-eval", (", training=self.training", ""))
wrong(
    "dropout-missing",
    ("        attn_probs = F.dropout(attn_probs, p=self.dropout, training=self.training)\n", ""),
    at="self.dropout = dropout",
)
wrong(
    "merge-without-transpose",
    (
        "attn.transpose(0, 1).contiguous().view(tgt_len, bsz, embed_dim)",
        "attn.contiguous().view(tgt_len, bsz, embed_dim)",
    ),
    also=("batch-mixing", "batch-mixing+merge-without-transpose"),
)
wrong("non-contiguous-view", ("attn.transpose(0, 1).contiguous().view(", "attn.transpose(0, 1).view("))
wrong(
    "cross-length",
    ("k.contiguous().view(-1, bsz", "k.contiguous().view(tgt_len, bsz"),
    ("v.contiguous().view(-1, bsz", "v.contiguous().view(tgt_len, bsz"),
)
wrong("cross-length", ("src_len = key.size(0)", "src_len = query.size(0)"), on="no-bias")
wrong("shared-projection", ("v = self.v_proj(value)", "v = self.k_proj(value)"))
wrong(
    "swapped-inputs",
    ("k = self.k_proj(key)", "k = self.k_proj(value)"),
    ("v = self.v_proj(value)", "v = self.v_proj(key)"),
)
wrong("missing-output-projection", ("        attn = self.out_proj(attn)\n", ""))
wrong("weigh-wrong-tensor", ("attn = torch.bmm(attn_probs, v)", "attn = torch.bmm(attn_probs, k)"))
wrong("key-not-transposed", ("torch.bmm(q, k.transpose(1, 2))", "torch.bmm(q, k)"))
wrong(
    "wrong-output-shape",
    ("        return attn.transpose(0, 1), weights\n", "        return attn, weights\n"),
    on="batch-first",
    also=("batch-mixing",),
)
wrong("detached-graph", ("attn = torch.bmm(attn_probs, v)", "attn = torch.bmm(attn_probs.data, v)"))
wrong(
    "builtin-used",
    (
        "        tgt_len, bsz, embed_dim = query.size()\n        src_len = key.size(0)\n",
        """        return F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, torch.empty([0]),
            torch.cat((self.q_proj.bias, self.k_proj.bias, self.v_proj.bias)), None, None, False, self.dropout,
            self.out_proj.weight, self.out_proj.bias, self.training, key_padding_mask, True, attn_mask,
            use_separate_proj_weight=True, q_proj_weight=self.q_proj.weight, k_proj_weight=self.k_proj.weight,
            v_proj_weight=self.v_proj.weight)
        tgt_len, bsz, embed_dim = query.size()
        src_len = key.size(0)
""",
    ),
    at="F.multi_head_attention_forward(",
)
wrong(
    "import-error",
    ("from torch import Tensor, nn\n", "from torch import Tensor, nn\nfrom fairseq import utils\n"),
    at="fairseq",
)
wrong(
    "crash",
    (
        "        assert list(attn_weights.size()) == [bsz * self.num_heads, tgt_len, src_len]\n",
        "        assert list(attn_weights.size()) == [bsz, self.num_heads, tgt_len, src_len]\n",
    ),
)
wrong("constructor-error", ("        self.reset_parameters()\n\n", "        self.reset_parameter()\n\n"))
