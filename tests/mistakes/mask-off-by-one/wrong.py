# mha-drill: causal-mha
# expect: mask-off-by-one at 22
import torch
import torch.nn as nn


class CausalMHA(nn.Module):
    def __init__(self, emb: int, h: int):
        super().__init__()
        self.h = h
        self.toqkv = nn.Linear(emb, emb * 3)
        self.unify = nn.Linear(emb, emb)

    def forward(self, x):
        b, t, e = x.size()
        s = e // self.h
        q, k, v = self.toqkv(x).view(b, t, 3, self.h, s).permute(2, 0, 3, 1, 4)
        dot = q @ k.transpose(-1, -2) / s**0.5

        rows = torch.arange(t).unsqueeze(1)
        columns = torch.arange(t).unsqueeze(0)
        dot = torch.where(columns <= rows + 1, dot, torch.tensor(-1e20))

        out = torch.softmax(dot, dim=-1) @ v
        return self.unify(out.transpose(1, 2).reshape(b, t, e))
