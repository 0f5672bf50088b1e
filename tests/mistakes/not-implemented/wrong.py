# mha-drill: causal-mha
# expect: not-implemented at 21
import torch
from torch import nn


class MaskedMultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.k_dim = d_model // num_heads
        self.q_map = nn.Linear(d_model, d_model)
        self.k_map = nn.Linear(d_model, d_model)
        self.v_map = nn.Linear(d_model, d_model)
        self.o_map = nn.Linear(d_model, d_model)

    def split(self, x):
        return x.view(*x.shape[:2], self.num_heads, self.k_dim).transpose(1, 2)

    def merge(self, x):
        raise NotImplementedError

    def forward(self, x):
        q, k, v = self.split(self.q_map(x)), self.split(self.k_map(x)), self.split(self.v_map(x))
        scores = q @ k.transpose(-2, -1) * self.k_dim**-0.5
        scores += torch.full_like(scores[0, 0], -1e9).triu(diagonal=1)
        return self.o_map(self.merge(scores.softmax(dim=-1) @ v))
