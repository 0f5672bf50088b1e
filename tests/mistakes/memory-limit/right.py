# mha-drill: causal-mha
import torch
import torch.nn as nn


class CausalAttention(nn.Module):
    def __init__(self, dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim)
        self.register_buffer("mask", torch.ones(1024, 1024, dtype=torch.bool).tril())

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4).unbind()
        w = q @ k.mT / k.size(-1) ** 0.5
        w = torch.where(self.mask[:t, :t], w, -torch.inf).softmax(dim=-1)
        return self.out((w @ v).transpose(1, 2).reshape(b, t, c))
