"""Styles that strangers write, each right and with a mistake of its own: what passes, and what is said of the twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source
from mha_drill.records import Report

BASE = """
import torch
from torch import nn

class MHA(nn.Module):
    def __init__(self, d_model, num_heads, dropout=0.1):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(d_model, d_model) for _ in range(4))
        self.drop = nn.Dropout(dropout)

    def forward(self, q, k, v, mask=None):
        B, L, D = q.shape
        cut = lambda t: t.view(B, -1, self.h, self.d).transpose(1, 2)
        q, k, v = cut(self.wq(q)), cut(self.wk(k)), cut(self.wv(v))
        scores = q @ k.mT / self.d**0.5
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        weights = self.drop(scores.softmax(-1))
        return self.wo((weights @ v).transpose(1, 2).reshape(B, L, D))
"""
MASKING = "scores = scores.masked_fill(mask == 0, -1e9)"
DROPPING = "weights = self.drop(scores.softmax(-1))"
UNDROPPED = "weights = scores.softmax(-1)"

RATE = "def __init__(self, d_model, num_heads, dropout=0.1):"
NO_RATE = "def __init__(self, d_model, num_heads):"

# Edits of the base file; the codes to be said and a piece of the line to be shown, none for a right file.
EDITS: dict[str, tuple[list[tuple[str, str]], set[str], str]] = {
    "as it is": ([], set(), ""),
    # -- a rate is asked for only where it can be given
    "a rate of its own, and none to be given": (
        [(RATE, NO_RATE), ("nn.Dropout(dropout)", "nn.Dropout(0.1)")],
        set(),
        "",
    ),
    "a rate of its own, whatever is given": (
        [("nn.Dropout(dropout)", "nn.Dropout(0.1)")],
        {"dropout-missing"},
        "self.drop(",
    ),
    "no rate to be given, and nothing dropped": (
        [(RATE, NO_RATE), ("nn.Dropout(dropout)", "nn.Dropout(0.1)"), (DROPPING, UNDROPPED)],
        {"dropout-missing"},
        "scores.softmax",
    ),
    # -- a mask belongs to the scores
    "a mask on the query": (
        [(MASKING, "scores = q.masked_fill(mask == 0, -1e9) @ k.mT / self.d**0.5")],
        {"wrong-value"},
        "q.masked_fill",
    ),
    "a mask of keys on the value": (
        [(MASKING, "v = v.masked_fill(mask[:, None, :, None] == 0, 0.0)")],
        {"wrong-value"},
        "v.masked_fill",
    ),
    "numbers made of a mask": (
        [(MASKING, "scores = scores + (1.0 - mask.to(scores.dtype)) * -1e9")],
        set(),
        "",
    ),
    "weak numbers made of a mask": (
        [(MASKING, "scores = scores + (1.0 - mask.to(scores.dtype)) * -9.0")],
        {"mask-fill-value"},
        "-9.0",
    ),
    "a mask of the output's rows": (
        [(MASKING, "pass"), ("D))", "D)) * (1 if mask is None else mask[:, :, None])")],
        set(),
        "",
    ),
    # -- dropout belongs to the weights
    "dropout on the query alone": (
        [(DROPPING, UNDROPPED), ("cut(self.wq(q))", "self.drop(cut(self.wq(q)))")],
        {"dropout-missing"},
        "self.drop(cut",
    ),
    "dropout on the value alone": (
        [(DROPPING, UNDROPPED), ("weights @ v", "weights @ self.drop(v)")],
        {"dropout-missing"},
        "self.drop(v)",
    ),
    "dropout on the scores alone": (
        [(DROPPING, "weights = self.drop(scores).softmax(-1)")],
        {"dropout-missing"},
        "self.drop(scores)",
    ),
    "dropout on the query and the weights": (
        [("cut(self.wq(q))", "self.drop(cut(self.wq(q)))")],
        set(),
        "",
    ),
    "dropout on the input alone": (
        [(DROPPING, UNDROPPED), ("self.wq(q)", "self.wq(self.drop(q))")],
        set(),
        "",
    ),
    "dropout on the output alone": (
        [(DROPPING, UNDROPPED), ("return self.wo(", "return self.drop(self.wo("), ("D))", "D)))")],
        set(),
        "",
    ),
}

KEEPS_GROUPS = """
import torch
from torch import nn

class GroupedAttention(nn.Module):
    def __init__(self, d_model, num_heads, num_kv_heads=None):
        super().__init__()
        self.h, self.g, self.d = num_heads, num_kv_heads or num_heads, d_model // num_heads
        self.wq, self.wo = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.wk, self.wv = nn.Linear(d_model, self.g * self.d), nn.Linear(d_model, self.g * self.d)

    def forward(self, x):
        B, L, D = x.shape
        times = self.h // self.g
        q = self.wq(x).view(B, L, self.h, self.d).transpose(1, 2)
        k = self.wk(x).view(B, L, self.g, self.d).transpose(1, 2)
        v = self.wv(x).view(B, L, self.g, self.d).transpose(1, 2)
        k = k.repeat_interleave(times, dim=1)
        v = v.repeat_interleave(times, dim=1)
        weights = torch.softmax(q @ k.mT / self.d**0.5, dim=-1)
        return self.wo((weights @ v).transpose(1, 2).reshape(B, L, D))
