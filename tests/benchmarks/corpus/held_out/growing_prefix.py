"""Causal without a mask: one position after another, each looking at the prefix up to itself."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "growing-prefix",
    "causal-mha",
    r'''
import math
import torch
import torch.nn as nn


class AutoregressiveAttention(nn.Module):
    """No mask needed: at step t only the first t + 1 keys exist."""

    def __init__(self, embedding_dim, n_heads):
        super().__init__()
        self.h = n_heads
        self.dk = embedding_dim // n_heads
        self.proj = nn.Linear(embedding_dim, 3 * embedding_dim, bias=False)
        self.out = nn.Linear(embedding_dim, embedding_dim, bias=False)

    def forward(self, x):
        n, t_max, e = x.shape
        q, k, v = torch.split(self.proj(x), e, dim=-1)
        q = q.view(n, t_max, self.h, self.dk)
        k = k.view(n, t_max, self.h, self.dk)
        v = v.view(n, t_max, self.h, self.dk)
        steps = []
        for t in range(t_max):
            q_t = q[:, t]                # n, h, dk
            past_k = k[:, : t + 1]       # n, t+1, h, dk
            past_v = v[:, : t + 1]
            s = torch.einsum("nhd,nshd->nhs", q_t, past_k) / math.sqrt(self.dk)
            a = torch.softmax(s, dim=-1)
            c = torch.einsum("nhs,nshd->nhd", a, past_v)
            steps.append(c.reshape(n, e))
        y = torch.stack(steps, dim=1)
        return self.out(y)
''',
    Drive(
        "AutoregressiveAttention(D, H)",
        "m(x)",
        "*fused(lin(m.proj), 'k h d', H), lin(m.out)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "cat-the-past",
    (
        "        steps = []\n",
        "        steps = []\n        past_k = past_v = x.new_empty(n, 0, self.h, self.dk)\n",
    ),
    (
        "            past_k = k[:, : t + 1]       # n, t+1, h, dk\n            past_v = v[:, : t + 1]\n",
        (
            "            past_k = torch.cat([past_k, k[:, t : t + 1]], dim=1)\n"
            "            past_v = torch.cat([past_v, v[:, t : t + 1]], dim=1)\n"
        ),
    ),
)
right(
    "project-in-the-loop",
    (
        "            steps.append(c.reshape(n, e))\n        y = torch.stack(steps, dim=1)\n        return self.out(y)\n",
        "            steps.append(self.out(c.reshape(n, e)).unsqueeze(1))\n        return torch.cat(steps, 1)\n",
    ),
)
right(
    "matmul",
    ("q_t = q[:, t] ", "q_t = q[:, t, :, None]"),
    ('torch.einsum("nhd,nshd->nhs", q_t, past_k)', "(q_t @ past_k.permute(0, 2, 3, 1)).squeeze(2)"),
    ('torch.einsum("nhs,nshd->nhd", a, past_v)', "a[:, :, None] @ past_v.permute(0, 2, 1, 3)"),
)
right(
    "filled-in",
    ("        steps = []\n", "        y = torch.empty_like(x)\n"),
    (
        "            steps.append(c.reshape(n, e))\n        y = torch.stack(steps, dim=1)\n",
        "            y[:, t] = c.reshape(n, e)\n",
    ),
)
wrong("missing-scale", (" / math.sqrt(self.dk)", ""))
wrong("wrong-scale", ("math.sqrt(self.dk)", "self.dk"))
wrong("wrong-scale", ("math.sqrt(self.dk)", "math.sqrt(e)"))
wrong("wrong-value", ("math.sqrt(self.dk)", "math.sqrt(t + 1)"), also=("wrong-scale",))
wrong(
    "mask-missing",
    ("past_k = k[:, : t + 1]       # n, t+1, h, dk", "past_k = k"),
    ("past_v = v[:, : t + 1]", "past_v = v"),
)
wrong(
    "mask-off-by-one",
    ("past_k = k[:, : t + 1] ", "past_k = k[:, : t + 2] "),
    ("past_v = v[:, : t + 1]", "past_v = v[:, : t + 2]"),
)
wrong(
    "mask-inverted",
    ("past_k = k[:, : t + 1] ", "past_k = k[:, t:] "),
    ("past_v = v[:, : t + 1]", "past_v = v[:, t:]"),
)
wrong("missing-softmax", ("a = torch.softmax(s, dim=-1)", "a = s"))
wrong(
    "wrong-value",
    ("a = torch.softmax(s, dim=-1)", "a = torch.softmax(s, dim=1)"),
    also=("softmax-axis",),
    alone=True,
)
wrong(
    "unstable-softmax",
    (
        "            a = torch.softmax(s, dim=-1)\n",
        "            a = s.exp()\n            a = a / a.sum(dim=-1, keepdim=True)\n",
    ),
    at="s.exp()",
)
wrong(
    "shared-projection",
    (
        "q, k, v = torch.split(self.proj(x), e, dim=-1)",
        "q, k, _ = torch.split(self.proj(x), e, dim=-1)\n        v = k",
    ),
    at="v = k",
)
wrong(
    "missing-projection",
    ("q, k, v = torch.split(self.proj(x), e, dim=-1)", "(q, k), v = torch.split(self.proj(x), e, dim=-1), x"),
    (
        "nn.Linear(embedding_dim, 3 * embedding_dim, bias=False)",
        "nn.Linear(embedding_dim, 2 * embedding_dim, bias=False)",
    ),
)
wrong("weigh-wrong-tensor", ('"nhs,nshd->nhd", a, past_v', '"nhs,nshd->nhd", a, past_k'))
wrong("batch-mixing", ('"nhd,nshd->nhs", q_t, past_k', '"nhd,mshd->nhs", q_t, past_k'))
wrong(
    "batch-mixing",
    ('"nhs,nshd->nhd", a, past_v', '"nhs,nshd->nhd", a, past_v.flip(0)'),
    also=("wrong-value",),
    alone=True,
)
wrong("missing-output-projection", ("return self.out(y)", "return y"))
wrong("extra-residual", ("return self.out(y)", "return x + self.out(y)"))
wrong(
    "extra-residual",
    ("steps.append(c.reshape(n, e))", "steps.append(c.reshape(n, e) + x[:, t])"),
    also=("wrong-value",),
    alone=True,
)
wrong(
    "detached-graph",
    ("            past_v = v[:, : t + 1]\n", "            past_v = v[:, : t + 1].detach()\n"),
)
wrong(
    "detached-graph",
    (
        "            past_k = k[:, : t + 1]       # n, t+1, h, dk\n",
        "            past_k = k[:, : t + 1].clone().data\n",
    ),
)
wrong("wrong-output-shape", ("torch.stack(steps, dim=1)", "torch.stack(steps)"))
wrong("wrong-output-shape", ("torch.stack(steps, dim=1)", "steps[-1]"), alone=True)
wrong(
    "heads-not-concatenated",
    ("steps.append(c.reshape(n, e))", "steps.append(c.mean(1))"),
    ("self.out = nn.Linear(embedding_dim, ", "self.out = nn.Linear(self.dk, "),
    at="c.mean(1)",
)
wrong(
    "split-without-transpose",
    (
        "        q = q.view(n, t_max, self.h, self.dk)\n        k = k.view(n, t_max, self.h, self.dk)\n        v = v.view(n, t_max, self.h, self.dk)\n",
        "        q = q.reshape(n, self.h, t_max, self.dk).transpose(1, 2)\n        k = k.reshape(n, self.h, t_max, self.dk).transpose(1, 2)\n        v = v.reshape(n, self.h, t_max, self.dk).transpose(1, 2)\n",
    ),
)
wrong("crash", ("q_t = q[:, t]  ", "q_t = q[:, t + 1]  "))
wrong(
    "nondeterministic",
    (
        "        y = torch.stack(steps, dim=1)\n",
        "        y = torch.stack(steps, dim=1)\n        y = y + 0.02 * torch.randn_like(y)\n",
    ),
    at="randn_like",
)
wrong("hard-coded-shape", ("n, t_max, e = x.shape", "n, t_max, e = 2, 5, x.shape[2]"))
