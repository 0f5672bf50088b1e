# mha-drill: mha
# expect: swapped-inputs at 19, 20
import math
import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, *, d_model: int, nhead: int, bias: bool = True):
        super().__init__()
        self.nhead = nhead
        self.d_k = d_model // nhead
        self.linears = nn.ModuleList([nn.Linear(d_model, d_model, bias=bias) for _ in range(4)])

    def forward(self, *, query, key, value, mask=None):
        n = query.size(0)
        q_map, k_map, v_map, last = self.linears
        q = q_map(query)
        k = k_map(value)
        v = v_map(key)
        q, k, v = (t.view(n, -1, self.nhead, self.d_k).transpose(1, 2) for t in (q, k, v))
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        x = torch.matmul(scores.softmax(dim=-1), v)
        return last(x.transpose(1, 2).contiguous().view(n, -1, self.nhead * self.d_k))
