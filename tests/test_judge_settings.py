"""What a file is taken for and what it must be told: settings at module level, flags, masks it cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source

# Sizes at module level, and a mask that the forward cannot do without: True hides.
GLOBAL_SIZES = """
import numpy as np
import torch
from torch import nn

n_heads, d_model = 12, 768
d_k = d_v = 64

class ScaledDotProductAttention(nn.Module):
    def forward(self, Q, K, V, attn_mask):
        scores = torch.matmul(Q, K.transpose(-1, -2)) / np.sqrt(d_k)
        scores.masked_fill_(attn_mask, -1e9)
        return torch.matmul(nn.Softmax(dim=-1)(scores), V)

class MultiHeadAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.W_Q = nn.Linear(d_model, d_k * n_heads)
        self.W_K = nn.Linear(d_model, d_k * n_heads)
        self.W_V = nn.Linear(d_model, d_v * n_heads)
        self.linear = nn.Linear(n_heads * d_v, d_model)
    def forward(self, Q, K, V, attn_mask):
        batch = Q.size(0)
        q = self.W_Q(Q).view(batch, -1, n_heads, d_k).transpose(1, 2)
        k = self.W_K(K).view(batch, -1, n_heads, d_k).transpose(1, 2)
        v = self.W_V(V).view(batch, -1, n_heads, d_v).transpose(1, 2)
        context = ScaledDotProductAttention()(q, k, v, attn_mask.unsqueeze(1).repeat(1, n_heads, 1, 1))
        return self.linear(context.transpose(1, 2).contiguous().view(batch, -1, n_heads * d_v))
"""
ONE_HEAD = """
import torch
from torch import nn

class SingleHeadSelfAttention(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(d_model, d_model) for _ in range(4))
    def forward(self, x, mask=None):
        q, k, v = self.q(x), self.k(x), self.v(x)
        scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        return self.out(weights @ v), weights
"""
# numpy, dropout on unless the forward is told that it is not training.
TRAINING = """
import numpy as np

class MultiHeadAttention:
    def __init__(self, d_model=512, heads_num=8, dropout=0.1):
        self.h, self.d, self.rate = heads_num, d_model // heads_num, dropout
        self.w = [np.random.normal(size=(d_model, d_model)) for _ in range(4)]
    def split(self, x, w):
        return (x @ w).reshape(len(x), -1, self.h, self.d).transpose(0, 2, 1, 3)
    def forward(self, query, key, value, mask=None, training=True):
        q, k, v = (self.split(x, w) for x, w in zip((query, key, value), self.w))
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(self.d)
        if mask is not None:
            scores = np.where(mask == 0, -np.inf, scores)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        if training:
            weights = weights * np.random.binomial(1, 1 - self.rate, weights.shape) / (1 - self.rate)
        out = (weights @ v).transpose(0, 2, 1, 3)
        return out.reshape(*query.shape) @ self.w[3]
"""
# A class without weights beside one that has some.
BARE = """
from torch import nn

class FeedForward(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(d, 4 * d), nn.ReLU(), nn.Linear(4 * d, d))
    def forward(self, x):
        return self.net(x)

class StandardAttention(nn.Module):
    def __init__(self, dropout_rate=0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout_rate)
    def forward(self, q, k, v, mask=None):
        scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = self.dropout(scores.softmax(-1))
        return weights @ v, weights
"""
# The name of a helper says nothing of the class.
HELPED = """
import torch
from torch import nn

def maybe_add_attention_mask(scores, attn_mask=None):
    return scores if attn_mask is None else scores.masked_fill(~attn_mask, -1e9)

class Attention(nn.Module):
    def __init__(self, dim, num_heads=8):
        super().__init__()
        self.h = num_heads
        self.qkv, self.proj = nn.Linear(dim, dim * 3), nn.Linear(dim, dim)
    def forward(self, x, attn_mask=None):
        B, N, C = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.h, C // self.h).permute(2, 0, 3, 1, 4)
        scores = maybe_add_attention_mask(q @ k.transpose(-2, -1) * q.size(-1) ** -0.5, attn_mask)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, N, C))
"""
# Helpers that split and merge heads do not make a file of attention an answer to `split-merge`.
SPLITTING = """
import numpy as np

def split_heads(x, heads):
    B, L, D = x.shape
    return x.reshape(B, L, heads, D // heads).transpose(0, 2, 1, 3)

def combine_heads(x):
    B, H, L, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, L, H * d)

class MultiHeadAttention:
    def __init__(self, d_model, num_heads):
        self.h = num_heads
        self.wq, self.wk, self.wv, self.wo = (np.random.randn(d_model, d_model) for _ in range(4))
    def forward(self, x):
        q, k, v = (split_heads(x @ w, self.h) for w in (self.wq, self.wk, self.wv))
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return combine_heads(weights / weights.sum(axis=-1, keepdims=True) @ v) @ self.wo
"""
# Keys of two inputs behind each other: no mistake the drill knows, and nothing it breaks on.
PERCEIVER = """
import torch
from torch import nn

class PerceiverAttention(nn.Module):
    def __init__(self, dim, num_heads):
        super().__init__()
        self.h = num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim, bias=False) for _ in range(4))
    def forward(self, latents, context):
        B, L, D = latents.shape
        both = torch.cat([context, latents], dim=1)
        cut = lambda t: t.view(B, -1, self.h, D // self.h).transpose(1, 2)
        q, k, v = cut(self.q(latents)), cut(self.k(both)), cut(self.v(both))
        weights = torch.softmax(q @ k.transpose(2, 3) / (D // self.h) ** 0.5, dim=-1)
        return self.o((weights @ v).transpose(1, 2).reshape(B, L, D))
"""

# The file, what is put in place of what, the problem it is taken for, the codes that must be said.
FILES: dict[str, tuple[str, tuple[str, str], str, set[str]]] = {
    "sizes at module level": (GLOBAL_SIZES, ("", ""), "mha", set()),
    "sizes at module level, torn": (
        GLOBAL_SIZES,
        ("context.transpose(1, 2).contiguous()", "context"),
        "mha",
        {"merge-without-transpose"},
    ),
    "one head with a map out": (ONE_HEAD, ("", ""), "single-head", set()),
    "told whether it trains": (TRAINING, ("", ""), "mha", set()),
    "told and not asking": (TRAINING, ("if training:", "if True:"), "mha", {"dropout-in-eval"}),
    "no weights of its own": (BARE, ("", ""), "sdpa", set()),
    "no weights where a width is told": (
        BARE,
        ("dropout_rate=0.0", "d_model, dropout_rate=0.0"),
        "single-head",
        {"missing-projection"},
    ),
    "a helper named after masks": (HELPED, ("", ""), "mha", set()),
    "helpers that split and merge": (SPLITTING, ("", ""), "mha", set()),
    "two inputs behind each other": (PERCEIVER, ("", ""), "mha", {"wrong-value"}),
}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all files."""
    with open_judge() as client:
        yield client


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_taken_for_what_it_is(judge: JudgeClient, name: str) -> None:
    text, (old, new), problem, codes = FILES[name]
    assert not old or text.count(old) == 1
    text = text.replace(old, new) if old else text
    report = judge.check(Source("answer.py", str(Path.cwd() / "answer.py"), text), None)
    assert report.problem == problem
    assert {mistake.code for mistake in report.mistakes} == codes
    assert report.verdict == ("fail" if codes else "pass")
