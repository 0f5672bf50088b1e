# ruff: noqa: E501 (another author's lines, as they were written)
"""nanoGPT: a flash switch, a config dataclass, one fused map."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "nanogpt",
    "causal-mha",
    r'''
import math
import inspect
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn import functional as F

class LayerNorm(nn.Module):
    """ LayerNorm but with an optional bias. PyTorch doesn't support simply bias=False """

    def __init__(self, ndim, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

    def forward(self, input):
        return F.layer_norm(input, self.weight.shape, self.weight, self.bias, 1e-5)

class CausalSelfAttention(nn.Module):

    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        # key, query, value projections for all heads, but in a batch
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        # output projection
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        # regularization
        self.attn_dropout = nn.Dropout(config.dropout)
        self.resid_dropout = nn.Dropout(config.dropout)
        self.n_head = config.n_head
        self.n_embd = config.n_embd
        self.dropout = config.dropout
        # flash attention make GPU go brrrrr but support is only in PyTorch >= 2.0
        self.flash = hasattr(torch.nn.functional, 'scaled_dot_product_attention')
        if not self.flash:
            print("WARNING: using slow attention. Flash Attention requires PyTorch >= 2.0")
            # causal mask to ensure that attention is only applied to the left in the input sequence
        self.register_buffer("bias", torch.tril(torch.ones(config.block_size, config.block_size))
                                    .view(1, 1, config.block_size, config.block_size))

    def forward(self, x):
        B, T, C = x.size() # batch size, sequence length, embedding dimensionality (n_embd)

        # calculate query, key, values for all heads in batch and move head forward to be the batch dim
        q, k, v  = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)

        # causal self-attention; Self-attend: (B, nh, T, hs) x (B, nh, hs, T) -> (B, nh, T, T)
        if self.flash:
            # efficient attention using Flash Attention CUDA kernels
            y = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=self.dropout if self.training else 0, is_causal=True)
        else:
            # manual implementation of attention
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.bias[:,:,:T,:T] == 0, float('-inf'))
            att = F.softmax(att, dim=-1)
            att = self.attn_dropout(att)
            y = att @ v # (B, nh, T, T) x (B, nh, T, hs) -> (B, nh, T, hs)
        y = y.transpose(1, 2).contiguous().view(B, T, C) # re-assemble all head outputs side by side

        # output projection
        y = self.resid_dropout(self.c_proj(y))
        return y

class MLP(nn.Module):

    def __init__(self, config):
        super().__init__()
        self.c_fc    = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.gelu    = nn.GELU()
        self.c_proj  = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        return self.dropout(self.c_proj(self.gelu(self.c_fc(x))))

class Block(nn.Module):

    def __init__(self, config):
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x

