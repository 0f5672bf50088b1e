"""Grouped-query attention which is plain by default: num_key_value_heads, repeat_kv, a dataclass."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "grouped-query",
    "causal-mha",
    r'''
import math
from dataclasses import dataclass
from typing import Optional

import torch
from torch import nn


@dataclass
class Config:
    hidden_size: int = 64
    num_attention_heads: int = 4
    num_key_value_heads: Optional[int] = None
    max_position_embeddings: int = 128
    attention_dropout: float = 0.0

    def __post_init__(self):
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads


def repeat_kv(hidden_states: torch.Tensor, n_rep: int) -> torch.Tensor:
    """(batch, num_key_value_heads, seqlen, head_dim) -> (batch, num_attention_heads, seqlen, head_dim)"""
    batch, num_key_value_heads, slen, head_dim = hidden_states.shape
    if n_rep == 1:
        return hidden_states
    hidden_states = hidden_states[:, :, None, :, :].expand(batch, num_key_value_heads, n_rep, slen, head_dim)
    return hidden_states.reshape(batch, num_key_value_heads * n_rep, slen, head_dim)


class GroupedQueryAttention(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.num_heads = config.num_attention_heads
        self.head_dim = config.hidden_size // self.num_heads
        self.num_key_value_heads = config.num_key_value_heads
        self.num_key_value_groups = self.num_heads // self.num_key_value_heads
        self.q_proj = nn.Linear(config.hidden_size, self.num_heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, self.num_key_value_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, self.num_key_value_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.num_heads * self.head_dim, config.hidden_size, bias=False)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        bsz, q_len, _ = hidden_states.size()

        query_states = self.q_proj(hidden_states)
        key_states = self.k_proj(hidden_states)
        value_states = self.v_proj(hidden_states)

        query_states = query_states.view(bsz, q_len, self.num_heads, self.head_dim).transpose(1, 2)
        key_states = key_states.view(bsz, q_len, self.num_key_value_heads, self.head_dim).transpose(1, 2)
        value_states = value_states.view(bsz, q_len, self.num_key_value_heads, self.head_dim).transpose(1, 2)

        key_states = repeat_kv(key_states, self.num_key_value_groups)
        value_states = repeat_kv(value_states, self.num_key_value_groups)

        attn_weights = torch.matmul(query_states, key_states.transpose(2, 3)) / math.sqrt(self.head_dim)

        min_dtype = torch.finfo(attn_weights.dtype).min
        causal_mask = torch.full((q_len, q_len), min_dtype, dtype=attn_weights.dtype)
        causal_mask = torch.triu(causal_mask, diagonal=1)
        attn_weights = attn_weights + causal_mask[None, None, :, :]

        attn_weights = nn.functional.softmax(attn_weights, dim=-1)
        attn_weights = nn.functional.dropout(
            attn_weights, p=self.config.attention_dropout, training=self.training
        )
        attn_output = torch.matmul(attn_weights, value_states)

        attn_output = attn_output.transpose(1, 2).contiguous()
        attn_output = attn_output.reshape(bsz, q_len, -1)
        return self.o_proj(attn_output)
''',
    Drive(
        "GroupedQueryAttention(Config(hidden_size=D, num_attention_heads=H, attention_dropout=P))",
        "m(x)",
        "lin(m.q_proj), lin(m.k_proj), lin(m.v_proj), lin(m.o_proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "repeat-interleave",
    (
        "repeat_kv(key_states, self.num_key_value_groups)",
        "key_states.repeat_interleave(self.num_key_value_groups, dim=1)",
    ),
    (
        "repeat_kv(value_states, self.num_key_value_groups)",
        "value_states.repeat_interleave(self.num_key_value_groups, dim=1)",
    ),
)
right(
    "plain-arguments",
    (
        "    def __init__(self, config: Config):\n        super().__init__()\n",
        (
            "    def __init__(self, hidden_size, num_heads, num_kv_heads=None, attention_dropout=0.0):\n"
            "        super().__init__()\n"
            "        config = Config(hidden_size, num_heads, num_kv_heads, attention_dropout=attention_dropout)\n"
        ),
    ),
    make="GroupedQueryAttention(D, H, attention_dropout=P)",
)
right(
    "grouped-five-axes",
    (
        (
            "        key_states = repeat_kv(key_states, self.num_key_value_groups)\n"
            "        value_states = repeat_kv(value_states, self.num_key_value_groups)\n\n"
            "        attn_weights = torch.matmul(query_states, key_states.transpose(2, 3)) / math.sqrt(self.head_dim)\n"
        ),
        (
            "        query_states = query_states.unflatten(1, (self.num_key_value_heads, self.num_key_value_groups))\n"
            "        key_states = key_states.unsqueeze(2)\n"
            "        value_states = value_states.unsqueeze(2)\n\n"
            "        attn_weights = torch.matmul(query_states, key_states.mT) / math.sqrt(self.head_dim)\n"
        ),
    ),
    (
        "        attn_output = attn_output.transpose(1, 2).contiguous()\n",
        "        attn_output = attn_output.flatten(1, 2).transpose(1, 2).contiguous()\n",
    ),
)
right(
    "float32-softmax",
    (
        "nn.functional.softmax(attn_weights, dim=-1)",
        "nn.functional.softmax(attn_weights, dim=-1, dtype=torch.float32).to(query_states.dtype)",
    ),
    tolerance=1e-5,
)
right(
    "returns-three",
    (
        "        return self.o_proj(attn_output)\n",
        "        return self.o_proj(attn_output), attn_weights, None\n",
    ),
    call="m(x)[0]",
)
wrong("missing-scale", (" / math.sqrt(self.head_dim)", ""))
wrong("wrong-scale", ("math.sqrt(self.head_dim)", "math.sqrt(self.config.hidden_size)"))
wrong("wrong-scale", ("/ math.sqrt(self.head_dim)", "* math.sqrt(self.head_dim)"))
wrong(
    "scale-after-softmax",
    (" / math.sqrt(self.head_dim)", ""),
    ("softmax(attn_weights, dim=-1)", "softmax(attn_weights, dim=-1) / math.sqrt(self.head_dim)"),
    at="softmax(attn_weights, dim=-1) /",
)
wrong("mask-missing", ("        attn_weights = attn_weights + causal_mask[None, None, :, :]\n", ""))
wrong("mask-off-by-one", ("torch.triu(causal_mask, diagonal=1)", "torch.triu(causal_mask, diagonal=2)"))
wrong(
    "mask-off-by-one",
    ("torch.triu(causal_mask, diagonal=1)", "torch.triu(causal_mask, diagonal=0)"),
    alone=True,
)
wrong("mask-inverted", ("torch.triu(causal_mask, diagonal=1)", "torch.tril(causal_mask, diagonal=-1)"))
wrong("mask-fill-value", ("min_dtype = torch.finfo(attn_weights.dtype).min", "min_dtype = -1.0"))
wrong("softmax-axis", ("softmax(attn_weights, dim=-1)", "softmax(attn_weights, dim=-2)"))
wrong("softmax-axis", ("softmax(attn_weights, dim=-1)", "softmax(attn_weights, dim=1)"), on="returns-three")
wrong(
    "shared-projection",
    ("value_states = self.v_proj(hidden_states)", "value_states = self.k_proj(hidden_states)"),
)
wrong("missing-projection", ("query_states = self.q_proj(hidden_states)", "query_states = hidden_states"))
wrong(
    "split-without-transpose",
    (
        "query_states.view(bsz, q_len, self.num_heads, self.head_dim).transpose(1, 2)",
        "query_states.view(bsz, self.num_heads, q_len, self.head_dim)",
    ),
    (
        "key_states.view(bsz, q_len, self.num_key_value_heads, self.head_dim).transpose(1, 2)",
        "key_states.view(bsz, self.num_key_value_heads, q_len, self.head_dim)",
    ),
    (
        "value_states.view(bsz, q_len, self.num_key_value_heads, self.head_dim).transpose(1, 2)",
        "value_states.view(bsz, self.num_key_value_heads, q_len, self.head_dim)",
    ),
)
wrong(
    "weigh-wrong-tensor",
    ("torch.matmul(attn_weights, value_states)", "torch.matmul(attn_weights, query_states)"),
)
wrong("merge-without-transpose", ("attn_output.transpose(1, 2).contiguous()", "attn_output.contiguous()"))
wrong(
    "non-contiguous-view",
    ("attn_output.transpose(1, 2).contiguous()", "attn_output.transpose(1, 2)"),
    ("attn_output.reshape(bsz, q_len, -1)", "attn_output.view(bsz, q_len, -1)"),
    at="attn_output.view(",
)
wrong("missing-output-projection", ("return self.o_proj(attn_output)", "return attn_output"))
wrong(
    "extra-residual", ("return self.o_proj(attn_output)", "return hidden_states + self.o_proj(attn_output)")
)
wrong("dropout-in-eval", ("training=self.training", "training=True"))
wrong(
    "dropout-missing",
    (
        (
            "        attn_weights = nn.functional.dropout(\n"
            "            attn_weights, p=self.config.attention_dropout, training=self.training\n"
            "        )\n"
        ),
        "",
    ),
)
wrong(
    "detached-graph",
    ("torch.matmul(attn_weights, value_states)", "torch.matmul(attn_weights.detach(), value_states)"),
)
wrong(
    "shared-across-heads",
    (
        "            self.num_key_value_heads = self.num_attention_heads\n",
        "            self.num_key_value_heads = 1\n",
    ),
    at=("self.num_key_value_heads = 1", "repeat_kv(key", "repeat_kv(value", "self.k_proj", "self.v_proj"),
)
wrong("hard-coded-shape", ("attn_output.reshape(bsz, q_len, -1)", "attn_output.reshape(2, 5, -1)"))
wrong(
    "builtin-used",
    (
        "        attn_weights = nn.functional.softmax(attn_weights, dim=-1)\n",
        (
            "        return self.o_proj(nn.functional.scaled_dot_product_attention(query_states, key_states, "
            "value_states, is_causal=True).transpose(1, 2).flatten(2))\n"
            "        attn_weights = nn.functional.softmax(attn_weights, dim=-1)\n"
        ),
    ),
    at="scaled_dot",
)
