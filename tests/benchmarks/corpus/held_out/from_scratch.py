"""Karpathy's makemore way: Linear, Softmax and Dropout written from scratch as plain classes with parameters()."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "from-scratch",
    "causal-mha",
    r"""
import torch

g = torch.Generator().manual_seed(2147483647) # for reproducibility


class Linear:

  def __init__(self, fan_in, fan_out, bias=True):
    self.weight = torch.randn((fan_in, fan_out), generator=g) / fan_in**0.5
    self.bias = torch.zeros(fan_out) if bias else None

  def __call__(self, x):
    self.out = x @ self.weight
    if self.bias is not None:
      self.out = self.out + self.bias
    return self.out

  def parameters(self):
    return [self.weight] + ([] if self.bias is None else [self.bias])


class Softmax:

  def __init__(self, dim):
    self.dim = dim

  def __call__(self, x):
    counts = (x - x.max(self.dim, keepdim=True).values).exp()
    self.out = counts / counts.sum(self.dim, keepdim=True)
    return self.out

  def parameters(self):
    return []


class CausalSelfAttention:

  def __init__(self, n_embd, n_head, block_size=256):
    assert n_embd % n_head == 0
    self.n_head = n_head
    self.head_size = n_embd // n_head
    self.key = Linear(n_embd, n_embd, bias=False)
    self.query = Linear(n_embd, n_embd, bias=False)
    self.value = Linear(n_embd, n_embd, bias=False)
    self.proj = Linear(n_embd, n_embd)
    self.softmax = Softmax(-1)
    self.tril = torch.tril(torch.ones(block_size, block_size))

  def __call__(self, x):
    B, T, C = x.shape
    k = self.key(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)
    q = self.query(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)
    v = self.value(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)
    wei = q @ k.transpose(-2, -1) * self.head_size**-0.5 # (B, nh, T, T)
    wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))
    wei = self.softmax(wei)
    out = wei @ v # (B, nh, T, hs)
    out = out.transpose(1, 2).reshape(B, T, C)
    self.out = self.proj(out)
    return self.out

  def parameters(self):
    return [p for layer in (self.key, self.query, self.value, self.proj, self.softmax) for p in layer.parameters()]
