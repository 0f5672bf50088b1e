# mha-drill: single-head
import math

import torch
import torch.nn as nn


class BlockwiseAttention(nn.Module):
    """One head; the queries are taken a few at a time to save memory."""

    def __init__(self, d_model, block=2):
        super().__init__()
        self.block = block
        self.q = nn.Linear(d_model, d_model)
        self.k = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, d_model)

    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        start, blocks = 0, []
        while start < q.size(1):
            part = q[:, start : start + self.block]
            weights = torch.softmax(part @ k.transpose(1, 2) / math.sqrt(k.size(-1)), dim=-1)
            blocks.append(weights @ v)
            start += self.block
        return torch.cat(blocks, dim=1)
