# mha-drill: mha
import math
import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Parameter(torch.empty(3, heads, d_model, d_model // heads))
        self.proj = nn.Linear(d_model, d_model)
        nn.init.xavier_uniform_(self.qkv)
        self.attention = None

    def forward(self, query, key, value):
        q = torch.einsum("ble,hed->bhld", query, self.qkv[0])
        k = torch.einsum("bse,hed->bhsd", key, self.qkv[1])
        v = torch.einsum("bse,hed->bhsd", value, self.qkv[2])
        scores = torch.einsum("bhld,bhsd->bhls", q, k) / math.sqrt(q.shape[-1])
        weights = scores.softmax(dim=-1)
        self.attention = weights.detach()  # for the plots
        y = torch.einsum("bhls,bhsd->blhd", weights, v)
        return self.proj(y.flatten(2))
