"""Scaled dot-product attention the other way round: K Q^T, a softmax down the columns, A^T V."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sdpa-columns",
    "sdpa",
    r'''
import torch


def attention(Q, K, V, visible=None):
    """
    Q (N, L, D), K (N, S, D), V (N, S, D) -> output (N, L, D), weights (N, L, S)

    E[s, l] says how well key s answers query l, so every COLUMN is normalised.
    """
    scale = Q.shape[2] ** -0.5
    E = torch.bmm(K * scale, Q.transpose(1, 2))            # (N, S, L)
    if visible is not None:
        E = E.where(visible.transpose(1, 2), E.new_tensor(-1e18))
    E = E - E.max(dim=1, keepdim=True).values
    A = E.exp()
    A = A / A.sum(dim=1, keepdim=True)                     # (N, S, L)
    output = torch.bmm(A.transpose(1, 2), V)               # (N, L, D)
    return output, A.transpose(1, 2)
''',
    Drive(
        "None",
        "attention(q, k, v)[0]",
        "None",
        "attention(q, k, v, keep)[0]",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "scale-the-query",
    ("torch.bmm(K * scale, Q.transpose(1, 2))", "torch.bmm(K, (Q * scale).transpose(1, 2))"),
)
right(
    "torch-softmax",
    (
        "    E = E - E.max(dim=1, keepdim=True).values\n    A = E.exp()\n    A = A / A.sum(dim=1, keepdim=True)                     # (N, S, L)\n",
        "    A = torch.softmax(E, dim=1)\n",
    ),
)
right(
    "no-mask",
    ("Q, K, V, visible=None", "Q, K, V"),
    ("    if visible is not None:\n        E = E.where(visible.transpose(1, 2), E.new_tensor(-1e18))\n", ""),
    masked="",
)
right(
    "class",
    (
        "def attention(Q, K, V, visible=None):",
        "class ColumnAttention:\n  @staticmethod\n  def forward(Q, K, V, visible=None):",
    ),
    make="ColumnAttention()",
    call="m.forward(q, k, v)[0]",
    masked="m.forward(q, k, v, keep)[0]",
)
right(
    "bare-output-by-transposes",
    (
        "    output = torch.bmm(A.transpose(1, 2), V)               # (N, L, D)\n    return output, A.transpose(1, 2)\n",
        "    return (V.mT @ A).mT\n",
    ),
    call="attention(q, k, v)",
    masked="attention(q, k, v, keep)",
)
wrong("missing-scale", ("K * scale", "K"))
wrong("missing-scale", ("(Q * scale).transpose", "Q.transpose"), on="scale-the-query")
wrong("wrong-scale", ("Q.shape[2] ** -0.5", "Q.shape[2] ** 0.5"))
wrong(
    "wrong-scale",
    ("torch.bmm(K * scale, Q.transpose(1, 2))", "torch.bmm(K * scale, (Q * scale).transpose(1, 2))"),
)
wrong("wrong-scale", ("Q.shape[2] ** -0.5", "Q.shape[1] ** -0.5"), on="no-mask", also=("wrong-value",))
wrong("softmax-axis", ("torch.softmax(E, dim=1)", "torch.softmax(E, dim=2)"), on="torch-softmax")
wrong(
    "softmax-axis",
    ("E.max(dim=1, keepdim=True)", "E.max(dim=2, keepdim=True)"),
    ("A.sum(dim=1, keepdim=True)", "A.sum(dim=2, keepdim=True)"),
)
wrong("unstable-softmax", ("    E = E - E.max(dim=1, keepdim=True).values\n", ""), at="E.exp()")
wrong("missing-softmax", ("    A = torch.softmax(E, dim=1)\n", "    A = E\n"), on="torch-softmax", alone=True)
wrong(
    "wrong-value",
    ("    A = A / A.sum(dim=1, keepdim=True)                     # (N, S, L)\n", ""),
    also=("missing-softmax",),
)
wrong(
    "wrong-gradient",
    ("A.sum(dim=1, keepdim=True)", "A.sum(dim=1, keepdim=True).detach()"),
    also=("detached-graph",),
)
wrong("mask-missing", ("        E = E.where(", "        E.where("))
wrong("mask-fill-value", ("-1e18", "-1.0"))
wrong("mask-fill-value", ("-1e18", "1e-18"), on="torch-softmax")
wrong(
    "mask-after-softmax",
    (
        "    if visible is not None:\n        E = E.where(visible.transpose(1, 2), E.new_tensor(-1e18))\n    A = torch.softmax(E, dim=1)\n",
        "    A = torch.softmax(E, dim=1)\n    if visible is not None:\n        A = A * visible.transpose(1, 2)\n",
    ),
    on="torch-softmax",
    at="A * visible",
)
wrong(
    "scale-after-softmax",
    ("K * scale", "K"),
    ("A / A.sum(dim=1, keepdim=True) ", "A / A.sum(dim=1, keepdim=True) * scale "),
    at="* scale",
)
wrong(
    "unexpected-mask",
    ("    E = E - E.max", "    E = E + torch.full_like(E, -1e9).tril(-1)\n    E = E - E.max"),
    on="no-mask",
    at="tril(-1)",
)
wrong("weigh-wrong-tensor", ("torch.bmm(A.transpose(1, 2), V)", "torch.bmm(A.transpose(1, 2), K)"))
wrong(
    "swapped-inputs",
    ("torch.bmm(K * scale, Q.transpose(1, 2))", "torch.bmm(V * scale, Q.transpose(1, 2))"),
    ("torch.bmm(A.transpose(1, 2), V)", "torch.bmm(A.transpose(1, 2), K)"),
)
wrong("extra-residual", ("    return output, A", "    return output + Q, A"))
wrong(
    "extra-normalization",
    (
        "    return output, A",
        "    output = (output - output.mean(-1, keepdim=True)) / (output.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()\n    return output, A",
    ),
    at="output.mean(",
    also=("wrong-value",),
)
wrong("detached-graph", ("torch.bmm(A.transpose(1, 2), V)", "torch.bmm(A.transpose(1, 2), V.detach())"))
wrong("mutates-input", ("torch.bmm(K * scale, Q", "torch.bmm(K.mul_(scale), Q"))
wrong("wrong-output-shape", ("return (V.mT @ A).mT", "return V.mT @ A"), on="bare-output-by-transposes")
wrong("batch-mixing", ("torch.bmm(K * scale, Q.transpose(1, 2))", "(K[0] * scale) @ Q.transpose(1, 2)"))
wrong("crash", ("A.sum(dim=1, keepdim=True)", "A.sum(dim=1, keep=True)"))
