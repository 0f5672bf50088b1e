"""Raschka's book: d_in, d_out, context_length, qkv_bias and a registered mask."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "raschka",
    "causal-mha",
    r"""
import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_in, d_out, context_length, dropout, num_heads, qkv_bias=False):
        super().__init__()
        assert (d_out % num_heads == 0), \
            "d_out must be divisible by num_heads"

        self.d_out = d_out
        self.num_heads = num_heads
        self.head_dim = d_out // num_heads  # Reduce the projection dim to match desired output dim

        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.out_proj = nn.Linear(d_out, d_out)  # Linear layer to combine head outputs
        self.dropout = nn.Dropout(dropout)
        self.register_buffer(
            "mask",
            torch.triu(torch.ones(context_length, context_length),
                       diagonal=1)
        )

    def forward(self, x):
        b, num_tokens, d_in = x.shape

        keys = self.W_key(x)  # Shape: (b, num_tokens, d_out)
        queries = self.W_query(x)
        values = self.W_value(x)

        # We implicitly split the matrix by adding a `num_heads` dimension
        keys = keys.view(b, num_tokens, self.num_heads, self.head_dim)
        values = values.view(b, num_tokens, self.num_heads, self.head_dim)
        queries = queries.view(b, num_tokens, self.num_heads, self.head_dim)

        # Transpose: (b, num_tokens, num_heads, head_dim) -> (b, num_heads, num_tokens, head_dim)
        keys = keys.transpose(1, 2)
        queries = queries.transpose(1, 2)
        values = values.transpose(1, 2)

        # Compute scaled dot-product attention (aka self-attention) with a causal mask
        attn_scores = queries @ keys.transpose(2, 3)  # Dot product for each head

        # Original mask truncated to the number of tokens and converted to boolean
        mask_bool = self.mask.bool()[:num_tokens, :num_tokens]

        # Use the mask to fill attention scores
        attn_scores.masked_fill_(mask_bool, -torch.inf)

        attn_weights = torch.softmax(attn_scores / keys.shape[-1]**0.5, dim=-1)
        attn_weights = self.dropout(attn_weights)

        # Shape: (b, num_tokens, num_heads, head_dim)
        context_vec = (attn_weights @ values).transpose(1, 2)

        # Combine heads, where self.d_out = self.num_heads * self.head_dim
        context_vec = context_vec.contiguous().view(b, num_tokens, self.d_out)
        context_vec = self.out_proj(context_vec)  # optional projection

        return context_vec
""",
    Drive(
        "MultiHeadAttention(D, D, 16, P, H)",
        "m(x)",
        "lin(m.W_query), lin(m.W_key), lin(m.W_value), lin(m.out_proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("qkv-bias", ("qkv_bias=False", "qkv_bias=True"))
right(
    "combined-qkv",
    (
        """        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
""",
        "        self.qkv = nn.Linear(d_in, 3 * d_out, bias=qkv_bias)\n",
    ),
    (
        """        keys = self.W_key(x)  # Shape: (b, num_tokens, d_out)
        queries = self.W_query(x)
        values = self.W_value(x)
""",
        "        queries, keys, values = self.qkv(x).chunk(3, dim=-1)\n",
    ),
    weights="*fused(lin(m.qkv), 'k h d', H), lin(m.out_proj)",
)
right(
    "bool-buffer",
    (
        "torch.triu(torch.ones(context_length, context_length),\n                       diagonal=1)",
        "torch.ones(context_length, context_length, dtype=torch.bool).triu(1)",
    ),
    ("self.mask.bool()[", "self.mask["),
)
right(
    "mask-not-in-place",
    (
        "attn_scores.masked_fill_(mask_bool, -torch.inf)",
        "attn_scores = torch.where(mask_bool, -torch.inf, attn_scores)",
    ),
)
right(
    "demo",
    bottom="""

