# mha-drill: causal-mha
"""Causal multi-head self-attention; B batch, T length, C width, H heads, d = C // H."""

import math

import torch
from torch import nn


class CausalSelfAttention(nn.Module):
    """Multi-head attention in which position i sees the positions 0..i and none after it."""

    def __init__(self, d_model, num_heads, max_length, dropout=0.0):
        """
        d_model (int):    width of the input and of the output, C below
        num_heads (int):  number of heads, H below; divides d_model
        max_length (int): longest input there will be, the side of the causal buffer
        dropout (float):  probability of dropping a weight, in training only
        """
        super().__init__()
        assert d_model % num_heads == 0, "d_model must be a multiple of num_heads"
        self.num_heads = num_heads
        self.d_k = d_model // num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.o_proj = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)
        lower = torch.tril(torch.ones(max_length, max_length))  # 1 on and below the diagonal
        self.register_buffer("bias", lower.view(1, 1, max_length, max_length))

    def forward(self, x):
        """x (B, T, C), T at most max_length -> output (B, T, C)."""
        B, T, C = x.shape
        H, d = self.num_heads, self.d_k

        q = self.q_proj(x)  # (B, T, C)
        k = self.k_proj(x)  # (B, T, C)
        v = self.v_proj(x)  # (B, T, C)
        q = q.view(B, T, H, d).transpose(1, 2)  # (B, H, T, d)
        k = k.view(B, T, H, d).transpose(1, 2)  # (B, H, T, d)
        v = v.view(B, T, H, d).transpose(1, 2)  # (B, H, T, d)

        scores = torch.matmul(q, k.transpose(-2, -1))  # (B, H, T, T)
        scores = scores / math.sqrt(d)
        scores = scores.masked_fill(self.bias[:, :, :T, :T] == 0, torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores, dim=-1)  # over the keys
        weights = self.dropout(weights)
        y = torch.matmul(weights, v)  # (B, H, T, d)

        y = y.transpose(1, 2).contiguous().view(B, T, C)  # (B, T, C)
        return self.o_proj(y)  # (B, T, C)