"""
IN_GROUPS = "k = k.repeat_interleave(times, dim=1)"
MERGED = """
import torch
from torch import nn

class SelfAttention(nn.Module):
    def __init__(self, d_model, d_k):
        super().__init__()
        self.w_q, self.w_k, self.w_v = (nn.Linear(d_model, d_k, bias=False) for _ in range(3))
        self.scale = d_k**0.5

    def forward(self, x):
        between = self.w_q.weight.T @ self.w_k.weight
        scores = x @ between @ x.mT / self.scale
        return torch.softmax(scores, dim=-1) @ self.w_v(x)
"""
SCRIPTED = """
import torch
from torch import nn

class MHA(torch.jit.ScriptModule):
    def __init__(self, d_model: int, num_heads: int):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.qkv, self.o = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)

    @torch.jit.script_method
    def forward(self, x):
        B, L, D = x.shape
        q, k, v = self.qkv(x).view(B, L, 3, self.h, self.d).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q @ k.transpose(-2, -1) / self.d**0.5, dim=-1)
        return self.o((weights @ v).transpose(1, 2).reshape(B, L, D))
"""
# A mask of its own for the encoder's output, which takes the place of the other.
BERT = """
import torch
from torch import nn

class BertSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.h, self.d = config.num_attention_heads, config.hidden_size // config.num_attention_heads
        self.q, self.k, self.v, self.o = (nn.Linear(config.hidden_size, config.hidden_size) for _ in range(4))

    def forward(self, hidden_states, attention_mask=None, encoder_hidden_states=None, encoder_attention_mask=None):
        states = hidden_states
        if encoder_hidden_states is not None:
            states, attention_mask = encoder_hidden_states, encoder_attention_mask
        cut = lambda t: t.view(t.size(0), t.size(1), self.h, self.d).transpose(1, 2)
        q, k, v = cut(self.q(hidden_states)), cut(self.k(states)), cut(self.v(states))
        scores = q @ k.mT / self.d**0.5
        if attention_mask is not None:
            scores = scores + attention_mask
        return self.o((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
"""
# Single precision inside, and outputs that hardly change along some direction.
SINGLE = """
import torch
from torch import nn

class T5Attention(nn.Module):
    def __init__(self, d_model, d_kv, num_heads):
        super().__init__()
        self.d, self.h, inner = d_kv, num_heads, d_kv * num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(d_model, inner, bias=False) for _ in range(4))

    def forward(self, hidden_states):
        B, L = hidden_states.shape[:2]
        q, k, v = (f(hidden_states).view(B, L, self.h, self.d).transpose(1, 2) for f in (self.q, self.k, self.v))
        scores = q * self.d**-0.5 @ k.mT
        weights = torch.softmax(scores.float(), dim=-1).type_as(scores)
        return self.o((weights @ v).transpose(1, 2).flatten(2))
"""
# `block` is a length: no mask, though it is added to something.
BLOCKED = """
import torch

def attention(Q, K, V, block=4):
    out, top = torch.zeros_like(Q), torch.full_like(Q[..., :1], -1e30)
    total = torch.zeros_like(top)
    for j in range(0, K.shape[1], block):
        s = Q @ K[:, j : j + block].mT / Q.shape[-1] ** 0.5
        new = torch.maximum(top, s.max(-1, keepdim=True).values)
        p, shrink = torch.exp(s - new), torch.exp(top - new)
        total, out, top = total * shrink + p.sum(-1, keepdim=True), out * shrink + p @ V[:, j : j + block], new
    return out / total
"""
# Weights by name, in a dictionary that the caller holds.
FUNCTIONAL = """
import torch

def multi_head_attention(params, x, num_heads):
    B, L, D = x.shape
    d = D // num_heads
    heads = lambda w: (x @ w).reshape(B, L, num_heads, d).transpose(1, 2)
    q, k, v = heads(params["wq"]), heads(params["wk"]), heads(params["wv"])
    weights = torch.softmax(q @ k.mT / d**0.5, dim=-1)
    return (weights @ v).transpose(1, 2).reshape(B, L, D) @ params["wo"]
"""
IN_ORDER = (
    FUNCTIONAL.replace("params,", "weights,")
    .replace("    B, L", "    wq, wk, wv, wo = weights\n    B, L")
    .replace('params["', "")
    .replace('"]', "")
    .replace("    weights =", "    probabilities =")
    .replace("(weights @", "(probabilities @")
)
SWITCH = """
import torch

def attention(query, key, value, is_causal=False):
    L, S = query.size(-2), key.size(-2)
    bias = torch.zeros(L, S, dtype=query.dtype)
    if is_causal:
        seen = torch.ones(L, S, dtype=torch.bool).tril()
        bias = bias.masked_fill(~seen, float("-inf"))
    weights = torch.softmax(query @ key.mT / query.size(-1) ** 0.5 + bias, dim=-1)
    return weights @ value, weights
"""
BUILT_CAUSAL = (
    BASE.replace("dropout=0.1):", "dropout=0.1, causal=False):")
    .replace("super().__init__()", "super().__init__()\n        self.causal = causal")
    .replace(
        "        weights =",
        "        if self.causal:\n"
        "            scores = scores.masked_fill(torch.ones(L, L).triu(1).bool(), float('-inf'))\n"
        "        weights =",
    )
)
# The mask is an object of the file's own.
OBJECT_MASK = """
from math import sqrt
import torch
from torch import nn

class TriangularCausalMask:
    def __init__(self, B, L):
        self._mask = torch.triu(torch.ones([B, 1, L, L], dtype=torch.bool), diagonal=1)

    @property
    def mask(self):
        return self._mask

class FullAttention(nn.Module):
    def __init__(self, mask_flag=True, scale=None):
        super().__init__()
        self.scale, self.mask_flag = scale, mask_flag

    def forward(self, queries, keys, values, attn_mask):
        B, L, H, E = queries.shape
        scores = torch.einsum("blhe,bshe->bhls", queries, keys)
        if self.mask_flag:
            if attn_mask is None:
                attn_mask = TriangularCausalMask(B, L)
            scores = scores.masked_fill(attn_mask.mask, float("-inf"))
        A = torch.softmax((self.scale or 1.0 / sqrt(E)) * scores, dim=-1)
        return torch.einsum("bhls,bshd->blhd", A, values), None
"""

# A style with its problem; edits of it as above.

NARROW = """
import random
import torch
from torch import nn

class AttentionHead(nn.Module):
    def __init__(self, d_k, d_v, d_model):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(d_model, wide) for wide in (d_k, d_k, d_v))

    def forward(self, query, key, value, mask=None):
        q, k, v = self.to_q(query), self.to_k(key), self.to_v(value)
        score = torch.bmm(q, k.transpose(1, 2)) / q.size(-1) ** 0.5
        if mask is not None:
            score = score.masked_fill(mask, float("-inf"))
        return torch.bmm(score.softmax(-1), v)
