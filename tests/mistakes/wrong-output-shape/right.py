# mha-drill: mha
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, model_dim, head_num):
        super().__init__()
        self.head_num = head_num
        self.head_dim = model_dim // head_num
        self.maps = nn.ModuleDict({name: nn.Linear(model_dim, model_dim) for name in ("q", "k", "v", "o")})

    def project(self, name, x):
        batch, time, _ = x.shape
        return self.maps[name](x).view(batch, time, self.head_num, self.head_dim).permute(2, 0, 1, 3)

    def forward(self, query, key, value):
        q, k, v = self.project("q", query), self.project("k", key), self.project("v", value)
        weights = (q @ k.transpose(2, 3) * self.head_dim**-0.5).softmax(dim=3)  # (H, B, L, S)
        output = (weights @ v).permute(1, 2, 0, 3).flatten(2)
        return self.maps["o"](output)
