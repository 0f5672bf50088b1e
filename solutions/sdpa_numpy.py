# mha-drill: sdpa
"""Scaled dot-product attention in numpy; N batch, L query length, S key length, D width."""

import numpy as np


class ScaledDotProductAttention:
    """softmax(Q K^T / sqrt(d_k)) V, without parameters of its own."""

    def __init__(self, d_k):
        """d_k (int): width of a query and of a key, D below."""
        self.d_k = d_k

    def __call__(self, query, key, value):
        """Let every query position look at every key position.

        query:   (N, L, D)  what each position asks for
        key:     (N, S, D)  what each position offers to be found by
        value:   (N, S, D)  what each position hands over
        returns: output (N, L, D), weights (N, L, S); each row of the weights sums to 1
        """
        scores = query @ key.swapaxes(-2, -1)  # (N, L, S)
        scores = scores / np.sqrt(self.d_k)
        scores = scores - scores.max(axis=-1, keepdims=True)  # same softmax, and exp cannot overflow
        weights = np.exp(scores)
        weights = weights / weights.sum(axis=-1, keepdims=True)  # over the keys
        output = weights @ value  # (N, L, D)
        return output, weights
