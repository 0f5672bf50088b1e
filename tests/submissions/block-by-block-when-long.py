# mha-drill: mha
# must: pass
import math
from functools import lru_cache
import torch
from torch import nn


@lru_cache(maxsize=8)
def scale(channels):
    return 1 / math.sqrt(channels)


class MultiHeadAttention(nn.Module):
    """Other ways to the same sum: in blocks of queries, where there are many of them."""

    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(d_model, d_model) for _ in range(4))

    def split(self, x):
        return x.reshape(x.shape[0], x.shape[1], self.h, self.d).transpose(1, 2)

    def attend(self, q, k, v, mask):
        scores = q @ k.transpose(-2, -1) * scale(self.d)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        return scores.softmax(-1) @ v

    def forward(self, query, key, value, mask=None):
        q, k, v = self.split(self.q(query)), self.split(self.k(key)), self.split(self.v(value))
        if query.shape[1] > 10 and mask is None:
            mixed = torch.cat([self.attend(block, k, v, None) for block in q.split(4, dim=2)], dim=2)
        else:
            mixed = self.attend(q, k, v, mask)
        return self.o(mixed.transpose(1, 2).reshape(query.shape[0], query.shape[1], -1))
