# mha-drill: mha
# expect: unregistered-parameters at 16, 24
import torch
from torch import nn


class Head(nn.Module):
    def __init__(self, d_model, d_head):
        super().__init__()
        self.q = nn.Linear(d_model, d_head)
        self.k = nn.Linear(d_model, d_head)
        self.v = nn.Linear(d_model, d_head)
        self.d_head = d_head

    def forward(self, query, key, value):
        q, k, v = self.q(query), self.k(key), self.v(value)
        weights = (q @ k.transpose(1, 2) / self.d_head**0.5).softmax(dim=2)
        return weights @ v


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.heads = [Head(d_model, d_model // num_heads) for _ in range(num_heads)]
        self.proj = nn.Linear(d_model, d_model)

    def forward(self, query, key, value):
        return self.proj(torch.cat([head(query, key, value) for head in self.heads], dim=-1))