@dataclass
class GPTConfig:
    block_size: int = 1024
    vocab_size: int = 50304 # GPT-2 vocab_size of 50257, padded up to nearest multiple of 64 for efficiency
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True # True: bias in Linears and LayerNorms, like GPT-2. False: a bit better and faster
''',
    Drive(
        "CausalSelfAttention(GPTConfig(block_size=16, n_head=H, n_embd=D, dropout=P))",
        "m(x)",
        "*fused(lin(m.c_attn), 'k h d', H), lin(m.c_proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

STYLE.source = STYLE.source.replace(
    "attn_mask=None, dropout_p=self.dropout if self.training else 0, is_causal=True)",
    "attn_mask=None,\n                dropout_p=self.dropout if self.training else 0, is_causal=True)",
)
SWITCH = "self.flash = hasattr(torch.nn.functional, 'scaled_dot_product_attention')"
OFF = (SWITCH, "self.flash = False")
right("slow", OFF)
FLASH = STYLE.source[
    STYLE.source.index("        if self.flash:\n            # eff") : STYLE.source.index(
        "        y = y.transpose(1, 2)"
    )
]
HAND = "".join(line[4:] + "\n" for line in FLASH.splitlines()[6:])
right(
    "manual",
    (FLASH, HAND),
    (
        "        # flash attention make GPU go brrrrr but support is only in PyTorch >= 2.0\n        "
        + SWITCH
        + """
        if not self.flash:
            print("WARNING: using slow attention. Flash Attention requires PyTorch >= 2.0")
""",
        "",
    ),
)
right(
    "manual-no-bias",
    (FLASH, HAND),
    ("bias: bool = True #", "bias: bool = False #"),
    (SWITCH, "self.flash = False"),
    make="CausalSelfAttention(GPTConfig(16, 100, 1, H, D, P))",
)
ON = {"on": "manual"}
wrong("missing-scale", (" * (1.0 / math.sqrt(k.size(-1)))", ""), **ON)
wrong(
    "wrong-scale",
    ("math.sqrt(k.size(-1))", "math.sqrt(k.size(2))"),
    on="manual",
    alone=True,
    also=("wrong-value",),
)
wrong("wrong-scale", ("math.sqrt(k.size(-1))", "math.sqrt(self.n_embd)"), **ON)
wrong("mask-missing", ("        att = att.masked_fill(self.bias[:,:,:T,:T] == 0, float('-inf'))\n", ""), **ON)
wrong(
    "mask-inverted",
    ("self.bias[:,:,:T,:T] == 0, float('-inf')", "self.bias[:,:,:T,:T] == 1, float('-1e9')"),
    **ON,
)
wrong(
    "mask-off-by-one",
    (
        "torch.tril(torch.ones(config.block_size, config.block_size))",
        "torch.tril(torch.ones(config.block_size, config.block_size), 1)",
    ),
    **ON,
)
wrong("mask-off-by-one", ("self.bias[:,:,:T,:T] == 0", "self.bias[:,:,1:T+1,:T] == 0"), on="manual-no-bias")
wrong("mask-fill-value", ("float('-inf')", "float('1e-9')"), **ON)
wrong(
    "mask-after-softmax",
    (
        (
            "        att = att.masked_fill(self.bias[:,:,:T,:T] == 0, float('-inf'))\n"
            "        att = F.softmax(att, dim=-1)\n"
        ),
        "        att = F.softmax(att, dim=-1)\n        att = att * self.bias[:,:,:T,:T]\n",
    ),
    at="att * self.bias",
    **ON,
)
wrong("softmax-axis", ("F.softmax(att, dim=-1)", "F.softmax(att, dim=1)"), **ON)
wrong("softmax-axis", ("F.softmax(att, dim=-1)", "F.softmax(att, dim=-2)"), on="slow")
wrong(
    "split-without-transpose",
    (
        "k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)",
        "k = k.view(B, self.n_head, T, C // self.n_head)",
    ),
    (
        "q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)",
        "q = q.view(B, self.n_head, T, C // self.n_head)",
    ),
    (
        "v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)",
        "v = v.view(B, self.n_head, T, C // self.n_head)",
    ),
    alone=True,
    also=("non-contiguous-view", "non-contiguous-view+split-without-transpose"),
    **ON,
)
wrong(
    "merge-without-transpose",
    ("y.transpose(1, 2).contiguous().view(B, T, C)", "y.contiguous().view(B, T, C)"),
    **ON,
)
wrong(
    "non-contiguous-view",
    ("y.transpose(1, 2).contiguous().view(B, T, C)", "y.transpose(1, 2).view(B, T, C)"),
    **ON,
)
wrong("weigh-wrong-tensor", ("y = att @ v", "y = att @ q"), **ON)
wrong(
    "shared-projection",
    (
        "        q, k, v  = self.c_attn(x).split(self.n_embd, dim=2)\n",
        "        q, k, v  = self.c_attn(x).split(self.n_embd, dim=2)\n        v = k\n",
    ),
    at="v = k",
    **ON,
)
wrong(
    "shared-projection",
    (
        "nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)",
        "nn.Linear(config.n_embd, config.n_embd, bias=config.bias)",
    ),
    ("self.c_attn(x).split(self.n_embd, dim=2)", "[self.c_attn(x)] * 3"),
    on="slow",
)
wrong("dropout-in-eval", ("att = self.attn_dropout(att)", "att = F.dropout(att, p=self.dropout)"), **ON)
wrong("missing-output-projection", ("self.resid_dropout(self.c_proj(y))", "self.resid_dropout(y)"), **ON)
wrong("extra-residual", ("        return y\n\nclass MLP", "        return x + y\n\nclass MLP"), **ON)
wrong(
    "extra-normalization",
    (
        "        # calculate query, key, values for all heads in batch and move",
        (
            "        x = F.layer_norm(x, (C,))\n"
            "        # calculate query, key, values for all heads in batch and move"
        ),
    ),
    on="manual",
    at="F.layer_norm(x, (C,))",
)
wrong(
    "builtin-used",
    (
        "        else:\n            # manual implementation of attention\n",
        "        if False:\n            # manual implementation of attention\n",
    ),
    ("        if self.flash:\n            # efficient", "        if True:\n            # efficient"),
    at="scaled_dot_product_attention(q",
)
wrong(
    "builtin-used",
    (FLASH, "        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)\n"),
    at="F.scaled",
)
wrong("detached-graph", ("y = att @ v", "y = att.detach() @ v"), **ON)
wrong(
    "detached-graph",
    (
        "        q, k, v  = self.c_attn(x)",
        "        with torch.no_grad():\n            q, k, v  = self.c_attn(x)",
    ),
    at="no_grad",
    on="slow",
)
wrong(
    "hard-coded-shape",
    ("y.transpose(1, 2).contiguous().view(B, T, C)", "y.transpose(1, 2).contiguous().view(B, T, 768)"),
    **ON,
)
wrong(
    "wrong-output-type",
    ("        return y\n\nclass MLP", "        y\n\nclass MLP"),
    on="manual",
    also=("not-implemented",),
    at="        y = self.resid",
)
wrong(
    "constructor-error", ("config.n_embd % config.n_head == 0", "config.n_embed % config.n_head == 0"), **ON
)
wrong("crash", ("self.c_attn(x).split(self.n_embd, dim=2)", "self.c_attn(x).split(self.n_head, dim=2)"), **ON)
