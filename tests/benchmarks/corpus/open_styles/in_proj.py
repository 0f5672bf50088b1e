"""A re-made nn.MultiheadAttention: in_proj_weight, two masks."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "in-proj",
    "mha",
    r'''
import torch
import torch.nn.functional as F
from torch.nn import Linear, Module, Parameter
from torch.nn.init import constant_, xavier_uniform_


class MultiheadAttention(Module):
    """My own nn.MultiheadAttention: one in_proj_weight of (3E, E). Batch first.

    attn_mask: bool (L, S), True = not allowed; key_padding_mask: bool (N, S), True = ignore.
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, device=None, dtype=None):
        super().__init__()
        factory_kwargs = {"device": device, "dtype": dtype}
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.head_dim = embed_dim // num_heads
        assert self.head_dim * num_heads == self.embed_dim, "embed_dim must be divisible by num_heads"

        self.in_proj_weight = Parameter(torch.empty((3 * embed_dim, embed_dim), **factory_kwargs))
        if bias:
            self.in_proj_bias = Parameter(torch.empty(3 * embed_dim, **factory_kwargs))
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, **factory_kwargs)
        self._reset_parameters()

    def _reset_parameters(self):
        xavier_uniform_(self.in_proj_weight)
        if self.in_proj_bias is not None:
            constant_(self.in_proj_bias, 0.0)
            constant_(self.out_proj.bias, 0.0)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None):
        N, L, E = query.shape
        S = key.shape[1]
        w_q, w_k, w_v = self.in_proj_weight.chunk(3)
        b_q, b_k, b_v = (None, None, None) if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        q = F.linear(query, w_q, b_q).view(N, L, self.num_heads, self.head_dim).transpose(1, 2)
        k = F.linear(key, w_k, b_k).view(N, S, self.num_heads, self.head_dim).transpose(1, 2)
        v = F.linear(value, w_v, b_v).view(N, S, self.num_heads, self.head_dim).transpose(1, 2)

        blocked = torch.zeros(N, 1, L, S, dtype=torch.bool, device=query.device)
        if attn_mask is not None:
            blocked = blocked | attn_mask
        if key_padding_mask is not None:
            blocked = blocked | key_padding_mask[:, None, None, :]

        scores = (q / self.head_dim**0.5) @ k.transpose(-2, -1)
        scores = scores.masked_fill(blocked, float("-inf"))
        attn = F.dropout(F.softmax(scores, dim=-1), self.dropout, self.training)
        out = self.out_proj((attn @ v).transpose(1, 2).reshape(N, L, E))
        return (out, attn.mean(dim=1)) if need_weights else (out, None)
