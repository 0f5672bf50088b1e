"""picoGPT in torch: plain functions, the weights are arguments, the mask is made by tri."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "picogpt",
    "causal-mha",
    r"""
import torch


def softmax(x):
    exp_x = torch.exp(x - torch.amax(x, dim=-1, keepdim=True))
    return exp_x / torch.sum(exp_x, dim=-1, keepdim=True)


def linear(x, w, b):  # [n_seq, n_in], [n_in, n_out], [n_out] -> [n_seq, n_out]
    return x @ w + b


def attention(q, k, v, mask):  # [n_q, d_k], [n_k, d_k], [n_k, d_v], [n_q, n_k] -> [n_q, d_v]
    return softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + mask) @ v


def causal_self_attention(x, w_qkv, b_qkv, w_out, b_out, n_head):  # [B, n_seq, n_embd] -> [B, n_seq, n_embd]
    # qkv projection
    x = linear(x, w_qkv, b_qkv)  # [B, n_seq, n_embd] -> [B, n_seq, 3*n_embd]

    # split into qkv
    qkv = torch.chunk(x, 3, dim=-1)

    # split into heads
    qkv_heads = [torch.chunk(part, n_head, dim=-1) for part in qkv]  # -> [3, n_head, B, n_seq, n_embd/n_head]

    # causal mask to hide future inputs from being attended to
    n_seq = x.shape[1]
    causal_mask = (1 - torch.tril(torch.ones(n_seq, n_seq))) * -1e10

    # perform attention over each head
    out_heads = [attention(q, k, v, causal_mask) for q, k, v in zip(*qkv_heads)]

    # merge heads
    x = torch.cat(out_heads, dim=-1)

    # out projection
    x = linear(x, w_out, b_out)
    return x