"""
CROSS = """
import torch
from torch import nn

class CrossAttention(nn.Module):
    def __init__(self, d_query, d_context, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.wq, self.wo = nn.Linear(d_query, d_model), nn.Linear(d_model, d_query)
        self.wk, self.wv = nn.Linear(d_context, d_model), nn.Linear(d_context, d_model)

    def forward(self, query, context, mask=None):
        cut = lambda t: t.view(len(t), -1, self.h, self.d).transpose(1, 2)
        q, k, v = cut(self.wq(query)), cut(self.wk(context)), cut(self.wv(context))
        scores = q @ k.mT / self.d**0.5
        if mask is not None:
            scores = scores.masked_fill(mask.unsqueeze(1), float("-inf"))
        return self.wo((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
"""
GPT = """
import torch
from torch import nn

block_size = 64
rate = 0.2

class Head(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(config.h_dim, config.head_size) for _ in range(3))
        self.register_buffer("seen", torch.tril(torch.ones(block_size, block_size)))
        self.drop = nn.Dropout(rate)
        self.d = config.head_size

    def forward(self, x):
        T = x.shape[1]
        scores = self.q(x) @ self.k(x).mT / self.d**0.5
        scores = scores.masked_fill(self.seen[:T, :T] == 0, float("-inf"))
        return self.drop(scores.softmax(-1)) @ self.v(x)

class MultiHeadAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = nn.ModuleList(Head(config) for _ in range(config.n_head))
        self.out = nn.Linear(config.h_dim, config.h_dim)

    def forward(self, x):
        return self.out(torch.cat([head(x) for head in self.heads], dim=-1))
"""
LENGTH_OR_NONE = """
import torch
from torch import nn

class CausalSelfAttention(nn.Module):
    def __init__(self, d_model, num_heads, max_seq_len=None):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        if max_seq_len is not None:
            self.register_buffer("hidden", torch.ones(max_seq_len, max_seq_len).triu(1).bool())

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.h, self.d).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        scores = q @ k.mT / self.d**0.5
        scores = scores.masked_fill(self.hidden[:T, :T], float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, C))
"""
SCALE_GIVEN = """
def scaled_dot_product_attention(q, k, v, scale):
    return (q @ k.transpose(-2, -1) / scale).softmax(-1) @ v
"""
SWITCHED = """
import torch

def attention(query, key, value, is_causal=False):
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    if is_causal:
        later = torch.ones(scores.shape[-2:]).triu(1).bool()
        scores = scores.masked_fill(later, float("-inf"))
    return scores.softmax(-1) @ value
"""
WIDE_HEADS = """
import torch
from torch import nn

class CausalAttention(nn.Module):
    def __init__(self, d_in, d_out, context_length):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(d_in, d_out) for _ in range(3))
        self.register_buffer("later", torch.ones(context_length, context_length).triu(1).bool())

    def forward(self, x):
        L = x.shape[1]
        scores = self.q(x) @ self.k(x).mT / self.q.out_features**0.5
        return scores.masked_fill(self.later[:L, :L], -torch.inf).softmax(-1) @ self.v(x)