""",
    Drive(
        "CausalSelfAttention(D, H, 16)",
        "m(x)",
        "*(raw(w.weight) for w in (m.query, m.key, m.value)), raw(m.proj.weight, m.proj.bias)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "biases",
    (", bias=False)", ")", "all"),
    weights="*(raw(w.weight, w.bias) for w in (m.query, m.key, m.value, m.proj)),",
)
right(
    "requires-grad",
    (
        "    self.tril = torch",
        "    for p in self.parameters():\n      p.requires_grad = True\n    self.tril = torch",
    ),
)
right(
    "torch-softmax",
    ("    wei = self.softmax(wei)\n", "    wei = wei.softmax(-1)\n"),
    (
        "    wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))\n",
        "    wei[..., self.tril[:T, :T] == 0] = -1e9\n",
    ),
)
right(
    "one-fused-layer",
    (
        "    self.key = Linear(n_embd, n_embd, bias=False)\n    self.query = Linear(n_embd, n_embd, bias=False)\n    self.value = Linear(n_embd, n_embd, bias=False)\n",
        "    self.kqv = Linear(n_embd, 3 * n_embd, bias=False)\n",
    ),
    ("(self.key, self.query, self.value, self.proj", "(self.kqv, self.proj"),
    (
        "    B, T, C = x.shape\n",
        "    B, T, C = x.shape\n    kk, qq, vv = torch.tensor_split(self.kqv(x), (C, 2 * C), dim=2)\n",
    ),
    ("self.key(x).view", "kk.view"),
    ("self.query(x).view", "qq.view"),
    ("self.value(x).view", "vv.view"),
    weights="*(fused(raw(m.kqv.weight), 'k h d', H)[i] for i in (1, 0, 2)), raw(m.proj.weight, m.proj.bias)",
)
wrong("missing-scale", (" * self.head_size**-0.5", ""))
wrong("wrong-scale", ("self.head_size**-0.5", "self.head_size**0.5"))
wrong("wrong-scale", ("self.head_size**-0.5", "C**-0.5"))
wrong("wrong-scale", ("* self.head_size**-0.5", "/ self.head_size"), on="torch-softmax")
wrong(
    "scale-after-softmax",
    (" * self.head_size**-0.5", ""),
    ("wei = self.softmax(wei)", "wei = self.softmax(wei) * self.head_size**-0.5"),
    at="self.softmax(wei) *",
)
wrong("mask-missing", ("    wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))\n", ""))
wrong("mask-missing", ("wei = wei.masked_fill(", "wei.masked_fill("), on="biases")
wrong("mask-inverted", ("self.tril[:T, :T] == 0, float('-inf')", "self.tril[:T, :T] == 1, -1e9"))
wrong(
    "mask-off-by-one",
    ("torch.tril(torch.ones(block_size, block_size))", "torch.tril(torch.ones(block_size, block_size), 1)"),
)
wrong("mask-fill-value", ("float('-inf')", "0"))
wrong("mask-fill-value", ("= -1e9", "= 1e-9"), on="torch-softmax")
wrong(
    "mask-after-softmax",
    (
        "    wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))\n    wei = self.softmax(wei)\n",
        "    wei = self.softmax(wei)\n    wei = wei.masked_fill(self.tril[:T, :T] == 0, 0.)\n",
    ),
    at="== 0, 0.)",
)
wrong("softmax-axis", ("wei.softmax(-1)", "wei.softmax(-2)"), on="torch-softmax")
wrong(
    "softmax-axis",
    ("self.softmax = Softmax(-1)", "self.softmax = Softmax(-2)"),
    at=("Softmax(-2)", "self.softmax(wei)", "counts"),
    alone=True,
)
wrong("unstable-softmax", ("(x - x.max(self.dim, keepdim=True).values).exp()", "x.exp()"))
wrong(
    "wrong-gradient",
    ("counts.sum(self.dim, keepdim=True)", "counts.sum(self.dim, keepdim=True).detach()"),
    also=("detached-graph",),
)
wrong("shared-projection", ("self.value(x).view", "self.key(x).view"))
wrong("missing-projection", ("self.query(x).view", "x.view"))
wrong(
    "split-without-transpose",
    (
        "self.key(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)",
        "self.key(x).view(B, self.n_head, T, self.head_size)",
    ),
    (
        "self.query(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)",
        "self.query(x).view(B, self.n_head, T, self.head_size)",
    ),
    (
        "self.value(x).view(B, T, self.n_head, self.head_size).transpose(1, 2)",
        "self.value(x).view(B, self.n_head, T, self.head_size)",
    ),
)
wrong("merge-without-transpose", ("out.transpose(1, 2).reshape(B, T, C)", "out.reshape(B, T, C)"))
wrong("non-contiguous-view", ("out.transpose(1, 2).reshape(B, T, C)", "out.transpose(1, 2).view(B, T, C)"))
wrong("weigh-wrong-tensor", ("out = wei @ v", "out = wei @ k"))
wrong("missing-output-projection", ("self.out = self.proj(out)", "self.out = out"))
wrong("extra-residual", ("self.out = self.proj(out)", "self.out = x + self.proj(out)"))
wrong(
    "extra-normalization",
    (
        "    self.out = self.proj(out)\n",
        "    self.out = self.proj(out)\n    self.out = (self.out - self.out.mean(-1, keepdim=True)) / (self.out.var(-1, unbiased=False, keepdim=True) + 1e-5)**0.5\n",
    ),
    at="self.out.mean(",
    also=("wrong-value",),
)
wrong("detached-graph", ("out = wei @ v", "out = wei @ v.data"))
wrong(
    "batch-mixing", ("    wei = self.softmax(wei)\n", "    wei = self.softmax(wei).mean(0, keepdim=True)\n")
)
wrong(
    "wrong-output-type",
    (
        "    return self.out\n\n  def parameters(self):\n    return [p",
        "\n  def parameters(self):\n    return [p",
    ),
    also=("not-implemented",),
)
wrong("crash", ("self.proj(out)", "self.c_proj(out)"))
