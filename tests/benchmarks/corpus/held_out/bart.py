"""HuggingFace's BART: _shape, heads folded by view, q scaled, sizes checked, key_value_states."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "bart",
    "mha",
    r'''
from typing import Optional, Tuple

import torch
from torch import nn


class BartAttention(nn.Module):
    """Multi-headed attention from 'Attention Is All You Need' paper"""

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True):
        super().__init__()
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.head_dim = embed_dim // num_heads

        if (self.head_dim * num_heads) != self.embed_dim:
            raise ValueError(
                f"embed_dim must be divisible by num_heads (got `embed_dim`: {self.embed_dim}"
                f" and `num_heads`: {num_heads})."
            )
        self.scaling = self.head_dim**-0.5

        self.k_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.v_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.q_proj = nn.Linear(embed_dim, embed_dim, bias=bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias)

    def _shape(self, tensor: torch.Tensor, seq_len: int, bsz: int):
        return tensor.view(bsz, seq_len, self.num_heads, self.head_dim).transpose(1, 2).contiguous()

    def forward(
        self,
        hidden_states: torch.Tensor,
        key_value_states: Optional[torch.Tensor] = None,
        attention_mask: Optional[torch.Tensor] = None,
    ) -> Tuple[torch.Tensor, Optional[torch.Tensor]]:
        """Input shape: Batch x Time x Channel"""
        is_cross_attention = key_value_states is not None
        bsz, tgt_len, _ = hidden_states.size()

        # get query proj
        query_states = self.q_proj(hidden_states) * self.scaling
        if is_cross_attention:
            key_states = self._shape(self.k_proj(key_value_states), -1, bsz)
            value_states = self._shape(self.v_proj(key_value_states), -1, bsz)
        else:
            key_states = self._shape(self.k_proj(hidden_states), -1, bsz)
            value_states = self._shape(self.v_proj(hidden_states), -1, bsz)

        proj_shape = (bsz * self.num_heads, -1, self.head_dim)
        query_states = self._shape(query_states, tgt_len, bsz).view(*proj_shape)
        key_states = key_states.view(*proj_shape)
        value_states = value_states.view(*proj_shape)

        src_len = key_states.size(1)
        attn_weights = torch.bmm(query_states, key_states.transpose(1, 2))

        if attn_weights.size() != (bsz * self.num_heads, tgt_len, src_len):
            raise ValueError(f"Attention weights should not be of size {attn_weights.size()}")

        if attention_mask is not None:
            if attention_mask.size() != (bsz, 1, tgt_len, src_len):
                raise ValueError(
                    f"Attention mask should be of size {(bsz, 1, tgt_len, src_len)}, but is {attention_mask.size()}"
                )
            attn_weights = attn_weights.view(bsz, self.num_heads, tgt_len, src_len) + attention_mask
            attn_weights = attn_weights.view(bsz * self.num_heads, tgt_len, src_len)

        attn_weights = nn.functional.softmax(attn_weights, dim=-1)
        attn_probs = nn.functional.dropout(attn_weights, p=self.dropout, training=self.training)
        attn_output = torch.bmm(attn_probs, value_states)

        attn_output = attn_output.view(bsz, self.num_heads, tgt_len, self.head_dim)
        attn_output = attn_output.transpose(1, 2)
        attn_output = attn_output.reshape(bsz, tgt_len, self.embed_dim)

        attn_output = self.out_proj(attn_output)

        return attn_output, attn_weights
''',
    Drive(
        "BartAttention(D, H, P)",
        "m(q, k)[0]",
        "lin(m.q_proj), lin(m.k_proj), lin(m.v_proj), lin(m.out_proj)",
        "m(q, k, torch.zeros(B, 1, L, S).masked_fill(~keep[:, None], torch.finfo(torch.double).min))[0]",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "boolean-mask",
    (
        (
            "            attn_weights = attn_weights.view(bsz, self.num_heads, tgt_len, src_len) + attention_mask\n"
            "            attn_weights = attn_weights.view(bsz * self.num_heads, tgt_len, src_len)\n"
        ),
        (
            "            attention_mask = attention_mask.repeat_interleave(self.num_heads, 0).squeeze(1)\n"
            "            attn_weights = attn_weights.masked_fill(attention_mask, float('-inf'))\n"
        ),
    ),
    masked="m(q, k, ~keep[:, None])[0]",
)
right(
    "unfolded-weights",
    (
        "        return attn_output, attn_weights\n",
        "        return attn_output, attn_weights.view(bsz, self.num_heads, tgt_len, src_len)\n",
    ),
)
right(
    "key-and-value",
    (
        "        key_value_states: Optional[torch.Tensor] = None,\n",
        "        key_states: torch.Tensor,\n        value_states: torch.Tensor,\n",
    ),
    ("        is_cross_attention = key_value_states is not None\n", ""),
    (
        (
            "        if is_cross_attention:\n"
            "            key_states = self._shape(self.k_proj(key_value_states), -1, bsz)\n"
            "            value_states = self._shape(self.v_proj(key_value_states), -1, bsz)\n"
            "        else:\n"
            "            key_states = self._shape(self.k_proj(hidden_states), -1, bsz)\n"
            "            value_states = self._shape(self.v_proj(hidden_states), -1, bsz)\n"
        ),
        (
            "        key_states = self._shape(self.k_proj(key_states), -1, bsz)\n"
            "        value_states = self._shape(self.v_proj(value_states), -1, bsz)\n"
        ),
    ),
    call="m(q, k, v)[0]",
    masked="m(q, k, v, torch.where(keep[:, None], 0.0, -1e20))[0]",
    inputs="qkv",
)
wrong("missing-scale", ("self.q_proj(hidden_states) * self.scaling", "self.q_proj(hidden_states)"))
wrong("wrong-scale", ("self.scaling = self.head_dim**-0.5", "self.scaling = self.embed_dim**-0.5"))
wrong("wrong-scale", ("self.scaling = self.head_dim**-0.5", "self.scaling = self.head_dim**0.5"))
wrong("wrong-scale", ("key_states.transpose(1, 2))", "key_states.transpose(1, 2)) * self.scaling"))
wrong(
    "scale-after-softmax",
    ("self.q_proj(hidden_states) * self.scaling", "self.q_proj(hidden_states)"),
    ("softmax(attn_weights, dim=-1)", "softmax(attn_weights, dim=-1) * self.scaling"),
)
wrong("softmax-axis", ("softmax(attn_weights, dim=-1)", "softmax(attn_weights, dim=1)"))
wrong(
    "mask-missing",
    (
        "attn_weights = attn_weights.view(bsz, self.num_heads, tgt_len, src_len) + attention_mask",
        "attn_weights = attn_weights.view(bsz, self.num_heads, tgt_len, src_len)",
    ),
)
wrong("mask-fill-value", ("float('-inf')", "0"), on="boolean-mask")
wrong(
    "batch-mixing",
    (
        "attention_mask.repeat_interleave(self.num_heads, 0).squeeze(1)",
        "attention_mask.repeat(self.num_heads, 1, 1, 1).squeeze(1)",
    ),
    on="boolean-mask",
    alone=True,
    also=("wrong-value", "mask-missing"),
)
wrong(
    "shared-projection",
    ("self.k_proj(key_value_states)", "self.q_proj(key_value_states)"),
    ("self.k_proj(hidden_states)", "self.q_proj(hidden_states)"),
)
wrong("shared-projection", ("self.v_proj(value_states)", "self.k_proj(value_states)"), on="key-and-value")
wrong(
    "swapped-inputs",
    (
        "torch.bmm(query_states, key_states.transpose(1, 2))",
        "torch.bmm(query_states, value_states.transpose(1, 2))",
    ),
    ("torch.bmm(attn_probs, value_states)", "torch.bmm(attn_probs, key_states)"),
    on="key-and-value",
)
wrong(
    "missing-projection",
    ("self._shape(self.v_proj(value_states), -1, bsz)", "self._shape(value_states, -1, bsz)"),
    on="key-and-value",
)
wrong("missing-projection", ("self.q_proj(hidden_states) * self.scaling", "hidden_states * self.scaling"))
wrong(
    "split-without-transpose",
    (
        "tensor.view(bsz, seq_len, self.num_heads, self.head_dim).transpose(1, 2).contiguous()",
        "tensor.contiguous()",
    ),
)
wrong(
    "cross-length",
    ("self._shape(self.k_proj(key_states), -1, bsz)", "self._shape(self.k_proj(key_states), tgt_len, bsz)"),
    (
        "self._shape(self.v_proj(value_states), -1, bsz)",
        "self._shape(self.v_proj(value_states), tgt_len, bsz)",
    ),
    on="key-and-value",
)
wrong(
    "non-contiguous-view",
    ("attn_output.reshape(bsz, tgt_len, self.embed_dim)", "attn_output.view(bsz, tgt_len, self.embed_dim)"),
)
wrong(
    "non-contiguous-view",
    (".transpose(1, 2).contiguous()", ".transpose(1, 2)"),
    on="key-and-value",
    at=".view(*proj_shape)",
)
wrong("merge-without-transpose", ("        attn_output = attn_output.transpose(1, 2)\n", ""))
wrong("missing-output-projection", ("        attn_output = self.out_proj(attn_output)\n", ""))
wrong("weigh-wrong-tensor", ("torch.bmm(attn_probs, value_states)", "torch.bmm(attn_probs, key_states)"))
wrong(
    "missing-softmax",
    ("attn_weights = nn.functional.softmax(attn_weights, dim=-1)", "pass"),
    also=("missing-softmax+nan-output",),
)
wrong("dropout-in-eval", ("training=self.training", "training=self.training or self.dropout > 0"))
wrong(
    "dropout-missing",
    ("nn.functional.dropout(attn_weights, p=self.dropout, training=self.training)", "attn_weights"),
)
wrong(
    "detached-graph", ("torch.bmm(attn_probs, value_states)", "torch.bmm(attn_probs, value_states.detach())")
)
wrong(
    "extra-residual",
    ("attn_output = self.out_proj(attn_output)", "attn_output = hidden_states + self.out_proj(attn_output)"),
)
wrong(
    "extra-normalization",
    (
        "self.scaling = self.head_dim**-0.5",
        "self.scaling = self.head_dim**-0.5\n        self.layer_norm = nn.LayerNorm(embed_dim)",
    ),
    (
        "bsz, tgt_len, _ = hidden_states.size()",
        "bsz, tgt_len, _ = hidden_states.size()\n        hidden_states = self.layer_norm(hidden_states)",
    ),
    at="self.layer_norm(hid",
)
wrong(
    "import-error",
    ("from torch import nn\n", "from torch import nn\nfrom .configuration_bart import BartConfig\n"),
    at="configuration_bart",
)
