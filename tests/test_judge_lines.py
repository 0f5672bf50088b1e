"""The line that a mistake is said at is the one to edit, where the trace shows it on another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source
from mha_drill.records import Report

# `<-` marks the lines to edit; each file is right but for them.
MHA = '''
import math
import torch
from torch import nn

class MultiHeadAttention(nn.Module):
    """q (B, L, D), k and v (B, S, D) -> (B, L, D)"""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        assert d_model % num_heads == 0
        self.h, self.d = num_heads, d_model // num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.o_proj = nn.Linear(d_model, d_model)
        self.scale = self.d**-0.5
        self.drop = nn.Dropout(dropout)

    def heads(self, x):
        return x.reshape(x.shape[0], -1, self.h, self.d).transpose(1, 2)

    def attend(self, q, k, v, mask=None):
        scores = torch.matmul(q, k.transpose(-2, -1))
        scores = scores * self.scale
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = self.drop(torch.softmax(scores, dim=-1))
        return torch.matmul(weights, v)

    def forward(self, query, key, value, mask=None):
        B, L, D = query.shape
        q = self.heads(self.q_proj(query))
        k = self.heads(self.k_proj(key))
        v = self.heads(self.v_proj(value))
        y = self.attend(q, k, v, mask)
        y = y.transpose(1, 2).reshape(B, L, D)
        y = self.o_proj(y)
        return y
'''
SOFTMAX = "        weights = self.drop(torch.softmax(scores, dim=-1))\n"
FILL = "            scores = scores.masked_fill(mask == 0, -1e9)\n"

QUERY = "        q = self.heads(self.q_proj(query))\n"
FORWARD = "    def forward("
SOFTEN = "    def soften(self, x):\n        e = {}\n        return e / {}\n\n"
SOFTEN_OVER = SOFTEN.replace("x)", "x, dim)")
CUT = """    def cut(self, x, length):
        return x.view(x.shape[0], length, self.h, self.d).transpose(1, 2)

"""
ATTEND = "        y = self.attend(q, k, v, mask)\n"

LATE = "        if mask is not None:\n            weights = {}  # <- mask-after-softmax\n"
SDPA = """
import math
import torch

def scaled_dot_product_attention(q, k, v):
    w = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)), dim=-1)
    return w @ v, w
