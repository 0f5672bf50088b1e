# mha-drill: causal-mha
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    n_embd: int = 768
    n_head: int = 12
    block_size: int = 1024
    dropout: float = 0.1


class Attention(nn.Module):
    def __init__(self, cfg: Config):
        super().__init__()
        self.n_head = cfg.n_head
        self.c_attn = nn.Linear(cfg.n_embd, 3 * cfg.n_embd)
        self.c_proj = nn.Linear(cfg.n_embd, cfg.n_embd)
        self.drop = nn.Dropout(cfg.dropout)
        self.register_buffer("bias", torch.ones(cfg.block_size, cfg.block_size, dtype=torch.bool).tril())

    def forward(self, x):
        T = x.size(-2)
        q, k, v = (
            part.unflatten(-1, (self.n_head, -1)).transpose(-2, -3) for part in self.c_attn(x).chunk(3, dim=-1)
        )
        w = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        w = w.masked_fill(~self.bias[:T, :T], torch.finfo(w.dtype).min)
        y = self.drop(F.softmax(w, dim=-1)) @ v
        y = y.transpose(-2, -3).flatten(-2)
        return self.c_proj(y)
