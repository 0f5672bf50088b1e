# mha-drill: sdpa
# expect: mutates-input at 13
import math

import torch


class ScaledDotProductAttention:
    def __init__(self, d_k):
        self.scale = 1 / math.sqrt(d_k)

    def __call__(self, query, key, value):
        query *= self.scale
        weights = torch.softmax(query @ key.mT, dim=-1)
        return weights @ value, weights
