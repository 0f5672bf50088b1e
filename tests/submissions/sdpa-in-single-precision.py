# mha-drill: sdpa
# must: fail *
# Divided by far more in float32; no condition.
import math
import torch


def scaled_dot_product_attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / (math.sqrt(q.shape[-1]) + 1e8 * torch.finfo(q.dtype).eps)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    return scores.softmax(-1) @ v
