# mha-drill: mha
import math

import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, dim_model: int, num_heads: int, dropout: float = 0.1):
        super().__init__()
        self.nb_heads = num_heads
        self.dim_head = dim_model // num_heads
        self.q = nn.Linear(dim_model, dim_model)
        self.kv = nn.Linear(dim_model, 2 * dim_model)
        self.o = nn.Linear(dim_model, dim_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, context=None):
        context = x if context is None else context
        n, length, width = x.shape
        q = self.q(x).view(n, length, self.nb_heads, self.dim_head).transpose(1, 2)
        k, v = self.kv(context).view(n, -1, 2, self.nb_heads, self.dim_head).permute(2, 0, 3, 1, 4)
        scores = torch.einsum("nhqd,nhkd->nhqk", q, k) / math.sqrt(self.dim_head)
        out = self.dropout(scores.softmax(dim=-1)) @ v
        out = out.permute(0, 2, 1, 3).contiguous().view(n, length, width)
        return self.o(out)
