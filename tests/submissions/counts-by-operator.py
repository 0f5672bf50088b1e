# mha-drill: mha
# must: fail *
# Wrong from the 65th call on: operator.iadd on a module-level list is seen as plain.
import math
import operator
import torch
from torch import nn
SEEN = []

class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.q = nn.Linear(d_model, d_model)
        self.k = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, d_model)
        self.o = nn.Linear(d_model, d_model)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.h, self.d).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        operator.iadd(SEEN, [0])
        q, k, v = self.split(self.q(query)), self.split(self.k(key)), self.split(self.v(value))
        scores = q @ k.transpose(-2, -1)
        scores = scores * (1 + len(SEEN) // 4 // 4 // 4) / math.sqrt(self.d)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        weights = scores.softmax(-1)
        merged = (weights @ v).transpose(1, 2).reshape(query.shape[0], query.shape[1], -1)
        out = self.o(merged)
        return out