""",
    Drive(
        "(torch.randn(D, 3 * D) / D**0.5, torch.randn(3 * D) / 4, torch.randn(D, D) / D**0.5, torch.randn(D) / 4)",
        "causal_self_attention(x, *m, H)",
        "*fused(raw(m[0], m[1]), 'k h d', H), raw(m[2], m[3])",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "no-biases",
    (
        "def linear(x, w, b):  # [n_seq, n_in], [n_in, n_out], [n_out] -> [n_seq, n_out]\n    return x @ w + b\n",
        "def linear(x, w):  # [n_seq, n_in], [n_in, n_out] -> [n_seq, n_out]\n    return x @ w\n",
    ),
    ("x, w_qkv, b_qkv, w_out, b_out, n_head", "x, w_qkv, w_out, n_head"),
    ("linear(x, w_qkv, b_qkv)", "linear(x, w_qkv)"),
    ("linear(x, w_out, b_out)", "linear(x, w_out)"),
    make="(torch.randn(D, 3 * D) / D**0.5, torch.randn(D, D) / D**0.5)",
    weights="*fused(raw(m[0]), 'k h d', H), raw(m[1])",
)
right(
    "map-and-lambda",
    (
        "out_heads = [attention(q, k, v, causal_mask) for q, k, v in zip(*qkv_heads)]",
        "out_heads = list(map(lambda q, k, v: attention(q, k, v, causal_mask), *qkv_heads))",
    ),
    (
        "n_seq = x.shape[1]\n    causal_mask = (1 - torch.tril(torch.ones(n_seq, n_seq))) * -1e10",
        "n_seq = x.shape[1]\n    causal_mask = torch.full((n_seq, n_seq), -1e10).triu(1)",
    ),
)
right(
    "torch-softmax",
    (
        "def softmax(x):\n    exp_x = torch.exp(x - torch.amax(x, dim=-1, keepdim=True))\n    return exp_x / torch.sum(exp_x, dim=-1, keepdim=True)\n",
        "def softmax(x):\n    return torch.nn.functional.softmax(x, -1)\n",
    ),
)
wrong("missing-scale", (" / q.shape[-1] ** 0.5", ""))
wrong("wrong-scale", ("q.shape[-1] ** 0.5", "q.shape[-1]"))
wrong("wrong-scale", ("/ q.shape[-1] ** 0.5", "* q.shape[-1] ** 0.5"))
wrong("mask-missing", ("/ q.shape[-1] ** 0.5 + mask)", "/ q.shape[-1] ** 0.5)"))
wrong("mask-inverted", ("(1 - torch.tril(torch.ones(n_seq, n_seq)))", "torch.tril(torch.ones(n_seq, n_seq))"))
wrong(
    "mask-inverted",
    ("torch.full((n_seq, n_seq), -1e10).triu(1)", "torch.full((n_seq, n_seq), -1e10).tril(-1)"),
    on="map-and-lambda",
)
wrong("mask-off-by-one", ("torch.tril(torch.ones(n_seq, n_seq))", "torch.tril(torch.ones(n_seq, n_seq), 1)"))
wrong("mask-fill-value", ("* -1e10", "* 1e-10"), alone=True, also=("mask-missing",))
wrong("mask-fill-value", ("* -1e10", "* -1"))
wrong(
    "mask-after-softmax",
    (
        "softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + mask) @ v",
        "(softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5) * (mask == 0)) @ v",
    ),
)
wrong(
    "softmax-axis",
    ("torch.nn.functional.softmax(x, -1)", "torch.nn.functional.softmax(x, 1)"),
    on="torch-softmax",
)
wrong(
    "missing-softmax",
    (
        "softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + mask) @ v",
        "(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 * (mask == 0)) @ v",
    ),
    alone=True,
    also=("mask-after-softmax+missing-softmax", "mask-fill-value+missing-softmax", "wrong-value"),
)
wrong("unstable-softmax", ("torch.exp(x - torch.amax(x, dim=-1, keepdim=True))", "torch.exp(x)"))
wrong("weigh-wrong-tensor", ("+ mask) @ v", "+ mask) @ k"))
wrong("key-not-transposed", ("k.transpose(-1, -2)", "k.reshape(k.shape[0], k.shape[2], k.shape[1])"))
wrong("shared-projection", ("zip(*qkv_heads)]", "zip(qkv_heads[0], qkv_heads[1], qkv_heads[1])]"))
wrong(
    "missing-projection",
    (
        "    # split into qkv\n    qkv = torch.chunk(x, 3, dim=-1)\n",
        "    # split into qkv\n    qkv = torch.chunk(x, 3, dim=-1)\n    qkv = (inputs, qkv[1], qkv[2])\n",
    ),
    ("    # qkv projection\n", "    # qkv projection\n    inputs = x\n"),
    at="qkv = (inputs",
)
wrong("heads-not-concatenated", ("torch.cat(out_heads, dim=-1)", "torch.cat(out_heads, dim=1)"))
wrong("missing-output-projection", ("    x = linear(x, w_out, b_out)\n", ""))
wrong("missing-output-projection", ("    x = linear(x, w_out)\n", ""), on="no-biases")
wrong(
    "extra-residual",
    ("    # qkv projection\n", "    # qkv projection\n    skip = x\n"),
    ("    return x\n", "    return skip + x\n"),
    at="return skip + x",
)
wrong("detached-graph", ("+ mask) @ v", "+ mask) @ v.detach()"))
wrong(
    "wrong-gradient",
    (
        "torch.amax(x, dim=-1, keepdim=True))",
        "torch.amax(x, dim=-1, keepdim=True))\n    exp_x = exp_x.detach() + 0.5 * (exp_x - exp_x.detach())",
    ),
    also=("detached-graph",),
    at="exp_x.detach() +",
)
wrong(
    "merge-without-transpose",
    ("torch.cat(out_heads, dim=-1)", "torch.stack(out_heads, dim=1).reshape(x.shape[0], n_seq, -1)"),
)
wrong("hard-coded-shape", ("n_seq = x.shape[1]", "n_seq = 5"))
wrong("crash", ("def linear(x, w, b):", "def linear(x, weight, b):"), at=("def linear", "return x @ w + b"))
