"""Scaled dot-product attention as a function of torch."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sdpa-function",
    "sdpa",
    r'''
import math
import torch


def scaled_dot_product_attention(query, key, value, mask=None, dropout=None):
    """softmax(Q K^T / sqrt(d_k)) V

    query: (..., L, d)   key: (..., S, d)   value: (..., S, d)   mask: (..., L, S), 0 = hide
    """
    d_k = query.size(-1)
    scores = query @ key.transpose(-2, -1) / math.sqrt(d_k)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    p_attn = scores.softmax(dim=-1)
    if dropout is not None:
        p_attn = dropout(p_attn)
    return p_attn @ value, p_attn
''',
    Drive(
        "None",
        "scaled_dot_product_attention(q, k, v)[0]",
        "None",
        "scaled_dot_product_attention(q, k, v, mask=watch(keep.double()))[0]",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "output-only",
    ("return p_attn @ value, p_attn", "return p_attn @ value"),
    call="scaled_dot_product_attention(q, k, v)",
    masked="scaled_dot_product_attention(q, k, v, keep)",
)
right(
    "short",
    (
        "def scaled_dot_product_attention(query, key, value, mask=None, dropout=None):",
        "def attention(q, k, v):",
    ),
    (
        """    d_k = query.size(-1)
    scores = query @ key.transpose(-2, -1) / math.sqrt(d_k)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    p_attn = scores.softmax(dim=-1)
    if dropout is not None:
        p_attn = dropout(p_attn)
    return p_attn @ value, p_attn
""",
        """    return torch.softmax(q @ k.mT * k.size(-1) ** -0.5, -1) @ v
""",
    ),
    ("   mask: (..., L, S), 0 = hide", ""),
    ("query: (", "q: ("),
    ("key: (", "k: ("),
    ("value: (", "v: ("),
    call="attention(q, k, v)",
    masked="",
)
right(
    "additive",
    ('scores = scores.masked_fill(mask == 0, float("-inf"))', "scores = scores + mask"),
    (", 0 = hide", ", float, added to the scores"),
    masked="scaled_dot_product_attention(q, k, v, torch.zeros(B, L, S).masked_fill(~keep, float('-inf')))[0]",
)
right(
    "by-hand",
    (
        "p_attn = scores.softmax(dim=-1)",
        (
            "scores = scores - scores.max(dim=-1, keepdim=True).values\n"
            "    p_attn = scores.exp()\n"
            "    p_attn = p_attn / p_attn.sum(dim=-1, keepdim=True)"
        ),
    ),
)
wrong("missing-scale", (" / math.sqrt(d_k)", ""))
wrong("wrong-scale", ("math.sqrt(d_k)", "d_k"))
wrong("wrong-scale", ("/ math.sqrt(d_k)", "/ math.sqrt(query.size(0))"), on="output-only")
wrong("softmax-axis", ("scores.softmax(dim=-1)", "scores.softmax(dim=0)"), also=("batch-mixing",), alone=True)
wrong("softmax-axis", ("scores.softmax(dim=-1)", "scores.softmax(dim=1)"))
wrong("missing-softmax", ("    p_attn = scores.softmax(dim=-1)\n", "    p_attn = scores\n"))
wrong(
    "unstable-softmax",
    ("scores = scores - scores.max(dim=-1, keepdim=True).values\n    ", ""),
    on="by-hand",
    at="scores.exp()",
)
wrong("mask-inverted", ("mask == 0", "mask != 0"), ("L, S), 0 = hide", "L, S), 1 = hide"))
wrong("mask-fill-value", ('float("-inf")', "0."))
wrong("mask-missing", ("scores = scores.masked_fill(mask == 0", "scores.masked_fill(mask == 0"))
wrong(
    "mask-after-softmax",
    (
        """    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    p_attn = scores.softmax(dim=-1)
""",
        """    p_attn = scores.softmax(dim=-1)
    if mask is not None:
        p_attn = p_attn.masked_fill(mask == 0, 0)
""",
    ),
    at="p_attn.masked_fill",
)
wrong(
    "scale-after-softmax",
    (" / math.sqrt(d_k)", ""),
    ("scores.softmax(dim=-1)", "scores.softmax(dim=-1) / math.sqrt(d_k)"),
)
wrong("weigh-wrong-tensor", ("return p_attn @ value", "return p_attn @ key"))
wrong(
    "weigh-wrong-tensor",
    ("return p_attn @ value", "return scores @ value"),
    also=("missing-softmax",),
    alone=True,
)
wrong("swapped-inputs", ("query @ key.transpose(-2, -1)", "key @ query.transpose(-2, -1)"))
wrong(
    "mutates-input",
    (
        "    scores = query @ key.transpose(-2, -1) / math.sqrt(d_k)\n",
        "    query /= math.sqrt(d_k)\n    scores = query @ key.transpose(-2, -1)\n",
    ),
    at="query /=",
)
wrong("mutates-input", ("scores = query @ key.transpose(-2, -1)", "scores = query @ key.transpose_(-2, -1)"))
wrong(
    "nan-output",
    ('scores = scores.masked_fill(mask == 0, float("-inf"))', "scores = scores + torch.log(mask - 1e-9)"),
)
wrong(
    "wrong-value",
    ("scores.softmax(dim=-1)", "torch.nn.functional.gumbel_softmax(scores, dim=-1, hard=True)"),
    also=("nondeterministic",),
    alone=True,
)
wrong("detached-graph", ("scores.softmax(dim=-1)", "torch.tensor(scores.softmax(dim=-1).tolist())"))
wrong(
    "wrong-gradient",
    (
        "return p_attn @ value, p_attn",
        "hard = (p_attn @ value).detach()\n    return hard + (value.sum() - value.sum().detach()), p_attn",
    ),
    at="hard",
    also=("detached-graph",),
    alone=True,
)
wrong(
    "builtin-used",
    (
        "    return p_attn @ value, p_attn",
        (
            "    out = torch.nn.functional.scaled_dot_product_attention(query, key, value)\n"
            "    return out, p_attn"
        ),
    ),
    at="torch.nn",
    alone=True,
    also=("mask-missing+builtin-used",),
)
wrong(
    "nondeterministic",
    (
        "p_attn = scores.softmax(dim=-1)",
        (
            "p_attn = (scores + torch.rand(())).exp()\n"
            "    p_attn = p_attn / p_attn.sum(-1, keepdim=True) + 0.01 * torch.rand(())"
        ),
    ),
    also=("wrong-value",),
    at="torch.rand",
)
wrong(
    "extra-normalization",
    ("return p_attn @ value, p_attn", "return torch.nn.functional.normalize(p_attn @ value, dim=-1), p_attn"),
)
wrong("key-not-transposed", ("key.transpose(-2, -1)", "key"))
wrong(
    "class-not-found",
    (
        "def scaled_dot_product_attention(query, key, value, mask=None, dropout=None):",
        "if False:\n  def scaled_dot_product(query, key, value, mask=None, dropout=None):",
    ),
    at="if False",
)
