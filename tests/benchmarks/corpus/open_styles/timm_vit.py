# ruff: noqa: E501 (another author's lines, as they were written)
"""timm's vision transformer: one fused map, reshape and permute."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "timm-vit",
    "mha",
    r"""
import torch
import torch.nn as nn


class Attention(nn.Module):
    def __init__(self, dim, num_heads=8, qkv_bias=False, attn_drop=0., proj_drop=0.):
        super().__init__()
        assert dim % num_heads == 0, 'dim should be divisible by num_heads'
        self.num_heads = num_heads
        head_dim = dim // num_heads
        self.scale = head_dim ** -0.5

        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)   # make torchscript happy (cannot use tensor as tuple)

        attn = (q @ k.transpose(-2, -1)) * self.scale
        attn = attn.softmax(dim=-1)
        attn = self.attn_drop(attn)

        x = (attn @ v).transpose(1, 2).reshape(B, N, C)
        x = self.proj(x)
        x = self.proj_drop(x)
        return x
""",
    Drive(
        "Attention(D, num_heads=H, qkv_bias=True, attn_drop=P)",
        "m(x)",
        "*fused(lin(m.qkv), 'k h d', H), lin(m.proj)",
        inputs="x",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("no-qkv-bias", make="Attention(D, num_heads=H, attn_drop=P)")
right(
    "heads-first",
    (
        "reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)",
        "view(B, N, self.num_heads, 3, C // self.num_heads).permute(3, 0, 2, 1, 4)",
    ),
    weights="*fused(lin(m.qkv), 'h k d', H), lin(m.proj)",
)
right(
    "chunk",
    (
        """        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)   # make torchscript happy (cannot use tensor as tuple)
""",
        """        q, k, v = [t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for t in self.qkv(x).chunk(3, dim=-1)]
""",
    ),
)
right("scaled-query", ("(q @ k.transpose(-2, -1)) * self.scale", "(q * self.scale) @ k.mT"))
right(
    "qk-scale-buffer",
    ("self.scale = head_dim ** -0.5", "self.register_buffer('scale', torch.tensor(head_dim ** -0.5))"),
)
right("flatten", ("(attn @ v).transpose(1, 2).reshape(B, N, C)", "(attn @ v).transpose(1, 2).flatten(2)"))
right(
    "trunc-normal",
    bottom="""

class Mlp(nn.Module):
    def __init__(self, in_features, hidden_features=None, act_layer=nn.GELU, drop=0.):
        super().__init__()
        hidden_features = hidden_features or in_features
        self.fc1 = nn.Linear(in_features, hidden_features)
        self.act = act_layer()
        self.fc2 = nn.Linear(hidden_features, in_features)
        self.drop = nn.Dropout(drop)

    def forward(self, x):
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class Block(nn.Module):
    def __init__(self, dim, num_heads, mlp_ratio=4., qkv_bias=False, drop=0., attn_drop=0.):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = Attention(dim, num_heads=num_heads, qkv_bias=qkv_bias, attn_drop=attn_drop, proj_drop=drop)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), drop=drop)
        self.apply(self._init)

    def _init(self, m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=.02)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))
