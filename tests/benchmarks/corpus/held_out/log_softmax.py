"""Softmax as the exponential of a log-softmax, roots as tensors, partials, one line a step."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "log-softmax",
    "mha",
    r"""
from functools import partial

import torch
import torch.nn as nn


class LogSpaceAttention(nn.Module):
    def __init__(self, *, dim: int, heads: int, bias: bool = False):
        super().__init__()
        linear = partial(nn.Linear, dim, dim, bias=bias)
        self.to_q, self.to_k, self.to_v, self.to_out = linear(), linear(), linear(), linear()
        self.heads = heads
        self.register_buffer("temperature", torch.tensor(float(dim // heads)).sqrt(), persistent=False)

    def forward(self, queries, keys, values, allowed=None):
        b = queries.size(0)
        split = lambda t: torch.stack(torch.chunk(t, self.heads, dim=-1), dim=1)
        q, k, v = split(self.to_q(queries)), split(self.to_k(keys)), split(self.to_v(values))
        logits = torch.einsum("zhid,zhjd->zhij", q, k)
        logits = logits.div(self.temperature)
        if allowed is not None:
            logits = logits + allowed.log()[:, None]
        log_attn = torch.log_softmax(logits, dim=-1)
        attn = log_attn.exp()
        context = attn.matmul(v)
        context = torch.cat(context.unbind(dim=1), dim=-1)
        return self.to_out(context)
""",
    Drive(
        "LogSpaceAttention(dim=D, heads=H)",
        "m(q, k, v)",
        "lin(m.to_q), lin(m.to_k), lin(m.to_v), lin(m.to_out)",
        "m(q, k, v, keep.double())",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("biases", ("bias: bool = False", "bias: bool = True"))
right(
    "logsumexp",
    (
        "log_attn = torch.log_softmax(logits, dim=-1)",
        "log_attn = logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
    ),
)
right(
    "tensor-split",
    (
        "torch.stack(torch.chunk(t, self.heads, dim=-1), dim=1)",
        "torch.stack(torch.tensor_split(t, self.heads, dim=2), 1)",
    ),
    ("torch.cat(context.unbind(dim=1), dim=-1)", "torch.hstack(context.transpose(2, 3).unbind(1)).mT"),
)
right(
    "no-mask",
    (", allowed=None", ""),
    ("        if allowed is not None:\n            logits = logits + allowed.log()[:, None]\n", ""),
    masked="",
)
wrong("missing-scale", ("        logits = logits.div(self.temperature)\n", ""))
wrong("wrong-scale", ("torch.tensor(float(dim // heads)).sqrt()", "torch.tensor(float(dim)).sqrt()"))
wrong("wrong-scale", ("torch.tensor(float(dim // heads)).sqrt()", "torch.tensor(float(dim // heads))"))
wrong("wrong-scale", ("logits.div(self.temperature)", "logits.mul(self.temperature)"), on="logsumexp")
wrong(
    "scale-after-softmax",
    ("        logits = logits.div(self.temperature)\n", ""),
    ("log_attn.exp()", "log_attn.exp() / self.temperature"),
)
wrong("softmax-axis", ("torch.log_softmax(logits, dim=-1)", "torch.log_softmax(logits, dim=-2)"))
wrong(
    "softmax-axis",
    ("torch.logsumexp(logits, dim=-1, keepdim=True)", "torch.logsumexp(logits, dim=1, keepdim=True)"),
    on="logsumexp",
    also=("softmax-axis+nan-output",),
)
wrong(
    "unstable-softmax",
    ("torch.logsumexp(logits, dim=-1, keepdim=True)", "logits.exp().sum(-1, keepdim=True).log()"),
    on="logsumexp",
)
wrong(
    "wrong-value",
    ("        attn = log_attn.exp()\n", "        attn = log_attn\n"),
    on="no-mask",
    also=("missing-softmax",),
)
wrong(
    "missing-softmax",
    (
        "        log_attn = torch.log_softmax(logits, dim=-1)\n        attn = log_attn.exp()\n",
        "        attn = logits\n",
    ),
    on="no-mask",
)
wrong("mask-missing", ("logits = logits + allowed.log()[:, None]", "allowed = allowed.log()[:, None]"))
wrong("mask-fill-value", ("allowed.log()[:, None]", "allowed[:, None] - 1"))
wrong("shared-projection", ("split(self.to_v(values))", "split(self.to_k(values))"))
wrong(
    "shared-projection",
    (
        "self.to_q, self.to_k, self.to_v, self.to_out = linear(), linear(), linear(), linear()",
        "self.to_q = self.to_k = self.to_v = linear()\n        self.to_out = linear()",
    ),
    at="self.to_q = self",
)
wrong("missing-projection", ("split(self.to_q(queries))", "split(queries)"))
wrong("missing-projection", ("split(self.to_v(values))", "split(values)"), on="biases")
wrong(
    "swapped-inputs",
    ('"zhid,zhjd->zhij", q, k', '"zhid,zhjd->zhij", q, v'),
    ("attn.matmul(v)", "attn.matmul(k)"),
)
wrong("weigh-wrong-tensor", ("attn.matmul(v)", "attn.matmul(k)"))
wrong(
    "heads-not-concatenated",
    ("torch.cat(context.unbind(dim=1), dim=-1)", "torch.cat(context.unbind(dim=1), dim=1)"),
)
wrong(
    "merge-without-transpose",
    ("torch.cat(context.unbind(dim=1), dim=-1)", "context.reshape(b, queries.size(1), -1)"),
)
wrong("missing-output-projection", ("return self.to_out(context)", "return context"))
wrong("extra-residual", ("return self.to_out(context)", "return queries + self.to_out(context)"))
wrong("detached-graph", ("log_attn.exp()", "log_attn.exp().detach()"))
wrong(
    "wrong-gradient",
    (
        "torch.logsumexp(logits, dim=-1, keepdim=True)",
        "torch.logsumexp(logits, dim=-1, keepdim=True).detach()",
    ),
    on="logsumexp",
    also=("detached-graph",),
)
wrong("crash", ("logits.div(self.temperature)", "logits.div(self.temprature)"))
wrong("batch-mixing", ('"zhid,zhjd->zhij", q, k', '"zhid,yhjd->zhij", q, k'))
wrong(
    "unexpected-mask",
    (
        "        log_attn = torch",
        "        logits = logits.masked_fill(torch.ones_like(logits[0, 0]).triu(1).bool(), -1e9)\n        log_attn = torch",
    ),
    at="triu",
)
