"""A loop over the heads and a softmax by hand."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "head-loop",
    "mha",
    r'''
import math
import torch
import torch.nn as nn


def my_softmax(x, dim=-1):
    m = torch.max(x, dim=dim, keepdim=True)[0]
    e = torch.exp(x - m)
    return e / torch.sum(e, dim=dim, keepdim=True)


class SimpleMultiHeadAttention(nn.Module):
    """Slow and easy to read: one head after another."""

    def __init__(self, emb_dim, n_heads):
        super().__init__()
        self.emb_dim = emb_dim
        self.n_heads = n_heads
        self.head_dim = emb_dim // n_heads
        self.Wq = nn.Linear(emb_dim, emb_dim)
        self.Wk = nn.Linear(emb_dim, emb_dim)
        self.Wv = nn.Linear(emb_dim, emb_dim)
        self.Wo = nn.Linear(emb_dim, emb_dim)

    def forward(self, q, k, v):
        Q, K, V = self.Wq(q), self.Wk(k), self.Wv(v)
        outputs = []
        for h in range(self.n_heads):
            cols = slice(h * self.head_dim, (h + 1) * self.head_dim)
            Qh, Kh, Vh = Q[:, :, cols], K[:, :, cols], V[:, :, cols]
            S = torch.bmm(Qh, Kh.transpose(1, 2)) / math.sqrt(self.head_dim)
            A = my_softmax(S, dim=2)
            outputs.append(torch.bmm(A, Vh))
        return self.Wo(torch.cat(outputs, dim=2))
''',
    Drive("SimpleMultiHeadAttention(D, H)", "m(q, k, v)", "lin(m.Wq), lin(m.Wk), lin(m.Wv), lin(m.Wo)"),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "batch-loop",
    (
        """        outputs = []
        for h in range(self.n_heads):
            cols = slice(h * self.head_dim, (h + 1) * self.head_dim)
            Qh, Kh, Vh = Q[:, :, cols], K[:, :, cols], V[:, :, cols]
            S = torch.bmm(Qh, Kh.transpose(1, 2)) / math.sqrt(self.head_dim)
            A = my_softmax(S, dim=2)
            outputs.append(torch.bmm(A, Vh))
        return self.Wo(torch.cat(outputs, dim=2))
""",
        """        batch = []
        for b in range(q.size(0)):
            outputs = []
            for h in range(self.n_heads):
                lo, hi = h * self.head_dim, (h + 1) * self.head_dim
                S = Q[b, :, lo:hi] @ K[b, :, lo:hi].T / math.sqrt(self.head_dim)
                outputs.append(my_softmax(S) @ V[b, :, lo:hi])
            batch.append(torch.cat(outputs, dim=1))
        return self.Wo(torch.stack(batch))
""",
    ),
)
right(
    "chunks",
    (
        """        for h in range(self.n_heads):
            cols = slice(h * self.head_dim, (h + 1) * self.head_dim)
            Qh, Kh, Vh = Q[:, :, cols], K[:, :, cols], V[:, :, cols]
""",
        """        for Qh, Kh, Vh in zip(*(t.chunk(self.n_heads, dim=-1) for t in (Q, K, V))):
