"""Whisper's MultiHeadAttention: the root of the scale on q and on k, xa for the other input, no bias on the key."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "whisper",
    "mha",
    r"""
from typing import Iterable, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(
            x,
            self.weight.to(x.dtype),
            None if self.bias is None else self.bias.to(x.dtype),
        )


class MultiHeadAttention(nn.Module):
    def __init__(self, n_state: int, n_head: int):
        super().__init__()
        self.n_head = n_head
        self.query = Linear(n_state, n_state)
        self.key = Linear(n_state, n_state, bias=False)
        self.value = Linear(n_state, n_state)
        self.out = Linear(n_state, n_state)

    def forward(
        self,
        x: Tensor,
        xa: Optional[Tensor] = None,
        mask: Optional[Tensor] = None,
        kv_cache: Optional[dict] = None,
    ):
        q = self.query(x)

        if kv_cache is None or xa is None or self.key not in kv_cache:
            # hooks, if installed, will prepend the cached kv tensors
            k = self.key(x if xa is None else xa)
            v = self.value(x if xa is None else xa)
        else:
            k = kv_cache[self.key]
            v = kv_cache[self.value]

        wv, qk = self.qkv_attention(q, k, v, mask)
        return self.out(wv), qk

    def qkv_attention(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor] = None
    ) -> Tuple[Tensor, Optional[Tensor]]:
        n_batch, n_ctx, n_state = q.shape
        scale = (n_state // self.n_head) ** -0.25
        q = q.view(*q.shape[:2], self.n_head, -1).permute(0, 2, 1, 3) * scale
        k = k.view(*k.shape[:2], self.n_head, -1).permute(0, 2, 3, 1) * scale
        v = v.view(*v.shape[:2], self.n_head, -1).permute(0, 2, 1, 3)

        qk = q @ k
        if mask is not None:
            qk = qk + mask

        w = F.softmax(qk, dim=-1).to(q.dtype)
        return (w @ v).permute(0, 2, 1, 3).flatten(start_dim=2), w.detach()
""",
    Drive(
        "MultiHeadAttention(D, H)",
        "m(q, k)[0]",
        "lin(m.query), lin(m.key), lin(m.value), lin(m.out)",
        "m(q, k, torch.zeros(1, 1, L, S).masked_fill(~keep[0], -torch.inf))[0]",
        keep="rows",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "output-only",
    ("return self.out(wv), qk", "return self.out(wv)"),
    call="m(q, k)",
    masked="m(q, k, torch.zeros(L, S).masked_fill(~keep[0], -torch.inf))",
)
right(
    "no-cache",
    ("        kv_cache: Optional[dict] = None,\n", ""),
    (
        (
            "        if kv_cache is None or xa is None or self.key not in kv_cache:\n"
            "            # hooks, if installed, will prepend the cached kv tensors\n"
            "            k = self.key(x if xa is None else xa)\n"
            "            v = self.value(x if xa is None else xa)\n"
            "        else:\n"
            "            k = kv_cache[self.key]\n"
            "            v = kv_cache[self.value]\n"
        ),
        "        k = self.key(x if xa is None else xa)\n        v = self.value(x if xa is None else xa)\n",
    ),
)
right(
    "scale-on-k-alone",
    ("** -0.25", "** -0.5"),
    (".permute(0, 2, 1, 3) * scale", ".permute(0, 2, 1, 3)"),
)
right(
    "self-only",
    ("        xa: Optional[Tensor] = None,\n", ""),
    (
        "if kv_cache is None or xa is None or self.key not in kv_cache",
        "if kv_cache is None or self.key not in kv_cache",
    ),
    ("self.key(x if xa is None else xa)", "self.key(x)"),
    ("self.value(x if xa is None else xa)", "self.value(x)"),
    call="m(x)[0]",
    masked="m(x, torch.where(keep[0], 0.0, -1e30))[0]",
    inputs="x",
)
wrong(
    "missing-scale",
    (".permute(0, 2, 1, 3) * scale", ".permute(0, 2, 1, 3)"),
    (".permute(0, 2, 3, 1) * scale", ".permute(0, 2, 3, 1)"),
)
wrong("wrong-scale", ("** -0.25", "** -0.5"))
wrong("wrong-scale", (".permute(0, 2, 1, 3) * scale", ".permute(0, 2, 1, 3)"))
wrong("wrong-scale", ("scale = (n_state // self.n_head) ** -0.25", "scale = n_state ** -0.25"))
wrong("softmax-axis", ("F.softmax(qk, dim=-1)", "F.softmax(qk, dim=-2)"), also=("softmax-axis+nan-output",))
wrong(
    "softmax-axis",
    ("F.softmax(qk, dim=-1)", "F.softmax(qk, dim=1)"),
    on="no-cache",
    also=("softmax-axis+nan-output",),
)
wrong(
    "missing-softmax",
    ("w = F.softmax(qk, dim=-1).to(q.dtype)", "w = qk.to(q.dtype)"),
    also=("missing-softmax+nan-output",),
)
wrong("mask-missing", ("            qk = qk + mask\n", "            qk + mask\n"))
wrong(
    "mask-after-softmax",
    (
        "        if mask is not None:\n            qk = qk + mask\n\n        w = F.softmax(qk, dim=-1).to(q.dtype)\n",
        "        w = F.softmax(qk, dim=-1).to(q.dtype)\n        if mask is not None:\n            w = w.masked_fill(mask < 0, 0)\n",
    ),
    at="w.masked_fill",
)
wrong("mask-fill-value", ("            qk = qk + mask\n", "            qk = qk + mask.clamp(min=-1.0)\n"))
wrong(
    "shared-projection", ("v = self.value(x if xa is None else xa)", "v = self.key(x if xa is None else xa)")
)
wrong(
    "shared-projection",
    ("self.key = Linear(n_state, n_state, bias=False)", "self.key = self.query"),
    on="output-only",
)
wrong("missing-projection", ("q = self.query(x)", "q = x"))
wrong("missing-projection", ("k = self.key(x if xa is None else xa)", "k = x if xa is None else xa"))
wrong(
    "split-without-transpose",
    (
        "q.view(*q.shape[:2], self.n_head, -1).permute(0, 2, 1, 3)",
        "q.view(n_batch, self.n_head, q.shape[1], -1)",
    ),
    (
        "k.view(*k.shape[:2], self.n_head, -1).permute(0, 2, 3, 1)",
        "k.view(n_batch, self.n_head, k.shape[1], -1).mT",
    ),
    (
        "v.view(*v.shape[:2], self.n_head, -1).permute(0, 2, 1, 3)",
        "v.view(n_batch, self.n_head, v.shape[1], -1)",
    ),
)
wrong("key-not-transposed", (".permute(0, 2, 3, 1) * scale", ".permute(0, 2, 1, 3) * scale"))
wrong(
    "weigh-wrong-tensor",
    ("(w @ v).permute", "(w @ k.mT).permute"),
    alone=True,
    also=("wrong-value", "weigh-wrong-tensor+wrong-scale", "wrong-value+weigh-wrong-tensor"),
)
wrong(
    "merge-without-transpose",
    ("(w @ v).permute(0, 2, 1, 3).flatten(start_dim=2)", "(w @ v).reshape(n_batch, n_ctx, n_state)"),
)
wrong(
    "non-contiguous-view",
    (
        "(w @ v).permute(0, 2, 1, 3).flatten(start_dim=2)",
        "(w @ v).permute(0, 2, 1, 3).view(n_batch, n_ctx, n_state)",
    ),
)
wrong("missing-output-projection", ("return self.out(wv), qk", "return wv, qk"))
wrong("extra-residual", ("return self.out(wv), qk", "return x + self.out(wv), qk"))
wrong(
    "detached-graph",
    (
        "wv, qk = self.qkv_attention(q, k, v, mask)",
        "with torch.no_grad():\n            wv, qk = self.qkv_attention(q, k, v, mask)",
    ),
    at="no_grad",
)
wrong(
    "detached-graph",
    ("F.softmax(qk, dim=-1).to(q.dtype)", "F.softmax(qk, dim=-1).to(q.dtype).detach()"),
    on="no-cache",
)
wrong("batch-mixing", ("qk = q @ k\n", "qk = q @ k[:1]\n"))
wrong(
    "unexpected-mask",
    (
        "        w = F.softmax(qk, dim=-1)",
        "        qk = qk + torch.full(qk.shape[-2:], -torch.inf).triu_(1)\n        w = F.softmax(qk, dim=-1)",
    ),
    on="no-cache",
    at="triu_",
    also=("unexpected-mask+nan-output",),
)
wrong("wrong-output-shape", ("return self.out(wv), qk", "return self.out(wv).transpose(0, 1), qk"))
wrong(
    "nondeterministic",
    ("        qk = q @ k\n", "        qk = q @ k + 0.1 * torch.randn(n_ctx, k.shape[-1])\n"),
)
wrong(
    "builtin-used",
    (
        "        wv, qk = self.qkv_attention(q, k, v, mask)\n",
        (
            "        q, k, v = (t.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for t in (q, k, v))\n"
            "        wv = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)\n"
            "        qk = None\n"
        ),
    ),
    at="scaled_dot",
)
