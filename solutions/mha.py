# mha-drill: mha
"""Multi-head attention; B batch, L query length, S key length, D width, H heads, d = D // H."""

import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """H attentions side by side, each on D // H channels, joined by one last linear map."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        """
        d_model (int):   width of the inputs and of the output, D below
        num_heads (int): number of heads, H below; divides d_model
        dropout (float): probability of dropping a weight, in training only
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

    def forward(self, query, key, value, mask=None):
        """
        query:   (B, L, D)
        key:     (B, S, D)
        value:   (B, S, D)
        mask:    bool, broadcast to (B, H, L, S), True where the query may look; None: everywhere
        returns: output (B, L, D)
        """
        B, L, D = query.shape
        S = key.size(1)
        H, d = self.num_heads, self.d_k

        q = self.q_proj(query)  # (B, L, D)
        k = self.k_proj(key)  # (B, S, D)
        v = self.v_proj(value)  # (B, S, D)
        q = q.view(B, L, H, d).transpose(1, 2)  # (B, H, L, d)
        k = k.view(B, S, H, d).transpose(1, 2)  # (B, H, S, d)
        v = v.view(B, S, H, d).transpose(1, 2)  # (B, H, S, d)

        scores = torch.matmul(q, k.transpose(-2, -1))  # (B, H, L, S)
        scores = scores / math.sqrt(d)
        if mask is not None:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores, dim=-1)  # over the keys
        weights = self.dropout(weights)
        y = torch.matmul(weights, v)  # (B, H, L, d)

        y = y.transpose(1, 2).contiguous().view(B, L, D)  # (B, L, D)
        return self.o_proj(y)  # (B, L, D)
