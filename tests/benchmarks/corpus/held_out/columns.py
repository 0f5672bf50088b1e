"""Column vectors as on the blackboard: W @ x, scores K^T Q, softmax down the columns, V @ A."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "columns",
    "mha",
    r'''
import torch
from torch import nn


class ColumnMHA(nn.Module):
    """Everything as columns, like in the lecture: X is (D, length), Q = W_q X + b_q, A = softmax(K^T Q / sqrt(d))."""

    def __init__(self, D, H):
        super().__init__()
        self.D, self.H, self.d = D, H, D // H
        self.W_q = nn.Parameter(torch.randn(D, D) / D**0.5)
        self.W_k = nn.Parameter(torch.randn(D, D) / D**0.5)
        self.W_v = nn.Parameter(torch.randn(D, D) / D**0.5)
        self.W_o = nn.Parameter(torch.randn(D, D) / D**0.5)
        self.b_q = nn.Parameter(torch.zeros(D, 1))
        self.b_k = nn.Parameter(torch.zeros(D, 1))
        self.b_v = nn.Parameter(torch.zeros(D, 1))
        self.b_o = nn.Parameter(torch.zeros(D, 1))

    def forward(self, x_q, x_k, x_v):
        X_q, X_k, X_v = x_q.mT, x_k.mT, x_v.mT            # (B, D, L), (B, D, S), (B, D, S)
        Q = self.W_q @ X_q + self.b_q
        K = self.W_k @ X_k + self.b_k
        V = self.W_v @ X_v + self.b_v
        Q = Q.view(-1, self.H, self.d, X_q.size(2))       # (B, H, d, L)
        K = K.view(-1, self.H, self.d, X_k.size(2))       # (B, H, d, S)
        V = V.view(-1, self.H, self.d, X_v.size(2))
        E = K.mT @ Q / self.d**0.5                        # (B, H, S, L): a column per query
        A = torch.softmax(E, dim=2)
        Y = V @ A                                         # (B, H, d, L)
        Y = Y.reshape(-1, self.D, X_q.size(2))            # (B, D, L)
        Y = self.W_o @ Y + self.b_o
        return Y.mT
''',
    Drive(
        "ColumnMHA(D, H)",
        "m(q, k, v)",
        "raw(m.W_q.T, m.b_q[:, 0]), raw(m.W_k.T, m.b_k[:, 0]), raw(m.W_v.T, m.b_v[:, 0]), raw(m.W_o.T, m.b_o[:, 0])",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "with-weights",
    ("        return Y.mT\n", "        return Y.mT, A.mT\n"),
    call="m(q, k, v)[0]",
)
right(
    "no-biases",
    (" + self.b_q\n", "\n"),
    (" + self.b_k\n", "\n"),
    (" + self.b_v\n", "\n"),
    (" + self.b_o\n", "\n"),
    (
        (
            "        self.b_q = nn.Parameter(torch.zeros(D, 1))\n        self.b_k = nn.Parameter(torch.zeros(D, 1))\n"
            "        self.b_v = nn.Parameter(torch.zeros(D, 1))\n        self.b_o = nn.Parameter(torch.zeros(D, 1))\n"
        ),
        "",
    ),
    weights="raw(m.W_q.T), raw(m.W_k.T), raw(m.W_v.T), raw(m.W_o.T)",
)
right(
    "mask",
    ("x_q, x_k, x_v):", "x_q, x_k, x_v, mask=None):"),
    (
        "        A = torch",
        "        if mask is not None:\n            E = E.masked_fill(mask.mT[:, None] == 0, float('-inf'))\n        A = torch",
    ),
    masked="m(q, k, v, keep)",
)
right(
    "einsum",
    ("K.mT @ Q / self.d**0.5", "torch.einsum('zhcs,zhcl->zhsl', K, Q) / self.d**0.5"),
    ("Y = V @ A ", "Y = torch.einsum('zhcs,zhsl->zhcl', V, A) "),
)
wrong("missing-scale", (" / self.d**0.5", ""))
wrong("wrong-scale", ("self.d**0.5", "self.D**0.5"))
wrong("wrong-scale", ("self.d**0.5", "self.d"), on="einsum")
wrong(
    "scale-after-softmax",
    (" / self.d**0.5", ""),
    ("torch.softmax(E, dim=2)", "torch.softmax(E, dim=2) / self.d**0.5"),
)
wrong("softmax-axis", ("torch.softmax(E, dim=2)", "torch.softmax(E, dim=-1)"))
wrong("softmax-axis", ("torch.softmax(E, dim=2)", "torch.softmax(E, dim=1)"), on="einsum")
wrong("missing-softmax", ("A = torch.softmax(E, dim=2)", "A = E"))
wrong(
    "unstable-softmax",
    (
        "        A = torch.softmax(E, dim=2)\n",
        "        A = torch.exp(E)\n        A = A / A.sum(dim=2, keepdim=True)\n",
    ),
    at="torch.exp(E)",
)
wrong("shared-projection", ("K = self.W_k @ X_k + self.b_k", "K = self.W_q @ X_k + self.b_q"))
wrong(
    "missing-projection",
    ("V = self.W_v @ X_v + self.b_v", "V = X_v"),
    ("V = V.view(", "V = V.reshape("),
    at="V = X_v",
)
wrong("missing-projection", ("Q = self.W_q @ X_q + self.b_q", "Q = X_q.contiguous()"))
wrong(
    "swapped-inputs",
    ("K = self.W_k @ X_k + self.b_k", "K = self.W_k @ X_v + self.b_k"),
    ("V = self.W_v @ X_v + self.b_v", "V = self.W_v @ X_k + self.b_v"),
)
wrong("weigh-wrong-tensor", ("Y = V @ A ", "Y = K @ A "))
wrong("mask-missing", ("            E = E.masked_fill(mask", "            E.masked_fill(mask"), on="mask")
wrong("mask-fill-value", ("float('-inf')", "0.0"), on="mask")
wrong(
    "mask-after-softmax",
    (
        "        if mask is not None:\n            E = E.masked_fill(mask.mT[:, None] == 0, float('-inf'))\n        A = torch.softmax(E, dim=2)\n",
        "        A = torch.softmax(E, dim=2)\n        if mask is not None:\n            A = A.masked_fill(mask.mT[:, None] == 0, 0)\n",
    ),
    on="mask",
    at="A.masked_fill",
)
wrong("missing-output-projection", ("        Y = self.W_o @ Y + self.b_o\n", ""))
wrong("extra-residual", ("        return Y.mT\n", "        return Y.mT + x_q\n"))
wrong(
    "extra-normalization",
    ("        return Y.mT\n", "        return nn.functional.layer_norm(Y.mT, (self.D,))\n"),
)
wrong("wrong-output-shape", ("        return Y.mT\n", "        return Y\n"))
wrong(
    "cross-length",
    ("K = K.view(-1, self.H, self.d, X_k.size(2))", "K = K.view(-1, self.H, self.d, X_q.size(2))"),
    ("V = V.view(-1, self.H, self.d, X_v.size(2))", "V = V.view(-1, self.H, self.d, X_q.size(2))"),
)
wrong(
    "unregistered-parameters",
    ("self.W_v = nn.Parameter(torch.randn(D, D) / D**0.5)", "self.W_v = torch.randn(D, D) / D**0.5"),
)
wrong(
    "unregistered-parameters",
    ("self.b_o = nn.Parameter(torch.zeros(D, 1))", "self.b_o = torch.full((D, 1), 0.2)"),
)
wrong("detached-graph", ("Y = V @ A ", "Y = V @ A.detach() "))
wrong("batch-mixing", ("E = K.mT @ Q / self.d**0.5 ", "E = K[:1].mT @ Q / self.d**0.5 "))
wrong("hard-coded-shape", ("Y.reshape(-1, self.D, X_q.size(2))", "Y.reshape(-1, self.D, 5)"))
