"""The judge on numpy answers and on tensors with an axis for heads: right ones pass, wrong ones are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mha_drill.judge.arrays import Recorder, Traced, bare
from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.holding import held
from mha_drill.judge.sources import Source
from mha_drill.records import Report

LAYERS = """
import numpy as np

def softmax(x):
    assert type(x) == np.ndarray
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)

class Dense:
    def __init__(self, rows, columns):
        self.weight = np.random.randn(rows, columns) * 0.01
        self.bias = np.zeros(columns)
    def forward(self, x):
        self.x = x
        return np.dot(x, self.weight) + self.bias

class MultiHeadAttention:
    def __init__(self, d_model, num_heads):
        self.h, self.d = num_heads, d_model // num_heads
        self.maps = [Dense(d_model, d_model) for _ in range(4)]
    def split(self, x):
        return x.reshape(x.shape[0], -1, self.h, self.d).transpose(0, 2, 1, 3)
    def forward(self, q, k, v, mask=None):
        q, k, v = (self.split(m.forward(x)) for m, x in zip(self.maps, (q, k, v)))
        scores = np.matmul(q, k.swapaxes(-1, -2))
        scores /= np.sqrt(self.d)
        if mask is not None:
            scores = np.where(mask == 0, -1e9, scores)
        out = softmax(scores) @ v
        out = np.transpose(out, (0, 2, 1, 3)).reshape(q.shape[0], -1, self.h * self.d)
        return self.maps[3].forward(out)
"""
LOOPS = """
import numpy as np

class MHA:
    def __init__(self, embed_dim, n_heads, seed=0):
        rng = np.random.default_rng(seed)
        self.n, width = n_heads, embed_dim // n_heads
        self.wq, self.wk, self.wv = rng.normal(size=(3, n_heads, embed_dim, width))
        self.wo = rng.normal(size=(embed_dim, embed_dim))
    def __call__(self, x, context=None, mask=None):
        c = x if context is None else context
        heads = []
        for h in range(self.n):
            q, k, v = x @ self.wq[h], c @ self.wk[h], c @ self.wv[h]
            s = np.einsum("bld,bsd->bls", q, k) / np.sqrt(q.shape[-1])
            if mask is not None:
                s[mask == 0] = -1e9
            s -= s.max(-1, keepdims=True)
            e = np.exp(s)
            heads.append(e / e.sum(-1, keepdims=True) @ v)
        return np.concatenate(heads, axis=-1) @ self.wo
"""
GIVEN = """
import numpy as np

def multi_head_attention(Q, K, V, W_q, W_k, W_v, W_o, num_heads):
    B, L, D = Q.shape
    S, d = K.shape[1], D // num_heads
    q = (Q @ W_q).reshape(B, L, num_heads, d).transpose(0, 2, 1, 3)
    k = (K @ W_k).reshape(B, S, num_heads, d).transpose(0, 2, 1, 3)
    v = (V @ W_v).reshape(B, S, num_heads, d).transpose(0, 2, 1, 3)
    out = np.zeros((B, num_heads, L, d))
    for b in range(B):
        for h in range(num_heads):
            s = q[b, h].dot(k[b, h].T) / np.sqrt(d)
            e = np.exp(s - s.max(-1, keepdims=True))
            out[b, h] = np.array([row / row.sum() for row in e]) @ v[b, h]
    return out.transpose(0, 2, 1, 3).reshape(B, L, D) @ W_o
"""
ARRAYS: dict[str, tuple[str, str, str, set[str]]] = {
    "layers": (LAYERS, "", "", set()),
    "no scale": (LAYERS, "scores /= np.sqrt(self.d)", "", {"missing-scale"}),
    "the width's root": (LAYERS, "np.sqrt(self.d)", "np.sqrt(self.h * self.d)", {"wrong-scale"}),
    "torn heads": (LAYERS, "np.transpose(out, (0, 2, 1, 3))", "out", {"merge-without-transpose"}),
    "one map twice": (LAYERS, "zip(self.maps, (q", "zip(self.maps[:1] * 3, (q", {"shared-projection"}),
    "a fill of zero": (LAYERS, "-1e9", "0.0", {"mask-fill-value"}),
    "no map out": (LAYERS, "self.maps[3].forward(out)", "out", {"missing-output-projection"}),
    "heads one by one": (LOOPS, "", "", set()),
    "the key weighed": (LOOPS, "keepdims=True) @ v)", "keepdims=True) @ k)", {"weigh-wrong-tensor"}),
    "over the queries": (LOOPS, "e.sum(-1,", "e.sum(1,", {"softmax-axis"}),
    "weights handed over": (GIVEN, "", "", set()),
    "split torn": (
        GIVEN,
        "k = (K @ W_k).reshape(B, S, num_heads, d).transpose(0, 2, 1, 3)",
        "k = (K @ W_k).reshape(B, num_heads, S, d)",
        {"split-without-transpose"},
    ),
}

HEADED = """
import math
import torch
from torch import nn

