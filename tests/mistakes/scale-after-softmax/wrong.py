# mha-drill: single-head
# expect: scale-after-softmax at 22
import math

import torch
import torch.nn as nn


class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim):
        super().__init__()
        self.input_dim = input_dim
        self.q_linear = nn.Linear(input_dim, input_dim, bias=False)
        self.k_linear = nn.Linear(input_dim, input_dim, bias=False)
        self.v_linear = nn.Linear(input_dim, input_dim, bias=False)

    def forward(self, query, key, value):
        Q = self.q_linear(query)
        K = self.k_linear(key)
        V = self.v_linear(value)
        scores = torch.bmm(Q, K.transpose(1, 2))
        weights = torch.softmax(scores, dim=-1) / math.sqrt(self.input_dim)
        return torch.bmm(weights, V)
