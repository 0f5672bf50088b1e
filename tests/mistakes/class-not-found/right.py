# mha-drill: mha
import math
import torch


def multi_head_attention(query, key, value, w_q, w_k, w_v, w_o, num_heads):
    def split(x):
        return x.view(x.size(0), x.size(1), num_heads, -1).transpose(1, 2)

    q, k, v = split(query @ w_q), split(key @ w_k), split(value @ w_v)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
    y = torch.softmax(scores, dim=-1) @ v
    return y.transpose(1, 2).flatten(2) @ w_o