class MultiHeadAttention(nn.Module):
    def __init__(self, d_in, d_out, context_length, num_heads):
        super().__init__()
        self.heads = nn.ModuleList(CausalAttention(d_in, d_out, context_length) for _ in range(num_heads))
        self.out = nn.Linear(d_out * num_heads, d_out * num_heads)

    def forward(self, x):
        return self.out(torch.cat([head(x) for head in self.heads], dim=-1))
"""
ONE_MAP = """
import torch
from torch import nn

class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.wq, self.wk, self.wv = (nn.Parameter(torch.randn(num_heads, d_model, self.d)) for _ in range(3))
        self.wo = nn.Parameter(torch.randn(num_heads, self.d, d_model))

    def forward(self, q, k, v):
        q, k, v = (torch.einsum("bld,hde->bhle", t, w) for t, w in ((q, self.wq), (k, self.wk), (v, self.wv)))
        weights = (q @ k.mT / self.d**0.5).softmax(-1)
        return torch.einsum("bhle,hed->bld", weights @ v, self.wo)
"""
FOUR_AXES = """
import math
from torch import nn

class ScaleDotProductAttention(nn.Module):
    def forward(self, q, k, v, mask=None):
        batch, head, length, width = k.size()
        score = (q @ k.transpose(2, 3)) / math.sqrt(width)
        if mask is not None:
            score = score.masked_fill(mask == 0, -1e9)
        score = score.softmax(-1)
        return score @ v, score
"""
BY_HAND = BASE.replace("self.drop = nn.Dropout(dropout)", "self.p = dropout").replace(
    "weights = self.drop(scores.softmax(-1))",
    """weights = scores.softmax(-1)
        if self.training and self.p > 0:
            weights = weights * (torch.rand_like(weights) >= self.p) / (1 - self.p)""",
)
ARRAYS = """
import numpy as np

def attention(query, key, value):
    scaled = query / np.sqrt(query.shape[-1])
    scores = scaled @ key.swapaxes(-1, -2)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return weights @ value, weights
"""
ONE_BY_ONE = """
import math
import torch

def attention(q, k, v):
    N, L, D = q.shape
    S = k.shape[1]
    rows = []
    for i in range(L):
        rows.append(torch.stack([(q[:, i] * k[:, j]).sum(-1) / math.sqrt(D) for j in range(S)], dim=-1))
    weights = torch.softmax(torch.stack(rows, dim=1), dim=-1)
    return weights @ v, weights
"""
PARTS = """
import torch
from torch import nn

class CausalSelfAttention(nn.Module):
    def __init__(self, d_model, num_heads, max_length=16):
        super().__init__()
        self.h = num_heads
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.register_buffer("mask", torch.tril(torch.ones(max_length, max_length)) == 0)

    def forward(self, x):
        B, T, C = x.shape
        parts = self.qkv(x).view(B, T, 3, self.h, C // self.h).permute(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        scores = q @ k.transpose(-2, -1) / (C // self.h) ** 0.5
        scores = scores.masked_fill(self.mask[:T, :T], float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, C))
"""
VMAPPED = """
import torch
from functools import partial

def attention(q, k, v):
    weights = (q @ k.T / q.shape[-1] ** 0.5).softmax(-1)
    return weights @ v, weights

over_the_batch = torch.vmap(attention)
"""
ONE_PRODUCT = """
import torch
from torch import einsum, nn

class Attend(nn.Module):
    def __init__(self, D):
        super().__init__()
        self.maps = nn.Parameter(torch.randn(3, D, D) / D**0.5)

    def forward(self, q, k, v):
        W = self.maps
        scores = einsum("bli,di,bsj,dj->bls", q / q.shape[-1] ** 0.5, W[0], k, W[1])
        return einsum("bls,bsi,di->bld", scores.softmax(-1), v, W[2])
"""
JOINED = """
import torch
from torch import nn

class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.wq, self.wk, self.wv = (nn.Parameter(torch.randn(d_model, self.h, self.d)) for _ in range(3))
        self.wo = nn.Parameter(torch.randn(self.h, self.d, d_model))

    def forward(self, q, k, v):
        scores = torch.einsum("blc,chd,bse,ehd->bhls", q, self.wq, k, self.wk) / self.d**0.5
        return torch.einsum("bhls,bse,ehd,hdo->blo", scores.softmax(-1), v, self.wv, self.wo)
