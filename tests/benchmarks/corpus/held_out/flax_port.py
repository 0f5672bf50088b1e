"""flax's MultiHeadDotProductAttention ported: DenseGeneral, kernels (features, heads, depth), einsum."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "flax-port",
    "mha",
    r'''
from typing import Optional

import torch
import torch.nn as nn


class DenseGeneral(nn.Module):
    """flax.linen.DenseGeneral(features=(num_heads, depth), axis=-1)"""

    def __init__(self, in_features: int, num_heads: int, depth: int):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(in_features, num_heads, depth) * in_features**-0.5)
        self.bias = nn.Parameter(torch.zeros(num_heads, depth))

    def forward(self, inputs):
        return torch.einsum("...f,fhd->...hd", inputs, self.kernel) + self.bias


def dot_product_attention(query, key, value, mask=None, dropout_rate=0.0, deterministic=True):
    """query: [batch..., q_length, heads, depth], key and value: [batch..., kv_length, heads, depth]"""
    depth = query.shape[-1]
    query = query / torch.tensor(depth, dtype=query.dtype).sqrt()
    attn_weights = torch.einsum("...qhd,...khd->...hqk", query, key)
    if mask is not None:
        big_neg = torch.finfo(attn_weights.dtype).min
        attn_weights = torch.where(mask, attn_weights, big_neg)
    attn_weights = torch.softmax(attn_weights, dim=-1)
    if not deterministic and dropout_rate > 0.0:
        keep_prob = 1.0 - dropout_rate
        keep = torch.rand_like(attn_weights) < keep_prob
        attn_weights = attn_weights * keep / keep_prob
    return torch.einsum("...hqk,...khd->...qhd", attn_weights, value)


class MultiHeadDotProductAttention(nn.Module):
    def __init__(self, num_heads: int, qkv_features: int, dropout_rate: float = 0.0):
        super().__init__()
        self.num_heads = num_heads
        self.dropout_rate = dropout_rate
        head_dim = qkv_features // num_heads
        self.query = DenseGeneral(qkv_features, num_heads, head_dim)
        self.key = DenseGeneral(qkv_features, num_heads, head_dim)
        self.value = DenseGeneral(qkv_features, num_heads, head_dim)
        self.out_kernel = nn.Parameter(torch.randn(num_heads, head_dim, qkv_features) * qkv_features**-0.5)
        self.out_bias = nn.Parameter(torch.zeros(qkv_features))

    def forward(self, inputs_q, inputs_kv=None, mask: Optional[torch.Tensor] = None):
        inputs_kv = inputs_q if inputs_kv is None else inputs_kv
        query = self.query(inputs_q)
        key = self.key(inputs_kv)
        value = self.value(inputs_kv)
        x = dot_product_attention(query, key, value, mask, self.dropout_rate, not self.training)
        return torch.einsum("...hd,hdf->...f", x, self.out_kernel) + self.out_bias
''',
    Drive(
        "MultiHeadDotProductAttention(H, D, P)",
        "m(q, k)",
        "*(raw(w.kernel.flatten(1), w.bias.flatten()) for w in (m.query, m.key, m.value)), "
        "raw(m.out_kernel.flatten(0, 1), m.out_bias)",
        "m(q, k, keep[:, None])",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "self-only",
    ("inputs_q, inputs_kv=None, mask", "inputs_q, mask"),
    ("        inputs_kv = inputs_q if inputs_kv is None else inputs_kv\n", "        inputs_kv = inputs_q\n"),
    call="m(x)",
    masked="m(x, keep[:, None])",
    inputs="x",
)
right(
    "three-inputs",
    ("inputs_q, inputs_kv=None, mask", "inputs_q, inputs_k, inputs_v, mask"),
    ("        inputs_kv = inputs_q if inputs_kv is None else inputs_kv\n", ""),
    ("self.key(inputs_kv)", "self.key(inputs_k)"),
    ("self.value(inputs_kv)", "self.value(inputs_v)"),
    call="m(q, k, v)",
    masked="m(q, k, v, keep[:, None])",
    inputs="qkv",
)
right(
    "no-biases",
    (" + self.bias\n", "\n"),
    ("        self.bias = nn.Parameter(torch.zeros(num_heads, depth))\n", ""),
    weights="*(raw(w.kernel.flatten(1)) for w in (m.query, m.key, m.value)), "
    "raw(m.out_kernel.flatten(0, 1), m.out_bias)",
)
right(
    "returns-weights",
    ('    return torch.einsum("...hqk', '    return attn_weights, torch.einsum("...hqk'),
    ("        x = dot_product", "        w, x = dot_product"),
    ("self.out_kernel) + self.out_bias\n", "self.out_kernel) + self.out_bias, w\n"),
    call="m(q, k)[0]",
    masked="m(q, k, keep[:, None])[0]",
)
wrong("missing-scale", ("    query = query / torch.tensor(depth, dtype=query.dtype).sqrt()\n", ""))
wrong("wrong-scale", ("    depth = query.shape[-1]\n", "    depth = query.shape[-1] * query.shape[-2]\n"))
wrong("wrong-scale", ("dtype=query.dtype).sqrt()", "dtype=query.dtype)"))
wrong("softmax-axis", ("torch.softmax(attn_weights, dim=-1)", "torch.softmax(attn_weights, dim=-2)"))
wrong("softmax-axis", ("torch.softmax(attn_weights, dim=-1)", "torch.softmax(attn_weights, dim=1)"))
wrong(
    "missing-softmax",
    ("    attn_weights = torch.softmax(attn_weights, dim=-1)\n", ""),
    also=("missing-softmax+nan-output",),
)
wrong(
    "unstable-softmax",
    (
        "    attn_weights = torch.softmax(attn_weights, dim=-1)\n",
        (
            "    attn_weights = torch.exp(attn_weights)\n"
            "    attn_weights = attn_weights / attn_weights.sum(dim=-1, keepdim=True)\n"
        ),
    ),
    at="torch.exp(",
    on="self-only",
)
wrong("mask-missing", ("attn_weights = torch.where(mask, attn_weights, big_neg)", "pass"))
wrong("mask-fill-value", ("torch.finfo(attn_weights.dtype).min", "torch.finfo(attn_weights.dtype).tiny"))
wrong(
    "mask-after-softmax",
    (
        (
            "    if mask is not None:\n"
            "        big_neg = torch.finfo(attn_weights.dtype).min\n"
            "        attn_weights = torch.where(mask, attn_weights, big_neg)\n"
            "    attn_weights = torch.softmax(attn_weights, dim=-1)\n"
        ),
        (
            "    attn_weights = torch.softmax(attn_weights, dim=-1)\n"
            "    if mask is not None:\n"
            "        attn_weights = torch.where(mask, attn_weights, 0.0)\n"
        ),
    ),
    at="torch.where(",
)
wrong("dropout-in-eval", ("mask, self.dropout_rate, not self.training)", "mask, self.dropout_rate, False)"))
wrong(
    "dropout-missing",
    ("mask, self.dropout_rate, not self.training)", "mask)"),
    at=("self.dropout_rate = ", "key, value, mask)"),
)
wrong("weigh-wrong-tensor", ("attn_weights, value)", "attn_weights, key)"))
wrong("batch-mixing", ('"...qhd,...khd->...hqk", query, key)', '"bqhd,ckhd->bhqk", query, key)'))
wrong("shared-projection", ("self.value(inputs_v)", "self.key(inputs_v)"), on="three-inputs")
wrong("shared-projection", ("query = self.query(inputs_q)", "query = self.key(inputs_q)"))
wrong(
    "missing-projection",
    ("value = self.value(inputs_kv)", "value = inputs_kv.unflatten(-1, (self.num_heads, -1))"),
)
wrong(
    "unregistered-parameters",
    (
        "self.out_kernel = nn.Parameter(torch.randn(num_heads, head_dim, qkv_features) * qkv_features**-0.5)",
        "self.out_kernel = torch.randn(num_heads, head_dim, qkv_features) * qkv_features**-0.5",
    ),
)
wrong(
    "unregistered-parameters",
    ("nn.Parameter(torch.zeros(num_heads, depth))", "torch.rand(num_heads, depth, requires_grad=True)"),
)
wrong(
    "swapped-inputs",
    ("x = dot_product_attention(query, key, value", "x = dot_product_attention(query, value, key"),
    on="three-inputs",
)
wrong(
    "missing-output-projection",
    ('return torch.einsum("...hd,hdf->...f", x, self.out_kernel) + self.out_bias', "return x.flatten(-2)"),
)
wrong(
    "heads-not-concatenated",
    (
        'torch.einsum("...hd,hdf->...f", x, self.out_kernel)',
        'torch.einsum("...d,hdf->...f", x.sum(-2), self.out_kernel)',
    ),
)
wrong("extra-residual", ("self.out_kernel) + self.out_bias", "self.out_kernel) + self.out_bias + inputs_q"))
wrong(
    "detached-graph",
    ('"...qhd,...khd->...hqk", query, key)', '"...qhd,...khd->...hqk", query, key.detach())'),
)
wrong("wrong-output-shape", ('"...hd,hdf->...f", x', '"...hd,hdf->f", x'))
wrong(
    "constructor-error",
    (
        "self.value = DenseGeneral(qkv_features, num_heads, head_dim)",
        "self.value = DenseGeneral(qkv_features, num_heads, features=head_dim)",
    ),
)
