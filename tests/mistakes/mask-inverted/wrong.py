# mha-drill: causal-mha
# expect: mask-inverted at 23, 24
import torch
from torch import nn


class CausalAttention(nn.Module):
    def __init__(self, d_in, d_out, num_heads, qkv_bias=False):
        super().__init__()
        self.num_heads = num_heads
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.out_proj = nn.Linear(d_out, d_out)

    def forward(self, x):
        b, n, _ = x.shape
        queries, keys, values = (
            layer(x).view(b, n, self.num_heads, -1).transpose(1, 2)
            for layer in (self.W_query, self.W_key, self.W_value)
        )
        attn_scores = queries @ keys.transpose(2, 3)
        future = torch.tril(torch.ones(n, n, dtype=torch.bool, device=x.device), diagonal=-1)
        attn_scores.masked_fill_(future, -torch.inf)
        attn_weights = torch.softmax(attn_scores / keys.shape[-1] ** 0.5, dim=-1)
        context = (attn_weights @ values).transpose(1, 2)
        return self.out_proj(context.contiguous().view(b, n, -1))
