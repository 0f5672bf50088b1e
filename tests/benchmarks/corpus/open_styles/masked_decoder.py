# ruff: noqa: E501 (another author's lines, as they were written)
"""A decoder's masked self-attention with a helper that makes the causal mask."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "masked-decoder",
    "causal-mha",
    r'''
import math, copy
import torch
import torch.nn as nn


def subsequent_mask(size):
    "Mask out subsequent positions."
    attn_shape = (1, size, size)
    subsequent_mask = torch.triu(torch.ones(attn_shape), diagonal=1).type(torch.uint8)
    return subsequent_mask == 0


class MaskedMultiHeadAttention(nn.Module):
    """Self-attention of the decoder. x: (B, T, d_model) -> (B, T, d_model)"""

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError("d_model must be divisible by num_heads")
        self.num_heads, self.d_head = num_heads, d_model // num_heads
        self.q, self.k, self.v = (nn.Linear(d_model, d_model) for _ in range(3))
        self.out = nn.Linear(d_model, d_model)
        self.drop = nn.Dropout(dropout)

    def heads(self, t):
        b, n, _ = t.size()
        return t.view(b, n, self.num_heads, self.d_head).permute(0, 2, 1, 3)    # (B, H, T, d)

    def forward(self, x):
        b, n, c = x.size()
        q, k, v = self.heads(self.q(x)), self.heads(self.k(x)), self.heads(self.v(x))
        logits = torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(self.d_head)  # (B, H, T, T)
        logits = logits.masked_fill(~subsequent_mask(n).to(x.device), torch.finfo(x.dtype).min)
        probs = self.drop(logits.softmax(-1))
        context = torch.einsum("bhij,bhjd->bihd", probs, v)                      # (B, T, H, d)
        return self.out(context.reshape(b, n, c))
''',
    Drive(
        "MaskedMultiHeadAttention(D, H, P)",
        "m(x)",
        "lin(m.q), lin(m.k), lin(m.v), lin(m.out)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("inf", ("torch.finfo(x.dtype).min", "float('-inf')"))
right(
    "additive",
    (
        "logits = logits.masked_fill(~subsequent_mask(n).to(x.device), torch.finfo(x.dtype).min)",
        "logits = logits + torch.triu(torch.full((n, n), float('-inf')), 1)",
    ),
)
right(
    "returns-weights",
    ("return self.out(context.reshape(b, n, c))", "return self.out(context.reshape(b, n, c)), probs"),
    call="m(x)[0]",
)
right(
    "one-cell-notebook",
    bottom="""

torch.manual_seed(0)
mha = MaskedMultiHeadAttention(32, 4)
y = mha(torch.randn(2, 7, 32))
assert y.shape == (2, 7, 32), y.shape
y.sum().backward()
print("ok")
""",
)
wrong("mask-off-by-one", ("diagonal=1", "diagonal=2"))
wrong(
    "mask-off-by-one",
    ("torch.triu(torch.ones(attn_shape), diagonal=1)", "torch.triu(torch.ones(attn_shape), diagonal=0)"),
)
wrong(
    "mask-off-by-one",
    ("torch.full((n, n), float('-inf')), 1)", "torch.full((n, n), float('-inf')), 0)"),
    on="additive",
    also=("nan-output", "mask-off-by-one+nan-output"),
)
wrong("mask-inverted", ("return subsequent_mask == 0", "return subsequent_mask == 1"))
wrong(
    "mask-inverted",
    ("torch.triu(torch.ones(attn_shape), diagonal=1)", "torch.tril(torch.ones(attn_shape), diagonal=-1)"),
)
wrong(
    "mask-missing",
    ("        logits = logits.masked_fill(~subsequent_mask(n).to(x.device), torch.finfo(x.dtype).min)\n", ""),
)
wrong("mask-missing", ("logits = logits.masked_fill(", "logits.masked_fill("), on="inf")
wrong("mask-fill-value", ("torch.finfo(x.dtype).min", "-10."))
wrong("mask-fill-value", ("torch.finfo(x.dtype).min", "torch.finfo(x.dtype).tiny"))
wrong("missing-scale", (" / math.sqrt(self.d_head) ", " "))
wrong("wrong-scale", ("math.sqrt(self.d_head)", "math.sqrt(c)"))
wrong("softmax-axis", ("logits.softmax(-1)", "logits.softmax(-2)"))
wrong(
    "split-without-transpose",
    (
        "t.view(b, n, self.num_heads, self.d_head).permute(0, 2, 1, 3)",
        "t.view(b, self.num_heads, n, self.d_head)",
    ),
)
wrong("merge-without-transpose", ('"bhij,bhjd->bihd"', '"bhij,bhjd->bhid"'))
wrong("weigh-wrong-tensor", ('"bhij,bhjd->bihd", probs, v)', '"bhij,bhjd->bihd", probs, k)'))
wrong(
    "missing-output-projection",
    ("return self.out(context.reshape(b, n, c))", "return context.reshape(b, n, c)"),
)
wrong(
    "shared-projection",
    ("(nn.Linear(d_model, d_model) for _ in range(3))", "[nn.Linear(d_model, d_model)] * 3"),
)
wrong("dropout-missing", ("self.drop(logits.softmax(-1))", "logits.softmax(-1)"))
wrong(
    "nan-output",
    (
        "logits = logits.masked_fill(~subsequent_mask(n).to(x.device), torch.finfo(x.dtype).min)",
        "logits = logits + torch.triu(torch.ones(n, n), 1) * float('-inf')",
    ),
)
wrong(
    "nondeterministic",
    (
        "probs = self.drop(logits.softmax(-1))",
        "probs = (logits + 1e-2 * torch.randn_like(logits)).softmax(-1)",
    ),
)
wrong("hard-coded-shape", ("~subsequent_mask(n)", "~subsequent_mask(512)"))
wrong(
    "extra-normalization",
    (
        "return self.out(context.reshape(b, n, c))",
        "return torch.nn.functional.layer_norm(self.out(context.reshape(b, n, c)), (c,))",
    ),
)
wrong(
    "builtin-used",
    (
        """        logits = torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(self.d_head)  # (B, H, T, T)
        logits = logits.masked_fill(~subsequent_mask(n).to(x.device), torch.finfo(x.dtype).min)
        probs = self.drop(logits.softmax(-1))
        context = torch.einsum("bhij,bhjd->bihd", probs, v)                      # (B, T, H, d)
""",
        """        context = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
""",
    ),
)
wrong(
    "not-implemented",
    ("        return self.out(context.reshape(b, n, c))", "        # merge the heads: TODO"),
    also=("wrong-output-type",),
    at="forward(self, x)",
)
