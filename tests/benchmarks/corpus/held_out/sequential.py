"""nn.Sequential all through: SplitHeads and MergeHeads are modules of their own."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sequential",
    "mha",
    r"""
import math

import torch
from torch import nn


class SplitHeads(nn.Module):
    def __init__(self, n_heads):
        super().__init__()
        self.n_heads = n_heads

    def forward(self, x):
        batch, time, width = x.shape
        return x.reshape(batch, time, self.n_heads, width // self.n_heads).swapaxes(1, 2)


class MergeHeads(nn.Module):
    def forward(self, x):
        batch, n_heads, time, size = x.shape
        return x.swapaxes(1, 2).reshape(batch, time, n_heads * size)


class ScaleBy(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


class MultiHeadAttention(nn.Module):
    def __init__(self, width, n_heads, p_drop=0.0):
        super().__init__()
        size = width // n_heads
        self.to_query = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads), ScaleBy(1 / math.sqrt(size)))
        self.to_key = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads))
        self.to_value = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads))
        self.to_weights = nn.Sequential(nn.Softmax(dim=-1), nn.Dropout(p_drop))
        self.to_output = nn.Sequential(MergeHeads(), nn.Linear(width, width))

    def forward(self, query, key, value):
        query = self.to_query(query)
        key = self.to_key(key)
        value = self.to_value(value)
        weights = self.to_weights(query @ key.mT)
        return self.to_output(weights @ value)
