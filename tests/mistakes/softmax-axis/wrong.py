# mha-drill: sdpa
# expect: softmax-axis at 12
import torch
import torch.nn as nn
import torch.nn.functional as F


class DotProductAttention(nn.Module):
    def forward(self, query, key, value):
        scores = query @ key.transpose(1, 2)
        scores = scores / query.size(-1) ** 0.5
        weights = F.softmax(scores, dim=1)
        return weights @ value, weights
