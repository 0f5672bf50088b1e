"""Raschka's single heads: parameters, then linears."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "raschka-single",
    "single-head",
    r"""
import torch.nn as nn
import torch


class SelfAttention_v2(nn.Module):

    def __init__(self, d_in, d_out, qkv_bias=False):
        super().__init__()
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key   = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)

    def forward(self, x):
        keys = self.W_key(x)
        queries = self.W_query(x)
        values = self.W_value(x)

        attn_scores = queries @ keys.transpose(-2, -1)
        attn_weights = torch.softmax(attn_scores / keys.shape[-1]**0.5, dim=-1)

        context_vec = attn_weights @ values
        return context_vec
""",
    Drive(
        "SelfAttention_v2(D, D)",
        "m(x)",
        "lin(m.W_query), lin(m.W_key), lin(m.W_value)",
        inputs="x",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("bias", ("qkv_bias=False", "qkv_bias=True"))
right(
    "parameters",
    ("nn.Linear(d_in, d_out, bias=qkv_bias)", "nn.Parameter(torch.rand(d_in, d_out))", "all"),
    (", qkv_bias=False", ""),
    ("keys = self.W_key(x)", "keys = x @ self.W_key"),
    ("self.W_query(x)", "x @ self.W_query"),
    ("self.W_value(x)", "x @ self.W_value"),
    ("SelfAttention_v2", "SelfAttention_v1"),
    make="SelfAttention_v1(D, D)",
    weights="raw(m.W_query), raw(m.W_key), raw(m.W_value)",
)
right("with-weights", ("return context_vec", "return context_vec, attn_weights"), call="m(x)[0]")
right(
    "cross",
    ("def forward(self, x):", "def forward(self, x_1, x_2):"),
    ("self.W_key(x)", "self.W_key(x_2)"),
    ("self.W_query(x)", "self.W_query(x_1)"),
    ("self.W_value(x)", "self.W_value(x_2)"),
    ("SelfAttention_v2", "CrossAttention"),
    make="CrossAttention(D, D)",
    call="m(q, k)",
    inputs="ctx",
)
wrong("missing-scale", ("attn_scores / keys.shape[-1]**0.5", "attn_scores"))
wrong("wrong-scale", ("keys.shape[-1]**0.5", "keys.shape[-1]"))
wrong("softmax-axis", ("dim=-1)\n\n", "dim=1)\n\n"))
wrong("softmax-axis", ("dim=-1)\n\n", "dim=0)\n\n"), alone=True, also=("batch-mixing",))
wrong("shared-projection", ("queries = self.W_query(x)", "queries = keys"))
wrong("missing-projection", ("values = self.W_value(x)", "values = x"))
wrong(
    "weigh-wrong-tensor",
    ("attn_weights @ values", "attn_weights @ queries"),
    also=("shared-projection",),
    alone=True,
)
wrong(
    "weigh-wrong-tensor",
    ("attn_weights @ values", "attn_scores @ values"),
    also=("missing-softmax",),
    alone=True,
)
wrong(
    "unregistered-parameters",
    ("nn.Parameter(torch.rand(d_in, d_out))", "torch.rand(d_in, d_out)", "all"),
    on="parameters",
)
wrong("key-not-transposed", ("keys.transpose(-2, -1)", "keys"))
wrong("key-not-transposed", ("keys.transpose(-2, -1)", "keys.T"), on="bias")
wrong(
    "unexpected-mask",
    (
        "        attn_weights =",
        (
            "        attn_scores = "
            "attn_scores.masked_fill(torch.triu(torch.ones_like(attn_scores), 1) == 1, "
            "-torch.inf)\n"
            "        attn_weights ="
        ),
    ),
    at="masked_fill",
)
wrong(
    "scale-after-softmax",
    ("attn_scores / keys.shape[-1]**0.5, dim=-1)", "attn_scores, dim=-1) / keys.shape[-1]**0.5"),
)
wrong(
    "swapped-inputs",
    ("self.W_key(x_2)", "self.W_key(x_1)"),
    ("self.W_query(x_1)", "self.W_query(x_2)"),
    on="cross",
    alone=True,
)
wrong("wrong-value", ("context_vec = attn_weights @ values", "context_vec = attn_weights @ values.flip(1)"))
wrong(
    "mutates-input",
    (
        "        keys = self.W_key(x)\n",
        "        x /= x.norm(dim=-1, keepdim=True)\n        keys = self.W_key(x)\n",
    ),
    at="x /=",
    alone=True,
    also=("extra-normalization", "extra-normalization+mutates-input", "wrong-value+mutates-input"),
)
wrong("detached-graph", ("torch.softmax(attn_scores / keys", "torch.softmax(attn_scores.detach() / keys"))
wrong(
    "ambiguous-class",
    (
        "return context_vec\n",
        "return context_vec\n\n\nclass SelfAttention_v3(nn.Module):\n    def __init__(self, d_in, d_out):\n"
        "        super().__init__()\n"
        "        self.qkv = nn.Linear(d_in, 3 * d_out)\n"
        "\n"
        "    def forward(self, x):\n"
        "        q, k, v = self.qkv(x).chunk(3, -1)\n"
        "        return torch.softmax(q @ k.mT / k.shape[-1]**0.5, dim=-1) @ v\n",
    ),
    at="class Self",
)
wrong("syntax-error", ("return context_vec", "retrun context_vec"))
