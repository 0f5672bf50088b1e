# mha-drill: mha
# expect: merge-without-transpose at 24
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.H = num_heads
        self.Wq = nn.Parameter(torch.randn(d_model, d_model) / d_model**0.5)
        self.Wk = nn.Parameter(torch.randn(d_model, d_model) / d_model**0.5)
        self.Wv = nn.Parameter(torch.randn(d_model, d_model) / d_model**0.5)
        self.Wo = nn.Parameter(torch.randn(d_model, d_model) / d_model**0.5)

    def forward(self, query, key, value):
        B, L, D = query.shape
        S, H, d = key.shape[1], self.H, D // self.H
        q = (query @ self.Wq).view(B, L, H, d).transpose(1, 2)
        k = (key @ self.Wk).view(B, S, H, d).transpose(1, 2)
        v = (value @ self.Wv).view(B, S, H, d).transpose(1, 2)
        weights = torch.softmax(q @ k.transpose(-1, -2) / d**0.5, dim=-1)
        heads = weights @ v  # (B, H, L, d)
        merged = heads.reshape(B, L, D)
        return merged @ self.Wo
