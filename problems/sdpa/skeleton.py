# mha-drill: sdpa
import torch  # or: import numpy as np


class ScaledDotProductAttention:
    """Scaled dot-product attention on three-dimensional query, key and value."""

    def __init__(self, d_k):
        """
        d_k (int): width of a query and of a key, D below
        """
        raise NotImplementedError

    def __call__(self, query, key, value):
        """
        query:   (N, L, D)
        key:     (N, S, D)
        value:   (N, S, D)
        returns: output (N, L, D), weights (N, L, S)
        """
        raise NotImplementedError
