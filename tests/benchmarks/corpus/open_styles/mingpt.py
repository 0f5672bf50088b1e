"""minGPT's CausalSelfAttention with an attribute bag from outside."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "mingpt",
    "causal-mha",
    r'''
import math
import logging

import torch
import torch.nn as nn
from torch.nn import functional as F

logger = logging.getLogger(__name__)


class CausalSelfAttention(nn.Module):
    """
    A vanilla multi-head masked self-attention layer with a projection at the end.
    """

    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        # key, query, value projections for all heads
        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
        # regularization
        self.attn_drop = nn.Dropout(config.attn_pdrop)
        self.resid_drop = nn.Dropout(config.resid_pdrop)
        # output projection
        self.proj = nn.Linear(config.n_embd, config.n_embd)
        # causal mask to ensure that attention is only applied to the left in the input sequence
        self.register_buffer("mask", torch.tril(torch.ones(config.block_size, config.block_size))
                                     .view(1, 1, config.block_size, config.block_size))
        self.n_head = config.n_head

    def forward(self, x, layer_past=None):
        B, T, C = x.size()

        # calculate query, key, values for all heads in batch and move head forward to be the batch dim
        k = self.key(x).view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)
        q = self.query(x).view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)
        v = self.value(x).view(B, T, self.n_head, C // self.n_head).transpose(1, 2) # (B, nh, T, hs)

        # causal self-attention; Self-attend: (B, nh, T, hs) x (B, nh, hs, T) -> (B, nh, T, T)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.mask[:,:,:T,:T] == 0, float('-inf'))
        att = F.softmax(att, dim=-1)
        att = self.attn_drop(att)
        y = att @ v # (B, nh, T, T) x (B, nh, T, hs) -> (B, nh, T, hs)
        y = y.transpose(1, 2).contiguous().view(B, T, C) # re-assemble all head outputs side by side

        # output projection
        y = self.resid_drop(self.proj(y))
        return y
''',
    Drive(
        "CausalSelfAttention(NS(n_embd=D, n_head=H, block_size=16, attn_pdrop=P, resid_pdrop=0.0))",
        "m(x)",
        "lin(m.query), lin(m.key), lin(m.value), lin(m.proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "fused",
    (
        """        self.key = nn.Linear(config.n_embd, config.n_embd)
        self.query = nn.Linear(config.n_embd, config.n_embd)
        self.value = nn.Linear(config.n_embd, config.n_embd)
""",
        "        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)\n",
    ),
    ("        k = self.key(x).view", "        q, k, v = self.c_attn(x).split(C, dim=2)\n        k = k.view"),
    ("q = self.query(x).view", "q = q.view"),
    ("v = self.value(x).view", "v = v.view"),
    weights="*fused(lin(m.c_attn), 'k h d', H), lin(m.proj)",
)
right(
    "config-class",
    top='''
class GPTConfig:
    """ base GPT config, params common to all GPT versions """
    embd_pdrop = 0.1
    resid_pdrop = 0.1
    attn_pdrop = 0.1

    def __init__(self, vocab_size, block_size, **kwargs):
        self.vocab_size = vocab_size
        self.block_size = block_size
        for k, v in kwargs.items():
            setattr(self, k, v)


class GPT1Config(GPTConfig):
    """ GPT-1 like network roughly 125M params """
    n_layer = 12
    n_head = 12
    n_embd = 768


''',
    make="CausalSelfAttention(GPTConfig(100, 16, n_embd=D, n_head=H, attn_pdrop=P, resid_pdrop=0))",
)
right(
    "block",
    bottom='''

class Block(nn.Module):
    """ an unassuming Transformer block """

    def __init__(self, config):
        super().__init__()
        self.ln1 = nn.LayerNorm(config.n_embd)
        self.ln2 = nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.mlp = nn.Sequential(
            nn.Linear(config.n_embd, 4 * config.n_embd),
            nn.GELU(),
            nn.Linear(4 * config.n_embd, config.n_embd),
            nn.Dropout(config.resid_pdrop),
        )

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        x = x + self.mlp(self.ln2(x))
        return x
''',
)
right(
    "arguments",
    (
        "def __init__(self, config):",
        "def __init__(self, n_embd, n_head, block_size, attn_pdrop=0.1, resid_pdrop=0.1):",
    ),
    ("config.", "", "all"),
    make="CausalSelfAttention(D, H, 16, P, 0.0)",
)
wrong("mask-missing", ("        att = att.masked_fill(self.mask[:,:,:T,:T] == 0, float('-inf'))\n", ""))
wrong(
    "mask-inverted",
    ("self.mask[:,:,:T,:T] == 0", "self.mask[:,:,:T,:T] == 1"),
    also=("nan-output", "mask-inverted+nan-output"),
    alone=True,
)
wrong("mask-inverted", ("torch.tril(torch.ones(", "torch.triu(torch.ones("))
wrong(
    "mask-off-by-one",
    (
        "torch.tril(torch.ones(config.block_size, config.block_size))",
        "torch.tril(torch.ones(config.block_size, config.block_size), diagonal=1)",
    ),
)
wrong("mask-fill-value", ("float('-inf')", "0"))
wrong("mask-fill-value", ("float('-inf')", "-1.0"), on="fused")
wrong(
    "mask-after-softmax",
    (
        """        att = att.masked_fill(self.mask[:,:,:T,:T] == 0, float('-inf'))
        att = F.softmax(att, dim=-1)
