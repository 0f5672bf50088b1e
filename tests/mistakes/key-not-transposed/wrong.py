# mha-drill: sdpa
# expect: key-not-transposed at 8
import torch


def scaled_dot_product_attention(q, k, v):
    d_k = k.shape[-1]
    scores = torch.bmm(q, k) / d_k**0.5
    attention = torch.nn.functional.softmax(scores, dim=-1)
    return torch.bmm(attention, v), attention