class ScaledDotProductAttention(nn.Module):
    def forward(self, q, k, v, mask=None):
        batch, heads, length, width = k.size()
        scores = q @ k.transpose(2, 3) / math.sqrt(width)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = torch.softmax(scores, dim=-1)
        return weights @ v, weights
"""
LENGTH_FIRST = """
import torch

def scaled_dot_product_attention(queries, keys, values):
    B, L, H, E = queries.shape
    scores = torch.einsum("blhe,bshe->bhls", queries, keys)
    weights = torch.softmax(scores / E**0.5, dim=-1)
    return torch.einsum("bhls,bshd->blhd", weights, values), weights
"""
FOUR_AXES: dict[str, tuple[str, str, str, set[str]]] = {
    "heads second": (HEADED, "", "", set()),
    "no scale": (HEADED, " / math.sqrt(width)", "", {"missing-scale"}),
    "key reshaped": (
        HEADED,
        "k.transpose(2, 3)",
        "k.view(batch, heads, width, length)",
        {"key-not-transposed"},
    ),
    "over the heads": (HEADED, "dim=-1", "dim=1", {"wrong-value"}),
    "over the queries": (HEADED, "dim=-1", "dim=2", {"softmax-axis"}),
    "heads mixed": (HEADED, "weights @ v, w", "(weights @ v).mean(1, True).expand_as(v), w", {"wrong-value"}),
    "cut off": (HEADED, "weights @ v, w", "weights @ v.detach(), w", {"detached-graph"}),
    "heads third": (LENGTH_FIRST, "", "", set()),
}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all files."""
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str, problem: str | None = None) -> Report:
    """Judge a text that is in no file."""
    return judge.check(Source("answer.py", str(Path.cwd() / "answer.py"), text), problem)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_numpy_answer_is_judged_by_its_numbers(judge: JudgeClient, name: str) -> None:
    text, old, new, codes = ARRAYS[name]
    assert not old or text.count(old) == 1
    report = judged(judge, text.replace(old, new) if old else text)
    assert report.problem == "mha"
    assert {mistake.code for mistake in report.mistakes} == codes
    assert report.verdict == ("fail" if codes else "pass")
    skipped = {test.group for test in report.tests if test.outcome == "skipped"}
    assert "backward" in skipped
    lines = text.replace(old, new).splitlines() if old else []
    assert all(mistake.line is not None and mistake.line <= len(lines) for mistake in report.mistakes)


@pytest.mark.parametrize("name", FOUR_AXES)
def test_an_axis_for_heads_is_given_where_it_is_asked_for(judge: JudgeClient, name: str) -> None:
    text, old, new, codes = FOUR_AXES[name]
    assert not old or text.count(old) == 1
    report = judged(judge, text.replace(old, new) if old else text)
    assert report.problem == "sdpa"
    assert {mistake.code for mistake in report.mistakes} == codes
    assert report.verdict == ("fail" if codes else "pass")
    assert any("(N, H, L, d)" in note for note in report.notes)


class Holder:
    """Stands for a learner's object."""

    def __init__(self) -> None:
        self.weight = np.random.default_rng(0).standard_normal((4, 4))
        self.bias = np.zeros(4)
        self.table = np.arange(16.0).reshape(4, 4)
        self.parts = [np.ones(3)]


def test_weights_get_new_values_and_tables_keep_theirs() -> None:
    holder = Holder()
    weight = holder.weight.copy()
    found = held(holder, 1)
    assert set(found) == {"weight", "bias", "table", "parts.0"}
    assert not np.array_equal(weight, bare(found["weight"])) and bare(found["bias"]).any()
    assert np.array_equal(holder.table, np.arange(16.0).reshape(4, 4))


def test_a_write_through_a_view_is_seen_in_the_whole() -> None:
    recorder = Recorder(__file__)
    with recorder:
        whole = np.zeros((2, 3)).view(Traced)
        recorder.leaf(whole, "buffer:whole")
        whole[0][1] = np.array(5.0)
        total = whole.sum()
    assert float(total) == 5.0 and np.array([1.0]).__class__ is np.ndarray
    added = next(call for call in recorder.calls if call["name"] == "torch.sum")
    value = recorder.values[added["in"][0]]
    assert value is not None and value[0, 1] == 5.0
