"""As short as it gets: one head, a fused map."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "tiny-head",
    "single-head",
    r"""
from math import sqrt
import torch
from torch import nn

class SelfAttn(nn.Module):
    # (B, T, C) -> (B, T, C)
    def __init__(self, C):
        super().__init__()
        self.qkv = nn.Linear(C, 3 * C, bias=False)

    def forward(self, x):
        C = x.shape[-1]
        q, k, v = self.qkv(x).split(C, -1)
        w = q @ k.mT / sqrt(C)
        w = w.softmax(-1)
        return w @ v
""",
    Drive("SelfAttn(D)", "m(x)", "fused(lin(m.qkv), 'k h d', 1)", inputs="x", heads=False),
)
right, wrong = STYLE.right, STYLE.wrong

right("attention-name", ("SelfAttn", "SelfAttention"), make="SelfAttention(D)")
right("scores-too", ("return w @ v", "return w @ v, w"), call="m(x)[0]")
right(
    "linears",
    (
        "        self.qkv = nn.Linear(C, 3 * C, bias=False)\n",
        (
            "        self.q = nn.Linear(C, C)\n"
            "        self.k = nn.Linear(C, C)\n"
            "        self.v = nn.Linear(C, C)\n"
        ),
    ),
    ("self.qkv(x).split(C, -1)", "self.q(x), self.k(x), self.v(x)"),
    weights="lin(m.q), lin(m.k), lin(m.v)",
)
right(
    "size-names",
    ("self, C):", "self, hidden_size):"),
    ("nn.Linear(C, 3 * C, bias=False)", "nn.Linear(hidden_size, 3 * hidden_size, bias=False)"),
)
wrong("missing-scale", (" / sqrt(C)", ""))
wrong("wrong-scale", ("/ sqrt(C)", "/ C"))
wrong("wrong-scale", ("/ sqrt(C)", "* sqrt(C)"), on="linears")
wrong("softmax-axis", ("w.softmax(-1)", "w.softmax(-2)"))
wrong("missing-softmax", ("        w = w.softmax(-1)\n", ""))
wrong("scale-after-softmax", (" / sqrt(C)", ""), ("w.softmax(-1)", "w.softmax(-1) / sqrt(C)"))
wrong(
    "unexpected-mask",
    ("w = w.softmax(-1)", "w = w.masked_fill(torch.tril(torch.ones_like(w)) == 0, -torch.inf).softmax(-1)"),
)
wrong("weigh-wrong-tensor", ("return w @ v", "return w @ x"), also=("missing-projection",))
wrong(
    "batch-mixing",
    ("        q, k, v =", "        x = x - x.mean(0)\n        q, k, v ="),
    also=("wrong-value", "extra-normalization"),
    at="x.mean(0)",
)
wrong("wrong-output-shape", ("return w @ v", "return (w @ v).mT"))
wrong("key-not-transposed", ("q @ k.mT", "q @ k"))
wrong("unstable-softmax", ("w = w.softmax(-1)", "w = w.exp() / w.exp().sum(-1, keepdim=True)"))
wrong(
    "unregistered-parameters",
    ("self.qkv = nn.Linear(C, 3 * C, bias=False)", "self.qkv = [nn.Linear(C, 3 * C, bias=False)][0].forward"),
)
wrong(
    "shared-projection", ("self.q(x), self.k(x), self.v(x)", "self.q(x), self.k(x), self.q(x)"), on="linears"
)
wrong(
    "wrong-gradient",
    (
        "        w = w.softmax(-1)\n",
        "        w = w.softmax(-1)\n        w = w.detach() + 0.5 * (w - w.detach())\n",
    ),
    at="detach",
    also=("detached-graph",),
)
wrong("nondeterministic", ("return w @ v", "return w @ v + torch.rand(()) * 0.1"))
wrong("mutates-input", ("return w @ v", "x.copy_(w @ v)\n        return x"), at="x.copy_")
wrong("extra-residual", ("return w @ v", "return x + w @ v"))
wrong("syntax-error", ("w = q @ k.mT / sqrt(C)", "w = q @ k.mT / sqrt(C))"))