""",
    Drive(
        "MultiHeadAttention(D, H, P)",
        "m(q, k, v)",
        "lin(m.to_query[0]), lin(m.to_key[0]), lin(m.to_value[0]), lin(m.to_output[1])",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "scale-the-scores",
    (", ScaleBy(1 / math.sqrt(size)))", ")"),
    ("nn.Sequential(nn.Softmax(dim=-1)", "nn.Sequential(ScaleBy(size**-0.5), nn.Softmax(dim=-1)"),
)
right(
    "scale-the-keys",
    (", ScaleBy(1 / math.sqrt(size)))", ")"),
    (
        "self.to_key = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads))",
        "self.to_key = nn.Sequential(nn.Linear(width, width), ScaleBy(size**-0.5), SplitHeads(n_heads))",
    ),
)
right(
    "with-mask",
    ("def forward(self, query, key, value):", "def forward(self, query, key, value, mask=None):"),
    (
        "        weights = self.to_weights(query @ key.mT)\n",
        (
            "        scores = query @ key.mT\n        if mask is not None:\n"
            "            scores = scores.masked_fill(torch.logical_not(mask), float('-inf'))\n"
            "        weights = self.to_weights(scores)\n"
        ),
    ),
    masked="m(q, k, v, keep[:, None])",
)
right(
    "bare-linears",
    (
        "nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads))",
        "nn.Sequential(nn.Linear(width, width, False), SplitHeads(n_heads))",
        "all",
    ),
)
wrong("missing-scale", (", ScaleBy(1 / math.sqrt(size)))", ")"))
wrong(
    "wrong-scale", ("1 / math.sqrt(size)", "1 / math.sqrt(width)"), at=("math.sqrt(width)", "x * self.factor")
)
wrong("wrong-scale", ("1 / math.sqrt(size)", "math.sqrt(size)"), at=("math.sqrt(size)", "x * self.factor"))
wrong(
    "wrong-scale",
    (
        "self.to_key = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads))",
        "self.to_key = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads), ScaleBy(1 / math.sqrt(size)))",
    ),
    at=("math.sqrt(size)", "x * self.factor"),
)
wrong(
    "scale-after-softmax",
    (", ScaleBy(1 / math.sqrt(size)))", ")"),
    ("nn.Sequential(nn.Softmax(dim=-1)", "nn.Sequential(nn.Softmax(dim=-1), ScaleBy(1 / math.sqrt(size))"),
    at=("ScaleBy(1", "x * self.factor", "self.to_weights(query"),
)
wrong(
    "softmax-axis", ("nn.Softmax(dim=-1)", "nn.Softmax(dim=-2)"), at=("nn.Softmax(", "self.to_weights(query")
)
wrong(
    "softmax-axis",
    ("nn.Softmax(dim=-1)", "nn.Softmax(dim=1)"),
    on="with-mask",
    also=("softmax-axis+nan-output",),
    at=("nn.Softmax(dim=1)", "self.to_weights(scores)"),
)
wrong(
    "missing-softmax",
    ("nn.Sequential(nn.Softmax(dim=-1), nn.Dropout(p_drop))", "nn.Sequential(nn.Dropout(p_drop))"),
    at=("nn.Dropout(p_drop)", "self.to_weights(query"),
)
wrong(
    "wrong-value",
    ("nn.Softmax(dim=-1)", "nn.Softplus()"),
    also=("missing-softmax",),
    at=("nn.Softplus", "self.to_weights(query"),
)
wrong(
    "dropout-missing",
    (
        "nn.Sequential(nn.Softmax(dim=-1), nn.Dropout(p_drop))",
        "nn.Sequential(nn.Softmax(dim=-1), nn.Dropout(0.0))",
    ),
)
wrong("mask-missing", ("self.to_weights(scores)", "self.to_weights(query @ key.mT)"), on="with-mask")
wrong("mask-fill-value", ("float('-inf')", "-5"), on="with-mask")
wrong(
    "mask-after-softmax",
    (
        (
            "        if mask is not None:\n            scores = scores.masked_fill(torch.logical_not(mask), float('-inf'))\n"
            "        weights = self.to_weights(scores)\n"
        ),
        "        weights = self.to_weights(scores)\n        if mask is not None:\n            weights = weights * mask\n",
    ),
    on="with-mask",
    at="weights * mask",
)
wrong(
    "split-without-transpose",
    (
        "x.reshape(batch, time, self.n_heads, width // self.n_heads).swapaxes(1, 2)",
        "x.reshape(batch, self.n_heads, time, width // self.n_heads)",
    ),
)
wrong("merge-without-transpose", ("x.swapaxes(1, 2).reshape(batch, time, n", "x.reshape(batch, time, n"))
wrong(
    "non-contiguous-view", ("x.swapaxes(1, 2).reshape(batch, time, n", "x.swapaxes(1, 2).view(batch, time, n")
)
wrong(
    "heads-not-concatenated",
    ("x.swapaxes(1, 2).reshape(batch, time, n_heads * size)", "x.sum(1)"),
    ("MergeHeads(), nn.Linear(width, width)", "MergeHeads(), nn.Linear(size, width)"),
    at="x.sum(1)",
)
wrong(
    "missing-output-projection",
    ("nn.Sequential(MergeHeads(), nn.Linear(width, width))", "nn.Sequential(MergeHeads())"),
    at=("nn.Sequential(MergeHeads", "self.to_output("),
)
wrong(
    "extra-normalization",
    (
        "nn.Sequential(MergeHeads(), nn.Linear(width, width))",
        "nn.Sequential(MergeHeads(), nn.Linear(width, width), nn.LayerNorm(width))",
    ),
    at=("nn.LayerNorm", "self.to_output("),
)
wrong(
    "extra-residual",
    (
        "        query = self.to_query(query)\n",
        "        residual = query\n        query = self.to_query(query)\n",
    ),
    ("return self.to_output(weights @ value)", "return residual + self.to_output(weights @ value)"),
    at="residual + ",
)
wrong("shared-projection", ("key = self.to_key(key)", "key = self.to_value(key)"))
wrong(
    "shared-projection",
    ("        value = self.to_value(value)\n", "        value = self.to_key(value)\n"),
    on="bare-linears",
)
wrong(
    "missing-projection",
    (
        "self.to_value = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads))",
        "self.to_value = nn.Sequential(SplitHeads(n_heads))",
    ),
    at=("self.to_value = ", "self.to_value(value)"),
)
wrong(
    "swapped-inputs",
    (
        "key = self.to_key(key)\n        value = self.to_value(value)",
        "key, value = self.to_key(value), self.to_value(key)",
    ),
)
wrong("weigh-wrong-tensor", ("self.to_output(weights @ value)", "self.to_output(weights @ key)"))
wrong(
    "detached-graph",
    ("weights = self.to_weights(query @ key.mT)", "weights = self.to_weights(query @ key.mT).data"),
)
wrong(
    "key-not-transposed",
    ("query @ key.mT", "query @ key.reshape(*key.shape[:2], key.shape[3], key.shape[2])"),
)
wrong(
    "constructor-error",
    (
        "self.to_value = nn.Sequential(nn.Linear(width, width), SplitHeads(n_heads))",
        "self.to_value = nn.Sequential([nn.Linear(width, width), SplitHeads(n_heads)])",
    ),
)
