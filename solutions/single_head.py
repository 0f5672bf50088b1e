# mha-drill: single-head
"""Attention with one head and maps of its own; B batch, L query length, S key length, D width."""

import math

import torch
from torch import nn


class SingleHeadAttention(nn.Module):
    """Project query, key and value, then scaled dot-product attention."""

    def __init__(self, d_model):
        """d_model (int): width of the inputs and of the output, D below."""
        super().__init__()
        self.d_model = d_model
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)

    def forward(self, query, key, value):
        """query (B, L, D), key (B, S, D), value (B, S, D) -> output (B, L, D)."""
        q = self.q_proj(query)  # (B, L, D)
        k = self.k_proj(key)  # (B, S, D)
        v = self.v_proj(value)  # (B, S, D)

        scores = torch.matmul(q, k.transpose(-2, -1))  # (B, L, S)
        scores = scores / math.sqrt(self.d_model)
        weights = torch.softmax(scores, dim=-1)  # over the keys
        return torch.matmul(weights, v)  # (B, L, D)
