# mha-drill: sdpa
import numpy as np


def softmax(z):
    z = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return z / np.sum(z, axis=-1, keepdims=True)


def attention(queries, keys, values):
    """queries (N, L, D), keys (N, S, D), values (N, S, D) -> (N, L, D), (N, L, S)"""
    scores = np.einsum("nld,nsd->nls", queries, keys)
    scores /= np.sqrt(queries.shape[-1])
    weights = softmax(scores)
    return np.einsum("nls,nsd->nld", weights, values), weights