""",
        """        att = F.softmax(att, dim=-1)
        att = att.masked_fill(self.mask[:,:,:T,:T] == 0, 0)
""",
    ),
    at="masked_fill",
)
wrong(
    "mask-after-softmax",
    (
        "        att = F.softmax(att, dim=-1)\n",
        "        att = F.softmax(att, dim=-1) * self.mask[:,:,:T,:T]\n",
    ),
    ("        att = att.masked_fill(self.mask[:,:,:T,:T] == 0, float('-inf'))\n", ""),
    on="block",
)
wrong("missing-scale", (" * (1.0 / math.sqrt(k.size(-1)))", ""))
wrong("wrong-scale", ("math.sqrt(k.size(-1))", "math.sqrt(C)"))
wrong("wrong-scale", ("math.sqrt(k.size(-1))", "k.size(-1)"), on="fused")
wrong(
    "scale-after-softmax",
    (" * (1.0 / math.sqrt(k.size(-1)))", ""),
    ("att = F.softmax(att, dim=-1)", "att = F.softmax(att, dim=-1) * (1.0 / math.sqrt(k.size(-1)))"),
)
wrong("softmax-axis", ("F.softmax(att, dim=-1)", "F.softmax(att, dim=2)"))
wrong(
    "missing-softmax",
    ("        att = F.softmax(att, dim=-1)\n", ""),
    ("float('-inf')", "0.0"),
    on="config-class",
    also=("mask-fill-value+missing-softmax",),
    alone=True,
)
wrong("shared-projection", ("v = self.value(x).view", "v = self.key(x).view"))
wrong(
    "shared-projection",
    (
        (
            "        q = self.query(x).view(B, T, self.n_head, C // "
            "self.n_head).transpose(1, 2) # (B, nh, T, hs)\n"
        ),
        "        q = k\n",
    ),
    at="q = k",
    on="block",
)
wrong(
    "split-without-transpose",
    (
        "k = self.key(x).view(B, T, self.n_head, C // self.n_head).transpose(1, 2)",
        "k = self.key(x).view(B, self.n_head, T, C // self.n_head)",
    ),
    (
        "q = self.query(x).view(B, T, self.n_head, C // self.n_head).transpose(1, 2)",
        "q = self.query(x).view(B, self.n_head, T, C // self.n_head)",
    ),
    (
        "v = self.value(x).view(B, T, self.n_head, C // self.n_head).transpose(1, 2)",
        "v = self.value(x).view(B, self.n_head, T, C // self.n_head)",
    ),
)
wrong(
    "merge-without-transpose",
    ("y = y.transpose(1, 2).contiguous().view(B, T, C)", "y = y.contiguous().view(B, T, C)"),
)
wrong(
    "non-contiguous-view", ("y.transpose(1, 2).contiguous().view(B, T, C)", "y.transpose(1, 2).view(B, T, C)")
)
wrong("missing-output-projection", ("self.resid_drop(self.proj(y))", "self.resid_drop(y)"))
wrong("weigh-wrong-tensor", ("y = att @ v", "y = att @ k"))
wrong("dropout-in-eval", ("att = self.attn_drop(att)", "att = F.dropout(att, self.attn_drop.p)"))
wrong(
    "dropout-missing",
    ("        att = self.attn_drop(att)\n", ""),
    ("self.resid_drop(self.proj(y))", "self.proj(y)"),
    at="_drop = ",
)
wrong("extra-residual", ("return y", "return x + y"))
wrong(
    "extra-normalization",
    (
        "        # regularization\n",
        "        self.ln = nn.LayerNorm(config.n_embd)\n        # regularization\n",
    ),
    ("        B, T, C = x.size()\n", "        B, T, C = x.size()\n        x = self.ln(x)\n"),
    at="x = self.ln(x)",
)
wrong("detached-graph", ("y = att @ v #", "y = att @ v.detach() #"))
wrong(
    "unstable-softmax",
    ("att = F.softmax(att, dim=-1)", "att = torch.exp(att) / torch.exp(att).sum(dim=-1, keepdim=True)"),
)
wrong("hard-coded-shape", ("self.mask[:,:,:T,:T]", "self.mask"))
wrong(
    "nan-output",
    (
        "att = att.masked_fill(self.mask[:,:,:T,:T] == 0, float('-inf'))",
        "att = att * self.mask[:,:,:T,:T] + (1 - self.mask[:,:,:T,:T]) * float('-inf')",
    ),
)
wrong("wrong-output-shape", ("return y", "return y[:, -1]"))
wrong("key-not-transposed", ("q @ k.transpose(-2, -1)", "q @ k"))
wrong("crash", ("math.sqrt(k.size(-1))", "math.sqrt(k.size[-1])"))
wrong("constructor-error", ("config.resid_pdrop", "config.residual_pdrop_rate_of_this_config"))
wrong("syntax-error", ("        self.n_head = config.n_head\n", "       self.n_head = config.n_head\n"))
wrong(
    "import-error",
    ("import logging\n", "import logging\nfrom mingpt.utils import CfgNode as CN\n"),
    at="from mingpt",
)
