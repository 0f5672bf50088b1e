# mha-drill: causal-mha
import math

import torch
from torch import nn


class CausalSelfAttention(nn.Module):
    """Multi-head self-attention; position i sees the positions 0..i alone."""

    def __init__(self, d_model, num_heads, max_length, dropout=0.0):
        """
        d_model (int):    width of the input and of the output, C below
        num_heads (int):  number of heads, H below; divides d_model
        max_length (int): longest input there will be
        dropout (float):  probability of dropping a weight, in training only
        """
        super().__init__()
        raise NotImplementedError

    def forward(self, x):
        """
        x:       (B, T, C), T at most max_length
        returns: output (B, T, C)
        """
        raise NotImplementedError
