"""Keras's MultiHeadAttention in torch: key_dim, value before key, call() and build-like helpers."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "keras-port",
    "mha",
    r'''
import math

import torch
from torch import nn


class KerasMultiHeadAttention(nn.Module):
    """query: (batch, T, dim), value: (batch, S, dim), key: (batch, S, dim), the value where not given.

    attention_mask: (batch, T, S) boolean, 1 means attend.
    """

    def __init__(self, embed_dim, num_heads, key_dim=None, dropout=0.0, use_bias=True):
        super().__init__()
        self._num_heads = num_heads
        self._key_dim = key_dim or embed_dim // num_heads
        self._query_dense = nn.Linear(embed_dim, num_heads * self._key_dim, bias=use_bias)
        self._key_dense = nn.Linear(embed_dim, num_heads * self._key_dim, bias=use_bias)
        self._value_dense = nn.Linear(embed_dim, num_heads * self._key_dim, bias=use_bias)
        self._output_dense = nn.Linear(num_heads * self._key_dim, embed_dim, bias=use_bias)
        self._dropout_layer = nn.Dropout(dropout)

    def _heads(self, x):
        return x.reshape(x.shape[0], x.shape[1], self._num_heads, self._key_dim)

    def _masked_softmax(self, attention_scores, attention_mask=None):
        if attention_mask is not None:
            adder = (1.0 - attention_mask[:, None].to(attention_scores.dtype)) * -1e9
            attention_scores = attention_scores + adder
        return torch.softmax(attention_scores, dim=-1)

    def _compute_attention(self, query, key, value, attention_mask=None):
        query = query * (1.0 / math.sqrt(float(self._key_dim)))
        attention_scores = torch.einsum("aecd,abcd->acbe", key, query)
        attention_scores = self._masked_softmax(attention_scores, attention_mask)
        final_attn_scores = self._dropout_layer(attention_scores)
        attention_output = torch.einsum("acbe,aecd->abcd", final_attn_scores, value)
        return attention_output, attention_scores

    def forward(self, query, value, key=None, attention_mask=None, return_attention_scores=False):
        if key is None:
            key = value
        query = self._heads(self._query_dense(query))
        key = self._heads(self._key_dense(key))
        value = self._heads(self._value_dense(value))
        attention_output, attention_scores = self._compute_attention(query, key, value, attention_mask)
        attention_output = attention_output.flatten(2)
        attention_output = self._output_dense(attention_output)
        if return_attention_scores:
            return attention_output, attention_scores
        return attention_output
''',
    Drive(
        "KerasMultiHeadAttention(D, H, dropout=P)",
        "m(q, v, k)",
        "lin(m._query_dense), lin(m._key_dense), lin(m._value_dense), lin(m._output_dense)",
        "m(q, v, k, keep)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "numpy-like-masking",
    (
        (
            "            adder = (1.0 - attention_mask[:, None].to(attention_scores.dtype)) * -1e9\n"
            "            attention_scores = attention_scores + adder\n"
        ),
        "            attention_scores = torch.where(attention_mask[:, None] != 0, attention_scores, -3e4)\n",
    ),
)
right(
    "no-biases",
    ("use_bias=True", "use_bias=False"),
)
right(
    "key-second",
    ("def forward(self, query, value, key=None, att", "def forward(self, query, key=None, value=None, att"),
    (
        "            key = value\n",
        "            key = query\n        if value is None:\n            value = key\n",
    ),
    call="m(q, k, v)",
    masked="m(q, k, v, keep)",
)
right(
    "matmul",
    ('torch.einsum("aecd,abcd->acbe", key, query)', "query.transpose(1, 2) @ key.permute(0, 2, 3, 1)"),
    (
        'torch.einsum("acbe,aecd->abcd", final_attn_scores, value)',
        "(final_attn_scores @ value.transpose(1, 2)).transpose(1, 2)",
    ),
)
wrong("missing-scale", ("        query = query * (1.0 / math.sqrt(float(self._key_dim)))\n", ""))
wrong("wrong-scale", ("(1.0 / math.sqrt(float(self._key_dim)))", "(1.0 / float(self._key_dim))"))
wrong("wrong-scale", ("(1.0 / math.sqrt(float(self._key_dim)))", "math.sqrt(float(self._key_dim))"))
wrong(
    "wrong-scale",
    ("math.sqrt(float(self._key_dim))", "math.sqrt(float(self._key_dim * self._num_heads))"),
    on="no-biases",
)
wrong("softmax-axis", ("torch.softmax(attention_scores, dim=-1)", "torch.softmax(attention_scores, dim=2)"))
wrong("missing-softmax", ("return torch.softmax(attention_scores, dim=-1)", "return attention_scores"))
wrong(
    "unstable-softmax",
    (
        "        return torch.softmax(attention_scores, dim=-1)\n",
        "        exps = torch.exp(attention_scores)\n        return exps / exps.sum(-1, keepdim=True)\n",
    ),
    at="torch.exp(",
)
wrong("mask-missing", ("attention_scores = attention_scores + adder", "attention_scores + adder"))
wrong("mask-fill-value", ("* -1e9", "* 1e-9"), also=("mask-missing",))
wrong(
    "mask-fill-value",
    ("!= 0, attention_scores, -3e4)", "!= 0, attention_scores, 0.0)"),
    on="numpy-like-masking",
)
wrong(
    "mask-after-softmax",
    (
        (
            "        if attention_mask is not None:\n"
            "            adder = (1.0 - attention_mask[:, None].to(attention_scores.dtype)) * -1e9\n"
            "            attention_scores = attention_scores + adder\n"
            "        return torch.softmax(attention_scores, dim=-1)\n"
        ),
        (
            "        attention_scores = torch.softmax(attention_scores, dim=-1)\n"
            "        if attention_mask is not None:\n"
            "            attention_scores = attention_scores * attention_mask[:, None]\n"
            "        return attention_scores\n"
        ),
    ),
    at="attention_scores * attention_mask",
)
wrong(
    "dropout-missing",
    ("final_attn_scores = self._dropout_layer(attention_scores)", "final_attn_scores = attention_scores"),
)
wrong(
    "dropout-in-eval",
    ("self._dropout_layer(attention_scores)", "self._dropout_layer.train()(attention_scores)"),
)
wrong("weigh-wrong-tensor", ("final_attn_scores, value)", "final_attn_scores, key)"))
wrong(
    "batch-mixing",
    ('"aecd,abcd->acbe", key, query)', '"aecd,abcd->acbe", key.roll(1, 0), query)'),
    also=("wrong-value",),
)
wrong(
    "shared-projection",
    ("key = self._heads(self._key_dense(key))", "key = self._heads(self._query_dense(key))"),
)
wrong(
    "shared-projection",
    (
        "self._value_dense = nn.Linear(embed_dim, num_heads * self._key_dim, bias=use_bias)",
        "self._value_dense = self._key_dense",
    ),
)
wrong("missing-projection", ("self._heads(self._value_dense(value))", "self._heads(value)"))
wrong(
    "swapped-inputs",
    ("self._compute_attention(query, key, value, att", "self._compute_attention(query, value, key, att"),
)
wrong(
    "split-without-transpose",
    (
        "x.reshape(x.shape[0], x.shape[1], self._num_heads, self._key_dim)",
        "x.reshape(x.shape[0], self._num_heads, x.shape[1], self._key_dim).transpose(1, 2)",
    ),
)
wrong(
    "merge-without-transpose",
    (
        "attention_output.flatten(2)",
        (
            "attention_output.transpose(1, 2).reshape("
            "attention_output.shape[0], -1, self._num_heads * self._key_dim)"
        ),
    ),
)
wrong("missing-output-projection", ("        attention_output = self._output_dense(attention_output)\n", ""))
wrong(
    "extra-normalization",
    (
        "        attention_output = self._output_dense(attention_output)\n",
        (
            "        attention_output = self._output_dense(attention_output)\n"
            "        attention_output = nn.functional.layer_norm(attention_output, attention_output.shape[-1:])\n"
        ),
    ),
    at="layer_norm",
)
wrong("detached-graph", ("final_attn_scores, value)", "final_attn_scores, value.detach())"))
wrong("crash", ("attention_output.flatten(2)", "attention_output.flatten(dim=2)"))
wrong(
    "wrong-output-type",
    ("        return attention_output\n", "        return attention_output.tolist()\n"),
    on="key-second",
)
