"""Styles that strangers write, each right and with a mistake of its own: what passes, and what is said of the twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source
from mha_drill.records import Report

BASE = """
import torch
from torch import nn

class MHA(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.1):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(d_model, d_model) for _ in range(4))
        self.drop = nn.Dropout(dropout)

    def forward(self, q, k, v, mask=None):
        B, L, D = q.shape
        cut = lambda t: t.view(B, -1, self.h, self.d).transpose(1, 2)
        q, k, v = cut(self.wq(q)), cut(self.wk(k)), cut(self.wv(v))
        scores = q @ k.mT / self.d**0.5
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = self.drop(scores.softmax(-1))
        return self.wo((weights @ v).transpose(1, 2).reshape(B, L, D))
"""
MASKING = "scores = scores.masked_fill(mask == 0, -1e9)"
DROPPING = "weights = self.drop(scores.softmax(-1))"
UNDROPPED = "weights = scores.softmax(-1)"

# Edits of the base file; the codes to be said and a piece of the line to be shown, none for a right file.
EDITS: dict[str, tuple[list[tuple[str, str]], set[str], str]] = {
    "as it is": ([], set(), ""),
    # -- a mask belongs to the scores
    "a mask on the query": (
        [(MASKING, "scores = q.masked_fill(mask == 0, -1e9) @ k.mT / self.d**0.5")],
        {"wrong-value"},
        "q.masked_fill",
    ),
    "a mask of keys on the value": (
        [(MASKING, "v = v.masked_fill(mask[:, None, :, None] == 0, 0.0)")],
        {"wrong-value"},
        "v.masked_fill",
    ),
    "a mask of the output's rows": (
        [(MASKING, "pass"), ("D))", "D)) * (1 if mask is None else mask[:, :, None])")],
        set(),
        "",
    ),
    # -- dropout belongs to the weights
    "dropout on the query alone": (
        [(DROPPING, UNDROPPED), ("cut(self.wq(q))", "self.drop(cut(self.wq(q)))")],
        {"dropout-missing"},
        "self.drop(cut",
    ),
    "dropout on the value alone": (
        [(DROPPING, UNDROPPED), ("weights @ v", "weights @ self.drop(v)")],
        {"dropout-missing"},
        "self.drop(v)",
    ),
    "dropout on the scores alone": (
        [(DROPPING, "weights = self.drop(scores).softmax(-1)")],
        {"dropout-missing"},
        "self.drop(scores)",
    ),
    "dropout on the query and the weights": (
        [("cut(self.wq(q))", "self.drop(cut(self.wq(q)))")],
        set(),
        "",
    ),
    "dropout on the input alone": (
        [(DROPPING, UNDROPPED), ("self.wq(q)", "self.wq(self.drop(q))")],
        set(),
        "",
    ),
    "dropout on the output alone": (
        [(DROPPING, UNDROPPED), ("return self.wo(", "return self.drop(self.wo("), ("D))", "D)))")],
        set(),
        "",
    ),
}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all files."""
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str, problem: str) -> Report:
    """Judge a text that is in no file."""
    return judge.check(Source("answer.py", str(Path.cwd() / "answer.py"), text), problem)


def held(report: Report, text: str, codes: set[str], shown: str) -> None:
    """Assert that exactly `codes` are said, at a line with `shown` in it, and that tests failed for them."""
    assert {mistake.code for mistake in report.mistakes} == codes
    assert report.verdict == ("fail" if codes else "pass")
    lines = [text.splitlines()[item.line - 1] for item in report.mistakes if item.line]
    assert not shown or any(shown in line for line in lines)


def edited(text: str, edits: list[tuple[str, str]]) -> str:
    """Return a file with each edit made in the one place it fits."""
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", EDITS)
def test_a_step_does_its_own_work(judge: JudgeClient, name: str) -> None:
    edits, codes, shown = EDITS[name]
    text = edited(BASE, edits)
    held(judged(judge, text, "mha"), text, codes, shown)
