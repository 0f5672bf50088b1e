# mha-drill: mha
# must: pass
import math
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(d_model, d_model) for _ in range(4))
        self.calls, self.seen, self.weights = 0, [], None
        self.reset_parameters()

    def reset_parameters(self):
        for layer in (self.q, self.k, self.v, self.o):
            nn.init.xavier_uniform_(layer.weight)
            layer.bias.data.fill_(0.1)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.h, self.d).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        self.calls += 1
        self.seen.append(tuple(query.shape))
        q, k, v = self.split(self.q(query)), self.split(self.k(key)), self.split(self.v(value))
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        self.weights = scores.softmax(-1)
        merged = (self.weights @ v).transpose(1, 2).reshape(query.shape[0], query.shape[1], -1)
        return self.o(merged)