""",
    ),
)
right(
    "strided-heads",
    ("cols = slice(h * self.head_dim, (h + 1) * self.head_dim)", "cols = slice(h, None, self.n_heads)"),
    weights="*(fused(lin(w), 'k d h', H, 1)[0] for w in (m.Wq, m.Wk, m.Wv)), lin(m.Wo)",
)
right(
    "preallocated",
    ("outputs = []", "outputs = torch.zeros_like(Q)"),
    ("outputs.append(torch.bmm(A, Vh))", "outputs[:, :, cols] = torch.bmm(A, Vh)"),
    ("torch.cat(outputs, dim=2)", "outputs"),
)
right(
    "mask",
    ("q, k, v):", "q, k, v, mask=None):"),
    (
        "            A = my_softmax",
        (
            "            if mask is not None:\n"
            "                S = S.masked_fill(~mask, -1e12)\n"
            "            A = my_softmax"
        ),
    ),
    masked="m(q, k, v, keep)",
)
wrong("missing-scale", (" / math.sqrt(self.head_dim)", ""))
wrong("wrong-scale", ("math.sqrt(self.head_dim)", "math.sqrt(self.emb_dim)"))
wrong("wrong-scale", ("math.sqrt(self.head_dim)", "math.sqrt(self.n_heads)"), on="chunks")
wrong("softmax-axis", ("my_softmax(S, dim=2)", "my_softmax(S, dim=1)"))
wrong(
    "softmax-axis",
    ("dim=dim, keepdim=True)\n\n", "keepdim=True, dim=0)\n\n"),
    on="batch-loop",
    also=("wrong-value",),
    alone=True,
)
wrong("missing-softmax", ("A = my_softmax(S, dim=2)", "A = S"))
wrong(
    "unstable-softmax",
    ("    m = torch.max(x, dim=dim, keepdim=True)[0]\n    e = torch.exp(x - m)\n", "    e = torch.exp(x)\n"),
)
wrong(
    "unstable-softmax",
    (
        "    m = torch.max(x, dim=dim, keepdim=True)[0]\n    e = torch.exp(x - m)\n",
        "    m = torch.mean(x)\n    e = torch.exp(x - m)\n",
    ),
    on="chunks",
    at="torch.exp",
)
wrong(
    "wrong-gradient",
    (
        "return e / torch.sum(e, dim=dim, keepdim=True)",
        "return e / torch.sum(e, dim=dim, keepdim=True).detach()",
    ),
    also=("detached-graph",),
)
wrong("shared-projection", ("self.Wq(q), self.Wk(k), self.Wv(v)", "self.Wq(q), self.Wq(k), self.Wv(v)"))
wrong("missing-projection", ("self.Wq(q), self.Wk(k), self.Wv(v)", "self.Wq(q), self.Wk(k), v"))
wrong(
    "swapped-inputs",
    ("self.Wq(q), self.Wk(k), self.Wv(v)", "self.Wq(q), self.Wk(v), self.Wv(k)"),
    on="preallocated",
)
wrong("weigh-wrong-tensor", ("torch.bmm(A, Vh)", "torch.bmm(A, Kh)"))
wrong(
    "weigh-wrong-tensor",
    ("my_softmax(S) @ V[b, :, lo:hi]", "my_softmax(S) @ K[b, :, lo:hi]"),
    on="batch-loop",
)
wrong(
    "shared-across-heads",
    ("cols = slice(h * self.head_dim, (h + 1) * self.head_dim)", "cols = slice(0, self.head_dim)"),
    also=("wrong-value",),
)
wrong(
    "heads-not-concatenated",
    ("torch.cat(outputs, dim=2)", "torch.stack(outputs).sum(0).repeat(1, 1, self.n_heads)"),
)
wrong(
    "heads-not-concatenated",
    ("outputs[:, :, cols] = torch.bmm(A, Vh)", "outputs[:, :, :self.head_dim] = torch.bmm(A, Vh)"),
    on="preallocated",
    also=("wrong-value",),
)
wrong(
    "wrong-output-shape",
    ("self.Wo(torch.cat(outputs, dim=2))", "self.Wo(torch.cat(outputs, dim=2)).squeeze()[0]"),
)
wrong(
    "missing-output-projection",
    ("return self.Wo(torch.cat(outputs, dim=2))", "return torch.cat(outputs, dim=2)"),
)
wrong("batch-mixing", ("my_softmax(S) @ V[b, :, lo:hi]", "my_softmax(S) @ V[0, :, lo:hi]"), on="batch-loop")
wrong("batch-mixing", ("K[b, :, lo:hi].T", "K[b - 1, :, lo:hi].T"), on="batch-loop", also=("wrong-value",))
wrong(
    "merge-without-transpose",
    ("self.Wo(torch.cat(outputs, dim=2))", "self.Wo(torch.stack(outputs, dim=1).reshape(q.shape))"),
)
wrong("key-not-transposed", ("torch.bmm(Qh, Kh.transpose(1, 2))", "torch.bmm(Qh, Kh)"))
wrong("mask-inverted", ("~mask", "mask"), on="mask")
wrong(
    "mask-missing",
    ("                S = S.masked_fill(~mask, -1e12)\n", "                S.masked_fill(~mask, -1e12)\n"),
    on="mask",
)
wrong("mask-fill-value", ("-1e12", "1e-12"), on="mask")
wrong(
    "mask-after-softmax",
    (
        (
            "            if mask is not None:\n"
            "                S = S.masked_fill(~mask, -1e12)\n"
            "            A = my_softmax(S, dim=2)\n"
        ),
        (
            "            A = my_softmax(S, dim=2)\n"
            "            if mask is not None:\n"
            "                A = A * mask\n"
        ),
    ),
    on="mask",
    at="A = A * mask",
)
wrong("hard-coded-shape", ("for h in range(self.n_heads):", "for h in range(3):"), alone=True)
wrong("hard-coded-shape", ("torch.zeros_like(Q)", "torch.zeros(2, 10, self.emb_dim)"), on="preallocated")
wrong("wrong-output-type", ("return self.Wo(torch.cat(outputs, dim=2))", "return outputs"))
wrong(
    "detached-graph",
    (
        "            outputs.append(torch.bmm(A, Vh))",
        "            outputs.append(torch.tensor(torch.bmm(A, Vh).detach().numpy()))",
    ),
)
wrong(
    "mutates-input",
    (
        "        Q, K, V = self.Wq(q), self.Wk(k), self.Wv(v)\n",
        "        Q, K, V = self.Wq(q), self.Wk(k), self.Wv(v)\n        q *= 0\n",
    ),
    at="q *=",
)
wrong(
    "extra-residual",
    (
        "        return self.Wo(torch.cat(outputs, dim=2))",
        "        return q + self.Wo(torch.cat(outputs, dim=2))",
    ),
)
wrong(
    "crash",
    (
        "cols = slice(h * self.head_dim, (h + 1) * self.head_dim)",
        "cols = range(h * self.head_dim, (h + 1) * self.head_dims)",
    ),
)
wrong(
    "not-implemented",
    (
        (
            "    m = torch.max(x, dim=dim, keepdim=True)[0]\n"
            "    e = torch.exp(x - m)\n"
            "    return e / torch.sum(e, dim=dim, keepdim=True)\n"
        ),
        "    raise NotImplementedError('softmax by hand')\n",
    ),
)
