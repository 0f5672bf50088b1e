# ruff: noqa: E501 (another author's lines, as they were written)
"""OpenNMT: (key, value, query), closures shape() and unshape(), one head's weights returned."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "opennmt",
    "mha",
    r'''
""" Multi-Head Attention module """
import math
import torch
import torch.nn as nn


class MultiHeadedAttention(nn.Module):
    """
    Args:
       head_count (int): number of parallel heads
       model_dim (int): the dimension of keys/values/queries, must be divisible by head_count
       dropout (float): dropout parameter
    """

    def __init__(self, head_count, model_dim, dropout=0.1):
        assert model_dim % head_count == 0
        self.dim_per_head = model_dim // head_count
        self.model_dim = model_dim

        super(MultiHeadedAttention, self).__init__()
        self.head_count = head_count

        self.linear_keys = nn.Linear(model_dim, head_count * self.dim_per_head)
        self.linear_values = nn.Linear(model_dim, head_count * self.dim_per_head)
        self.linear_query = nn.Linear(model_dim, head_count * self.dim_per_head)
        self.softmax = nn.Softmax(dim=-1)
        self.dropout = nn.Dropout(dropout)
        self.final_linear = nn.Linear(model_dim, model_dim)

    def forward(self, key, value, query, mask=None):
        """
        Args:
           key (FloatTensor): set of `key_len` key vectors ``(batch, key_len, dim)``
           value (FloatTensor): set of `key_len` value vectors ``(batch, key_len, dim)``
           query (FloatTensor): set of `query_len` query vectors ``(batch, query_len, dim)``
           mask: binary mask 1/0 indicating which keys have zero / non-zero attention ``(batch, query_len, key_len)``
        Returns:
           * output context vectors ``(batch, query_len, dim)``
           * one of the attention vectors ``(batch, query_len, key_len)``
        """
        batch_size = key.size(0)
        dim_per_head = self.dim_per_head
        head_count = self.head_count

        def shape(x):
            """  projection """
            return x.view(batch_size, -1, head_count, dim_per_head).transpose(1, 2)

        def unshape(x):
            """  compute context """
            return x.transpose(1, 2).contiguous().view(batch_size, -1, head_count * dim_per_head)

        # 1) Project key, value, and query.
        key = shape(self.linear_keys(key))
        value = shape(self.linear_values(value))
        query = shape(self.linear_query(query))

        # 2) Calculate and scale scores.
        query = query / math.sqrt(dim_per_head)
        scores = torch.matmul(query, key.transpose(2, 3))

        if mask is not None:
            mask = mask.unsqueeze(1)  # [B, 1, 1 or T_q, T_k]
            scores = scores.masked_fill(mask, -1e18)

        # 3) Apply attention dropout and compute context vectors.
        attn = self.softmax(scores)
        drop_attn = self.dropout(attn)
        context = unshape(torch.matmul(drop_attn, value))
        output = self.final_linear(context)

        # Return one attn
        top_attn = attn[:, 0, :, :].contiguous()
        return output, top_attn
''',
    Drive(
        "MultiHeadedAttention(H, D, P)",
        "m(k, v, q)[0]",
        "lin(m.linear_query), lin(m.linear_keys), lin(m.linear_values), lin(m.final_linear)",
        "m(k, v, q, mask=~keep)[0]",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("pad", masked="m(k, v, q, mask=~keep[:, :1])[0]", keep="pad")
right(
    "all-weights",
    (
        (
            "        # Return one attn\n"
            "        top_attn = attn[:, 0, :, :].contiguous()\n"
            "        return output, top_attn"
        ),
        "        return output, attn",
    ),
)
right(
    "output-only",
    (
        (
            "        # Return one attn\n"
            "        top_attn = attn[:, 0, :, :].contiguous()\n"
            "        return output, top_attn"
        ),
        "        return output",
    ),
    call="m(k, v, q)",
    masked="m(k, v, q, ~keep)",
)
wrong("missing-scale", ("        query = query / math.sqrt(dim_per_head)\n", ""))
wrong("wrong-scale", ("math.sqrt(dim_per_head)", "math.sqrt(self.model_dim)"))
wrong(
    "wrong-scale",
    (
        "torch.matmul(query, key.transpose(2, 3))",
        "torch.matmul(query, key.transpose(2, 3)) / math.sqrt(dim_per_head)",
    ),
    on="pad",
)
wrong("softmax-axis", ("nn.Softmax(dim=-1)", "nn.Softmax(dim=1)"))
wrong("softmax-axis", ("nn.Softmax(dim=-1)", "nn.Softmax(dim=2)"), on="output-only")
wrong("missing-softmax", ("attn = self.softmax(scores)", "attn = scores"))
wrong("mask-fill-value", ("-1e18", "1e-18"))
wrong("mask-missing", ("scores = scores.masked_fill(mask, -1e18)", "scores.masked_fill(mask, -1e18)"))
wrong(
    "mask-after-softmax",
    ("            scores = scores.masked_fill(mask, -1e18)\n", ""),
    (
        "        drop_attn = ",
        "        if mask is not None:\n            attn = attn.masked_fill(mask, 0.0)\n        drop_attn = ",
    ),
    at="attn.masked_fill",
)
wrong("dropout-missing", ("drop_attn = self.dropout(attn)", "drop_attn = attn"))
wrong(
    "dropout-missing",
    ("torch.matmul(drop_attn, value)", "torch.matmul(attn, value)"),
    on="output-only",
    at="torch.matmul(attn, value)",
)
wrong(
    "dropout-in-eval",
    ("drop_attn = self.dropout(attn)", "drop_attn = torch.dropout(attn, self.dropout.p, True)"),
)
wrong("shared-projection", ("shape(self.linear_values(value))", "shape(self.linear_keys(value))"))
wrong(
    "swapped-inputs",
    (
        "key = shape(self.linear_keys(key))\n        value = shape(self.linear_values(value))",
        "key, value = shape(self.linear_keys(value)), shape(self.linear_values(key))",
    ),
)
wrong("missing-projection", ("shape(self.linear_query(query))", "shape(query)"))
wrong(
    "split-without-transpose",
    (
        "x.view(batch_size, -1, head_count, dim_per_head).transpose(1, 2)",
        "x.view(batch_size, head_count, -1, dim_per_head)",
    ),
)
wrong(
    "merge-without-transpose",
    ("x.transpose(1, 2).contiguous().view(batch_size, -1,", "x.contiguous().view(batch_size, -1,"),
)
wrong(
    "non-contiguous-view",
    ("x.transpose(1, 2).contiguous().view(batch_size, -1,", "x.transpose(1, 2).view(batch_size, -1,"),
)
wrong("missing-output-projection", ("output = self.final_linear(context)", "output = context"))
wrong(
    "extra-normalization",
    (
        "output = self.final_linear(context)",
        (
            "output = self.final_linear(context)\n"
            "        output = (output - output.mean(-1, keepdim=True)) / (output.std(-1, "
            "keepdim=True) + 1e-6)"
        ),
    ),
)
wrong(
    "nondeterministic",
    (
        "        context = unshape(",
        "        drop_attn = drop_attn * (0.5 + torch.rand(()))\n        context = unshape(",
    ),
    at="torch.rand",
)
wrong(
    "constructor-error",
    ("        assert model_dim % head_count == 0\n", "        assert model_dim % head_count\n"),
)
wrong(
    "constructor-error",
    (
        "        self.dim_per_head = model_dim // head_count\n",
        (
            "        self.drop_first = nn.Dropout(dropout)\n"
            "        self.dim_per_head = model_dim // head_count\n"
        ),
    ),
    at="self.drop_first",
)
wrong(
    "wrong-output-type",
    (
        (
            "        # Return one attn\n"
            "        top_attn = attn[:, 0, :, :].contiguous()\n"
            "        return output, top_attn"
        ),
        "        print(output.shape)",
    ),
    at="print",
    also=("not-implemented",),
)
wrong("syntax-error", ("        def shape(x):\n", "        def shape(x)\n"))
