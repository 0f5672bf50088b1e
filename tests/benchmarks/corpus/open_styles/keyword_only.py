# ruff: noqa: E501 (another author's lines, as they were written)
"""Modern typed code: keyword-only forward, a frozen dataclass for the config."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "keyword-only",
    "mha",
    r'''
"""Multi-head attention with keyword-only arguments, so that nobody mixes them up."""
from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclasses.dataclass(frozen=True)
class AttentionConfig:
    d_model: int = 64
    num_heads: int = 8
    dropout: float = 0.0
    bias: bool = True

    @property
    def head_dim(self) -> int:
        return self.d_model // self.num_heads


class MultiHeadAttention(nn.Module):
    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.config = config
        self.q_proj = nn.Linear(config.d_model, config.d_model, bias=config.bias)
        self.k_proj = nn.Linear(config.d_model, config.d_model, bias=config.bias)
        self.v_proj = nn.Linear(config.d_model, config.d_model, bias=config.bias)
        self.o_proj = nn.Linear(config.d_model, config.d_model, bias=config.bias)

    def _split(self, t: Tensor) -> Tensor:
        return t.unflatten(-1, (self.config.num_heads, self.config.head_dim)).transpose(-3, -2)

    def forward(self, *, query: Tensor, key: Tensor, value: Tensor, attn_bias: Tensor | None = None) -> Tensor:
        q = self._split(self.q_proj(query))  # (B, H, L, d)
        k = self._split(self.k_proj(key))  # (B, H, S, d)
        v = self._split(self.v_proj(value))  # (B, H, S, d)

        logits = q.matmul(k.mT).mul(self.config.head_dim**-0.5)  # (B, H, L, S)
        if attn_bias is not None:
            logits = logits.add(attn_bias)
        weights = F.softmax(logits, dim=-1)
        weights = F.dropout(weights, p=self.config.dropout, training=self.training)

        merged = weights.matmul(v).transpose(-3, -2).flatten(-2)  # (B, L, D)
        return self.o_proj(merged)
''',
    Drive(
        "MultiHeadAttention(AttentionConfig(D, H, P))",
        "m(query=q, key=k, value=v)",
        "lin(m.q_proj), lin(m.k_proj), lin(m.v_proj), lin(m.o_proj)",
        (
            "m(query=q, key=k, value=v, attn_bias=torch.zeros(B, 1, L, "
            "S).masked_fill(~keep[:, None], float('-inf')))"
        ),
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "arguments",
    (
        "config: AttentionConfig) -> None",
        "d_model: int, num_heads: int, dropout: float = 0.0, bias: bool = True) -> None",
    ),
    ("self.config = config", "self.config = config = AttentionConfig(d_model, num_heads, dropout, bias)"),
    make="MultiHeadAttention(d_model=D, num_heads=H, dropout=P)",
)
right(
    "positional",
    ("self, *, query", "self, query"),
    call="m(q, k, v)",
    masked="m(q, k, v, torch.where(keep, 0.0, -1e30)[:, None])",
)
right(
    "bool-mask",
    ("attn_bias: Tensor", "mask: Tensor"),
    ("if attn_bias", "if mask"),
    ("logits.add(attn_bias)", "logits.masked_fill(mask.logical_not(), float('-inf'))"),
    masked="m(query=q, key=k, value=v, mask=keep[:, None])",
)
right(
    "order-kvq",
    ("*, query: Tensor, key: Tensor, value: Tensor", "*, value: Tensor, key: Tensor, query: Tensor"),
)
wrong("missing-scale", (".mul(self.config.head_dim**-0.5)", ""))
wrong("wrong-scale", ("self.config.head_dim**-0.5", "self.config.d_model**-0.5"))
wrong("wrong-scale", (".mul(self.config.head_dim**-0.5)", ".div(self.config.head_dim)"), on="bool-mask")
wrong(
    "split-without-transpose",
    (
        "t.unflatten(-1, (self.config.num_heads, self.config.head_dim)).transpose(-3, -2)",
        "t.reshape(t.size(0), self.config.num_heads, -1, self.config.head_dim)",
    ),
)
wrong(
    "merge-without-transpose",
    ("weights.matmul(v).transpose(-3, -2).flatten(-2)", "weights.matmul(v).reshape(query.shape)"),
)
wrong(
    "merge-without-transpose",
    (
        "weights.matmul(v).transpose(-3, -2).flatten(-2)",
        "weights.matmul(v).reshape(query.size(0), query.size(1), -1)",
    ),
    on="arguments",
)
wrong(
    "cross-length",
    (
        "t.unflatten(-1, (self.config.num_heads, self.config.head_dim)).transpose(-3, -2)",
        "t.view(*self.shape, self.config.num_heads, self.config.head_dim).transpose(1, 2)",
    ),
    ("        q = self._split(", "        self.shape = query.shape[:2]\n        q = self._split("),
    at="*self.shape",
)
wrong("softmax-axis", ("F.softmax(logits, dim=-1)", "F.softmax(logits, dim=-3)"))
wrong(
    "missing-softmax",
    (
        "        weights = F.softmax(logits, dim=-1)\n        weights = F.dropout(weights",
        "        weights = F.dropout(logits",
    ),
)
wrong("dropout-in-eval", (", training=self.training", ""))
wrong(
    "dropout-missing",
    ("        weights = F.dropout(weights, p=self.config.dropout, training=self.training)\n", ""),
    at="dropout: float",
)
wrong(
    "dropout-missing",
    (
        "        weights = F.dropout(weights, p=self.config.dropout, training=self.training)\n",
        "        F.dropout(weights, p=self.config.dropout, training=self.training)\n",
    ),
    on="bool-mask",
    at="F.dropout(",
)
wrong("mask-missing", ("logits = logits.add(attn_bias)", "logits.add(attn_bias)"))
wrong(
    "mask-inverted",
    ("logits.masked_fill(mask.logical_not(), float('-inf'))", "logits.masked_fill(mask, float('-inf'))"),
    on="bool-mask",
    alone=True,
)
wrong("mask-fill-value", ("float('-inf')", "-1e-9"), on="bool-mask")
wrong(
    "mask-after-softmax",
    (
        (
            "        if attn_bias is not None:\n"
            "            logits = logits.add(attn_bias)\n"
            "        weights = F.softmax(logits, dim=-1)\n"
        ),
        (
            "        weights = F.softmax(logits, dim=-1)\n"
            "        if attn_bias is not None:\n"
            "            weights = weights * (attn_bias == 0)\n"
        ),
    ),
    at="weights * (",
)
wrong("shared-projection", ("self._split(self.k_proj(key))", "self._split(self.q_proj(key))"))
wrong(
    "shared-projection",
    (
        "self.v_proj = nn.Linear(config.d_model, config.d_model, bias=config.bias)",
        "self.v_proj = self.k_proj",
    ),
)
wrong("swapped-inputs", ("self.v_proj(value)", "self.v_proj(key)"))
wrong(
    "swapped-inputs",
    ("self.k_proj(key)", "self.k_proj(value)"),
    ("self.v_proj(value)", "self.v_proj(key)"),
    on="positional",
)
wrong("weigh-wrong-tensor", ("weights.matmul(v)", "weights.matmul(k)"))
wrong("missing-projection", ("self._split(self.q_proj(query))", "self._split(query)"))
wrong("missing-output-projection", ("return self.o_proj(merged)", "return merged"))
wrong("extra-residual", ("return self.o_proj(merged)", "return query + self.o_proj(merged)"))
wrong(
    "extra-normalization",
    ("return self.o_proj(merged)", "return F.layer_norm(self.o_proj(merged), merged.shape[-1:])"),
)
wrong(
    "wrong-gradient",
    (
        "return self.o_proj(merged)",
        "merged = merged * 2 - merged.detach()\n        return self.o_proj(merged)",
    ),
    at="detach()",
    also=("detached-graph",),
)
wrong(
    "builtin-used",
    (
        "        weights = F.softmax(logits, dim=-1)\n",
        (
            "        weights = F.softmax(logits, dim=-1)\n"
            "        v = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_bias)\n"
        ),
    ),
    ("weights.matmul(v)", "v"),
    at="scaled_dot",
)
wrong("crash", ("self._split(self.q_proj(query))", "self.split(self.q_proj(query))"))
wrong("crash", ("logits = logits.add(attn_bias)", "logits = logits.add(attn_bais)"))
wrong(
    "constructor-error",
    (
        "config.d_model, config.d_model, bias=config.bias)\n        self.o",
        "config.d_model, config.d_model, bais=config.bias)\n        self.o",
    ),
)
wrong("syntax-error", ("if attn_bias is not None:", "if attn_bias is not None"))
wrong("syntax-error", ("        merged =", "        return merged = "), on="arguments")