"""
FUSED_PAIR = """
from torch import nn

class CrossAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h = num_heads
        self.to_q, self.to_kv = nn.Linear(d_model, d_model), nn.Linear(d_model, 2 * d_model)
        self.to_out = nn.Linear(d_model, d_model)

    def forward(self, q_in, k_in, v_in):
        B, L, D = q_in.shape
        S, d = k_in.shape[1], D // self.h
        q = self.to_q(q_in).reshape(B, L, self.h, d).transpose(1, 2)
        k = self.to_kv(k_in)[:, :, :D].reshape(B, S, self.h, d).transpose(1, 2)
        v = self.to_kv(v_in)[:, :, D:].reshape(B, S, self.h, d).transpose(1, 2)
        return self.to_out(((q @ k.mT / d**0.5).softmax(-1) @ v).transpose(1, 2).reshape(B, L, D))
"""
HIDDEN_WIDTH = LENGTH_OR_NONE.replace("d_model", "h_dim").replace(", max_seq_len=None", "")
HIDDEN_WIDTH = HIDDEN_WIDTH.replace("if max_seq_len is not None", "if True").replace("max_seq_len", "64")
LAYER_GIVEN = """
from torch import nn

def attention(q, k, v, dropout: nn.Dropout, mask):
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    scores.masked_fill_(mask == 0, -1e9)
    weights = dropout(scores.softmax(dim=-1))
    return weights @ v, weights
