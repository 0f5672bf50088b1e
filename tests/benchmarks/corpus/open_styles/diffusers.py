"""diffusers: heads folded into the batch, baddbmm, an optional second input."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "diffusers",
    "mha",
    r"""
# Cross attention, as in the UNet of a latent diffusion model.
from typing import Optional

import torch
from torch import nn


class CrossAttention(nn.Module):
    def __init__(
        self,
        query_dim: int,
        cross_attention_dim: Optional[int] = None,
        heads: int = 8,
        dim_head: int = 64,
        dropout: float = 0.0,
        bias: bool = False,
    ):
        super().__init__()
        inner_dim = dim_head * heads
        cross_attention_dim = cross_attention_dim if cross_attention_dim is not None else query_dim

        self.scale = dim_head**-0.5
        self.heads = heads

        self.to_q = nn.Linear(query_dim, inner_dim, bias=bias)
        self.to_k = nn.Linear(cross_attention_dim, inner_dim, bias=bias)
        self.to_v = nn.Linear(cross_attention_dim, inner_dim, bias=bias)

        self.to_out = nn.ModuleList([])
        self.to_out.append(nn.Linear(inner_dim, query_dim))
        self.to_out.append(nn.Dropout(dropout))

    def head_to_batch_dim(self, tensor):
        batch_size, seq_len, dim = tensor.shape
        tensor = tensor.reshape(batch_size, seq_len, self.heads, dim // self.heads)
        return tensor.permute(0, 2, 1, 3).reshape(batch_size * self.heads, seq_len, dim // self.heads)

    def batch_to_head_dim(self, tensor):
        batch_size, seq_len, dim = tensor.shape
        tensor = tensor.reshape(batch_size // self.heads, self.heads, seq_len, dim)
        return tensor.permute(0, 2, 1, 3).reshape(batch_size // self.heads, seq_len, dim * self.heads)

    def get_attention_scores(self, query, key):
        attention_scores = torch.baddbmm(
            torch.empty(query.shape[0], query.shape[1], key.shape[1], dtype=query.dtype, device=query.device),
            query,
            key.transpose(-1, -2),
            beta=0,
            alpha=self.scale,
        )
        return attention_scores.softmax(dim=-1)

    def forward(self, hidden_states, encoder_hidden_states=None):
        if encoder_hidden_states is None:
            encoder_hidden_states = hidden_states

        query = self.head_to_batch_dim(self.to_q(hidden_states))
        key = self.head_to_batch_dim(self.to_k(encoder_hidden_states))
        value = self.head_to_batch_dim(self.to_v(encoder_hidden_states))

        attention_probs = self.get_attention_scores(query, key)
        hidden_states = torch.bmm(attention_probs, value)
        hidden_states = self.batch_to_head_dim(hidden_states)

        # linear proj
        hidden_states = self.to_out[0](hidden_states)
        # dropout
        hidden_states = self.to_out[1](hidden_states)
        return hidden_states
""",
    Drive(
        "CrossAttention(D, heads=H, dim_head=d)",
        "m(q, k)",
        "lin(m.to_q), lin(m.to_k), lin(m.to_v), lin(m.to_out[0])",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("bias", ("bias: bool = False", "bias: bool = True"))
right(
    "sliced",
    (
        """        attention_probs = self.get_attention_scores(query, key)
        hidden_states = torch.bmm(attention_probs, value)
""",
        """        hidden_states = torch.zeros_like(query)
        for start in range(0, query.shape[0], 3):
            part = slice(start, start + 3)
            hidden_states[part] = torch.bmm(self.get_attention_scores(query[part], key[part]), value[part])
""",
    ),
)
right(
    "bmm",
    (
        """torch.baddbmm(
            torch.empty(query.shape[0], query.shape[1], key.shape[1], dtype=query.dtype, device=query.device),
            query,
            key.transpose(-1, -2),
            beta=0,
            alpha=self.scale,
        )""",
        "torch.bmm(query, key.transpose(-1, -2)) * self.scale",
    ),
)
wrong("missing-scale", ("            alpha=self.scale,\n", ""), at="torch.baddbmm(")
wrong("wrong-scale", ("self.scale = dim_head**-0.5", "self.scale = heads**-0.5"))
wrong("wrong-scale", ("alpha=self.scale", "alpha=self.scale**2"), on="bias")
wrong("softmax-axis", ("attention_scores.softmax(dim=-1)", "attention_scores.softmax(dim=-2)"))
wrong(
    "split-without-transpose",
    (
        """        tensor = tensor.reshape(batch_size, seq_len, self.heads, dim // self.heads)
        return tensor.permute(0, 2, 1, 3).reshape(batch_size * self.heads, seq_len, dim // self.heads)
""",
        """        return tensor.reshape(batch_size * self.heads, seq_len, dim // self.heads)
""",
    ),
)
wrong(
    "merge-without-transpose",
    (
        "return tensor.permute(0, 2, 1, 3).reshape(batch_size // self.heads, seq_len,",
        "return tensor.reshape(batch_size // self.heads, seq_len,",
    ),
)
wrong(
    "batch-mixing",
    (
        (
            "tensor.reshape(batch_size // self.heads, self.heads, seq_len, dim)\n"
            "        return tensor.permute(0, 2, 1, 3)"
        ),
        (
            "tensor.reshape(self.heads, batch_size // self.heads, seq_len, dim)\n"
            "        return tensor.permute(1, 2, 0, 3)"
        ),
    ),
    alone=True,
    at="tensor.reshape(self.heads, batch",
)
wrong("weigh-wrong-tensor", ("torch.bmm(attention_probs, value)", "torch.bmm(attention_probs, key)"))
wrong("shared-projection", ("self.to_v(encoder_hidden_states)", "self.to_k(encoder_hidden_states)"))
wrong("missing-projection", ("self.to_k(encoder_hidden_states)", "encoder_hidden_states"))
wrong(
    "missing-output-projection",
    ("        # linear proj\n        hidden_states = self.to_out[0](hidden_states)\n", ""),
)
wrong("unregistered-parameters", ("self.to_out = nn.ModuleList([])", "self.to_out = []"))
wrong(
    "dropout-in-eval",
    (
        "hidden_states = self.to_out[1](hidden_states)",
        "hidden_states = nn.functional.dropout(hidden_states, 0.1)",
    ),
    alone=True,
)
wrong(
    "swapped-inputs",
    ("self.to_q(hidden_states)", "self.to_q(encoder_hidden_states)"),
    ("self.to_k(encoder_hidden_states)", "self.to_k(hidden_states)"),
    ("self.to_v(encoder_hidden_states)", "self.to_v(hidden_states)"),
    alone=True,
)
wrong("nan-output", ("            beta=0,\n", "            beta=float('nan'),\n"), alone=True)
wrong("nondeterministic", ("beta=0,", "beta=1,"), ("torch.empty(", "torch.rand("), alone=True)
wrong(
    "scale-after-softmax",
    ("            alpha=self.scale,\n", ""),
    ("attention_scores.softmax(dim=-1)", "attention_scores.softmax(dim=-1) * self.scale"),
)
wrong(
    "wrong-gradient",
    (
        "hidden_states = torch.bmm(attention_probs, value)\n",
        "value.register_hook(lambda grad: grad * 0.1) if value.requires_grad else None\n"
        "        hidden_states = torch.bmm(attention_probs, value)\n",
    ),
    at="register_hook",
)
wrong(
    "extra-residual",
    (
        "        if encoder_hidden_states is None:",
        "        residual = hidden_states\n        if encoder_hidden_states is None:",
    ),
    ("        return hidden_states\n", "        return hidden_states + residual\n"),
    at="+ residual",
)
wrong(
    "extra-normalization",
    (
        "hidden_states = self.to_out[0](hidden_states)",
        (
            "hidden_states = self.to_out[0](hidden_states)\n"
            "        hidden_states = nn.functional.normalize(hidden_states, dim=-1)"
        ),
    ),
    at="normalize",
)
wrong(
    "builtin-used",
    (
        """        attention_probs = self.get_attention_scores(query, key)
        hidden_states = torch.bmm(attention_probs, value)
""",
        """        hidden_states = torch.nn.functional.scaled_dot_product_attention(query, key, value)
""",
    ),
)
wrong(
    "memory-limit",
    ("beta=0,", "beta=0,  # workspace"),
    (
        "torch.empty(query.shape[0], query.shape[1], key.shape[1],",
        "torch.zeros(1 << 20, 1 << 20, query.shape[0],",
    ),
    at="torch.zeros(",
)
wrong("crash", ("beta=0,", "beta=None,"))
