"""One head which sees the queries in chunks."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "query-chunks",
    "single-head",
    r'''
"""Self-attention that never holds the whole (L, L) matrix: the queries go by in chunks."""
import torch
from torch import nn


class ChunkedAttention(nn.Module):
    def __init__(self, dim, chunk_size=2):
        super().__init__()
        self.chunk_size = chunk_size
        self.to_qkv = nn.Linear(dim, dim * 3)

    def forward(self, x):
        q, k, v = self.to_qkv(x).chunk(3, dim=-1)
        q = q / q.shape[-1] ** 0.5
        chunks = []
        for part in q.split(self.chunk_size, dim=1):
            logits = torch.einsum("bic,bjc->bij", part, k)
            weights = torch.softmax(logits, dim=-1)
            chunks.append(torch.einsum("bij,bjc->bic", weights, v))
        return torch.cat(chunks, dim=1)
''',
    Drive("ChunkedAttention(D)", "m(x)", "fused(lin(m.to_qkv), 'k h d', 1)", inputs="x", heads=False),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "preallocated",
    (
        "        chunks = []\n        for part in q.split(self.chunk_size, dim=1):\n",
        "        out = torch.empty_like(q)\n        for start in range(0, q.shape[1], self.chunk_size):\n"
        "            part = q[:, start:start + self.chunk_size]\n",
    ),
    (
        (
            '            chunks.append(torch.einsum("bij,bjc->bic", weights, v))\n'
            "        return torch.cat(chunks, dim=1)"
        ),
        (
            "            out[:, start:start + self.chunk_size] = "
            'torch.einsum("bij,bjc->bic", weights, v)\n'
            "        return out"
        ),
    ),
)
right(
    "per-query",
    ("q.split(self.chunk_size, dim=1)", "q.unbind(1)"),
    ('"bic,bjc->bij"', '"bc,bjc->bj"'),
    ('"bij,bjc->bic"', '"bj,bjc->bc"'),
    ("torch.cat(chunks", "torch.stack(chunks"),
    (", chunk_size=2", ""),
    ("        self.chunk_size = chunk_size\n", ""),
)
right(
    "separate",
    (
        "        self.to_qkv = nn.Linear(dim, dim * 3)\n",
        (
            "        self.to_q, self.to_k, self.to_v = nn.Linear(dim, dim), nn.Linear(dim, "
            "dim), nn.Linear(dim, dim)\n"
        ),
    ),
    ("self.to_qkv(x).chunk(3, dim=-1)", "self.to_q(x), self.to_k(x), self.to_v(x)"),
    weights="lin(m.to_q), lin(m.to_k), lin(m.to_v)",
)
wrong("missing-scale", ("        q = q / q.shape[-1] ** 0.5\n", ""))
wrong("wrong-scale", ("q.shape[-1] ** 0.5", "q.shape[1] ** 0.5"))
wrong("wrong-scale", ("q / q.shape[-1] ** 0.5", "q * q.shape[-1] ** 0.5"), on="preallocated")
wrong(
    "softmax-axis", ("torch.softmax(logits, dim=-1)", "torch.softmax(logits, dim=1)"), also=("wrong-value",)
)
wrong(
    "softmax-axis",
    ("torch.softmax(logits, dim=-1)", "torch.softmax(logits, dim=0)"),
    on="per-query",
    also=("batch-mixing",),
)
wrong("missing-softmax", ("weights = torch.softmax(logits, dim=-1)", "weights = logits"))
wrong(
    "unexpected-mask",
    (
        '            logits = torch.einsum("bic,bjc->bij", part, k)\n',
        "            n = sum(c.shape[1] for c in chunks)\n"
        '            logits = torch.einsum("bic,bjc->bij", part, k)\n'
        "            logits[:, :, n + part.shape[1]:] = float('-inf')\n",
    ),
    also=("wrong-value",),
    at="float(",
)
wrong(
    "weigh-wrong-tensor",
    ('"bij,bjc->bic", weights, v)', '"bij,bjc->bic", weights, k)'),
    also=("shared-projection",),
)
wrong(
    "wrong-value",
    (
        '            logits = torch.einsum("bic,bjc->bij", part, k)\n',
        (
            "            near = slice(0, self.chunk_size)\n"
            '            logits = torch.einsum("bic,bjc->bij", part, k[:, near])\n'
        ),
    ),
    ("weights, v)", "weights, v[:, near])"),
    at="near",
)
wrong(
    "wrong-output-shape",
    ("q.split(self.chunk_size, dim=1)", "q[:, :q.shape[1] // 2 * 2].split(self.chunk_size, dim=1)"),
)
wrong(
    "unstable-softmax",
    (
        "weights = torch.softmax(logits, dim=-1)",
        "weights = logits.exp()\n            weights = weights / weights.sum(dim=-1, keepdim=True)",
    ),
)
wrong(
    "hard-coded-shape",
    ("        chunks = []\n", "        chunks = []\n        k = k[:, :4]\n        v = v[:, :4]\n"),
    also=("wrong-value",),
    at=":4]",
)
wrong("wrong-output-type", ("return torch.cat(chunks, dim=1)", "return chunks"))
wrong(
    "detached-graph",
    (
        'chunks.append(torch.einsum("bij,bjc->bic", weights, v))',
        'chunks.append(torch.einsum("bij,bjc->bic", weights, v).data)',
    ),
)
wrong("batch-mixing", ('"bj,bjc->bc", weights, v', '"bj,ajc->bc", weights, v'), on="per-query")
wrong("crash", ("torch.cat(chunks, dim=1)", "torch.concatenate(chunks, dim=3)"))
wrong(
    "time-limit",
    (
        "        for part in q.split(self.chunk_size, dim=1):\n",
        (
            "        start = 0\n"
            "        while start < q.shape[1]:\n"
            "            part = q[:, start:start + self.chunk_size]\n"
        ),
    ),
    at="while start",
)
