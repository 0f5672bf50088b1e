# mha-drill: mha
# expect: heads-not-concatenated at 24
import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    """One small set of maps for each head."""

    def __init__(self, d_model, n_heads):
        super().__init__()
        self.d_k = d_model // n_heads
        self.queries = nn.ModuleList(nn.Linear(d_model, self.d_k) for _ in range(n_heads))
        self.keys = nn.ModuleList(nn.Linear(d_model, self.d_k) for _ in range(n_heads))
        self.values = nn.ModuleList(nn.Linear(d_model, self.d_k) for _ in range(n_heads))
        self.output = nn.Linear(self.d_k, d_model)

    def forward(self, query, key, value):
        heads = []
        for to_q, to_k, to_v in zip(self.queries, self.keys, self.values):
            q, k, v = to_q(query), to_k(key), to_v(value)
            weights = torch.softmax(q @ k.transpose(1, 2) / self.d_k**0.5, dim=-1)
            heads.append(weights @ v)
        joined = torch.stack(heads).mean(dim=0)
        return self.output(joined)
