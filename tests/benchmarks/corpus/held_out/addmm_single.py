"""One head, a loop over the batch, torch.addmm with raw parameters, mv-like steps, a stack at the end."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "addmm-single",
    "single-head",
    r"""
import torch
import torch.nn as nn


class SelfAttentionHead(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.Wq, self.Wk, self.Wv = (nn.Parameter(0.1 * torch.randn(features, features)) for _ in range(3))
        self.bq, self.bk, self.bv = (nn.Parameter(torch.zeros(features)) for _ in range(3))
        self.root = features ** 0.5

    def single(self, q_in, k_in, v_in):
        # one example: (L, F), (S, F), (S, F)
        q = torch.addmm(self.bq, q_in, self.Wq)
        k = torch.addmm(self.bk, k_in, self.Wk)
        v = torch.addmm(self.bv, v_in, self.Wv)
        scores = torch.mm(q, k.t()).div_(self.root)
        probs = torch.exp(scores - scores.amax(1, keepdim=True))
        probs = probs / probs.sum(1, keepdim=True)
        return torch.mm(probs, v)

    def forward(self, q, k, v):
        outs = []
        for n in range(len(q)):
            outs.append(self.single(q[n], k[n], v[n]))
        return torch.stack(outs)
""",
    Drive(
        "SelfAttentionHead(D)",
        "m(q, k, v)",
        "raw(m.Wq, m.bq), raw(m.Wk, m.bk), raw(m.Wv, m.bv)",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "row-by-row",
    (
        (
            "        scores = torch.mm(q, k.t()).div_(self.root)\n        probs = torch.exp(scores - scores.amax(1, keepdim=True))\n"
            "        probs = probs / probs.sum(1, keepdim=True)\n        return torch.mm(probs, v)\n"
        ),
        (
            "        rows = []\n        for query in q:\n            probs = torch.softmax(torch.mv(k, query) / self.root, dim=0)\n"
            "            rows.append(torch.mv(v.t(), probs))\n        return torch.stack(rows)\n"
        ),
    ),
)
right(
    "comprehension",
    (
        "        outs = []\n        for n in range(len(q)):\n            outs.append(self.single(q[n], k[n], v[n]))\n        return torch.stack(outs)\n",
        "        return torch.stack([self.single(*item) for item in zip(q, k, v)])\n",
    ),
)
right(
    "with-output",
    (
        "        self.root =",
        "        self.Wo = nn.Parameter(0.1 * torch.randn(features, features))\n        self.root =",
    ),
    ("return torch.stack(outs)", "return torch.stack(outs) @ self.Wo"),
    weights="raw(m.Wq, m.bq), raw(m.Wk, m.bk), raw(m.Wv, m.bv), raw(m.Wo)",
)
right(
    "one-input",
    ("    def forward(self, q, k, v):\n", "    def forward(self, batch):\n"),
    ("range(len(q))", "range(batch.shape[0])"),
    ("self.single(q[n], k[n], v[n])", "self.single(batch[n], batch[n], batch[n])"),
    call="m(x)",
    inputs="x",
)
wrong("missing-scale", (".div_(self.root)", ""))
wrong("wrong-scale", (".div_(self.root)", ".mul_(self.root)"))
wrong("wrong-scale", ("features ** 0.5", "features"), on="comprehension")
wrong(
    "scale-after-softmax",
    (".div_(self.root)", ""),
    ("probs = probs / probs.sum(1, keepdim=True)", "probs = probs / probs.sum(1, keepdim=True) / self.root"),
)
wrong(
    "softmax-axis",
    ("scores.amax(1, keepdim=True)", "scores.amax(0, keepdim=True)"),
    ("probs.sum(1, keepdim=True)", "probs.sum(0, keepdim=True)"),
)
wrong(
    "missing-softmax",
    (
        "        probs = torch.exp(scores - scores.amax(1, keepdim=True))\n        probs = probs / probs.sum(1, keepdim=True)\n        return torch.mm(probs, v)\n",
        "        return torch.mm(scores, v)\n",
    ),
)
wrong("wrong-value", ("        probs = probs / probs.sum(1, keepdim=True)\n", ""), also=("missing-softmax",))
wrong("unstable-softmax", ("torch.exp(scores - scores.amax(1, keepdim=True))", "torch.exp(scores)"))
wrong(
    "unstable-softmax",
    (
        "torch.softmax(torch.mv(k, query) / self.root, dim=0)",
        "torch.exp(torch.mv(k, query) / self.root)\n            probs = probs / probs.sum()",
    ),
    on="row-by-row",
    at="torch.exp(",
)
wrong(
    "wrong-gradient",
    ("probs / probs.sum(1, keepdim=True)", "probs / probs.sum(1, keepdim=True).data"),
    also=("detached-graph",),
)
wrong("shared-projection", ("torch.addmm(self.bk, k_in, self.Wk)", "torch.addmm(self.bq, k_in, self.Wq)"))
wrong(
    "shared-projection",
    ("torch.addmm(self.bv, v_in, self.Wv)", "torch.addmm(self.bk, v_in, self.Wk)"),
    on="row-by-row",
)
wrong("missing-projection", ("v = torch.addmm(self.bv, v_in, self.Wv)", "v = v_in"))
wrong("missing-projection", ("q = torch.addmm(self.bq, q_in, self.Wq)", "q = q_in"), on="one-input")
wrong("swapped-inputs", ("self.single(q[n], k[n], v[n])", "self.single(q[n], v[n], k[n])"))
wrong(
    "swapped-inputs",
    ("self.single(q[n], k[n], v[n])", "self.single(k[n], q[n], v[n])"),
    alone=True,
    on="with-output",
)
wrong("weigh-wrong-tensor", ("torch.mm(probs, v)", "torch.mm(probs, k)"))
wrong("batch-mixing", ("self.single(q[n], k[n], v[n])", "self.single(q[n], k[0], v[0])"))
wrong(
    "batch-mixing",
    ("self.single(q[n], k[n], v[n])", "self.single(q[n], k[n], v[n - 1])"),
    on="with-output",
    also=("wrong-value",),
)
wrong("wrong-output-shape", ("return torch.stack(outs)", "return torch.cat(outs)"))
wrong("wrong-output-shape", ("return torch.stack(outs)", "return torch.stack(outs, dim=1)"), on="one-input")
wrong("wrong-output-type", ("return torch.stack(outs)", "return outs"))
wrong("hard-coded-shape", ("range(len(q))", "range(2)"))
wrong(
    "unregistered-parameters",
    (
        "(nn.Parameter(0.1 * torch.randn(features, features)) for",
        "(0.1 * torch.randn(features, features) for",
    ),
)
wrong("extra-residual", ("return torch.mm(probs, v)", "return torch.mm(probs, v) + q_in"))
wrong(
    "detached-graph",
    ("outs.append(self.single(q[n], k[n], v[n]))", "outs.append(self.single(q[n], k[n].detach(), v[n]))"),
    on="with-output",
)
wrong("detached-graph", ("return torch.mm(probs, v)", "return torch.mm(probs.detach(), v)"))
wrong(
    "mutates-input",
    ("        return torch.stack(outs)\n", "        q.sub_(q)\n        return torch.stack(outs)\n"),
    at="q.sub_",
)
wrong(
    "unexpected-mask",
    (
        "        scores = torch.mm(q, k.t()).div_(self.root)\n",
        "        scores = torch.mm(q, k.t()).div_(self.root)\n        scores = scores.tril() + torch.full_like(scores, -1e12).triu(1)\n",
    ),
    at="triu(1)",
)
wrong("crash", ("for n in range(len(q)):", "for n in len(q):"))
