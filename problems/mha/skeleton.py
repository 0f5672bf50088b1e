# mha-drill: mha
import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """Multi-head attention; key and value have a length of their own."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        """
        d_model (int):   width of the inputs and of the output, D below
        num_heads (int): number of heads, H below; divides d_model
        dropout (float): probability of dropping a weight, in training only
        """
        super().__init__()
        raise NotImplementedError

    def forward(self, query, key, value, mask=None):
        """
        query:   (B, L, D)
        key:     (B, S, D)
        value:   (B, S, D)
        mask:    optional, broadcast to (B, H, L, S)
        returns: output (B, L, D)
        """
        raise NotImplementedError
