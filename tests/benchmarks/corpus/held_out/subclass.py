"""A base class with the common part, a causal subclass with the mask: template methods, a mixin for the heads."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "subclass",
    "causal-mha",
    r'''
import abc
import math

import torch
import torch.nn as nn


class HeadsMixin:
    n_heads: int

    def fold(self, x):
        """(b, t, c) -> (b * h, t, c / h)"""
        b, t, c = x.size()
        h = self.n_heads
        return x.view(b, t, h, c // h).transpose(1, 2).contiguous().view(b * h, t, c // h)

    def unfold(self, x):
        """(b * h, t, c / h) -> (b, t, c)"""
        bh, t, s = x.size()
        h = self.n_heads
        return x.view(bh // h, h, t, s).transpose(1, 2).contiguous().view(bh // h, t, s * h)


class BaseAttention(HeadsMixin, nn.Module, abc.ABC):
    def __init__(self, emb, n_heads):
        super().__init__()
        self.n_heads = n_heads
        self.tokeys = nn.Linear(emb, emb, bias=False)
        self.toqueries = nn.Linear(emb, emb, bias=False)
        self.tovalues = nn.Linear(emb, emb, bias=False)
        self.unifyheads = nn.Linear(emb, emb)

    @abc.abstractmethod
    def mask_(self, dot):
        """Hide what must not be seen, in place."""

    def forward(self, x):
        keys = self.fold(self.tokeys(x))
        queries = self.fold(self.toqueries(x))
        values = self.fold(self.tovalues(x))
        # fourth roots: smaller numbers on the way
        queries = queries / (queries.size(-1) ** (1 / 4))
        keys = keys / (keys.size(-1) ** (1 / 4))
        dot = torch.bmm(queries, keys.transpose(1, 2))
        dot = self.mask_(dot)
        dot = torch.softmax(dot, dim=2)
        out = torch.bmm(dot, values)
        return self.unifyheads(self.unfold(out))


class CausalSelfAttention(BaseAttention):
    def mask_(self, dot):
        t = dot.size(-1)
        indices = torch.triu_indices(t, t, offset=1)
        dot[..., indices[0], indices[1]] = float("-inf")
        return dot
''',
    Drive(
        "CausalSelfAttention(D, H)",
        "m(x)",
        "lin(m.toqueries), lin(m.tokeys), lin(m.tovalues), lin(m.unifyheads)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "hook-as-a-callable",
    (
        '        indices = torch.triu_indices(t, t, offset=1)\n        dot[..., indices[0], indices[1]] = float("-inf")\n        return dot\n',
        "        return dot + torch.log(torch.ones(t, t).tril())\n",
    ),
)
right(
    "scale-once",
    (
        (
            "        # fourth roots: smaller numbers on the way\n        queries = queries / (queries.size(-1) ** (1 / 4))\n"
            "        keys = keys / (keys.size(-1) ** (1 / 4))\n"
        ),
        "        keys = keys / math.sqrt(keys.size(-1))\n",
    ),
)
right(
    "super-forward",
    (
        "class CausalSelfAttention(BaseAttention):\n",
        (
            "class CausalSelfAttention(BaseAttention):\n    def __init__(self, emb, n_heads, dropout=0.0):\n"
            "        super().__init__(emb, n_heads)\n        self.drop = nn.Dropout(dropout)\n\n"
            "    def forward(self, x):\n        return self.drop(super().forward(x))\n\n"
        ),
    ),
    make="CausalSelfAttention(D, H, P)",
)
FOUR = (
    "        # fourth roots: smaller numbers on the way\n        queries = queries / (queries.size(-1) ** (1 / 4))\n"
    "        keys = keys / (keys.size(-1) ** (1 / 4))\n"
)
wrong("missing-scale", (FOUR, ""))
wrong("wrong-scale", ("        keys = keys / (keys.size(-1) ** (1 / 4))\n", ""))
wrong(
    "wrong-scale",
    ("queries.size(-1) ** (1 / 4)", "queries.size(-1) ** (1 / 2)"),
    ("keys.size(-1) ** (1 / 4)", "keys.size(-1) ** (1 / 2)"),
)
wrong("wrong-scale", ("math.sqrt(keys.size(-1))", "math.sqrt(x.size(-1))"), on="scale-once")
wrong(
    "scale-after-softmax",
    (FOUR, ""),
    ("dot = torch.softmax(dot, dim=2)", "dot = torch.softmax(dot, dim=2) / math.sqrt(queries.size(-1))"),
)
wrong("mask-missing", ("        dot = self.mask_(dot)\n", ""))
wrong("mask-off-by-one", ("torch.triu_indices(t, t, offset=1)", "torch.triu_indices(t, t, offset=2)"))
wrong(
    "mask-off-by-one",
    ("torch.triu_indices(t, t, offset=1)", "torch.triu_indices(t, t)"),
    ('float("-inf")', "-1e30"),
    alone=True,
    at="torch.triu_indices(t, t)",
)
wrong("mask-inverted", ("torch.triu_indices(t, t, offset=1)", "torch.tril_indices(t, t, offset=-1)"))
wrong("mask-fill-value", ('= float("-inf")', "= 0"))
wrong(
    "mask-fill-value",
    ("torch.log(torch.ones(t, t).tril())", "torch.ones(t, t).tril()"),
    on="hook-as-a-callable",
    also=("wrong-value",),
)
wrong(
    "mask-after-softmax",
    (
        "        dot = self.mask_(dot)\n        dot = torch.softmax(dot, dim=2)\n",
        "        dot = torch.softmax(dot, dim=2)\n        dot = self.mask_(dot)\n",
    ),
    ('= float("-inf")', "= 0"),
    on="scale-once",
    at="dot = self.mask_(dot)",
)
wrong("softmax-axis", ("torch.softmax(dot, dim=2)", "torch.softmax(dot, dim=1)"))
wrong(
    "missing-softmax",
    ("        dot = torch.softmax(dot, dim=2)\n", ""),
    alone=True,
    also=("nan-output", "missing-softmax+nan-output"),
    on="super-forward",
)
wrong(
    "split-without-transpose",
    (
        "x.view(b, t, h, c // h).transpose(1, 2).contiguous().view(b * h, t, c // h)",
        "x.reshape(b * h, t, c // h)",
    ),
)
wrong(
    "merge-without-transpose",
    (
        "x.view(bh // h, h, t, s).transpose(1, 2).contiguous().view(bh // h, t, s * h)",
        "x.view(bh // h, t, s * h)",
    ),
)
wrong(
    "non-contiguous-view",
    (
        "x.view(bh // h, h, t, s).transpose(1, 2).contiguous().view(",
        "x.view(bh // h, h, t, s).transpose(1, 2).view(",
    ),
)
wrong(
    "non-contiguous-view",
    (
        "x.view(b, t, h, c // h).transpose(1, 2).contiguous().view(",
        "x.view(b, t, h, c // h).transpose(1, 2).view(",
    ),
)
wrong("shared-projection", ("self.fold(self.tovalues(x))", "self.fold(self.tokeys(x))"))
wrong("missing-projection", ("self.fold(self.tovalues(x))", "self.fold(x)"))
wrong(
    "weigh-wrong-tensor",
    ("torch.bmm(dot, values)", "torch.bmm(dot, keys)"),
    on="super-forward",
    alone=True,
    also=("weigh-wrong-tensor+wrong-scale", "wrong-value"),
)
wrong("missing-output-projection", ("return self.unifyheads(self.unfold(out))", "return self.unfold(out)"))
wrong(
    "extra-residual",
    ("return self.unifyheads(self.unfold(out))", "return x + self.unifyheads(self.unfold(out))"),
)
wrong(
    "extra-residual",
    ("self.drop(super().forward(x))", "x + self.drop(super().forward(x))"),
    on="super-forward",
)
wrong(
    "extra-normalization",
    (
        "        super().__init__(emb, n_heads)\n",
        "        super().__init__(emb, n_heads)\n        self.ln = nn.LayerNorm(emb)\n",
    ),
    ("super().forward(x))", "super().forward(self.ln(x)))"),
    on="super-forward",
    at="self.ln(x)",
)
wrong(
    "dropout-missing",
    ("        return self.drop(super().forward(x))\n", "        return super().forward(x)\n"),
    on="super-forward",
)
wrong("detached-graph", ("torch.bmm(dot, values)", "torch.bmm(dot.detach(), values)"))
wrong(
    "batch-mixing",
    ("x.view(bh // h, h, t, s)", "x.view(h, bh // h, t, s).transpose(0, 1)"),
    alone=True,
    also=("merge-without-transpose", "wrong-value", "batch-mixing+merge-without-transpose"),
)
wrong(
    "constructor-error", ("    def mask_(self, dot):\n        t = ", "    def mask(self, dot):\n        t = ")
)
