# mha-drill: mha
import torch
from torch import nn


class SimpleAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(d_model, d_model)
        self.k = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, d_model)
        self.out = nn.Linear(d_model, d_model)

    def forward(self, x):
        outputs = []
        d = x.size(-1) // self.num_heads
        q, k, v = self.q(x), self.k(x), self.v(x)
        for h in range(self.num_heads):
            part = slice(h * d, (h + 1) * d)
            weights = torch.softmax(q[..., part] @ k[..., part].transpose(1, 2) / d**0.5, dim=-1)
            outputs.append(weights @ v[..., part])
        return self.out(torch.cat(outputs, dim=-1))
