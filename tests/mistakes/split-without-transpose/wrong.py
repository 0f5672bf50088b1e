# mha-drill: mha
# expect: split-without-transpose at 17, 18, 19
import torch.nn as nn


class SelfAttention(nn.Module):
    def __init__(self, n_embd, n_head):
        super().__init__()
        self.qkv = nn.Linear(n_embd, 3 * n_embd)
        self.out = nn.Linear(n_embd, n_embd)
        self.n_head = n_head

    def forward(self, x):
        B, T, C = x.size()
        hs = C // self.n_head
        q, k, v = self.qkv(x).split(C, dim=2)
        q = q.reshape(B, self.n_head, T, hs)  # (B, nh, T, hs)
        k = k.reshape(B, self.n_head, T, hs)  # (B, nh, T, hs)
        v = v.reshape(B, self.n_head, T, hs)  # (B, nh, T, hs)
        att = (q @ k.transpose(-2, -1)) * hs**-0.5
        att = att.softmax(dim=-1)
        y = (att @ v).transpose(1, 2).reshape(B, T, C)
        return self.out(y)
