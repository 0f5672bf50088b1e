"""Keys by blocks with a running maximum, causal."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "online-softmax",
    "causal-mha",
    r'''
"""Causal attention with the running maximum of flash attention, keys by blocks."""
import torch
from torch import nn


class BlockwiseCausalAttention(nn.Module):
    def __init__(self, hidden_dim, num_heads, block_size=2):
        super().__init__()
        self.num_heads = num_heads
        self.block = block_size
        self.qkv_proj = nn.Linear(hidden_dim, 3 * hidden_dim)
        self.o_proj = nn.Linear(hidden_dim, hidden_dim)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv_proj(x).view(B, T, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        q = q * q.shape[-1] ** -0.5
        rows = torch.arange(T, device=x.device)[:, None]

        out = torch.zeros_like(q)
        top = q.new_full((B, self.num_heads, T, 1), float("-inf"))
        total = torch.zeros_like(top)
        for start in range(0, T, self.block):
            stop = min(start + self.block, T)
            s = q @ k[:, :, start:stop].transpose(-2, -1)
            s = s.masked_fill(rows < torch.arange(start, stop, device=x.device), float("-inf"))
            new_top = torch.maximum(top, s.amax(-1, keepdim=True))
            p = torch.exp(s - new_top)
            shrink = torch.exp(top - new_top)
            total = total * shrink + p.sum(-1, keepdim=True)
            out = out * shrink + p @ v[:, :, start:stop]
            top = new_top
        out = out / total
        return self.o_proj(out.transpose(1, 2).reshape(B, T, C))
''',
    Drive(
        "BlockwiseCausalAttention(D, H)",
        "m(x)",
        "*fused(lin(m.qkv_proj), 'k h d', H), lin(m.o_proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "row-by-row",
    (
        """        out = torch.zeros_like(q)
        top = q.new_full((B, self.num_heads, T, 1), float("-inf"))
        total = torch.zeros_like(top)
        for start in range(0, T, self.block):
            stop = min(start + self.block, T)
            s = q @ k[:, :, start:stop].transpose(-2, -1)
            s = s.masked_fill(rows < torch.arange(start, stop, device=x.device), float("-inf"))
            new_top = torch.maximum(top, s.amax(-1, keepdim=True))
            p = torch.exp(s - new_top)
            shrink = torch.exp(top - new_top)
            total = total * shrink + p.sum(-1, keepdim=True)
            out = out * shrink + p @ v[:, :, start:stop]
            top = new_top
        out = out / total
""",
        """        out = []
        for t in range(T):
            # the query at t sees the keys up to t
            s = torch.einsum("bhd,bhsd->bhs", q[:, :, t], k[:, :, :t + 1])
            out.append(torch.einsum("bhs,bhsd->bhd", s.softmax(-1), v[:, :, :t + 1]))
        out = torch.stack(out, dim=2)
""",
    ),
    ("        rows = torch.arange(T, device=x.device)[:, None]\n", ""),
)
right("finite-start", ('float("-inf"))\n        total', "-1e30)\n        total"))
wrong("missing-scale", ("        q = q * q.shape[-1] ** -0.5\n", ""))
wrong("wrong-scale", ("q.shape[-1] ** -0.5", "C ** -0.5"))
wrong("wrong-scale", ("q.shape[-1] ** -0.5", "q.shape[-2] ** -0.5"), on="row-by-row", also=("wrong-value",))
wrong(
    "mask-off-by-one",
    ("k[:, :, :t + 1]", "k[:, :, :t + 2]"),
    ("v[:, :, :t + 1]", "v[:, :, :t + 2]"),
    on="row-by-row",
)
wrong(
    "mask-off-by-one",
    (
        "rows < torch.arange(start, stop, device=x.device)",
        "rows < torch.arange(start, stop, device=x.device) - 1",
    ),
)
wrong(
    "mask-missing",
    ('            s = s.masked_fill(rows < torch.arange(start, stop, device=x.device), float("-inf"))\n', ""),
)
wrong(
    "mask-inverted",
    (
        'rows < torch.arange(start, stop, device=x.device), float("-inf")',
        "rows > torch.arange(start, stop, device=x.device), -1e30",
    ),
)
wrong(
    "mask-fill-value",
    (
        'rows < torch.arange(start, stop, device=x.device), float("-inf")',
        "rows < torch.arange(start, stop, device=x.device), 0.",
    ),
)
wrong("softmax-axis", ("s.softmax(-1)", "s.softmax(1)"), on="row-by-row")
wrong(
    "unstable-softmax",
    ("new_top = torch.maximum(top, s.amax(-1, keepdim=True))", "new_top = torch.zeros_like(top)"),
    ('float("-inf"))\n        total', "0.)\n        total"),
    at="new_top = ",
)
wrong("wrong-value", ("total = total * shrink + p.sum(", "total = total + p.sum("))
wrong("wrong-value", ("out = out * shrink + p @", "out = out + p @"), on="finite-start")
wrong("missing-softmax", ("        out = out / total\n", ""), also=("wrong-value",))
wrong(
    "split-without-transpose",
    (
        ".view(B, T, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)",
        ".chunk(3, -1)\n        q, k, v = (t.reshape(B, self.num_heads, T, -1) for t in (q, k, v))",
    ),
    at="t.reshape",
)
wrong("merge-without-transpose", ("out.transpose(1, 2).reshape(B, T, C)", "out.reshape(B, T, C)"))
wrong(
    "non-contiguous-view",
    ("out.transpose(1, 2).reshape(B, T, C)", "out.transpose(1, 2).view(B, T, C)"),
    on="row-by-row",
)
wrong(
    "missing-output-projection",
    (
        "return self.o_proj(out.transpose(1, 2).reshape(B, T, C))",
        "return out.transpose(1, 2).reshape(B, T, C)",
    ),
)
wrong("weigh-wrong-tensor", ("p @ v[:, :, start:stop]", "p @ k[:, :, start:stop]"))
wrong("extra-residual", ("return self.o_proj(", "return x + self.o_proj("))
wrong("batch-mixing", ('"bhd,bhsd->bhs"', '"bhd,chsd->bhs"'), on="row-by-row")
wrong(
    "crash", ("torch.maximum(top, s.amax(-1, keepdim=True))", "torch.maximum(top, s.max(-1, keepdim=True))")
)
wrong(
    "detached-graph",
    ("            p = torch.exp(s - new_top)\n", "            p = torch.exp(s - new_top).detach()\n"),
)
