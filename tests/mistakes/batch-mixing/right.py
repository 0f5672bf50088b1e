# mha-drill: mha
import torch
import torch.nn as nn
import torch.nn.functional as F


class MultiHeadAttention(nn.Module):
    def __init__(self, num_units, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(num_units, num_units)
        self.key = nn.Linear(num_units, num_units)
        self.value = nn.Linear(num_units, num_units)
        self.out = nn.Linear(num_units, num_units)

    def forward(self, queries, keys, values):
        B = queries.size(0)
        # heads go to the front: (heads * B, T, units / heads)
        q = torch.cat(self.query(queries).chunk(self.num_heads, dim=2), dim=0)
        k = torch.cat(self.key(keys).chunk(self.num_heads, dim=2), dim=0)
        v = torch.cat(self.value(values).chunk(self.num_heads, dim=2), dim=0)
        scores = torch.bmm(q, k.transpose(1, 2)) / k.size(-1) ** 0.5
        mixed = torch.bmm(F.softmax(scores, dim=-1), v)
        merged = torch.cat(mixed.split(B, dim=0), dim=2)
        return self.out(merged)
