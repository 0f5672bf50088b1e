"""lukemelas' PyTorch-Pretrained-ViT: split_last, merge_last, an arithmetic mask (B, S)."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "lukemelas-vit",
    "mha",
    r'''
import numpy as np
from torch import nn
from torch.nn import functional as F


def split_last(x, shape):
    "split the last dimension to given shape"
    shape = list(shape)
    assert shape.count(-1) <= 1
    if -1 in shape:
        shape[shape.index(-1)] = int(x.size(-1) / -np.prod(shape))
    return x.view(*x.size()[:-1], *shape)


def merge_last(x, n_dims):
    "merge the last n_dims to a dimension"
    s = x.size()
    assert n_dims > 1 and n_dims < len(s)
    return x.view(*s[:-n_dims], -1)


class MultiHeadedSelfAttention(nn.Module):
    """Multi-Headed Dot Product Attention"""
    def __init__(self, dim, num_heads, dropout):
        super().__init__()
        self.proj_q = nn.Linear(dim, dim)
        self.proj_k = nn.Linear(dim, dim)
        self.proj_v = nn.Linear(dim, dim)
        self.proj_o = nn.Linear(dim, dim)
        self.drop = nn.Dropout(dropout)
        self.n_heads = num_heads
        self.scores = None # for visualization

    def forward(self, x, mask):
        """
        x, q(query), k(key), v(value) : (B(batch_size), S(seq_len), D(dim))
        mask : (B(batch_size) x S(seq_len))
        * split D(dim) into (H(n_heads), W(width of head)) ; D = H * W
        """
        # (B, S, D) -proj-> (B, S, D) -split-> (B, S, H, W) -trans-> (B, H, S, W)
        q, k, v = self.proj_q(x), self.proj_k(x), self.proj_v(x)
        q, k, v = (split_last(t, (self.n_heads, -1)).transpose(1, 2) for t in [q, k, v])
        # (B, H, S, W) @ (B, H, W, S) -> (B, H, S, S) -softmax-> (B, H, S, S)
        scores = q @ k.transpose(-2, -1) / np.sqrt(k.size(-1))
        if mask is not None:
            mask = mask[:, None, None, :].float()
            scores = scores - 10000.0 * (1.0 - mask)
        scores = self.drop(F.softmax(scores, dim=-1))
        # (B, H, S, S) @ (B, H, S, W) -> (B, H, S, W) -trans-> (B, S, H, W)
        h = (scores @ v).transpose(1, 2).contiguous()
        # -merge-> (B, S, D)
        h = merge_last(h, 2)
        self.scores = scores
        return self.proj_o(h)
''',
    Drive(
        "MultiHeadedSelfAttention(D, H, P)",
        "m(x, None)",
        "lin(m.proj_q), lin(m.proj_k), lin(m.proj_v), lin(m.proj_o)",
        "m(x, keep[:, 0].long())",
        keep="prefix",
        inputs="x",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

STYLE.source = STYLE.source.replace("10000.0", "1e9")
right(
    "no-mask",
    ("x, mask)", "x)"),
    (
        (
            "        if mask is not None:\n"
            "            mask = mask[:, None, None, :].float()\n"
            "            scores = scores - 1e9 * (1.0 - mask)\n"
        ),
        "",
    ),
    call="m(x)",
    masked="",
)
right("mask-default", ("x, mask)", "x, mask=None)"), masked="m(x, mask=keep[:, 0])")
right("minus-1e4", ("1e9", "10000.0"))
right(
    "block-in-file",
    bottom='''

def gelu(x):
    return x * 0.5 * (1.0 + (x / np.sqrt(2.0)).erf())


class PositionWiseFeedForward(nn.Module):
    """FeedForward Neural Networks for each position"""
    def __init__(self, dim, ff_dim):
        super().__init__()
        self.fc1 = nn.Linear(dim, ff_dim)
        self.fc2 = nn.Linear(ff_dim, dim)

    def forward(self, x):
        # (B, S, D) -> (B, S, D_ff) -> (B, S, D)
        return self.fc2(gelu(self.fc1(x)))


class Block(nn.Module):
    """Transformer Block"""
    def __init__(self, dim, num_heads, ff_dim, dropout):
        super().__init__()
        self.attn = MultiHeadedSelfAttention(dim, num_heads, dropout)
        self.proj = nn.Linear(dim, dim)
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.pwff = PositionWiseFeedForward(dim, ff_dim)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask):
        h = self.drop(self.proj(self.attn(self.norm1(x), mask)))
        x = x + h
        h = self.drop(self.pwff(self.norm2(x)))
        return x + h
''',
)
wrong("missing-scale", (" / np.sqrt(k.size(-1))", ""))
wrong("wrong-scale", ("np.sqrt(k.size(-1))", "np.sqrt(k.size(1))"))
wrong("mask-inverted", ("(1.0 - mask)", "mask"))
wrong("mask-fill-value", ("scores - 1e9 * (1.0 - mask)", "scores * mask"))
wrong(
    "mask-fill-value",
    ("scores - 1e9 * (1.0 - mask)", "scores.masked_fill(mask == 0, 1e-9)"),
    on="mask-default",
)
wrong("mask-missing", ("            scores = scores - 1e9 * (1.0 - mask)\n", ""))
wrong("softmax-axis", ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=-2)"))
wrong("non-contiguous-view", (".transpose(1, 2).contiguous()", ".transpose(1, 2)"))
wrong(
    "merge-without-transpose",
    (
        (
            "        h = (scores @ v).transpose(1, 2).contiguous()\n"
            "        # -merge-> (B, S, D)\n"
            "        h = merge_last(h, 2)\n"
        ),
        "        h = (scores @ v).contiguous()\n        # -merge-> (B, S, D)\n        h = h.view(x.shape)\n",
    ),
)
wrong(
    "split-without-transpose",
    ("split_last(t, (self.n_heads, -1)).transpose(1, 2)", "t.view(t.size(0), self.n_heads, t.size(1), -1)"),
)
wrong(
    "shared-projection",
    ("self.proj_q(x), self.proj_k(x), self.proj_v(x)", "self.proj_q(x), self.proj_k(x), self.proj_k(x)"),
)
wrong(
    "missing-projection",
    ("self.proj_q(x), self.proj_k(x), self.proj_v(x)", "self.proj_q(x), x, self.proj_v(x)"),
)
wrong("dropout-missing", ("self.drop(F.softmax(scores, dim=-1))", "F.softmax(scores, dim=-1)"))
wrong(
    "dropout-in-eval",
    ("self.drop(F.softmax(scores, dim=-1))", "F.dropout(F.softmax(scores, dim=-1), p=self.drop.p)"),
)
wrong("missing-output-projection", ("return self.proj_o(h)", "return h"))
wrong("extra-residual", ("return self.proj_o(h)", "return x + self.drop(self.proj_o(h))"))
wrong("weigh-wrong-tensor", ("(scores @ v)", "(scores @ k)"))
wrong(
    "unexpected-mask",
    (
        "        scores = self.drop(",
        (
            "        scores = scores.tril() + scores.new_full(scores.shape, -1e9).triu(1)\n"
            "        scores = self.drop("
        ),
    ),
    at="tril",
)
wrong(
    "wrong-output-type",
    ("return self.proj_o(h)", "return self.proj_o(h).detach().numpy()"),
    also=("detached-graph", "detached-graph+wrong-output-type"),
)
wrong("wrong-value", ("F.softmax(scores, dim=-1)", "scores.sigmoid()"), also=("missing-softmax",))
wrong(
    "heads-not-concatenated",
    (
        (
            "h = (scores @ v).transpose(1, 2).contiguous()\n"
            "        # -merge-> (B, S, D)\n"
            "        h = merge_last(h, 2)"
        ),
        "h = (scores @ v).sum(1).repeat(1, 1, self.n_heads)",
    ),
)
wrong(
    "not-implemented",
    ("        return self.proj_o(h)", "        pass"),
    ("        self.scores = scores\n", ""),
    also=("wrong-output-type",),
    at="def forward",
)
