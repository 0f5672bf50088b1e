# mha-drill: mha
# expect: wrong-scale at 11, 21
import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.scale = width ** -0.5
        self.wq = nn.Linear(width, width)
        self.wk = nn.Linear(width, width)
        self.wv = nn.Linear(width, width)
        self.wo = nn.Linear(width, width)

    def forward(self, q, k, v):
        q = self.wq(q).unflatten(2, (self.heads, -1))
        k = self.wk(k).unflatten(2, (self.heads, -1))
        v = self.wv(v).unflatten(2, (self.heads, -1))
        logits = torch.einsum("bihc,bjhc->bhij", q, k) * self.scale
        probs = logits.softmax(dim=3)
        mixed = torch.einsum("bhij,bjhc->bihc", probs, v)
        return self.wo(mixed.flatten(2))
