"""A runner that was made ahead does some experiments on a toy, for nobody. Runner side, called by `runner`.

What a process touches for the first time after a fork is copied by the kernel, page by page. The toy makes the
calls that files make; it is no attention, for a runner knows nothing of right answers.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from mha_drill.judge.laboratory import Laboratory
from mha_drill.judge.loading import MODULE, Loaded

PATH = "<toy>"
TOY = """
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Toy(nn.Module):
    def __init__(self, width, dropout=0.0):
        super().__init__()
        self.one = nn.Linear(width, width)
        self.two = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        a = self.one(x).view(2, 5, 4, 6).transpose(1, 2).contiguous()
        b = self.dropout(F.softmax(a.masked_fill(a == 0, -1e9) / math.sqrt(2), dim=-1)).reshape(2, 5, 24)
        return self.two(torch.matmul(b, x.transpose(-2, -1)) @ x)
"""


def stretch(called: Callable[[], bool]) -> None:
    """Do what runners do, until the judge calls, and leave no trace of it."""
    loaded = Loaded(PATH, TOY)
    loaded.run()
    loaded.definitions()
    laboratory = Laboratory(loaded)
    arrays = [np.ones((2, 5, 24)), np.ones((2, 5, 24))]
    for options in (
        {"trace": True, "inventory": True},
        {"trace": True, "grad": [1], "step": 1e-5},
        {"train": True},
    ):
        if called():
            break
        laboratory.run(_experiment(options), arrays)
    del sys.modules[MODULE], linecache.cache[PATH]
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)


def _experiment(options: dict[str, Any]) -> dict[str, Any]:
    sizes = {"batch": 2, "heads": 4, "width": 24, "query_length": 5, "key_length": 5}
    return {
        "target": "Toy",
        "construct": {"width": 24, "dropout": 0.5 if "train" in options else 0.0},
        "sizes": sizes,
        "call": {"arguments": [["x", {"$": "x"}, False]]},
        "inputs": {"x": 0},
        "dtype": "float64",
        **options,
    }
