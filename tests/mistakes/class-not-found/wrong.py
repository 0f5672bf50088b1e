# mha-drill: mha
# expect: class-not-found
import math
import torch

d_model, num_heads = 24, 4
query, key, value = (torch.randn(2, 5, d_model) for _ in range(3))
w_q, w_k, w_v, w_o = (torch.randn(d_model, d_model) for _ in range(4))


def split(x):
    return x.view(x.size(0), x.size(1), num_heads, -1).transpose(1, 2)


q, k, v = split(query @ w_q), split(key @ w_k), split(value @ w_v)
scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
y = torch.softmax(scores, dim=-1) @ v
print((y.transpose(1, 2).flatten(2) @ w_o).shape)
