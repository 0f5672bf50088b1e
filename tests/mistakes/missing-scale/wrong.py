# mha-drill: sdpa
# expect: missing-scale at 13
import numpy as np


def softmax(z):
    z = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return z / np.sum(z, axis=-1, keepdims=True)


def attention(queries, keys, values):
    """queries (N, L, D), keys (N, S, D), values (N, S, D) -> (N, L, D), (N, L, S)"""
    scores = np.einsum("nld,nsd->nls", queries, keys)
    weights = softmax(scores)
    return np.einsum("nls,nsd->nld", weights, values), weights
