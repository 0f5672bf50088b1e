"""Ways of calling, masking and writing attention that the judge once read wrong, and the notes of right files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source
from mha_drill.records import Report

BASE = '''
import math
import torch
from torch import nn

class MultiHeadAttention(nn.Module):
    """q (B, L, D), k and v (B, S, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads):
        super().__init__()
        assert d_model % num_heads == 0
        self.h, self.d = num_heads, d_model // num_heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, q, k, v, mask=None):
        B, L, D = q.shape
        cut = lambda t: t.reshape(B, -1, self.h, self.d).transpose(1, 2)
        q, k, v = cut(self.wq(q)), cut(self.wk(k)), cut(self.wv(v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        return self.wo((weights @ v).transpose(1, 2).reshape(B, L, D))
'''
MASKING = '            scores = scores.masked_fill(mask == 0, float("-inf"))\n'
SCALING = " / math.sqrt(self.d)"
SIGNATURE = "def __init__(self, d_model, num_heads):"
FORWARD = "def forward(self, q, k, v, mask=None):"

# What is put in place of what; the codes that must be said, none for a right file.
EDITS: dict[str, tuple[list[tuple[str, str]], set[str]]] = {
    "as it is": ([], set()),
    # -- masks: what runs and is right in no convention is wrong; what cannot be judged is not
    "a misspelt name under the mask": ([(MASKING, MASKING.replace("mask == 0", "maks == 0"))], {"crash"}),
    "an axis that no mask has": (
        [(MASKING, MASKING.replace("mask == 0", "mask.unsqueeze(7) == 0"))],
        {"crash"},
    ),
    "another item's mask": ([(MASKING, MASKING.replace("mask == 0", "mask.flip(0) == 0"))], {"batch-mixing"}),
    "a result thrown away": ([(MASKING, MASKING.replace("scores = ", ""))], {"mask-missing"}),
    "a weak fill": ([(MASKING, MASKING.replace('float("-inf")', "-3.5"))], {"mask-fill-value"}),
    "a weak sum": ([(MASKING, "            scores = scores - 4.0 * (mask == 0)\n")], {"mask-fill-value"}),
    "a mask behind a switch": (
        [(MASKING, "            if self.d > 1000:\n    " + MASKING)],
        set(),
    ),
    "a mask of an unknown name": (
        [
            (FORWARD, FORWARD.replace("mask", "hide")),
            ("if mask is", "if hide is"),
            ("mask == 0", "hide == 0"),
        ],
        set(),
    ),
    "a weak fill under an unknown name": (
        [
            (FORWARD, FORWARD.replace("mask", "hide")),
            ("if mask is", "if hide is"),
            ('mask == 0, float("-inf")', "hide == 0, -2.0"),
        ],
        {"mask-fill-value"},
    ),
    # -- any number is measured
    "half of the root": ([(SCALING, " / (self.d ** 1 / 2)")], {"wrong-scale"}),
    "a number of one's own": ([(SCALING, " * 0.3217")], {"wrong-scale"}),
    "a number of one's own, heads torn": (
        [
            (SCALING, " * 0.3217"),
            ("reshape(B, -1, self.h, self.d).transpose(1, 2)", "reshape(B, self.h, -1, self.d)"),
        ],
        {"wrong-scale", "split-without-transpose"},
    ),
    # -- every token counts
    "one key left out": (
        [("cut(self.wk(k)), cut(self.wv(v))", "cut(self.wk(k)[:, 1:]), cut(self.wv(v)[:, 1:])")],
        {"wrong-value"},
    ),
    "four keys at most": (
        [("cut(self.wk(k)), cut(self.wv(v))", "cut(self.wk(k)[:, :4]), cut(self.wv(v)[:, :4])")],
        {"hard-coded-shape"},
    ),
    "six positions written down": ([("reshape(B, L, D))", "reshape(B, 6, D))")], {"hard-coded-shape"}),
    # -- mistakes beside each other
    "a residual, and one length for both": (
        [
            ("t.reshape(B, -1, self.h, self.d)", "t.reshape(B, L, self.h, self.d)"),
            ("        q, k, v = cut", "        x = q\n        q, k, v = cut"),
            (".reshape(B, L, D))", ".reshape(B, L, D)) + x"),
        ],
        {"cross-length", "extra-residual"},
    ),
    "the mask lost, the axis wrong": (
        [(MASKING, "            pass\n"), ("dim=-1", "dim=1")],
        {"mask-missing", "softmax-axis"},
    ),
    "a layer norm by hand": (
        [
            (
                "        q, k, v = cut",
                "        q = (q - q.mean(-1, keepdim=True)) / (q.std(-1, keepdim=True) + 1e-6)\n        q, k, v = cut",
            )
        ],
        {"extra-normalization"},
    ),
    "the same gradient four times": (
        [("        return self.wo(", "        v = v + (3 * v - (3 * v).detach())\n        return self.wo(")],
        {"wrong-gradient"},
    ),
    # -- constructors
    "keywords": (
        [
            (SIGNATURE, "def __init__(self, **cfg):"),
            (
                "        assert",
                '        d_model, num_heads = cfg["d_model"], cfg["num_heads"]\n        assert',
            ),
        ],
        set(),
    ),
    "a bag of any name": (
        [
            (SIGNATURE, "def __init__(self, what):"),
            ("        assert", "        d_model, num_heads = what.d_model, what.n_heads\n        assert"),
        ],
        set(),
    ),
    "a flag of the configuration": (
        [
            (SIGNATURE, "def __init__(self, config):"),
            (
                "        assert",
                (
                    "        d_model, num_heads = config.dim, config.heads\n"
                    "        self.rope = config.rope\n        assert"
                ),
            ),
        ],
        set(),
    ),
    "a scale from outside, to divide by": (
        [
            (SIGNATURE, "def __init__(self, config):"),
            (
                "        assert",
                (
                    "        d_model, num_heads = config.dim, config.heads\n"
                    "        self.scale = config.scale\n        assert"
                ),
            ),
            (SCALING, " / self.scale"),
        ],
        set(),
    ),
    "dropout in pinyin": (
        [
            (SIGNATURE, "def __init__(self, d_model, num_heads, diuqi=0.0):"),
            ("        assert", "        self.diuqi = nn.Dropout(diuqi)\n        assert"),
            ("weights @ v", "self.diuqi(weights) @ v"),
        ],
        set(),
    ),
    "optional sizes left alone": (
        [
            (SIGNATURE, "def __init__(self, d_model, num_heads, mask=None, n_kv_heads=None, head_dim=None):"),
            (
                "        assert",
                "        assert mask is None and n_kv_heads is None and head_dim is None\n        assert",
            ),
        ],
        set(),
    ),
    # -- weights that hide
    "weights in a bound method": (
        [
            ("self.wv, self.wo = ", "_, self.wo = "),
            (
                "        self.h,",
                "        self.wv = [nn.Linear(d_model, d_model)][0].forward\n        self.h,",
            ),
        ],
        {"unregistered-parameters"},
    ),
}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all files."""
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str, problem: str | None = "mha") -> Report:
    """Judge a text that is in no file."""
    return judge.check(Source("answer.py", str(Path.cwd() / "answer.py"), text), problem)


def edited(edits: list[tuple[str, str]]) -> str:
    """Return the base file with each edit made in the one place it fits."""
    text = BASE
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", EDITS)
def test_a_file_hears_what_is_true_of_it(judge: JudgeClient, name: str) -> None:
    edits, codes = EDITS[name]
    report = judged(judge, edited(edits))
    assert {mistake.code for mistake in report.mistakes} == codes
    assert report.verdict == ("fail" if codes else "pass")


COLUMNS = """
import torch
from torch import nn

class ColumnMHA(nn.Module):
    def __init__(self, D, H):
        super().__init__()
        self.D, self.H, self.d = D, H, D // H
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Parameter(torch.randn(D, D)) for _ in range(4))
    def forward(self, q, k, v):
        cut = lambda W, x: (W @ x.mT).view(-1, self.H, self.d, x.size(1))
        Q, K, V = cut(self.W_q, q), cut(self.W_k, k), cut(self.W_v, v)
        A = torch.softmax(K.mT @ Q / self.d**0.5, dim=2)
        return (self.W_o @ (V @ A).reshape(-1, self.D, q.size(1))).mT
"""
ONE_BY_ONE = """
import torch
from torch import nn

class SelfAttention(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.wq, self.wk, self.wv = (nn.Parameter(torch.randn(d_model, d_model)) for _ in range(3))
    def forward(self, x):
        out = []
        for item in x:
            q, k, v = torch.mm(item, self.wq), torch.mm(item, self.wk), torch.mm(item, self.wv)
            out.append(torch.mm((torch.mm(q, k.t()) / q.size(1) ** 0.5).softmax(1), v))
        return torch.stack(out)
"""
BLOCKS = """
import torch
from torch import nn

class BlockwiseAttention(nn.Module):
    def __init__(self, hidden_dim, num_heads, block_size=2):
        super().__init__()
        self.h, self.block = num_heads, block_size
        self.qkv = nn.Linear(hidden_dim, 3 * hidden_dim)
        self.out = nn.Linear(hidden_dim, hidden_dim)
    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.h, -1).permute(2, 0, 3, 1, 4)
        q = q * q.shape[-1] ** -0.5
        out, top = torch.zeros_like(q), q.new_full((B, self.h, T, 1), -1e30)
        total = torch.zeros_like(top)
        for start in range(0, T, self.block):
            s = q @ k[:, :, start:start + self.block].transpose(-2, -1)
            new = torch.maximum(top, s.amax(-1, keepdim=True))
            p, shrink = torch.exp(s - new), torch.exp(top - new)
            total = total * shrink + p.sum(-1, keepdim=True)
            out = out * shrink + p @ v[:, :, start:start + self.block]
            top = new
        return self.out((out / total).transpose(1, 2).reshape(B, T, C))
"""
PLAIN = """
import torch
def scaled_dot_product_attention(query, key, value, n_heads=None):
    # n_heads: (B, H, L, d) would do as well
    return torch.softmax(query @ key.transpose(-2, -1) / query.size(-1) ** 0.5, -1) @ value, None
"""


# Plain Python over tensors: the trace shows no product of two matrices.
LOOPED = """
import math
import torch

class Attend:
    @staticmethod
    def forward(Q, K, V):
        rows = [[one(q, k, v) for q in qs] for qs, k, v in zip(Q, K, V)]
        return torch.stack([torch.stack(row) for row in rows])

def one(query, keys, values):
    scores = torch.stack([torch.dot(query, key) for key in keys])
    scores = scores / math.sqrt(len(query))
    weights = torch.softmax(scores, dim=0)
    return sum(weight * value for weight, value in zip(weights, values))
"""
# Three heads at a time, under a mask.
PARTS = BASE.replace(
    """        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        return self.wo((weights @ v)""",
    """        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        out = torch.zeros_like(q)
        if mask is not None:
            mask = mask.repeat_interleave(self.h, dim=0)
        for at in range(0, len(q), 3):
            part = slice(at, at + 3)
            scores = q[part] @ k[part].mT / math.sqrt(self.d)
            if mask is not None:
                scores = scores.masked_fill(mask[part] == 0, FILL)
            out[part] = torch.softmax(scores, dim=-1) @ v[part]
        return self.wo(out.view(B, self.h, L, self.d)""",
)
# A mask to be added, or a bool one.
EITHER = BASE.replace(
    MASKING,
    """            if mask.dtype == torch.bool:
                mask = torch.zeros_like(mask, dtype=q.dtype).masked_fill(mask, FILL)
            scores = scores + mask
""",
)
IN_PLACE = """
import torch

def attention(q, k, v, may_look=None):
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if may_look is not None:
        scores += may_look.to(scores.dtype).log()
    return torch.softmax(scores, dim=-1) @ v
"""
# One key and one value for all heads.
ONE_FOR_ALL = """
import torch
from torch import nn

class MultiQueryAttention(nn.Module):
    def __init__(self, dim, n_heads):
        super().__init__()
        self.h, self.d = n_heads, dim // n_heads
        self.q, self.kv, self.o = nn.Linear(dim, dim), nn.Linear(dim, 2 * self.d), nn.Linear(dim, dim)

    def forward(self, x):
        b, t, c = x.shape
        q = self.q(x).view(b, t, self.h, self.d).transpose(1, 2)
        k, v = self.kv(x).unsqueeze(1).chunk(2, dim=-1)
        a = torch.softmax(q @ k.transpose(-1, -2) * self.d ** -0.5, dim=-1)
        return self.o((a @ v).transpose(1, 2).reshape(b, t, c))
"""
CAST = """
import torch

class SelfAttention:
    def __init__(self, dim):
        self.wq, self.wk, self.wv = (torch.randn(dim, dim) / dim**0.5 for _ in range(3))

    def __call__(self, x):
        q, k, v = x @ self.wq.to(x), x @ self.wk.type_as(x), x @ self.wv.to(x)
        return torch.softmax(q @ k.mT / q.size(-1) ** 0.5, dim=-1) @ v
"""
DEFAULTS = (
    BASE.replace(SIGNATURE, "def __init__(self, settings):")
    .replace(
        "super().__init__()",
        'super().__init__()\n        d_model, num_heads = settings["d_model"], settings["num_heads"]\n'
        '        self.drop = nn.Dropout(settings["dropout"])',
    )
    .replace("weights = torch", "weights = self.drop(torch")
    .replace("dim=-1)\n        return", "dim=-1))\n        return")
)
CAUSAL = """
import torch
from torch import nn

class CausalSelfAttention(nn.Module):
    def __init__(self, d_model, num_heads, max_length):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.qkv, self.o = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.register_buffer("seen", torch.tril(torch.ones(max_length, max_length)))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, self.h, self.d).transpose(1, 2) for y in self.qkv(x).chunk(3, dim=-1))
        scores = q @ k.transpose(-1, -2) / self.d**0.5
        scores = scores.masked_fill(self.seen[:t, :t] == 0, -1e4)
        return self.o((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c))
"""
TRIANGLE = CAUSAL.replace(
    'self.register_buffer("seen", torch.tril(torch.ones(max_length, max_length)))',
    "self.seen = nn.Parameter(torch.tril(torch.ones(max_length, max_length)), requires_grad=False)",
)
SETTINGS = (
    BASE.replace(SIGNATURE, "def __init__(self, config):")
    .replace(
        "super().__init__()",
        "super().__init__()\n        d_model, num_heads = config.d_model, config.num_heads\n"
        "        self.drop, self.layers = nn.Dropout(config.dropout), config.layers",
    )
    .replace("weights = torch", "weights = self.drop(torch")
    .replace("dim=-1)\n        return", "dim=-1))\n        return")
    + """
from dataclasses import dataclass

@dataclass
class Config:
    d_model: int = 64
    num_heads: int = 8
    layers: int = 2
    dropout: float = 0.0
"""
)
DROPPED = (
    BASE.replace(SIGNATURE, "def __init__(self, d_model, num_heads, dropout=0.1):")
    .replace("super().__init__()", "super().__init__()\n        self.drop = nn.Dropout(dropout)")
    .replace("weights = torch.softmax(scores, dim=-1)", "weights = self.drop(torch.softmax(scores, dim=-1))")
)
# Four maps in one parameter.
STACKED = """
import torch
from torch import nn

class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h = num_heads
        self.w = nn.Parameter(torch.randn(4, d_model, d_model) / d_model**0.5)

    def forward(self, q, k, v):
        wq, wk, wv, wo = self.w
        q, k, v = (t.view(*t.shape[:2], self.h, -1).transpose(1, 2) for t in (q @ wq, k @ wk, v @ wv))
        a = torch.softmax(q @ k.mT / q.size(-1) ** 0.5, dim=-1)
        return (a @ v).transpose(1, 2).flatten(2) @ wo
"""
SCALED_EARLY = (
    BASE.replace(SCALING, "")
    .replace("nn.Linear(d_model, d_model)", "nn.Linear(d_model, d_model, bias=False)")
    .replace("cut(self.wq(q))", "cut(self.wq(q * self.d**-0.5))")
)
GROUPED = """
import torch
from torch import nn

class GQA(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.g, self.d = num_heads, num_heads // 2, d_model // num_heads
        self.wq, self.wo = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.wk, self.wv = nn.Linear(d_model, self.g * self.d), nn.Linear(d_model, self.g * self.d)

    def forward(self, x):
        b, t, c = x.shape
        q = self.wq(x).view(b, t, self.g, 2, self.d)
        k, v = self.wk(x).view(b, t, self.g, self.d), self.wv(x).view(b, t, self.g, self.d)
        a = torch.softmax(torch.einsum("btgrd,bsgd->bgrts", q, k) * self.d**-0.5, dim=-1)
        return self.wo(torch.einsum("bgrts,bsgd->btgrd", a, v).reshape(b, t, c))
"""
LAMBDA = """
import torch
attention = lambda Q, K, V: torch.softmax(Q @ K.mT / K.size(-1) ** 0.5, dim=-1) @ V
"""
LOOSE_BIAS = BASE.replace(
    "for _ in range(4))", "for _ in range(4))\n        self.b = torch.full((1, d_model), 0.2)"
).replace("return self.wo(", "return self.b + self.wo(")


@pytest.mark.parametrize(
    ("text", "problem", "codes"),
    [
        (LOOPED, "sdpa", set()),
        (LOOPED.replace("math.sqrt(len(query))", "len(query)"), "sdpa", {"wrong-scale"}),
        (LOOPED.replace("math.sqrt(len(query))", "3.3"), "sdpa", {"wrong-scale"}),
        (LOOPED.replace("return torch.stack([", "return Q + torch.stack(["), "sdpa", {"extra-residual"}),
        (
            LOOPED.replace(
                "for q in qs] for qs, k, v in zip(Q, K, V)",
                "for q in qs] for qs, k, v in zip(Q, K[:1].expand_as(K), V)",
            ),
            "sdpa",
            {"batch-mixing"},
        ),
        (PARTS.replace("FILL", "float('-inf')"), "mha", set()),
        (PARTS.replace("FILL", "-1e9"), "mha", set()),
        (PARTS.replace("FILL", "-7.7"), "mha", {"mask-fill-value"}),
        (PARTS.replace("FILL", "-60.0"), "mha", {"mask-fill-value"}),
        (EITHER.replace("FILL", "-1e9"), "mha", set()),
        (EITHER.replace("FILL", "-10.0"), "mha", {"mask-fill-value"}),
        (IN_PLACE, "sdpa", set()),
        (IN_PLACE.replace(".log()", ""), "sdpa", {"mask-fill-value"}),
        (CAUSAL, "causal-mha", set()),
        (DROPPED, "mha", set()),
        (DROPPED.replace("nn.Dropout(dropout)", "nn.Dropout(0.1)"), "mha", {"dropout-missing"}),
        (
            DROPPED.replace(
                "self.drop(torch.softmax(scores, dim=-1))", "torch.softmax(self.drop(scores), dim=-1)"
            ),
            "mha",
            {"dropout-missing"},
        ),
        (
            DROPPED.replace("def __init__", "def _init_").replace("super()._init_", "super().__init__"),
            "mha",
            {"constructor-error"},
        ),
        (STACKED, "mha", set()),
        (STACKED.replace("@ wo", "@ wq"), "mha", {"shared-projection"}),
        (SCALED_EARLY, "mha", set()),
        (SCALED_EARLY.replace("self.d**-0.5", "self.d**-1.0"), "mha", {"wrong-scale"}),
        (BASE.replace("return self.wo(", "return weights, self.wo("), "mha", {"wrong-output-shape"}),
        (TRIANGLE, "causal-mha", set()),
        (TRIANGLE.replace("== 0", "== 1"), "causal-mha", {"mask-inverted"}),
        (SETTINGS, "mha", set()),
        (SETTINGS.replace("    dropout: float = 0.0", "    drop: float = 0.0"), "mha", {"constructor-error"}),
        (CAUSAL.replace("-1e4", "-100.0"), "causal-mha", {"mask-fill-value"}),
        (CAUSAL.replace("[:t, :t]", ""), "causal-mha", {"hard-coded-shape"}),
        (CAUSAL.replace("@ v)", "@ q)"), "causal-mha", {"weigh-wrong-tensor"}),
        (GROUPED, "mha", set()),
        (GROUPED.replace("self.d**-0.5", "self.d**-1"), "mha", {"wrong-scale"}),
        (LAMBDA, "sdpa", set()),
        (LAMBDA.replace(" / K.size(-1) ** 0.5", ""), "sdpa", {"missing-scale"}),
        (ONE_FOR_ALL, "mha", set()),
        (ONE_FOR_ALL.replace("MultiQuery", "MultiHead"), "mha", {"shared-across-heads"}),
        (CAST, "single-head", set()),
        (CAST.replace("self.wk.type_as", "self.wq.type_as"), "single-head", {"shared-projection"}),
        (DEFAULTS, "mha", set()),
        (DEFAULTS + 'S = {"d_model": 64, "num_heads": 8, "dropout": 0.1, "layers": 2}\n', "mha", set()),
        (
            DEFAULTS + 'S = {"d_model": 64, "num_heads": 8, "drop": 0.1, "dropouts": 2}\nS["dropout"] = 0\n',
            "mha",
            set(),
        ),
        (
            DEFAULTS
            + 'S = {"d_model": 64, "num_heads": 8, "dropout": 0}\nT = {"d_model": 64, "num_heads": 8}\n',
            "mha",
            set(),
        ),
        (LOOSE_BIAS, "mha", {"unregistered-parameters"}),
        (LOOSE_BIAS.replace("0.2", "0.0"), "mha", set()),
        (COLUMNS, "mha", set()),
        (COLUMNS.replace(" / self.d**0.5", ""), "mha", {"missing-scale"}),
        (COLUMNS.replace("dim=2", "dim=3"), "mha", {"softmax-axis"}),
        (ONE_BY_ONE, "single-head", set()),
        (ONE_BY_ONE.replace(" / q.size(1) ** 0.5", ""), "single-head", {"missing-scale"}),
        (BLOCKS, "mha", set()),
        (BLOCKS.replace("out = out * shrink +", "out = out +"), "mha", {"wrong-value"}),
    ],
)
def test_a_style_is_read_as_it_is_meant(judge: JudgeClient, text: str, problem: str, codes: set[str]) -> None:
    assert {mistake.code for mistake in judged(judge, text, problem).mistakes} == codes


def test_a_file_without_weights_is_plain_attention(judge: JudgeClient) -> None:
    report = judged(judge, PLAIN, None)
    assert report.problem == "sdpa"
    assert "missing-projection" not in {mistake.code for mistake in report.mistakes}


def test_a_causal_file_that_says_so_nowhere_is_tried_as_one(judge: JudgeClient) -> None:
    at = "        weights = torch.softmax"
    text = BASE.replace(
        at,
        "        rows = torch.arange(L)\n        scores = scores.masked_fill(rows[None] > rows[:, None], -1e30)\n"
        + at,
    )
    text = (
        text.replace("q, k, v, mask=None", "q, mask=None")
        .replace("self.wk(k)", "self.wk(q)")
        .replace("self.wv(v)", "self.wv(q)")
    )
    report = judged(
        judge,
        text.replace("q, k, v = cut(self.wq(q))", "x = q\n        q, k, v = cut(self.wq(x))").replace(
            "(q))", "(x))"
        ),
        None,
    )
    assert (report.problem, report.verdict) == ("causal-mha", "pass")


NOTED = (
    BASE.replace("mask=None", "")
    .replace("q, k, v, )", "q, k, v)")
    .replace(
        "        if mask is not None:\n" + MASKING, "        scores = scores + torch.zeros(L, k.shape[2])\n"
    )
)


def test_a_tensor_made_without_a_device_is_noted(judge: JudgeClient) -> None:
    report = judged(judge, NOTED)
    line = next(at for at, text in enumerate(NOTED.splitlines(), 1) if "torch.zeros" in text)
    assert report.verdict == "pass"
    assert any("GPU" in note and f"line {line}" in note for note in report.notes)


@pytest.mark.parametrize("told", ["device=q.device", "device='cpu'"])
def test_a_tensor_made_where_it_is_told_is_not(judge: JudgeClient, told: str) -> None:
    report = judged(judge, NOTED.replace("k.shape[2])", f"k.shape[2], {told})"))
    assert not any("GPU" in note for note in report.notes)


def test_a_constant_too_large_for_half_precision_is_noted(judge: JudgeClient) -> None:
    report = judged(judge, BASE.replace('float("-inf")', "-1e9"))
    line = next(at for at, text in enumerate(BASE.splitlines(), 1) if "masked_fill" in text)
    assert report.verdict == "pass"
    assert any("half" in note and f"line {line}" in note for note in report.notes)
    assert not any("half" in note for note in judged(judge, BASE).notes)


def test_an_attribute_nobody_reads_is_noted(judge: JudgeClient) -> None:
    report = judged(judge, BASE.replace("        self.h,", "        self.idle = d_model\n        self.h,"))
    assert any("self.idle" in note for note in report.notes)
    assert not any("self.h" in note for note in report.notes)


TURNED = """
import torch
from torch import nn

class SelfAttention(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.wq, self.wk, self.wv = (nn.Linear(d_model, d_model) for _ in range(3))
    def forward(self, x):
        q, k, v = self.wq(x), self.wk(x), self.wv(x)
        return (torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, -1) @ v).mT
"""


def test_an_output_as_wide_as_the_input_is_long_is_named(judge: JudgeClient) -> None:
    report = judged(judge, TURNED, "single-head")
    assert {mistake.code for mistake in report.mistakes} == {"wrong-output-shape"}
