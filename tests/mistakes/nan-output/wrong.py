# mha-drill: mha
# expect: nan-output at 25
import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, num_heads: int) -> None:
        super().__init__()
        self.h = num_heads
        self.d = d_model // num_heads
        self.wq = nn.Linear(d_model, d_model)
        self.wk = nn.Linear(d_model, d_model)
        self.wv = nn.Linear(d_model, d_model)
        self.wo = nn.Linear(d_model, d_model)

    def forward(self, query, key, value, mask=None):
        """mask: (L, S), 1 where the query may look and 0 where it may not"""
        B = query.size(0)
        q = self.wq(query).view(B, -1, self.h, self.d).transpose(1, 2)
        k = self.wk(key).view(B, -1, self.h, self.d).transpose(1, 2)
        v = self.wv(value).view(B, -1, self.h, self.d).transpose(1, 2)
        scores = q @ k.transpose(-1, -2) / self.d**0.5
        if mask is not None:
            scores = scores + (1.0 - mask.to(scores.dtype)) * float("-inf")
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, -1, self.h * self.d)
        return self.wo(y)
