# mha-drill: single-head
# expect: import-error at 6
import torch
import torch.nn as nn

from my_layers.softmax import softmax


class SingleHeadAttention(nn.Module):
    def __init__(self, d_model):
        super().__init__()
        self.q = nn.Linear(d_model, d_model)
        self.k = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, d_model)
        self.o = nn.Linear(d_model, d_model)

    def forward(self, query, key, value):
        q, k, v = self.q(query), self.k(key), self.v(value)
        return self.o(softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5) @ v)
