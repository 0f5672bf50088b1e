"""Right and wrong files whose scores no trace shows: `torch.jit.script` and `torch.vmap`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source

SCRIPTED = """
import math, torch
from torch import nn

@torch.jit.script
def core(q, k, v):
    s = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return torch.softmax(s, dim=-1) @ v

class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h = num_heads
        self.wq = nn.Linear(d_model, d_model)
        self.wk = nn.Linear(d_model, d_model)
        self.wv = nn.Linear(d_model, d_model)
        self.wo = nn.Linear(d_model, d_model)
    def forward(self, q, k, v):
        B, L, D = q.shape
        f = lambda t: t.reshape(B, -1, self.h, D // self.h).transpose(1, 2)
        y = core(f(self.wq(q)), f(self.wk(k)), f(self.wv(v)))
        return self.wo(y.transpose(1, 2).reshape(B, L, D))
"""

MAPPED = """
import math, torch
from torch import nn

def one_head(q, k, v):
    s = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    return torch.softmax(s, dim=-1) @ v

class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h = num_heads
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.wo = nn.Linear(d_model, d_model)
    def forward(self, x):
        B, L, D = x.shape
        q, k, v = (t.reshape(B, L, self.h, D // self.h) for t in self.qkv(x).chunk(3, -1))
        y = torch.vmap(one_head, in_dims=2, out_dims=2)(q, k, v)
        return self.wo(y.reshape(B, L, D))
"""


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    with open_judge() as opened:
        yield opened


def verdict(judge: JudgeClient, text: str, folder: Path) -> str:
    path = folder / "my_mha.py"
    path.write_text(text)
    return judge.check(Source("my_mha.py", str(path), text), "mha").verdict


@pytest.mark.parametrize("text", [SCRIPTED, MAPPED], ids=["jit-script", "vmap"])
def test_a_right_file_passes_though_its_scores_are_not_seen(
    judge: JudgeClient, text: str, tmp_path: Path
) -> None:
    assert verdict(judge, text, tmp_path) == "pass"


@pytest.mark.parametrize(
    ("text", "old", "new", "codes"),
    [
        (SCRIPTED, " / math.sqrt(q.size(-1))", "", {"missing-scale"}),
        (SCRIPTED, "math.sqrt(q.size(-1))", "q.size(-1)", {"wrong-scale"}),
        (SCRIPTED, "softmax(s, dim=-1) @ v", "softmax(s, dim=-1) * 2 @ v", {"wrong-value"}),
        (SCRIPTED, "self.wk(k)", "self.wq(k)", {"shared-projection"}),
        (SCRIPTED, "f(self.wk(k))", "f(k)", {"missing-projection"}),
        (SCRIPTED, "f(self.wk(k)), f(self.wv(v))", "f(self.wk(v)), f(self.wv(k))", {"swapped-inputs"}),
        (SCRIPTED, "dim=-1", "dim=-2", {"softmax-axis"}),
        (SCRIPTED, "y.transpose(1, 2).reshape(B, L, D)", "y.reshape(B, L, D)", {"merge-without-transpose"}),
        (
            SCRIPTED,
            "self.wo(y.transpose(1, 2).reshape(B, L, D))",
            "y.transpose(1, 2).reshape(B, L, D)",
            {"missing-output-projection"},
        ),
        (SCRIPTED, "return self.wo(", "return q + self.wo(", {"extra-residual"}),
        (MAPPED, " / math.sqrt(q.size(-1))", "", {"missing-scale"}),
        (MAPPED, "in_dims=2, out_dims=2", "in_dims=1, out_dims=1", None),
    ],
)
def test_a_wrong_one_hears_which_mistake_it_is(
    judge: JudgeClient, text: str, old: str, new: str, codes: set[str] | None, tmp_path: Path
) -> None:
    assert text.count(old) == 1
    path = tmp_path / "my_mha.py"
    path.write_text(text.replace(old, new))
    report = judge.check(Source("my_mha.py", str(path), text.replace(old, new)), "mha")
    assert report.verdict == "fail"
    if codes is not None:
        assert {mistake.code for mistake in report.mistakes} == codes
