# mha-drill: mha
import torch
import torch.nn as nn


class MultiHeadAttention:
    """No nn.Module: a plain object that holds four linear maps."""

    def __init__(self, hidden_size, n_heads):
        self.n_heads = n_heads
        self.d_head = hidden_size // n_heads
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.dense = nn.Linear(hidden_size, hidden_size)

    def __call__(self, q, k, v):
        query = torch.stack(self.query(q).chunk(self.n_heads, dim=-1), dim=1)
        key = torch.stack(self.key(k).chunk(self.n_heads, dim=-1), dim=1)
        value = torch.stack(self.value(v).chunk(self.n_heads, dim=-1), dim=1)
        scores = torch.matmul(query, key.transpose(-1, -2)) / self.d_head**0.5
        context = torch.matmul(torch.softmax(scores, dim=-1), value)
        return self.dense(torch.cat(context.unbind(dim=1), dim=-1))
