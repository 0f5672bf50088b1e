"""The two reshapes of `split-merge`, in styles of their own, judged through one judge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source
from mha_drill.records import Report

SPLIT = "def split_heads(x, n_head):\n    B, T, C = x.shape\n    return x.view(B, T, n_head, C // n_head).transpose(1, 2)\n"  # noqa: E501
MERGE = "def merge_heads(y):\n    B, H, T, d = y.shape\n    return y.transpose(1, 2).contiguous().view(B, T, H * d)\n"


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str) -> Report:
    return judge.check(Source("answer.py", "/nowhere/answer.py", f"import torch\n{text}"), "split-merge")


RIGHT = {
    "permute": SPLIT.replace(".transpose(1, 2)", ".permute(0, 2, 1, 3)") + MERGE,
    "stack": "def split_heads(x, n_head):\n    return torch.stack(x.chunk(n_head, dim=-1), dim=1)\n" + MERGE,
    "cat": SPLIT + "def merge_heads(y):\n    return torch.cat([y[:, h] for h in range(y.size(1))], dim=-1)\n",
    "reshape": SPLIT + "def merge_heads(y):\n    return y.transpose(1, 2).reshape(y.size(0), y.size(2), -1)\n",
    "flatten": SPLIT + "def merge_heads(y):\n    return y.transpose(1, 2).flatten(2)\n",
    "einsum": SPLIT + "def merge_heads(y):\n    return torch.einsum('bhtd->bthd', y).flatten(2)\n",
    "unflatten": "def split_heads(x, n_head):\n    return x.unflatten(-1, (n_head, -1)).movedim(2, 1)\n" + MERGE,
    "other-names": SPLIT.replace("n_head", "h").replace("split_heads", "split") + MERGE.replace("merge_heads", "combine"),  # noqa: E501
    "heads-first": SPLIT.replace("(x, n_head)", "(n_head, x)") + MERGE,
    "merge-told-the-heads": SPLIT + MERGE.replace("(y)", "(y, n_head)"),
    "copied-by-number": SPLIT
    + "def merge_heads(y):\n    B, H, T, d = y.shape\n    out = y.new_zeros(B, T, H * d)\n    for h in range(H):\n"
    "        out[:, :, h * d:(h + 1) * d] = y[:, h]\n    return out\n",
}  # fmt: skip

WRONG = {
    "torn": ("split-without-transpose", SPLIT.replace("(B, T, n_head, C // n_head).transpose(1, 2)", "(B, n_head, T, C // n_head)") + MERGE),  # noqa: E501
    "not-moved": ("split-without-transpose", SPLIT.replace(".transpose(1, 2)", "") + MERGE),
    "merge-torn": ("merge-without-transpose", SPLIT + MERGE.replace(".transpose(1, 2)", "")),
    "strides": ("non-contiguous-view", SPLIT + MERGE.replace(".contiguous()", "")),
    "summed": ("heads-not-concatenated", SPLIT + "def merge_heads(y):\n    return y.sum(dim=1)\n"),
    "cut-off": ("detached-graph", SPLIT.replace("x.view", "x.detach().view") + MERGE),
    "through-numpy": ("detached-graph", SPLIT + "def merge_heads(y):\n    z = torch.from_numpy(y.detach().numpy())\n    return z.transpose(1, 2).flatten(2)\n"),  # noqa: E501
    "fixed-length": ("hard-coded-shape", SPLIT.replace("B, T, C = x.shape", "B, T, C = 2, 5, 24") + MERGE),
    "fixed-batch": ("hard-coded-shape", SPLIT.replace("B, T, C = x.shape", "B, T, C = 2, *x.shape[1:]") + MERGE),
    "only-split": ("class-not-found", SPLIT),
    "none": ("wrong-output-type", SPLIT + "def merge_heads(y):\n    y.transpose(1, 2)\n"),
    "ends": ("process-exit", SPLIT.replace("    B,", "    import os\n    os._exit(0)\n    B,", 1) + MERGE),
    "written-in-place": ("mutates-input", SPLIT.replace("    B,", "    x.data.mul_(1.5)\n    x.data.div_(1.5)\n    x.data.add_(1)\n    B,") + MERGE),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_style_passes(judge: JudgeClient, name: str) -> None:
    report = judged(judge, RIGHT[name])
    assert ([item.code for item in report.mistakes], report.verdict) == ([], "pass")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_named(judge: JudgeClient, name: str) -> None:
    code, text = WRONG[name]
    report = judged(judge, text)
    assert report.verdict == "fail"
    assert code in [item.code for item in report.mistakes]