"""

STYLES: dict[str, tuple[str, str, list[tuple[str, str]], set[str], str]] = {
    "groups": ("mha", KEEPS_GROUPS, [], set(), ""),
    "a value of its own width, looked at for long": ("single-head", NARROW, [], set(), ""),
    "a value of its own width, its gradient cut": (
        "single-head",
        NARROW,
        [("score.softmax(-1), v", "score.softmax(-1), v.detach()")],
        {"detached-graph"},
        "detach",
    ),
    "inputs of two widths": ("mha", CROSS, [], set(), ""),
    "inputs of two widths, scaled by all of them": (
        "mha",
        CROSS,
        [("k.mT / self.d**0.5", "k.mT / (self.d * self.h) ** 0.5")],
        {"wrong-scale"},
        "self.d * self.h",
    ),
    "a rate of the file's own, a hidden width in a configuration": ("causal-mha", GPT, [], set(), ""),
    "heads without an output map": (
        "causal-mha",
        GPT,
        [
            (
                "return self.out(torch.cat([head(x) for head in self.heads], dim=-1))",
                "return torch.cat([h(x) for h in self.heads], -1)",
            )
        ],
        {"missing-output-projection"},
        "torch.cat",
    ),
    "a longest length, or none": ("causal-mha", LENGTH_OR_NONE, [], set(), ""),
    "a longest length, or none, one place off": (
        "causal-mha",
        LENGTH_OR_NONE,
        [("triu(1)", "triu(2)")],
        {"mask-off-by-one"},
        "triu(2)",
    ),
    "divided by what is given": ("sdpa", SCALE_GIVEN, [], set(), ""),
    "divided by what is given, the wrong axis": (
        "sdpa",
        SCALE_GIVEN,
        [("softmax(-1)", "softmax(-2)")],
        {"softmax-axis"},
        "softmax(-2)",
    ),
    "a temperature, the wrong tensor": (
        "sdpa",
        SCALE_GIVEN.replace("scale)", "temperature)").replace("/ scale", "/ temperature"),
        [("@ v", "@ k")],
        {"weigh-wrong-tensor"},
        "@ k",
    ),
    "multiplied by what is given, the wrong axis": (
        "sdpa",
        SCALE_GIVEN,
        [("/ scale", "* scale"), ("softmax(-1)", "softmax(-2)")],
        {"softmax-axis"},
        "softmax(-2)",
    ),
    "a switch": ("sdpa", SWITCHED, [], set(), ""),
    "a switch with a weak fill": (
        "sdpa",
        SWITCHED,
        [('float("-inf")', "-5.0")],
        {"mask-fill-value"},
        "-5.0",
    ),
    "heads as wide as is told": ("causal-mha", WIDE_HEADS, [], set(), ""),
    "heads as wide as is told, one place off": (
        "causal-mha",
        WIDE_HEADS,
        [("triu(1)", "triu(2)")],
        {"mask-off-by-one"},
        "triu(2)",
    ),
    "heads one by one, a weak fill before a wrong scale": (
        "causal-mha",
        WIDE_HEADS,
        [
            (
                "scores = self.q(x) @ self.k(x).mT / self.q.out_features**0.5",
                "scores = self.q(x) @ self.k(x).mT",
            ),
            (
                "return scores.masked_fill(self.later[:L, :L], -torch.inf).softmax(-1)",
                "return (scores.masked_fill(self.later[:L, :L], -7.3) / self.q.out_features**0.4).softmax(-1)",
            ),
        ],
        {"mask-fill-value", "wrong-scale"},
        "",
    ),
    "a map a head": ("mha", ONE_MAP, [], set(), ""),
    "one narrow map for all heads": (
        "mha",
        ONE_MAP,
        [
            ("torch.randn(num_heads, d_model, self.d)", "torch.randn(1, d_model, self.d)"),
            ("q, k, v = (torch.einsum", "q, k, v = (self.spread(torch.einsum"),
            ("t, w) for", "t, w)) for"),
            (
                "    def forward",
                "    def spread(self, t):\n        return t.expand(-1, self.h, -1, -1)\n\n    def forward",
            ),
        ],
        {"shared-across-heads"},
        "",
    ),
    "inputs that are called matrices": (
        "mha",
        BASE.replace(
            "self, q, k, v, mask=None", "self, query_matrix, key_matrix, value_matrix, mask"
        ).replace("B, L, D = q.shape", "q, k, v = query_matrix, key_matrix, value_matrix; B, L, D = q.shape"),
        [],
        set(),
        "",
    ),
    "four axes": ("sdpa", FOUR_AXES, [], set(), ""),
    "a function of one item, mapped over the batch": (
        "sdpa",
        VMAPPED,
        [],
        set(),
        "",
    ),
    "a function of one item, mapped over the batch, unscaled": (
        "sdpa",
        VMAPPED,
        [(" / q.shape[-1] ** 0.5", "")],
        {"missing-scale"},
        "q @ k.T",
    ),
    "one of its arguments set beforehand": (
        "sdpa",
        VMAPPED.replace("def attention(q, k, v)", "def attention(scale, q, k, v)")
        .replace("q.shape[-1] ** 0.5", "(q.shape[-1] ** 0.5 * scale)")
        .replace("torch.vmap(attention)", "torch.vmap(partial(attention, 1.0))"),
        [],
        set(),
        "",
    ),
    "projections and scores in one product": ("single-head", ONE_PRODUCT, [], set(), ""),
    "projections and scores in one product, one map for two": (
        "single-head",
        ONE_PRODUCT,
        [("v, W[2]", "v, W[1]")],
        {"shared-projection"},
        "W[1]",
    ),
    "projections and scores in one product, unscaled": (
        "single-head",
        ONE_PRODUCT,
        [("q / q.shape[-1] ** 0.5", "q")],
        {"missing-scale"},
        "bli,di,bsj,dj",
    ),
    "heads joined in the product that weighs": ("mha", JOINED, [], set(), ""),
    "heads joined in the product that weighs, mapped by the width": (
        "mha",
        JOINED,
        [("self.d**0.5", "self.d")],
        {"wrong-scale"},
        "self.d",
    ),
    "an array that is written into": (
        "sdpa",
        ARRAYS,
        [("scaled = query / np.sqrt(query.shape[-1])", "scaled = query; scaled /= np.sqrt(query.shape[-1])")],
        {"mutates-input"},
        "scaled /=",
    ),
    "scores made one by one": ("sdpa", ONE_BY_ONE, [], set(), ""),
    "scores made one by one, as many as there are queries": (
        "sdpa",
        ONE_BY_ONE,
        [("S = k.shape[1]", "S = q.shape[1]")],
        {"cross-length"},
        "S = q.shape[1]",
    ),
    "parts of one map": ("causal-mha", PARTS, [], set(), ""),
    "parts of one map, one of them twice": (
        "causal-mha",
        PARTS,
        [("parts[1], parts[2]", "parts[0], parts[2]")],
        {"shared-projection"},
        "parts[0], parts[0]",
    ),
    "a mask that is made for four": (
        "causal-mha",
        PARTS,
        [("torch.ones(max_length, max_length)", "torch.ones(4, 4)")],
        {"hard-coded-shape"},
        "torch.ones(4, 4)",
    ),
    "a mask that is a parameter": (
        "causal-mha",
        PARTS.replace(
            'self.register_buffer("mask", torch.tril(torch.ones(max_length, max_length)) == 0)',
            "self.mask = nn.Parameter(torch.tril(torch.ones(max_length, max_length)), requires_grad=False)",
        ).replace("self.mask[:T, :T]", "self.mask[:T, :T] == 0"),
        [],
        set(),
        "",
    ),
    "a map that never learns": (
        "causal-mha",
        PARTS,
        [("nn.Linear(d_model, d_model)", "nn.Linear(d_model, d_model); self.qkv.requires_grad_(False)")],
        {"detached-graph"},
        "requires_grad_(False)",
    ),
    "dropout by hand": ("mha", BY_HAND, [], set(), ""),
    "dropout by hand, not scaled": (
        "mha",
        BY_HAND,
        [(" / (1 - self.p)", "")],
        {"wrong-value"},
        "torch.rand_like",
    ),
    "dropout by hand, and no mask in training": (
        "mha",
        BY_HAND,
        [("if mask is not None:", "if mask is not None and not (self.training and self.p):")],
        {"wrong-value"},
        "torch.rand_like",
    ),
    "dropout on the input as well": (
        "mha",
        BASE,
        [("B, L, D = q.shape", "B, L, D = q.shape; q = self.drop(q)")],
        set(),
        "",
    ),
    "dropout on the output as well": (
        "mha",
        BASE,
        [("return self.wo(", "return self.drop(self.wo("), ("reshape(B, L, D))", "reshape(B, L, D)))")],
        set(),
        "",
    ),
    "indices of names, and a mask that must be given": (
        "mha",
        BASE.replace("q, k, v, mask=None", "idx_k, idx_q, idx_v, src_msk")
        .replace("B, L, D = q.shape", "q, k, v = idx_q, idx_k, idx_v; B, L, D = q.shape")
        .replace("        if mask is not None:\n", "")
        .replace(
            "            scores = scores.masked_fill(mask ==",
            "        scores = scores.masked_fill(src_msk ==",
        ),
        [],
        set(),
        "",
    ),
    "squeezed without a number": (
        "sdpa",
        FOUR_AXES.replace(
            "batch, head, length, width = k.size()", "q, k, v = q[:, None], k[:, None], v[:, None]"
        )
        .replace("width)", "k.size(-1))")
        .replace("return score @ v, score", "return (score @ v).squeeze(1), score[:, 0]"),
        [(".squeeze(1)", ".squeeze()")],
        {"wrong-output-shape"},
        ".squeeze()",
    ),
    "a batch that is squeezed": (
        "mha",
        BASE,
        [("reshape(B, L, D))", "reshape(B, L, D)).squeeze(0)")],
        {"wrong-output-shape"},
        ".squeeze(0)",
    ),
    "four axes, the last of them asked for": (
        "sdpa",
        FOUR_AXES.replace("batch, head, length, width = k.size()", "width = k.size()[3]"),
        [],
        set(),
        "",
    ),
    "four axes and a weak fill": (
        "sdpa",
        FOUR_AXES,
        [("-1e9", "-1e-9")],
        {"mask-fill-value"},
        "-1e-9",
    ),
    "one map called for key and for value": ("mha", FUSED_PAIR, [], set(), ""),
    "one map called twice, and a length of the query": (
        "mha",
        FUSED_PAIR,
        [("S, d = k_in.shape[1]", "S, d = q_in.shape[1]")],
        {"cross-length"},
        "",
    ),
    "one map called twice, the same half": (
        "mha",
        FUSED_PAIR,
        [("self.to_kv(v_in)[:, :, D:]", "self.to_kv(v_in)[:, :, :D]")],
        {"shared-projection"},
        "v_in",
    ),
    "heads scored with heads, which raises later": (
        "mha",
        FUSED_PAIR,
        [
            ("self.h, d).transpose(1, 2)\n        k =", "self.h, d)\n        k ="),
            ("self.h, d).transpose(1, 2)\n        v =", "self.h, d)\n        v ="),
            ("self.h, d).transpose(1, 2)\n        return", "self.h, d)\n        return"),
            (".transpose(1, 2).reshape(B, L, D)", ".transpose(1, 2).flatten(2)"),
        ],
        {"split-without-transpose"},
        "q = self.to_q",
    ),
    "a hidden width": ("causal-mha", HIDDEN_WIDTH, [], set(), ""),
    "a dropout layer as an argument": ("sdpa", LAYER_GIVEN, [], set(), ""),
    "a dropout layer as an argument, the wrong axis": (
        "sdpa",
        LAYER_GIVEN,
        [("dim=-1", "dim=1")],
        {"softmax-axis"},
        "dim=1",
    ),
    "groups in another order": (
        "mha",
        KEEPS_GROUPS.replace("repeat_interleave(times, dim=1)", "repeat(1, times, 1, 1)"),
        [],
        set(),
        "",
    ),
    "a key of one group and a value of another": (
        "mha",
        KEEPS_GROUPS,
        [(IN_GROUPS, "k = k.repeat(1, times, 1, 1)")],
        {"wrong-value"},
        "k.repeat(",
    ),
    "maps multiplied beforehand": ("single-head", MERGED, [], set(), ""),
    "maps multiplied, unscaled": ("single-head", MERGED, [(" / self.scale", "")], {"missing-scale"}, "x.mT"),
    "maps multiplied, divided by the width": (
        "single-head",
        MERGED,
        [("d_k**0.5", "d_model**0.5")],
        {"wrong-scale"},
        "scale",
    ),
    "maps multiplied, one used again": (
        "single-head",
        MERGED,
        [("self.w_v(x)", "self.w_k(x)")],
        {"shared-projection"},
        "",
    ),
    "plain maps, unscaled": (
        "single-head",
        MERGED,
        [("x @ between @ x.mT / self.scale", "self.w_q(x) @ self.w_k(x).mT")],
        {"missing-scale"},
        "",
    ),
    "a script": ("mha", SCRIPTED, [], set(), ""),
    "a script unscaled": ("mha", SCRIPTED, [(" / self.d**0.5", "")], {"missing-scale"}, "softmax"),
    "two masks": ("mha", BERT, [], set(), ""),
    "two masks, a weak sum": (
        "mha",
        BERT,
        [("scores + attention_mask", "scores + 1e-9 * attention_mask")],
        {"mask-fill-value"},
        "1e-9",
    ),
    "single precision": ("mha", SINGLE, [], set(), ""),
    "single precision, weights detached": (
        "mha",
        SINGLE,
        [("type_as(scores)", "type_as(scores).detach()")],
        {"detached-graph"},
        "detach",
    ),
    "a dictionary of weights": ("mha", FUNCTIONAL, [], set(), ""),
    "a dictionary of weights, by letters": (
        "mha",
        FUNCTIONAL.replace('["w', '["').replace("params", "p"),
        [],
        set(),
        "",
    ),
    "a dictionary of weights, by attributes": (
        "mha",
        FUNCTIONAL.replace('["', ".").replace('"]', ""),
        [],
        set(),
        "",
    ),
    "a dictionary of weights, one used twice": (
        "mha",
        FUNCTIONAL,
        [('heads(params["wk"])', 'heads(params["wq"])')],
        {"shared-projection"},
        'heads(params["wq"])',
    ),
    "weights taken out of a tuple": ("mha", IN_ORDER, [], set(), ""),
    "weights taken out of a tuple, one used twice": (
        "mha",
        IN_ORDER,
        [("heads(wk)", "heads(wq)")],
        {"shared-projection"},
        "heads(wq)",
    ),
    "a causal switch": ("sdpa", SWITCH, [], set(), ""),
    "a causal switch, turned": ("sdpa", SWITCH, [("tril()", "triu()")], {"mask-inverted"}, ""),
    "a causal switch, a weak fill": (
        "sdpa",
        SWITCH,
        [('float("-inf")', "-5.0")],
        {"mask-fill-value"},
        "",
    ),
    "a causal switch of the constructor": ("mha", BUILT_CAUSAL, [], set(), ""),
    "a causal switch of the constructor, off by one": (
        "mha",
        BUILT_CAUSAL,
        [("triu(1)", "triu(2)")],
        {"mask-off-by-one"},
        "triu",
    ),
    "a mask that is an object": ("sdpa", OBJECT_MASK, [], set(), ""),
    "a mask that is an object, unscaled": (
        "sdpa",
        OBJECT_MASK,
        [("(self.scale or 1.0 / sqrt(E)) * scores", "scores")],
        {"wrong-value"},
        "",
    ),
    "blocks of keys": ("sdpa", BLOCKED, [], set(), ""),
    "blocks of keys, unscaled": ("sdpa", BLOCKED, [(" / Q.shape[-1] ** 0.5", "")], {"missing-scale"}, ""),
}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all files."""
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str, problem: str) -> Report:
    """Judge a text that is in no file."""
    return judge.check(Source("answer.py", str(Path.cwd() / "answer.py"), text), problem)


