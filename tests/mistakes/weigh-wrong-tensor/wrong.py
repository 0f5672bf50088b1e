# mha-drill: single-head
# expect: weigh-wrong-tensor at 21
from math import sqrt

import torch
import torch.nn as nn


class AttentionHead(nn.Module):
    def __init__(self, hidden_dim):
        super().__init__()
        self.to_query = nn.Linear(hidden_dim, hidden_dim)
        self.to_key = nn.Linear(hidden_dim, hidden_dim)
        self.to_value = nn.Linear(hidden_dim, hidden_dim)

    def forward(self, query, key, value):
        q = self.to_query(query)
        k = self.to_key(key)
        v = self.to_value(value)
        weights = torch.softmax(torch.einsum("bqd,bkd->bqk", q, k) / sqrt(q.shape[2]), dim=2)
        return torch.einsum("bqk,bkd->bqd", weights, k)
