# mha-drill: single-head
import math

import torch
from torch import nn


class SingleHeadAttention(nn.Module):
    """Attention with one head; query, key and value have a linear map each."""

    def __init__(self, d_model):
        """
        d_model (int): width of the inputs and of the output, D below
        """
        super().__init__()
        raise NotImplementedError

    def forward(self, query, key, value):
        """
        query:   (B, L, D)
        key:     (B, S, D)
        value:   (B, S, D)
        returns: output (B, L, D)
        """
        raise NotImplementedError