def held(report: Report, text: str, codes: set[str], shown: str) -> None:
    """Assert that exactly `codes` are said, at a line with `shown` in it, and that tests failed for them."""
    assert {mistake.code for mistake in report.mistakes} == codes
    assert report.verdict == ("fail" if codes else "pass")
    lines = [text.splitlines()[item.line - 1] for item in report.mistakes if item.line]
    assert not shown or any(shown in line for line in lines)


def edited(text: str, edits: list[tuple[str, str]]) -> str:
    """Return a file with each edit made in the one place it fits."""
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", EDITS)
def test_a_step_does_its_own_work(judge: JudgeClient, name: str) -> None:
    edits, codes, shown = EDITS[name]
    text = edited(BASE, edits)
    held(judged(judge, text, "mha"), text, codes, shown)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_read_as_it_was_meant(judge: JudgeClient, name: str) -> None:
    problem, style, edits, codes, shown = STYLES[name]
    text = edited(style, edits)
    held(judged(judge, text, problem), text, codes, shown)


def test_a_slow_file_is_not_asked_for_more_than_it_has_time(judge: JudgeClient) -> None:
    text = edited(BASE, [("B, L, D = q.shape", "B, L, D = q.shape\n        time.sleep(0.1)")])
    text = "import time\n" + text
    report = judge.check(Source("answer.py", "/nowhere/answer.py", text), "mha", time_limit=2.0)
    assert report.verdict == "pass", report.mistakes