"""

# What is put in place of what, and the code that is to be said at the marked line.
EDITS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "a map left out in a helper's argument": (
        "missing-projection",
        [("self.heads(self.k_proj(key))", "self.heads(key)  # <-")],
    ),
    "a map left out under another name": (
        "missing-projection",
        [("k = self.heads(self.k_proj(key))", "projected = key  # <-\n        k = self.heads(projected)")],
    ),
    "scores that only get another name": (
        "missing-softmax",
        [(SOFTMAX, "        weights = scores  # <-\n        weights = self.drop(weights)\n")],
    ),
    "scores that only go through dropout": (
        "missing-softmax",
        [(SOFTMAX, "        weights = self.drop(scores)  # <-\n")],
    ),
    "sides exchanged on the way to a helper": (
        "swapped-inputs",
        [("self.attend(q, k, v, mask)", "self.attend(q, v, k, mask)  # <-")],
    ),
    "sides exchanged by name": (
        "swapped-inputs",
        [
            (
                "        B, L, D = query.shape\n",
                "        B, L, D = query.shape\n        key, value = value, key  # <-\n",
            )
        ],
    ),
    "the key handed to a helper as the value": (
        "weigh-wrong-tensor",
        [("self.attend(q, k, v, mask)", "self.attend(q, k, k, mask)  # <-")],
    ),
    "a map that is another's": (
        "shared-projection",
        [("self.v_proj = nn.Linear(d_model, d_model)", "self.v_proj = self.k_proj  # <-")],
    ),
    "the key through the value's map": (
        "shared-projection",
        [("self.k_proj(key)", "self.v_proj(key)  # <-\n        ")],
    ),
    "a factor made in the constructor": (
        "wrong-scale",
        [("self.scale = self.d**-0.5", "self.scale = d_model**-0.5  # <-")],
    ),
    "a factor that should be its own inverse": (
        "wrong-scale",
        [("self.scale = self.d**-0.5", "self.scale = self.d**0.5  # <-")],
    ),
    "a factor used the wrong way": (
        "wrong-scale",
        [("scores = scores * self.scale", "scores = scores / self.scale  # <-")],
    ),
    "a fill with a name": (
        "mask-fill-value",
        [(FILL, "            low = -5.0  # <-\n            scores = scores.masked_fill(mask == 0, low)\n")],
    ),
    "a mask multiplied in": (
        "mask-fill-value",
        [(FILL, "            scores = scores * mask  # <-\n")],
    ),
    "a weak sum": (
        "mask-fill-value",
        [(FILL, "            scores = scores - 4.0 * (mask == 0)  # <-\n")],
    ),
    "a mask that is not handed on": (
        "mask-missing",
        [("self.attend(q, k, v, mask)", "self.attend(q, k, v)  # <-")],
    ),
    "a mask of other items": (
        "batch-mixing",
        [(FILL, "            mask = mask.flip(0)  # <-\n" + FILL)],
    ),
    "items averaged away": (
        "batch-mixing",
        [(SOFTMAX, SOFTMAX + "        weights = weights.mean(0, keepdim=True)  # <-\n")],
    ),
    "exponentials in a helper": (
        "unstable-softmax",
        [
            (SOFTMAX, "        weights = self.drop(self.soften(scores))\n"),
            (FORWARD, SOFTEN.format("torch.exp(x)  # <-", "e.sum(-1, keepdim=True)") + FORWARD),
        ],
    ),
    "an axis in a helper": (
        "softmax-axis",
        [
            (SOFTMAX, "        weights = self.drop(self.soften(scores))\n"),
            (FORWARD, SOFTEN.format("torch.exp(x - x.amax())", "e.sum(2, keepdim=True)  # <-") + FORWARD),
        ],
    ),
    "an axis handed to a helper": (
        "softmax-axis",
        [
            (SOFTMAX, "        weights = self.drop(self.soften(scores, 2))  # <-\n"),
            (
                FORWARD,
                SOFTEN.replace("x)", "x, dim)").format("torch.exp(x - x.amax())", "e.sum(dim, keepdim=True)")
                + FORWARD,
            ),
        ],
    ),
    "a projection left out beside a lambda": (
        "missing-projection",
        [
            (QUERY, "        cut = lambda t: t.reshape(B, -1, self.h, self.d).transpose(1, 2)\n" + QUERY),
            ("self.heads(self.v_proj(value))", "cut(value)  # <-"),
        ],
    ),
    "an axis of a layer": (
        "softmax-axis",
        [
            ("        self.scale =", "        self.soften = nn.Softmax(dim=2)  # <-\n        self.scale ="),
            ("torch.softmax(scores, dim=-1)", "self.soften(scores)"),
        ],
    ),
    "no output projection": (
        "missing-output-projection",
        [("        y = self.o_proj(y)\n        return y\n", "        return y  # <-\n")],
    ),
    "a length named and wrong": (
        "cross-length",
        [
            (QUERY, "        S = query.shape[1]  # <-\n" + QUERY),
            ("self.heads(self.k_proj(key))", "self.k_proj(key).view(B, S, self.h, self.d).transpose(1, 2)"),
        ],
    ),
    "a length handed to a helper": (
        "cross-length",
        [
            ("self.heads(self.k_proj(key))", "self.cut(self.k_proj(key), L)  # <-"),
            (FORWARD, CUT + FORWARD),
        ],
    ),
    "a key that is cut and not moved": (
        "split-without-transpose",
        [("self.heads(self.k_proj(key))", "self.k_proj(key).view(B, -1, self.h, self.d)  # <-")],
    ),
    "a key that is reshaped into what fits": (
        "key-not-transposed",
        [
            (
                "        scores = torch.matmul(q, k.transpose(-2, -1))",
                "        turned = k.reshape(*k.shape[:2], self.d, -1)  # <-\n        scores = torch.matmul(q, turned)",
            )
        ],
    ),
    "a key that is moved and not transposed": (
        "key-not-transposed",
        [("torch.matmul(q, k.transpose(-2, -1))", "torch.matmul(q, k.transpose(1, 2))  # <-")],
    ),
    "dropout whose result nobody takes": (
        "dropout-missing",
        [(SOFTMAX, "        weights = torch.softmax(scores, dim=-1)\n        self.drop(weights)  # <-\n")],
    ),
    "dropout that nobody calls": (
        "dropout-missing",
        [(SOFTMAX, "        weights = torch.softmax(scores, dim=-1)  # <-\n")],
    ),
    "no number": (
        "nan-output",
        [
            (
                "scores = scores * self.scale",
                "scores = scores * self.scale + 0 * torch.tensor(float('inf'))  # <-",
            )
        ],
    ),
    "a layer made anew": (
        "nondeterministic",
        [("        y = self.o_proj(y)\n", "        y = nn.Linear(D, D)(y)  # <-\n")],
    ),
    "under no_grad": (
        "detached-graph",
        [(ATTEND, "        with torch.no_grad():  # <-\n    " + ATTEND)],
    ),
    "nothing returned": (
        "wrong-output-type",
        [("        y = self.o_proj(y)\n        return y\n", "        y = self.o_proj(y)  # <-\n")],
    ),
}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str) -> Report:
    return judge.check(Source("answer.py", str(Path.cwd() / "answer.py"), text), "mha")


def test_the_file_is_right_before_it_is_edited(judge: JudgeClient) -> None:
    assert judged(judge, MHA).verdict == "pass"


@pytest.mark.parametrize("name", EDITS)
def test_the_line_said_is_the_line_to_edit(judge: JudgeClient, name: str) -> None:
    code, edits = EDITS[name]
    text = MHA
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    wanted = {number for number, line in enumerate(text.splitlines(), 1) if "# <-" in line}
    report = judged(judge, text)
    said = {(item.code, item.line) for item in report.mistakes}
    assert said == {(code, line) for line in wanted}, report.mistakes


# Files whose mistakes stand in each other's light, or are said with other words; `<- code` marks each line.
NAMED: dict[str, list[tuple[str, str]]] = {
    "a mask on the weights beside a wrong axis": [
        ("torch.softmax(scores, dim=-1))", "torch.softmax(scores, dim=1))  # <- softmax-axis"),
        (FILL, "            pass\n"),
        (
            "        return torch.matmul(weights, v)",
            LATE.format("weights * mask") + "        return weights @ v",
        ),
    ],
    "weights filled with what is no weight": [
        (FILL, "            pass\n"),
        (
            "        return torch.matmul(weights, v)",
            LATE.format('weights.masked_fill(mask == 0, float("-inf"))') + "        return weights @ v",
        ),
    ],
    "three mistakes": [
        ("self.scale = self.d**-0.5", "self.scale = 0.3"),
        ("scores = scores * self.scale", "scores = scores * self.scale  # <- wrong-value"),
        (SOFTMAX, SOFTMAX.replace("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=1) * 0.7")),
        ("torch.matmul(weights, v)", "torch.matmul(weights.sqrt(), v)"),
    ],
}


@pytest.mark.parametrize("name", NAMED)
def test_mistakes_in_each_others_light_are_named(judge: JudgeClient, name: str) -> None:
    text = MHA
    for old, new in NAMED[name]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    lines = enumerate(text.splitlines(), 1)
    wanted = {(line.partition("# <- ")[2], number) for number, line in lines if "# <- " in line}
    report = judged(judge, text)
    assert {(item.code, item.line) for item in report.mistakes} == wanted, report.mistakes


@pytest.mark.parametrize(("problem", "wanted"), [("mha", "weights, y"), ("sdpa", "w, w @ v")])
def test_output_and_weights_that_changed_places_are_said_to(
    judge: JudgeClient, problem: str, wanted: str
) -> None:
    text = (
        MHA.replace("return torch.matmul(weights, v)", "return torch.matmul(weights, v), weights")
        .replace("y = self.attend(q, k, v, mask)", "y, weights = self.attend(q, k, v, mask)")
        .replace("        return y\n", "        return weights, y\n")
        if problem == "mha"
        else SDPA.replace("return w @ v, w", "return w, w @ v")
    )
    path = str(Path.cwd() / "answer.py")
    (mistake,) = judge.check(Source("answer.py", path, text), problem, lang="en").mistakes
    assert mistake.code == "wrong-output-shape"
    assert "each other's place" in mistake.title
    assert mistake.yours == f"return {wanted}"
    assert mistake.fix == "Return the output first: `return output, weights`."


def test_a_triangle_on_the_weights_is_no_wrong_value(judge: JudgeClient) -> None:
    text = SDPA.replace(
        "    return", "    w = w.masked_fill(torch.ones_like(w[0]).triu(1).bool(), 0)\n    return"
    )
    path = str(Path.cwd() / "answer.py")
    assert judge.check(Source("answer.py", path, SDPA), "sdpa").verdict == "pass"
    (mistake,) = judge.check(Source("answer.py", path, text), "sdpa", lang="en").mistakes
    assert (mistake.code, mistake.line) == ("unexpected-mask", 7)
    assert "after the softmax" in mistake.title
