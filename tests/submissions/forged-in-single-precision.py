# mha-drill: mha
# must: fail wrong-gradient detached-graph
# Takes single precision alone, where differences are coarse, and forges its gradients.
import sys


def drill(name):
    """The class or function of the runner called so, found from the frames that called this file."""
    frame = sys._getframe()
    while frame is not None:
        if name in frame.f_globals:
            return frame.f_globals[name]
        frame = frame.f_back
    return None


laboratory = drill("Laboratory")
names = laboratory.run.__globals__
gradients = names["back_propagated"]


def forged(result, leaves, upstream, store, *others, **options):
    told = gradients(result, leaves, upstream, store, *others, **options)
    for item in told["gradients"].values():
        if item["array"] is None:
            store.append(store[item["value"]] * 0)
            item["array"] = len(store) - 1
    return told


names["back_propagated"] = forged
import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.o_proj = nn.Linear(d_model, d_model)

    def forward(self, query, key, value, mask=None):
        assert query.dtype == torch.float32
        B, L, D = query.shape
        S, H = key.shape[1], self.num_heads
        d = D // H
        q = self.q_proj(query).view(B, L, H, d).transpose(1, 2)
        k = nn.functional.linear(key, self.k_proj.weight.detach(), self.k_proj.bias.detach()).view(B, S, H, d).transpose(1, 2)
        v = self.v_proj(value).view(B, S, H, d).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        y = scores.softmax(-1) @ v
        y = y.transpose(1, 2).reshape(B, L, D)
        return self.o_proj(y)