torch.manual_seed(123)
inputs = torch.tensor(
  [[0.43, 0.15, 0.89, 0.2], # Your     (x^1)
   [0.55, 0.87, 0.66, 0.1], # journey  (x^2)
   [0.57, 0.85, 0.64, 0.7], # starts   (x^3)
   [0.22, 0.58, 0.33, 0.4]] # with     (x^4)
)
batch = torch.stack((inputs, inputs), dim=0)
batch_size, context_length, d_in = batch.shape
mha = MultiHeadAttention(d_in, 4, context_length, 0.0, num_heads=2)
context_vecs = mha(batch)
print(context_vecs)
print("context_vecs.shape:", context_vecs.shape)
""",
)
wrong("missing-scale", ("attn_scores / keys.shape[-1]**0.5", "attn_scores"))
wrong("wrong-scale", ("keys.shape[-1]**0.5", "self.d_out**0.5"))
wrong(
    "wrong-scale",
    ("keys.shape[-1]**0.5", "keys.shape[-2]**0.5"),
    on="qkv-bias",
    alone=True,
    also=("wrong-value",),
)
wrong(
    "mask-missing",
    ("attn_scores.masked_fill_(mask_bool, -torch.inf)", "attn_scores.masked_fill(mask_bool, -torch.inf)"),
)
wrong(
    "mask-inverted",
    (
        "torch.triu(torch.ones(context_length, context_length),\n                       diagonal=1)",
        "torch.tril(torch.ones(context_length, context_length))",
    ),
    ("-torch.inf", "-1e9"),
    at="torch.tril",
)
wrong("mask-off-by-one", ("diagonal=1)", "diagonal=0)"), ("-torch.inf", "-1e10"), at="diagonal=0")
wrong("mask-off-by-one", (".triu(1)", ".triu(2)"), on="bool-buffer")
wrong("mask-fill-value", ("-torch.inf", "torch.finfo(torch.float32).eps"))
wrong("mask-fill-value", ("-torch.inf", "-9."), on="mask-not-in-place")
wrong(
    "mask-after-softmax",
    ("        attn_scores.masked_fill_(mask_bool, -torch.inf)\n\n", ""),
    (
        "        attn_weights = self.dropout(",
        (
            "        attn_weights = attn_weights.masked_fill(mask_bool, 0.0)\n"
            "        attn_weights = self.dropout("
        ),
    ),
    at="attn_weights.masked_fill",
)
wrong("softmax-axis", ("keys.shape[-1]**0.5, dim=-1)", "keys.shape[-1]**0.5, dim=1)"))
wrong(
    "split-without-transpose",
    (
        (
            "        keys = keys.transpose(1, 2)\n"
            "        queries = queries.transpose(1, 2)\n"
            "        values = values.transpose(1, 2)\n"
        ),
        "",
    ),
    ("(attn_weights @ values).transpose(1, 2)", "(attn_weights @ values)"),
    ("mask_bool, -torch.inf", "mask_bool[:1, :1], -torch.inf"),
    alone=True,
    also=("wrong-value", "mask-missing+split-without-transpose"),
    at="queries.view",
)
wrong(
    "split-without-transpose",
    (
        "keys = keys.view(b, num_tokens, self.num_heads, self.head_dim)",
        "keys = keys.view(b, self.num_heads, num_tokens, self.head_dim)",
    ),
    (
        "values = values.view(b, num_tokens, self.num_heads, self.head_dim)",
        "values = values.view(b, self.num_heads, num_tokens, self.head_dim)",
    ),
    (
        "queries = queries.view(b, num_tokens, self.num_heads, self.head_dim)",
        "queries = queries.view(b, self.num_heads, num_tokens, self.head_dim)",
    ),
    (
        (
            "        keys = keys.transpose(1, 2)\n"
            "        queries = queries.transpose(1, 2)\n"
            "        values = values.transpose(1, 2)\n"
        ),
        "",
    ),
    on="qkv-bias",
)
wrong("merge-without-transpose", ("(attn_weights @ values).transpose(1, 2)", "(attn_weights @ values)"))
wrong("non-contiguous-view", ("context_vec.contiguous().view(", "context_vec.view("))
wrong(
    "missing-output-projection",
    ("        context_vec = self.out_proj(context_vec)  # optional projection\n", ""),
)
wrong("shared-projection", ("queries = self.W_query(x)", "queries = self.W_key(x)"))
wrong(
    "shared-projection",
    (
        "queries, keys, values = self.qkv(x).chunk(3, dim=-1)",
        "queries, keys, values = self.qkv(x).chunk(3, dim=-1)\n        values = keys",
    ),
    on="combined-qkv",
)
wrong("missing-projection", ("values = self.W_value(x)", "values = x"))
wrong("weigh-wrong-tensor", ("(attn_weights @ values)", "(attn_weights @ keys)"))
wrong("dropout-missing", ("        attn_weights = self.dropout(attn_weights)\n", ""), at="self.dropout = ")
wrong(
    "detached-graph",
    (
        "context_vec = self.out_proj(context_vec)",
        "context_vec = self.out_proj(torch.tensor(context_vec.tolist()))",
    ),
)
wrong(
    "nan-output",
    (
        "        attn_scores.masked_fill_(mask_bool, -torch.inf)\n",
        "        attn_scores = attn_scores + mask_bool * -torch.inf\n",
    ),
    at="* -torch.inf",
)
wrong(
    "missing-softmax",
    ("torch.softmax(attn_scores / keys.shape[-1]**0.5, dim=-1)", "attn_scores / keys.shape[-1]**0.5"),
    ("-torch.inf", "0"),
    alone=True,
    also=("missing-softmax+mask-fill-value",),
    at="keys.shape[-1]**0.5",
)
wrong("key-not-transposed", ("queries @ keys.transpose(2, 3)", "queries @ keys.transpose(1, 2)"))
wrong("key-not-transposed", ("queries @ keys.transpose(2, 3)", "queries @ keys"), on="combined-qkv")
wrong(
    "hard-coded-shape",
    (
        "context_vec.contiguous().view(b, num_tokens, self.d_out)",
        "context_vec.contiguous().view(2, 6, self.d_out)",
    ),
)
wrong(
    "wrong-output-shape",
    (
        (
            "        context_vec = context_vec.contiguous().view(b, num_tokens, self.d_out)\n"
            "        context_vec = self.out_proj(context_vec)"
        ),
        (
            "        context_vec = context_vec.contiguous().view(b * num_tokens, self.d_out)\n"
            "        context_vec = self.out_proj(context_vec)"
        ),
    ),
)
wrong("wrong-output-shape", ("return context_vec", "return context_vec.transpose(1, 2)"))
wrong(
    "constructor-error",
    (
        '        self.register_buffer(\n            "mask",',
        '        self.mask = nn.Parameter(False)\n        self.register_buffer(\n            "mask",',
    ),
    at="nn.Parameter(",
)
wrong("crash", ("self.mask.bool()[:num_tokens, :num_tokens]", "self.mask.bool()[:num_tokens, :num_heads]"))
wrong("syntax-error", ("values = self.W_value(x)", "values = self.W_value(x\uff09"))
