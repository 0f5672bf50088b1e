"""Karpathy's lecture: Head, then MultiHeadAttention as a list of them."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "lecture-heads",
    "causal-mha",
    r'''
import torch
import torch.nn as nn
from torch.nn import functional as F


class Head(nn.Module):
    """ one head of self-attention """

    def __init__(self, n_embd, head_size, block_size, dropout):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size)))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        # input of size (batch, time-step, channels)
        # output of size (batch, time-step, head size)
        B,T,C = x.shape
        k = self.key(x)   # (B,T,hs)
        q = self.query(x) # (B,T,hs)
        # compute attention scores ("affinities")
        wei = q @ k.transpose(-2,-1) * k.shape[-1]**-0.5 # (B, T, hs) @ (B, hs, T) -> (B, T, T)
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf')) # (B, T, T)
        wei = F.softmax(wei, dim=-1) # (B, T, T)
        wei = self.dropout(wei)
        # perform the weighted aggregation of the values
        v = self.value(x) # (B,T,hs)
        out = wei @ v # (B, T, T) @ (B, T, hs) -> (B, T, hs)
        return out


class MultiHeadAttention(nn.Module):
    """ multiple heads of self-attention in parallel """

    def __init__(self, n_embd, num_heads, block_size=256, dropout=0.2):
        super().__init__()
        head_size = n_embd // num_heads
        self.heads = nn.ModuleList([Head(n_embd, head_size, block_size, dropout) for _ in range(num_heads)])
        self.proj = nn.Linear(head_size * num_heads, n_embd)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        out = torch.cat([h(x) for h in self.heads], dim=-1)
        out = self.dropout(self.proj(out))
        return out
''',
    Drive(
        "MultiHeadAttention(D, H, 16, P)",
        "m(x)",
        "*(heads_of(lin(getattr(h, n)) for h in m.heads) for n in ('query', 'key', 'value')), lin(m.proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "globals",
    (
        '''class Head(nn.Module):
    """ one head of self-attention """

    def __init__(self, n_embd, head_size, block_size, dropout):
''',
        '''# hyperparameters
batch_size = 16 # how many independent sequences will we process in parallel?
block_size = 32 # what is the maximum context length for predictions?
n_embd = 64
n_head = 4
dropout = 0.0
# ------------

class Head(nn.Module):
    """ one head of self-attention """

    def __init__(self, head_size):
''',
    ),
    (
        "def __init__(self, n_embd, num_heads, block_size=256, dropout=0.2):",
        "def __init__(self, num_heads, head_size):",
    ),
    ("        head_size = n_embd // num_heads\n", ""),
    ("Head(n_embd, head_size, block_size, dropout) for", "Head(head_size) for"),
    make="(Head.forward.__globals__.update(n_embd=D), MultiHeadAttention(H, d))[1]",
)
right(
    "feed-forward",
    bottom='''

class FeedFoward(nn.Module):
    """ a simple linear layer followed by a non-linearity """

    def __init__(self, n_embd, dropout):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_embd, 4 * n_embd),
            nn.ReLU(),
            nn.Linear(4 * n_embd, n_embd),
            nn.Dropout(dropout),
        )

    def forward(self, x):
        return self.net(x)


class Block(nn.Module):
    """ Transformer block: communication followed by computation """

    def __init__(self, n_embd, n_head, block_size, dropout):
        super().__init__()
        self.sa = MultiHeadAttention(n_embd, n_head, block_size, dropout)
        self.ffwd = FeedFoward(n_embd, dropout)
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        x = x + self.ffwd(self.ln2(x))
        return x
''',
)
right(
    "triu",
    (
        "torch.tril(torch.ones(block_size, block_size))",
        "torch.triu(torch.ones(block_size, block_size), 1).bool()",
    ),
    ("self.tril[:T, :T] == 0", "self.tril[:T, :T]"),
)
right("head-bias", (", bias=False", "", "all"))
wrong(
    "heads-not-concatenated",
    ("torch.cat([h(x) for h in self.heads], dim=-1)", "torch.stack([h(x) for h in self.heads]).sum(0)"),
    ("nn.Linear(head_size * num_heads, n_embd)", "nn.Linear(head_size, n_embd)"),
    at="stack",
)
wrong(
    "heads-not-concatenated",
    ("torch.cat([h(x) for h in self.heads], dim=-1)", "torch.cat([h(x) for h in self.heads], dim=1)"),
)
wrong(
    "heads-not-concatenated",
    (
        "        out = torch.cat([h(x) for h in self.heads], dim=-1)\n",
        "        for h in self.heads:\n            out = h(x)\n",
    ),
    at="out = h(x)",
)
wrong(
    "unregistered-parameters",
    (
        "nn.ModuleList([Head(n_embd, head_size, block_size, dropout) for _ in range(num_heads)])",
        "[Head(n_embd, head_size, block_size, dropout) for _ in range(num_heads)]",
    ),
)
wrong(
    "shared-across-heads",
    (
        "nn.ModuleList([Head(n_embd, head_size, block_size, dropout) for _ in range(num_heads)])",
        "nn.ModuleList([Head(n_embd, head_size, block_size, dropout)] * num_heads)",
    ),
)
wrong(
    "shared-across-heads",
    (
        (
            "        self.heads = nn.ModuleList([Head(n_embd, head_size, block_size, "
            "dropout) for _ in range(num_heads)])\n"
        ),
        (
            "        self.head = Head(n_embd, head_size, block_size, dropout)\n"
            "        self.num_heads = num_heads\n"
        ),
    ),
    ("[h(x) for h in self.heads]", "[self.head(x) for _ in range(self.num_heads)]"),
    at="self.head = Head",
)
wrong("missing-scale", (" * k.shape[-1]**-0.5", ""))
wrong("wrong-scale", ("k.shape[-1]**-0.5", "C**-0.5"))
wrong("wrong-scale", ("k.shape[-1]**-0.5", "k.shape[-1]**0.5"), on="triu")
wrong(
    "mask-off-by-one",
    (
        "torch.tril(torch.ones(block_size, block_size))",
        "torch.tril(torch.ones(block_size, block_size), diagonal=-1)",
    ),
    also=("nan-output", "mask-off-by-one+nan-output"),
    alone=True,
)
wrong(
    "mask-off-by-one",
    (
        "torch.triu(torch.ones(block_size, block_size), 1)",
        "torch.triu(torch.ones(block_size, block_size), 2)",
    ),
    on="triu",
)
wrong(
    "mask-missing",
    ("        self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size)))\n", ""),
    ("        wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf')) # (B, T, T)\n", ""),
    at="wei = q @ k",
)
wrong(
    "mask-inverted",
    ("self.tril[:T, :T] == 0", "self.tril[:T, :T] != 0"),
    ("float('-inf')", "-1e9"),
    at="!= 0",
)
wrong("mask-fill-value", ("float('-inf')", "1e-9"))
wrong("softmax-axis", ("F.softmax(wei, dim=-1)", "F.softmax(wei, dim=1)"))
wrong("softmax-axis", ("F.softmax(wei, dim=-1)", "F.softmax(wei, dim=0)"), alone=True, also=("batch-mixing",))
wrong("missing-projection", ("v = self.value(x) #", "v = x[..., :k.shape[-1]] #"))
wrong("shared-projection", ("q = self.query(x) #", "q = self.key(x) #"))
wrong("weigh-wrong-tensor", ("out = wei @ v #", "out = wei @ q #"))
wrong("dropout-in-eval", ("wei = self.dropout(wei)", "wei = F.dropout(wei, p=self.dropout.p)"))
wrong("missing-output-projection", ("self.dropout(self.proj(out))", "self.dropout(out)"))
wrong(
    "wrong-output-shape",
    (
        "self.proj = nn.Linear(head_size * num_heads, n_embd)",
        "self.proj = nn.Linear(head_size * num_heads, head_size)",
    ),
)
wrong(
    "wrong-output-type",
    (
        "        out = self.dropout(self.proj(out))\n        return out\n",
        "        out = self.dropout(self.proj(out))\n",
    ),
    at="self.proj(out))",
    also=("not-implemented",),
)
wrong("detached-graph", ("[h(x) for h in self.heads]", "[h(x).detach() for h in self.heads]"))
wrong(
    "detached-graph",
    (
        "        wei = F.softmax(wei, dim=-1) # (B, T, T)\n",
        "        with torch.no_grad():\n            wei = F.softmax(wei, dim=-1) # (B, T, T)\n",
    ),
)
wrong(
    "constructor-error",
    (
        "self.dropout = nn.Dropout(dropout)\n\n    def forward(self, x):\n        # input",
        "self.dropout = nn.dropout(dropout)\n\n    def forward(self, x):\n        # input",
    ),
)
wrong(
    "crash",
    ("dim=-1)\n        out = self.dropout(self.proj", "axis=-1)\n        out = self.dropouts(self.proj"),
)
wrong(
    "mutates-input",
    ("        k = self.key(x)   #", "        x -= x.mean(-1, keepdim=True)\n        k = self.key(x)   #"),
    at="x -=",
    also=(
        "extra-normalization",
        "mutates-input+extra-normalization",
        "wrong-value",
        "wrong-value+mutates-input",
    ),
    alone=True,
)
