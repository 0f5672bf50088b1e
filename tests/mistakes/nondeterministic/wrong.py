# mha-drill: mha
# expect: nondeterministic at 24
import torch
import torch.nn as nn


class NoisyAttention(nn.Module):
    """Multi-head attention that jitters its scores while it trains."""

    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.fq = nn.Linear(d_model, d_model)
        self.fk = nn.Linear(d_model, d_model)
        self.fv = nn.Linear(d_model, d_model)
        self.fo = nn.Linear(d_model, d_model)

    def forward(self, q, k, v):
        q, k, v = (
            f(t).view(t.size(0), t.size(1), self.num_heads, -1).transpose(1, 2)
            for f, t in ((self.fq, q), (self.fk, k), (self.fv, v))
        )
        scores = q @ k.transpose(2, 3) / q.size(-1) ** 0.5
        scores = scores + 0.01 * torch.randn_like(scores)
        y = scores.softmax(dim=-1) @ v
        return self.fo(y.transpose(1, 2).flatten(2))
