"""Styles and mistakes that only strangers' files showed: each right one beside what it must not be taken for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source


@dataclass(frozen=True)
class Style:
    """A right file, and what it becomes by an edit: the codes that must then be said."""

    problem: str
    text: str
    wrong: dict[str, tuple[list[tuple[str, str]], set[str]]] = field(default_factory=dict)


STYLES = {
    "a class and the function of its name": Style(
        "mha",
        '''
import torch
from torch import nn
from torch.nn.functional import linear


def multi_head_attention(q, k, v, maps, heads):
    def cut(x, w):
        return linear(x, w).unflatten(-1, (heads, -1)).transpose(1, 2)

    q, k, v = cut(q, maps["q"]), cut(k, maps["k"]), cut(v, maps["v"])
    weights = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1)
    return linear((weights @ v).transpose(1, 2).flatten(2), maps["o"])


class MultiHeadAttention(nn.Module):
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads):
        super().__init__()
        assert d_model % num_heads == 0
        self.heads = num_heads
        self.maps = nn.ParameterDict({n: nn.Parameter(torch.randn(d_model, d_model)) for n in "qkvo"})

    def forward(self, q, k, v):
        return multi_head_attention(q, k, v, self.maps, self.heads)
''',
        {"no root": ([(" ** 0.5", "")], {"wrong-scale"})},
    ),
    "a plain class that knows when it trains": Style(
        "mha",
        '''
import torch


class MultiHeadAttention:
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads, dropout=0.0):
        assert d_model % num_heads == 0
        self.heads, self.rate, self.training = num_heads, dropout, True
        self.maps = {n: torch.randn(d_model, d_model).requires_grad_() for n in "qkvo"}

    def eval(self):
        self.training = False
        return self

    def train(self):
        self.training = True
        return self

    def __call__(self, q, k, v):
        B, L, D = q.shape
        q, k, v = (
            (x @ self.maps[n]).view(B, -1, self.heads, D // self.heads).transpose(1, 2)
            for x, n in ((q, "q"), (k, "k"), (v, "v"))
        )
        weights = torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, -1)
        weights = torch.dropout(weights, self.rate, self.training)
        return (weights @ v).transpose(1, 2).reshape(B, L, D) @ self.maps["o"]
''',
        {"always": ([("self.rate, self.training)", "self.rate, True)")], {"dropout-in-eval"})},
    ),
    "a rate by another name": Style(
        "mha",
        '''
import torch
from torch import nn


class Atencion(nn.Module):
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads, abandono=0.0):
        super().__init__()
        assert d_model % num_heads == 0
        self.cabezas, self.abandono = num_heads, abandono
        self.q, self.k, self.v, self.o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, q, k, v):
        B, L, D = q.shape
        q, k, v = (x.view(B, -1, self.cabezas, D // self.cabezas).transpose(1, 2)
                   for x in (self.q(q), self.k(k), self.v(v)))
        pesos = torch.softmax(q @ k.mT / q.size(-1) ** 0.5, -1)
        pesos = nn.functional.dropout(pesos, self.abandono, self.training)
        return self.o((pesos @ v).transpose(1, 2).reshape(B, L, D))
''',
        {"always": ([("self.abandono, self.training)", "self.abandono, True)")], {"dropout-in-eval"})},
    ),
    "options handed on": Style(
        "single-head",
        '''
import torch
from dataclasses import dataclass
from torch import nn


@dataclass
class Options:
    d_model: int
    bias: bool = True
    dropout: float = 0.0


class Attention(nn.Module):
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model, **options):
        super().__init__()
        self.options = Options(d_model, **options)
        self.q, self.k, self.v, self.o = (
            nn.Linear(d_model, d_model, bias=self.options.bias) for _ in range(4)
        )
        self.drop = nn.Dropout(self.options.dropout)

    def forward(self, q, k, v):
        scores = self.q(q) @ self.k(k).mT / self.options.d_model**0.5
        return self.o(self.drop(torch.softmax(scores, -1)) @ self.v(v))
''',
        {
            "unused": (
                [("self.drop(torch.softmax(scores, -1))", "torch.softmax(scores, -1)")],
                {"dropout-missing"},
            )
        },
    ),
    "slices of one parameter, a query at a time": Style(
        "single-head",
        '''
import torch
from torch import nn


class Attention(nn.Module):
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model):
        super().__init__()
        self.W = nn.Parameter(torch.randn(3, d_model, d_model))

    def forward(self, q, k, v):
        q, k, v = q @ self.W[0], k @ self.W[1], v @ self.W[2]
        out = torch.zeros_like(q)
        for i in range(q.size(1)):
            scores = (k * q[:, i : i + 1]).sum(-1) / q.size(-1) ** 0.5
            out[:, i] = (scores.softmax(-1).unsqueeze(-1) * v).sum(1)
        return out
''',
        {"one slice twice": ([("v @ self.W[2]", "v @ self.W[1]")], {"shared-projection"})},
    ),
    "a width with a default": Style(
        "sdpa",
        '''
import torch
from torch import nn


class Attention(nn.Module):
    """(N, L, D), (N, S, D), (N, S, D) -> (N, L, D), (N, L, S)"""

    def __init__(self, d_k=64):
        super().__init__()
        self.register_buffer("scale", torch.tensor(float(d_k)).sqrt())

    def forward(self, query, key, value):
        weights = (query @ key.transpose(-2, -1)).div(self.scale).softmax(-1)
        return weights @ value, weights
''',
        {"no root": ([(".sqrt()", "")], {"wrong-scale"})},
    ),
    "a number among the optional arguments": Style(
        "sdpa",
        '''
import numpy as np


def attention(query, key, value, block=2):
    """(N, L, D), (N, S, D), (N, S, D) -> (N, L, D), (N, L, S)"""
    scores = np.concatenate(
        [
            query @ key[:, start : start + block].swapaxes(1, 2)
            for start in range(0, key.shape[1], block)
        ],
        axis=-1,
    )
    scores = scores / query.shape[-1] ** 0.5
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights = weights / weights.sum(-1, keepdims=True)
    return weights @ value, weights
''',
        {"no root": ([(" ** 0.5", "")], {"wrong-scale"})},
    ),
    "heads that are summed": Style(
        "mha",
        '''
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads):
        super().__init__()
        assert d_model % num_heads == 0
        d = d_model // num_heads
        self.wq, self.wk, self.wv = (nn.Parameter(torch.randn(num_heads, d_model, d)) for _ in range(3))
        self.wo = nn.Parameter(torch.randn(num_heads, d, d_model))

    def forward(self, q, k, v):
        q, k, v = q.unsqueeze(1) @ self.wq, k.unsqueeze(1) @ self.wk, v.unsqueeze(1) @ self.wv
        weights = (q @ k.mT / q.size(-1) ** 0.5).softmax(-1)
        return (weights @ v @ self.wo).sum(1)
''',
        {
            "late": (
                [
                    (
                        "(q @ k.mT / q.size(-1) ** 0.5).softmax(-1)",
                        "(q @ k.mT).softmax(-1) / q.size(-1) ** 0.5",
                    )
                ],
                {"scale-after-softmax"},
            ),
            "a mean": ([(".sum(1)", ".mean(1) * 2")], {"wrong-value"}),
        },
    ),
    "one product of weights, values and the output's map": Style(
        "causal-mha",
        '''
import torch
from torch import nn


class CausalAttention(nn.Module):
    """(B, T, D) -> (B, T, D)"""

    def __init__(self, d_model, num_heads):
        super().__init__()
        assert d_model % num_heads == 0
        self.d = d_model // num_heads
        self.W = nn.Parameter(torch.randn(3, num_heads, d_model, self.d))
        self.O = nn.Parameter(torch.randn(num_heads, self.d, d_model))

    def forward(self, x):
        q, k, v = torch.einsum("btm,shmd->sbhtd", x, self.W)
        s = torch.einsum("bhid,bhjd->bhij", q, k) / self.d**0.5
        s = s.masked_fill(torch.ones(s.shape[-2:], dtype=torch.bool, device=x.device).triu(1), -torch.inf)
        return torch.einsum("bhij,bhjd,hdm->bim", s.softmax(-1), v, self.O)
''',
        {
            "late": (
                [(" / self.d**0.5", ""), ("s.softmax(-1)", "s.softmax(-1) / self.d**0.5")],
                {"scale-after-softmax"},
            )
        },
    ),
    "broadcast products and a softmax by hand, of one position too": Style(
        "mha",
        '''
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        assert d_model % num_heads == 0
        self.heads = num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(d_model, d_model) for _ in range(4))
        self.drop = nn.Dropout(dropout)

    def forward(self, q, k, v):
        B, L, D = q.shape
        q, k, v = (x.reshape(B, -1, self.heads, D // self.heads).transpose(1, 2)
                   for x in (self.q(q), self.k(k), self.v(v)))
        scores = (q.unsqueeze(3) * k.unsqueeze(2)).sum(-1) / q.shape[-1] ** 0.5
        shifted = scores - scores.amax(-1, keepdim=True)
        weights = shifted.exp() / shifted.exp().sum(-1, keepdim=True)
        weights = self.drop(weights)
        merged = (weights.unsqueeze(-1) * v.unsqueeze(2)).sum(3)
        return self.o(merged.transpose(1, 2).reshape(B, L, D))
''',
        {
            "scores in the weights' place": (
                [("(weights.unsqueeze", "(shifted.unsqueeze")],
                {"weigh-wrong-tensor"},
            ),
            "another when alone": (
                [
                    (
                        "        return self.o(",
                        "        merged = merged * (1 + (L == 1))\n        return self.o(",
                    )
                ],
                {"wrong-value"},
            ),
            "the projection's result thrown away": (
                [
                    (
                        "        return self.o(merged.transpose(1, 2).reshape(B, L, D))",
                        "        y = merged.transpose(1, 2).reshape(B, L, D)\n        self.o(y)\n        return y",
                    )
                ],
                {"missing-output-projection"},
            ),
        },
    ),
    "a table that is added": Style(
        "causal-mha",
        '''
import torch
from torch import nn


class CausalSelfAttention(nn.Module):
    """(B, T, D) -> (B, T, D)"""

    def __init__(self, d_model, num_heads, max_len=64):
        super().__init__()
        assert d_model % num_heads == 0
        self.heads = num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(d_model, d_model) for _ in range(4))
        table = torch.zeros(max_len, max_len)
        for i in range(max_len):
            for j in range(max_len):
                if j > i:
                    table[i, j] = -1e9
        self.register_buffer("table", table)

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = (m(x).view(B, T, self.heads, -1).transpose(1, 2) for m in (self.q, self.k, self.v))
        s = q @ k.mT / q.size(-1) ** 0.5 + self.table[:T, :T]
        y = s.softmax(-1) @ v
        return self.o(y.transpose(1, 2).reshape(B, T, D))
''',
        {
            "without itself": ([("if j > i", "if j >= i")], {"mask-off-by-one"}),
            "the other side, and merged at once": (
                [("if j > i", "if j < i"), ("y.transpose(1, 2).reshape", "y.reshape")],
                {"mask-inverted", "merge-without-transpose"},
            ),
        },
    ),
    "a softmax in single precision": Style(
        "mha",
        '''
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """(B, L, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads):
        super().__init__()
        assert d_model % num_heads == 0
        self.heads = num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, context=None, mask=None):
        context = x if context is None else context
        B, L, D = x.shape
        q, k, v = (t.view(B, -1, self.heads, D // self.heads).transpose(1, 2)
                   for t in (self.q(x), self.k(context), self.v(context)))
        scores = q @ k.mT * (D // self.heads) ** -0.5
        if mask is not None:
            scores = scores + mask
        weights = torch.softmax(scores.float(), dim=-1).type_as(scores)
        return self.o((weights @ v).transpose(1, 2).reshape(B, L, D))
''',
        {"constants": ([(".type_as(scores)", ".type_as(scores).detach()")], {"detached-graph"})},
    ),
}
CASES = [(name, "", [], set()) for name in STYLES] + [
    (name, what, edits, codes)
    for name, style in STYLES.items()
    for what, (edits, codes) in style.wrong.items()
]


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """A judge for all of this module."""
    with open_judge(cold=True) as found:
        yield found


@pytest.mark.parametrize(
    ("name", "what", "edits", "codes"),
    CASES,
    ids=[f"{name}: {what or 'right'}" for name, what, _, _ in CASES],
)
def test_a_stranger_is_told_what_is_true(
    judge: JudgeClient, name: str, what: str, edits: list[tuple[str, str]], codes: set[str]
) -> None:
    style = STYLES[name]
    text = style.text
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    report = judge.check(Source("answer.py", "/nowhere/answer.py", text), style.problem)
    assert {mistake.code for mistake in report.mistakes} == codes
    assert report.verdict == ("fail" if codes else "pass")
