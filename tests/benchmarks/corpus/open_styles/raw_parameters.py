"""One raw parameter a role with heads as an axis, einsum all through (as in TransformerLens)."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "raw-parameters",
    "mha",
    r'''
import torch
from torch import nn, Tensor


class MHA(nn.Module):
    """Multi-head attention with one tensor per role, heads as an axis of its own.

    x_q: [batch, query, embed]   x_kv: [batch, key, embed]   ->   [batch, query, embed]
    """

    def __init__(self, embed_dim: int, n_heads: int):
        super().__init__()
        head_dim = embed_dim // n_heads
        self.W_Q = nn.Parameter(torch.empty(n_heads, embed_dim, head_dim))
        self.W_K = nn.Parameter(torch.empty(n_heads, embed_dim, head_dim))
        self.W_V = nn.Parameter(torch.empty(n_heads, embed_dim, head_dim))
        self.W_O = nn.Parameter(torch.empty(n_heads, head_dim, embed_dim))
        self.b_Q = nn.Parameter(torch.zeros(n_heads, head_dim))
        self.b_K = nn.Parameter(torch.zeros(n_heads, head_dim))
        self.b_V = nn.Parameter(torch.zeros(n_heads, head_dim))
        self.b_O = nn.Parameter(torch.zeros(embed_dim))
        for w in (self.W_Q, self.W_K, self.W_V, self.W_O):
            nn.init.normal_(w, std=0.02)
        self.scale = head_dim ** 0.5

    def forward(self, x_q: Tensor, x_kv: Tensor) -> Tensor:
        q = torch.einsum("bqe,neh->bqnh", x_q, self.W_Q) + self.b_Q
        k = torch.einsum("bke,neh->bknh", x_kv, self.W_K) + self.b_K
        v = torch.einsum("bke,neh->bknh", x_kv, self.W_V) + self.b_V

        scores = torch.einsum("bqnh,bknh->bnqk", q, k) / self.scale
        pattern = scores.softmax(dim=-1)
        z = torch.einsum("bnqk,bknh->bqnh", pattern, v)
        return torch.einsum("bqnh,nhe->bqe", z, self.W_O) + self.b_O
''',
    Drive(
        "MHA(D, H)",
        "m(q, k)",
        inputs="ctx",
        weights=(
            "*(raw(W.transpose(0, 1).flatten(1), b.flatten()) for W, b in ((m.W_Q, m.b_Q), "
            "(m.W_K, m.b_K), (m.W_V, m.b_V))), raw(m.W_O.flatten(0, 1), m.b_O)"
        ),
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "self-only",
    ("x_q: Tensor, x_kv: Tensor", "x: Tensor"),
    ("x_q,", "x,"),
    ("x_kv, self.W_K", "x, self.W_K"),
    ("x_kv, self.W_V", "x, self.W_V"),
    call="m(x)",
    inputs="x",
)
right(
    "result-hook",
    (
        'torch.einsum("bqnh,nhe->bqe", z, self.W_O) + self.b_O',
        'torch.einsum("bqnh,nhe->bqne", z, self.W_O).sum(dim=2) + self.b_O',
    ),
)
right("tensordot", ('torch.einsum("bqnh,nhe->bqe", z, self.W_O)', "torch.tensordot(z, self.W_O, dims=2)"))
wrong(
    "unregistered-parameters",
    (
        "self.W_O = nn.Parameter(torch.empty(n_heads, head_dim, embed_dim))",
        "self.W_O = torch.empty(n_heads, head_dim, embed_dim)",
    ),
)
wrong(
    "unregistered-parameters",
    (
        "nn.Parameter(torch.empty(n_heads, embed_dim, head_dim))",
        "torch.randn(n_heads, embed_dim, head_dim, requires_grad=True)",
        "all",
    ),
)
wrong(
    "shared-across-heads",
    (
        "self.W_V = nn.Parameter(torch.empty(n_heads, embed_dim, head_dim))",
        "self.W_V = nn.Parameter(torch.empty(embed_dim, head_dim))",
    ),
    ('"bke,neh->bknh", x_kv, self.W_V) + self.b_V', '"bke,eh->bkh", x_kv, self.W_V).unsqueeze(2) + self.b_V'),
    alone=True,
)
wrong(
    "shared-across-heads",
    (
        '"bqe,neh->bqnh", x_q, self.W_Q) + self.b_Q',
        '"bqe,neh->bqnh", x_q, self.W_Q[:1].expand_as(self.W_Q)) + self.b_Q[0]',
    ),
    also=("wrong-value",),
)
wrong("missing-scale", (" / self.scale\n", "\n"))
wrong("wrong-scale", ("self.scale = head_dim ** 0.5", "self.scale = embed_dim ** 0.5"))
wrong("wrong-scale", ("/ self.scale\n", "* self.scale\n"), on="tensordot")
wrong("softmax-axis", ("scores.softmax(dim=-1)", "scores.softmax(dim=1)"))
wrong(
    "softmax-axis",
    (
        '"bqnh,bknh->bnqk", q, k) / self.scale\n        pattern = scores.softmax(dim=-1)',
        '"bqnh,bknh->bqkn", q, k) / self.scale\n        pattern = scores.softmax(dim=-1)',
    ),
    ('"bnqk,bknh->bqnh"', '"bqkn,bknh->bqnh"'),
    on="self-only",
    at="scores.softmax",
)
wrong("missing-softmax", ("pattern = scores.softmax(dim=-1)", "pattern = scores"))
wrong("shared-projection", ("x_kv, self.W_V) + self.b_V", "x_kv, self.W_K) + self.b_K"))
wrong("weigh-wrong-tensor", ('"bnqk,bknh->bqnh", pattern, v)', '"bnqk,bknh->bqnh", pattern, k)'))
wrong("batch-mixing", ('"bqnh,bknh->bnqk", q, k)', '"bqnh,cknh->bnqk", q, k)'))
wrong(
    "batch-mixing",
    ('"bnqk,bknh->bqnh", pattern, v)', '"bnqk,bknh->qnh", pattern, v).expand_as(q)'),
    on="result-hook",
)
wrong(
    "heads-not-concatenated",
    (
        'torch.einsum("bqnh,nhe->bqe", z, self.W_O)',
        'torch.einsum("bqh,he->bqe", z.mean(dim=2), self.W_O.sum(dim=0))',
    ),
)
wrong("wrong-output-shape", ('"bqnh,nhe->bqe"', '"bqnh,nhe->bqne"'))
wrong("swapped-inputs", ("x_kv, self.W_V", "x_q, self.W_V"), alone=True)
wrong(
    "missing-output-projection",
    ('return torch.einsum("bqnh,nhe->bqe", z, self.W_O) + self.b_O', "return z.flatten(2)"),
)
wrong("detached-graph", ("x_kv, self.W_V)", "x_kv, self.W_V.data)"))
wrong(
    "constructor-error",
    (
        "nn.Parameter(torch.empty(n_heads, head_dim, embed_dim))",
        "nn.parameters(torch.empty(n_heads, head_dim, embed_dim))",
    ),
)
wrong("crash", ('"bke,neh->bknh", x_kv, self.W_V', '"bke,nhe->bknh", x_kv, self.W_V'))
wrong("wrong-value", ("/ self.scale\n", "/ self.scale\n        scores = 5.0 * torch.tanh(scores / 5.0)\n"))
wrong(
    "time-limit",
    (
        "        pattern = scores",
        (
            "        while not torch.isnan(scores).any():\n"
            "            scores = scores + 0\n"
            "        pattern = scores"
        ),
    ),
    at="while",
)
