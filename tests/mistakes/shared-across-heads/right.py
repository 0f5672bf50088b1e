# mha-drill: mha
from torch import nn


class MHA(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.head_dim = dim // heads
        self.to_q = nn.Linear(dim, dim)
        self.to_k = nn.Linear(dim, dim)
        self.to_v = nn.Linear(dim, dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, queries, keys, values):
        # (batch, time, heads, head_dim) -> (batch, heads, time, head_dim)
        q = self.to_q(queries).unflatten(-1, (self.heads, self.head_dim)).movedim(2, 1)
        k = self.to_k(keys).unflatten(-1, (self.heads, self.head_dim)).movedim(2, 1)
        v = self.to_v(values).unflatten(-1, (self.heads, self.head_dim)).movedim(2, 1)
        attn = (q @ k.mT * self.head_dim**-0.5).softmax(-1)
        return self.to_out((attn @ v).movedim(1, 2).flatten(-2))
