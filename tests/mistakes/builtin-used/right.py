# mha-drill: mha
import torch
import torch.nn as nn
import torch.nn.functional as F


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.n_heads = n_heads
        self.in_proj = nn.Linear(d_model, 3 * d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def forward(self, query, key, value):
        w_q, w_k, w_v = self.in_proj.weight.chunk(3)
        b_q, b_k, b_v = self.in_proj.bias.chunk(3)
        q = F.linear(query, w_q, b_q).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        k = F.linear(key, w_k, b_k).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        v = F.linear(value, w_v, b_v).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        y = torch.softmax(q @ k.mT / q.size(-1) ** 0.5, dim=-1) @ v
        return self.out_proj(y.transpose(1, 2).flatten(2))