''',
    Drive(
        "MultiheadAttention(D, H, P)",
        "m(q, k, v)[0]",
        "*fused(raw(m.in_proj_weight.T, m.in_proj_bias), 'k h d', H), lin(m.out_proj)",
        "m(q, k, v, ~keep[:, 0])[0]",
        keep="pad",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("attn-mask", masked="m(q, k, v, need_weights=False, attn_mask=~keep[0])[0]", keep="rows")
right(
    "three-weights",
    (
        (
            "        self.in_proj_weight = Parameter(torch.empty((3 * embed_dim, embed_dim), "
            "**factory_kwargs))\n"
        ),
        (
            "        for name in ('q', 'k', 'v'):\n"
            "            weight = Parameter(torch.empty((embed_dim, embed_dim), "
            "**factory_kwargs))\n"
            "            self.register_parameter(f'{name}_proj_weight', weight)\n"
        ),
    ),
    (
        "        xavier_uniform_(self.in_proj_weight)\n",
        (
            "        for weight in (self.q_proj_weight, self.k_proj_weight, "
            "self.v_proj_weight):\n"
            "            xavier_uniform_(weight)\n"
        ),
    ),
    (
        "w_q, w_k, w_v = self.in_proj_weight.chunk(3)",
        "w_q, w_k, w_v = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight",
    ),
    weights=(
        "*(raw(w.T, b) for w, b in zip((m.q_proj_weight, m.k_proj_weight, "
        "m.v_proj_weight), m.in_proj_bias.chunk(3))), lin(m.out_proj)"
    ),
)
wrong("missing-scale", ("(q / self.head_dim**0.5)", "q"))
wrong("wrong-scale", ("self.head_dim**0.5", "E**0.5"))
wrong("wrong-scale", ("self.head_dim**0.5", "self.head_dim*0.5"), on="three-weights")
wrong(
    "mask-missing",
    ("            blocked = blocked | key_padding_mask[:, None, None, :]\n", "            pass\n"),
)
wrong(
    "mask-missing",
    ("            blocked = blocked | attn_mask\n", "            blocked | attn_mask\n"),
    on="attn-mask",
)
wrong("mask-fill-value", ('float("-inf")', "-5.0"))
wrong("softmax-axis", ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=1)"))
wrong("dropout-in-eval", ("self.dropout, self.training)", "self.dropout)"))
wrong(
    "dropout-in-eval",
    ("self.dropout, self.training)", "self.dropout, not self.training)"),
    on="three-weights",
    also=("dropout-missing", "dropout-in-eval+dropout-missing"),
)
wrong(
    "dropout-missing",
    ("F.dropout(F.softmax(scores, dim=-1), self.dropout, self.training)", "F.softmax(scores, dim=-1)"),
    at="self.dropout = dropout",
)
wrong("shared-projection", ("v = F.linear(value, w_v, b_v)", "v = F.linear(value, w_k, b_k)"))
wrong(
    "swapped-inputs",
    ("F.linear(key, w_k, b_k)", "F.linear(value, w_k, b_k)"),
    ("F.linear(value, w_v, b_v)", "F.linear(key, w_v, b_v)"),
)
wrong("missing-projection", ("q = F.linear(query, w_q, b_q).view", "q = query.view"))
wrong("cross-length", ("S = key.shape[1]", "S = query.shape[1]"))
wrong(
    "split-without-transpose",
    (
        "F.linear(query, w_q, b_q).view(N, L, self.num_heads, self.head_dim).transpose(1, 2)",
        "F.linear(query, w_q, b_q).view(N, self.num_heads, L, self.head_dim)",
    ),
    (
        "F.linear(key, w_k, b_k).view(N, S, self.num_heads, self.head_dim).transpose(1, 2)",
        "F.linear(key, w_k, b_k).view(N, self.num_heads, S, self.head_dim)",
    ),
    (
        "F.linear(value, w_v, b_v).view(N, S, self.num_heads, self.head_dim).transpose(1, 2)",
        "F.linear(value, w_v, b_v).view(N, self.num_heads, S, self.head_dim)",
    ),
)
wrong(
    "merge-without-transpose", ("(attn @ v).transpose(1, 2).reshape(N, L, E)", "(attn @ v).reshape(N, L, E)")
)
wrong("weigh-wrong-tensor", ("(attn @ v)", "(attn @ k)"))
wrong(
    "missing-output-projection",
    (
        "self.out_proj((attn @ v).transpose(1, 2).reshape(N, L, E))",
        "(attn @ v).transpose(1, 2).reshape(N, L, E)",
    ),
)
wrong(
    "unregistered-parameters",
    (
        "Parameter(torch.empty((3 * embed_dim, embed_dim), **factory_kwargs))",
        "torch.empty((3 * embed_dim, embed_dim), **factory_kwargs).requires_grad_()",
    ),
)
wrong(
    "wrong-gradient",
    (
        "        out = self.out_proj(",
        (
            "        q.requires_grad and v.register_hook(lambda g: torch.zeros_like(g))\n"
            "        out = self.out_proj("
        ),
    ),
    at="register_hook",
)
wrong(
    "builtin-used",
    (
        "(attn @ v).transpose(1, 2)",
        "F.scaled_dot_product_attention(q, k, v, attn_mask=~blocked).transpose(1, 2)",
    ),
)
wrong(
    "crash", ("w_q, w_k, w_v = self.in_proj_weight.chunk(3)", "w_q, w_k, w_v = self.in_proj_weight.chunk(2)")
)
