"""LLaMA's wq wk wv wo and a ModelArgs, the mask made on the fly."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "llama",
    "causal-mha",
    r"""
import math
from dataclasses import dataclass
from typing import Optional

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class ModelArgs:
    dim: int = 512
    n_layers: int = 8
    n_heads: int = 8
    norm_eps: float = 1e-5
    max_batch_size: int = 32
    max_seq_len: int = 2048


class RMSNorm(torch.nn.Module):
    def __init__(self, dim: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


class Attention(nn.Module):
    def __init__(self, args: ModelArgs):
        super().__init__()
        self.n_heads = args.n_heads
        self.head_dim = args.dim // args.n_heads

        self.wq = nn.Linear(args.dim, args.n_heads * self.head_dim, bias=False)
        self.wk = nn.Linear(args.dim, args.n_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(args.dim, args.n_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(args.n_heads * self.head_dim, args.dim, bias=False)

    def forward(self, x: torch.Tensor):
        bsz, seqlen, _ = x.shape
        xq, xk, xv = self.wq(x), self.wk(x), self.wv(x)

        xq = xq.view(bsz, seqlen, self.n_heads, self.head_dim)
        xk = xk.view(bsz, seqlen, self.n_heads, self.head_dim)
        xv = xv.view(bsz, seqlen, self.n_heads, self.head_dim)

        xq = xq.transpose(1, 2)
        keys = xk.transpose(1, 2)
        values = xv.transpose(1, 2)
        scores = torch.matmul(xq, keys.transpose(2, 3)) / math.sqrt(self.head_dim)

        mask = torch.full((1, 1, seqlen, seqlen), float("-inf"), device=x.device)
        mask = torch.triu(mask, diagonal=1).type_as(x)
        scores = scores + mask  # (bs, n_heads, slen, slen)

        scores = F.softmax(scores, dim=-1)
        output = torch.matmul(scores, values)  # (bs, n_heads, slen, head_dim)
        output = output.transpose(1, 2).contiguous().view(bsz, seqlen, -1)

        return self.wo(output)
""",
    Drive(
        "Attention(ModelArgs(dim=D, n_heads=H))",
        "m(x)",
        "lin(m.wq), lin(m.wk), lin(m.wv), lin(m.wo)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "arange",
    (
        """        mask = torch.full((1, 1, seqlen, seqlen), float("-inf"), device=x.device)
        mask = torch.triu(mask, diagonal=1).type_as(x)
        scores = scores + mask  # (bs, n_heads, slen, slen)
""",
        """        position = torch.arange(seqlen, device=x.device)
        future = position[None, :] > position[:, None]
        scores = scores.masked_fill(future, float("-inf"))  # (bs, n_heads, slen, slen)
""",
    ),
)
right(
    "float-softmax",
    ("F.softmax(scores, dim=-1)", "F.softmax(scores.float(), dim=-1).type_as(xq)"),
    tolerance=1e-6,
)
right(
    "arguments", ("args: ModelArgs", "dim: int, n_heads: int"), ("args.", "", "all"), make="Attention(D, H)"
)
right(
    "block",
    bottom="""

class FeedForward(nn.Module):
    def __init__(self, dim: int, hidden_dim: int):
        super().__init__()
        self.w1 = nn.Linear(dim, hidden_dim, bias=False)
        self.w2 = nn.Linear(hidden_dim, dim, bias=False)
        self.w3 = nn.Linear(dim, hidden_dim, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class TransformerBlock(nn.Module):
    def __init__(self, layer_id: int, args: ModelArgs):
        super().__init__()
        self.attention = Attention(args)
        self.feed_forward = FeedForward(dim=args.dim, hidden_dim=4 * args.dim)
        self.attention_norm = RMSNorm(args.dim, eps=args.norm_eps)
        self.ffn_norm = RMSNorm(args.dim, eps=args.norm_eps)

    def forward(self, x: torch.Tensor):
        h = x + self.attention.forward(self.attention_norm(x))
        return h + self.feed_forward.forward(self.ffn_norm(h))
""",
)
wrong("missing-scale", (" / math.sqrt(self.head_dim)", ""))
wrong("wrong-scale", (" / math.sqrt(self.head_dim)", " / math.sqrt(self.n_heads)"))
wrong("wrong-scale", (" / math.sqrt(self.head_dim)", " * math.sqrt(self.head_dim)"), on="arange")
wrong("mask-off-by-one", ("diagonal=1", "diagonal=2"))
wrong(
    "mask-off-by-one",
    ("position[None, :] > position[:, None]", "position[None, :] >= position[:, None]"),
    ('float("-inf")', "-1e30"),
    on="arange",
    at=">=",
)
wrong(
    "mask-inverted",
    ("position[None, :] > position[:, None]", "position[None, :] < position[:, None]"),
    on="arange",
)
wrong("mask-inverted", ("torch.triu(mask, diagonal=1)", "torch.tril(mask, diagonal=-1)"))
wrong("mask-missing", ("        scores = scores + mask  # (bs, n_heads, slen, slen)\n", ""))
wrong("mask-fill-value", ('float("-inf"), device', "-1.0, device"))
wrong("mask-fill-value", ('float("-inf")', "0.0"), on="arange")
wrong(
    "scale-after-softmax",
    (" / math.sqrt(self.head_dim)", ""),
    ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=-1) / math.sqrt(self.head_dim)"),
)
wrong("nan-output", ("scores = scores + mask", "scores = scores + mask - mask"))
wrong(
    "nan-output",
    ("diagonal=1", "diagonal=0"),
    on="block",
    also=("mask-off-by-one", "mask-off-by-one+nan-output"),
)
wrong(
    "split-without-transpose",
    (
        "xq.view(bsz, seqlen, self.n_heads, self.head_dim)",
        "xq.view(bsz, self.n_heads, seqlen, self.head_dim)",
    ),
    (
        "xk.view(bsz, seqlen, self.n_heads, self.head_dim)",
        "xk.view(bsz, self.n_heads, seqlen, self.head_dim)",
    ),
    (
        "xv.view(bsz, seqlen, self.n_heads, self.head_dim)",
        "xv.view(bsz, self.n_heads, seqlen, self.head_dim)",
    ),
    (
        (
            "        xq = xq.transpose(1, 2)\n"
            "        keys = xk.transpose(1, 2)\n"
            "        values = xv.transpose(1, 2)\n"
        ),
        "        keys, values = xk, xv\n",
    ),
)
wrong("merge-without-transpose", ("output.transpose(1, 2).contiguous().view(", "output.contiguous().view("))
wrong("non-contiguous-view", ("output.transpose(1, 2).contiguous().view(", "output.transpose(1, 2).view("))
wrong(
    "softmax-axis",
    ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=0)"),
    alone=True,
    also=("batch-mixing",),
)
wrong(
    "shared-projection",
    ("self.wv = nn.Linear(args.dim, args.n_heads * self.head_dim, bias=False)", "self.wv = self.wk"),
)
wrong("missing-projection", ("self.wq(x), self.wk(x), self.wv(x)", "self.wq(x), self.wk(x), x"))
wrong("missing-output-projection", ("return self.wo(output)", "return output"))
wrong(
    "extra-normalization",
    ("        self.wq =", "        self.norm = RMSNorm(args.dim, args.norm_eps)\n        self.wq ="),
    ("bsz, seqlen, _ = x.shape\n", "bsz, seqlen, _ = x.shape\n        x = self.norm(x)\n"),
    at="x = self.norm(x)",
)
wrong("extra-residual", ("return self.wo(output)", "return x + self.wo(output)"))
wrong(
    "batch-mixing",
    (
        "        output = torch.matmul(scores, values)",
        (
            "        values = values.mean(0, keepdim=True).expand_as(values)\n"
            "        output = torch.matmul(scores, values)"
        ),
    ),
    at="values.mean",
)
wrong(
    "batch-mixing",
    ("        xq = xq.transpose(1, 2)\n", "        xq = xq.roll(1, 0).transpose(1, 2)\n"),
    on="arange",
    also=("wrong-value",),
)
wrong(
    "mutates-input",
    ("bsz, seqlen, _ = x.shape\n", "bsz, seqlen, _ = x.shape\n        x.clamp_(-1, 1)\n"),
    at="x.clamp_",
    alone=True,
    also=("wrong-value", "wrong-value+mutates-input"),
)
wrong(
    "dropout-in-eval",
    (
        "output = torch.matmul(scores, values)",
        "scores = F.dropout(scores, 0.1)\n        output = torch.matmul(scores, values)",
    ),
    at="F.dropout(",
)
wrong(
    "unstable-softmax",
    (
        "scores = F.softmax(scores, dim=-1)",
        "scores = torch.exp(scores)\n        scores = scores / torch.sum(scores, -1, keepdim=True)",
    ),
)
wrong("detached-graph", ("values = xv.transpose(1, 2)\n", "values = xv.transpose(1, 2).detach()\n"))
wrong("crash", ("keys = xk.transpose(1, 2)", "keys = xk.transpose(1, 4)"))
wrong("key-not-transposed", ("keys.transpose(2, 3)", "keys.transpose(1, 3)"))
wrong(
    "import-error",
    (
        "import torch.nn.functional as F\n",
        "import torch.nn.functional as F\nimport fairscale.nn.model_parallel.initialize as fs_init\n",
    ),
    at="fairscale",
)