""",
)
wrong("missing-scale", (" * self.scale\n", "\n"))
wrong("wrong-scale", ("head_dim ** -0.5", "dim ** -0.5"))
wrong("wrong-scale", ("head_dim ** -0.5", "head_dim ** 0.5"), on="chunk")
wrong("wrong-scale", (" * self.scale\n", " / self.scale\n"), on="flatten")
wrong("softmax-axis", ("attn.softmax(dim=-1)", "attn.softmax(dim=-2)"))
wrong("missing-softmax", ("        attn = attn.softmax(dim=-1)\n", ""))
wrong(
    "split-without-transpose",
    (
        "reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)",
        "reshape(3, B, self.num_heads, N, C // self.num_heads)",
    ),
    alone=True,
    also=("batch-mixing", "wrong-value", "split-without-transpose+batch-mixing"),
)
wrong(
    "split-without-transpose",
    ("t.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)", "t.reshape(B, self.num_heads, N, -1)"),
    on="chunk",
)
wrong(
    "merge-without-transpose", ("(attn @ v).transpose(1, 2).reshape(B, N, C)", "(attn @ v).reshape(B, N, C)")
)
wrong(
    "merge-without-transpose",
    ("(attn @ v).transpose(1, 2).reshape(B, N, C)", "(attn @ v).transpose(2, 3).reshape(B, N, C)"),
    on="heads-first",
)
wrong(
    "non-contiguous-view",
    ("(attn @ v).transpose(1, 2).reshape(B, N, C)", "(attn @ v).transpose(1, 2).view(B, N, C)"),
)
wrong("missing-output-projection", ("        x = self.proj(x)\n", ""))
wrong("weigh-wrong-tensor", ("(attn @ v)", "(attn @ q)"))
wrong(
    "dropout-missing",
    ("        attn = self.attn_drop(attn)\n", ""),
    ("        x = self.proj_drop(x)\n", ""),
    at="self.attn_drop = ",
)
wrong(
    "dropout-in-eval",
    (
        "self.attn_drop = nn.Dropout(attn_drop)",
        "self.attn_drop = lambda t: nn.functional.dropout(t, attn_drop)",
    ),
)
wrong(
    "extra-residual",
    ("        B, N, C = x.shape\n", "        B, N, C = x.shape\n        shortcut = x\n"),
    ("        x = self.proj_drop(x)\n", "        x = shortcut + self.proj_drop(x)\n"),
    at="shortcut +",
)
wrong(
    "extra-normalization",
    ("        qkv = self.qkv(x)", "        x = nn.functional.layer_norm(x, (C,))\n        qkv = self.qkv(x)"),
    at="layer_norm",
)
wrong(
    "unexpected-mask",
    (
        "        attn = attn.softmax",
        "        attn = attn.masked_fill(torch.ones(N, N, dtype=torch.bool).triu(1), float('-inf'))\n"
        "        attn = attn.softmax",
    ),
    at="triu",
)
wrong("detached-graph", ("self.qkv(x).reshape", "self.qkv(x).detach().reshape"))
wrong("key-not-transposed", ("(q @ k.transpose(-2, -1))", "(q @ k.transpose(1, 2))"))
wrong(
    "unstable-softmax",
    ("attn = attn.softmax(dim=-1)", "attn = attn.exp()\n        attn = attn / attn.sum(-1, keepdim=True)"),
)
wrong("hard-coded-shape", ("C // self.num_heads)", "64)"))
wrong(
    "wrong-value", ("attn = attn.softmax(dim=-1)", "attn = attn.relu() ** 2 / N"), also=("missing-softmax",)
)
wrong(
    "batch-mixing",
    (
        "B, N, C = x.shape\n",
        "B, N, C = x.shape\n        x = x.reshape(1, B * N, C)\n        B, N = 1, B * N\n",
    ),
    ("        x = self.proj_drop(x)\n", "        x = self.proj_drop(x).reshape(shape)\n"),
    ("        B, N, C = x.shape\n", "        shape = x.shape\n        B, N, C = x.shape\n"),
    at="reshape(1, B * N, C)",
    alone=True,
)
wrong(
    "nondeterministic",
    (
        "        attn = self.attn_drop(attn)\n",
        "        attn = self.attn_drop(attn)\n        attn = attn[:, torch.randperm(self.num_heads)]\n",
    ),
    at="randperm",
)
wrong("crash", ("self.attn_drop(attn)", "self.attn_dropout(attn)"))
wrong("constructor-error", ("self.scale = head_dim ** -0.5", "self.scale = self.head_dim ** -0.5"))
wrong(
    "syntax-error",
    (
        "        attn = (q @ k.transpose(-2, -1)) * self.scale",
        "        attn = (q @ k.transpose(-2, -1) * self.scale",
    ),
)
