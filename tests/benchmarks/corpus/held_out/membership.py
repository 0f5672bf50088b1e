"""No reshape at all: a buffer says which channel belongs to which head, einsum does the rest."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "membership",
    "mha",
    r'''
import torch
from torch import nn


class MembershipAttention(nn.Module):
    """member[h, c] is 1 where channel c belongs to head h. Wasteful, but there is nothing to get wrong."""

    def __init__(self, channels, heads):
        super().__init__()
        self.query_map = nn.Linear(channels, channels)
        self.key_map = nn.Linear(channels, channels)
        self.value_map = nn.Linear(channels, channels)
        self.final_map = nn.Linear(channels, channels)
        size = channels // heads
        member = torch.zeros(heads, channels)
        for c in range(channels):
            member[c // size, c] = 1
        self.register_buffer("member", member)
        self.size = size

    def forward(self, a, b, c):
        q, k, v = self.query_map(a), self.key_map(b), self.value_map(c)
        scores = torch.einsum("nlc,nsc,hc->nhls", q, k, self.member)
        scores = scores / self.size**0.5
        weights = torch.softmax(scores, dim=-1)
        mixed = torch.einsum("nhls,nsc,hc->nlc", weights, v, self.member)
        return self.final_map(mixed)
''',
    Drive(
        "MembershipAttention(D, H)",
        "m(q, k, v)",
        "lin(m.query_map), lin(m.key_map), lin(m.value_map), lin(m.final_map)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "interleaved",
    ("member[c // size, c] = 1", "member[c % heads, c] = 1"),
    weights="*(fused(lin(w), 'k d h', H, 1)[0] for w in (m.query_map, m.key_map, m.value_map)), rows_by(lin(m.final_map), 'd h', H)",
)
right(
    "masked-copies",
    (
        '        scores = torch.einsum("nlc,nsc,hc->nhls", q, k, self.member)\n',
        "        member = self.member[None, :, None, :]\n        scores = (q.unsqueeze(1) * member) @ k.unsqueeze(1).mT\n",
    ),
    (
        'torch.einsum("nhls,nsc,hc->nlc", weights, v, self.member)',
        "(weights @ (v.unsqueeze(1) * member)).sum(1)",
    ),
)
right(
    "names-q-k-v",
    ("def forward(self, a, b, c):\n", "def forward(self, q, k, v):\n"),
    (
        "self.query_map(a), self.key_map(b), self.value_map(c)",
        "self.query_map(q), self.key_map(k), self.value_map(v)",
    ),
)
right(
    "block-diag",
    (
        "        member = torch.zeros(heads, channels)\n        for c in range(channels):\n            member[c // size, c] = 1\n",
        "        member = torch.block_diag(*torch.ones(heads, 1, size))\n",
    ),
)
wrong("missing-scale", ("        scores = scores / self.size**0.5\n", ""))
wrong("wrong-scale", ("self.size**0.5", "q.size(-1)**0.5"))
wrong("wrong-scale", ("self.size**0.5", "self.size"), on="masked-copies")
wrong("softmax-axis", ("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=-2)"))
wrong("softmax-axis", ("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=1)"), on="names-q-k-v")
wrong("missing-softmax", ("weights = torch.softmax(scores, dim=-1)", "weights = scores"))
wrong(
    "scale-after-softmax",
    ("        scores = scores / self.size**0.5\n", ""),
    ("torch.softmax(scores, dim=-1)", "torch.softmax(scores, dim=-1) / self.size**0.5"),
)
wrong(
    "unstable-softmax",
    (
        "        weights = torch.softmax(scores, dim=-1)\n",
        "        weights = scores.exp()\n        weights = weights / weights.sum(dim=-1, keepdim=True)\n",
    ),
    at="exp()",
)
wrong(
    "shared-projection",
    (
        "self.query_map(a), self.key_map(b), self.value_map(c)",
        "self.query_map(a), self.query_map(b), self.value_map(c)",
    ),
)
wrong(
    "shared-projection",
    ("self.value_map = nn.Linear(channels, channels)", "self.value_map = self.key_map"),
    on="names-q-k-v",
)
wrong(
    "missing-projection",
    ("self.query_map(a), self.key_map(b), self.value_map(c)", "self.query_map(a), self.key_map(b), c"),
)
wrong(
    "missing-projection",
    ("self.query_map(q), self.key_map(k), self.value_map(v)", "q, self.key_map(k), self.value_map(v)"),
    on="names-q-k-v",
)
wrong(
    "swapped-inputs",
    (
        "self.query_map(q), self.key_map(k), self.value_map(v)",
        "self.query_map(q), self.key_map(v), self.value_map(k)",
    ),
    on="names-q-k-v",
)
wrong("weigh-wrong-tensor", ('"nhls,nsc,hc->nlc", weights, v', '"nhls,nsc,hc->nlc", weights, k'))
wrong("batch-mixing", ('"nlc,nsc,hc->nhls", q, k', '"nlc,msc,hc->nhls", q, k'))
wrong(
    "heads-not-concatenated",
    ('"nhls,nsc,hc->nlc", weights, v, self.member)', '"nhls,nsc->nlc", weights, v)'),
    also=("wrong-value",),
)
wrong("missing-output-projection", ("return self.final_map(mixed)", "return mixed"))
wrong("extra-residual", ("return self.final_map(mixed)", "return a + self.final_map(mixed)"))
wrong(
    "extra-normalization",
    ("return self.final_map(mixed)", "return nn.functional.layer_norm(self.final_map(mixed), (a.size(-1),))"),
)
wrong("detached-graph", ("weights, v, self.member)", "weights.detach(), v, self.member)"))
wrong(
    "unexpected-mask",
    (
        "        weights = torch",
        "        scores = scores + torch.triu(torch.full(scores.shape[2:], -1e9), diagonal=1)\n        weights = torch",
    ),
    at="triu",
)
wrong(
    "unregistered-parameters",
    (
        "self.final_map = nn.Linear(channels, channels)",
        "self.final_map = nn.Linear(channels, channels).forward",
    ),
)
wrong("wrong-output-shape", ("return self.final_map(mixed)", "return self.final_map(mixed).transpose(1, 2)"))
wrong(
    "nondeterministic",
    ("return self.final_map(mixed)", "return self.final_map(mixed[:, torch.randperm(mixed.size(1))])"),
)
