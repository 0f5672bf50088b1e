# mha-drill: mha
# expect: unstable-softmax at 23, 24
import torch
import torch.nn as nn


class MultiHeadAttention(nn.Module):
    def __init__(self, n_state: int, n_head: int):
        super().__init__()
        self.n_head = n_head
        self.query = nn.Linear(n_state, n_state)
        self.key = nn.Linear(n_state, n_state, bias=False)
        self.value = nn.Linear(n_state, n_state)
        self.out = nn.Linear(n_state, n_state)

    def forward(self, q, k, v):
        q, k, v = self.query(q), self.key(k), self.value(v)
        scale = (q.shape[-1] // self.n_head) ** -0.25
        q = q.view(*q.shape[:2], self.n_head, -1).permute(0, 2, 1, 3) * scale
        k = k.view(*k.shape[:2], self.n_head, -1).permute(0, 2, 3, 1) * scale
        v = v.view(*v.shape[:2], self.n_head, -1).permute(0, 2, 1, 3)
        qk = q @ k
        w = qk.exp()
        w = w / w.sum(dim=-1, keepdim=True)
        return self.out((w @ v).permute(0, 2, 1, 3).flatten(start_dim=2))
