# mha-drill: causal-mha
import torch
import torch.nn as nn


class CausalSelfAttention(nn.Module):
    def __init__(self, d_model, num_heads, max_len, dropout):
        super().__init__()
        self.h = num_heads
        self.wq, self.wk, self.wv = (nn.Linear(d_model, d_model, bias=False) for _ in range(3))
        self.wo = nn.Linear(d_model, d_model, bias=False)
        self.dropout = nn.Dropout(dropout)
        hidden = torch.full((max_len, max_len), float("-inf")).triu(1)
        self.register_buffer("hidden", hidden, persistent=False)

    def heads(self, t):
        return t.reshape(*t.shape[:2], self.h, -1).swapaxes(1, 2)

    def forward(self, x):
        T = x.shape[1]
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))
        scores = q.matmul(k.swapaxes(-1, -2)).div(k.shape[-1] ** 0.5)
        weights = scores.add(self.hidden[:T, :T]).softmax(-1)
        weights = self.dropout(weights)
        return self.wo(weights.matmul(v).swapaxes(1, 2).reshape(x.shape))
