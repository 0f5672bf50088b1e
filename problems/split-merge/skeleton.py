# mha-drill: split-merge
import torch


def split_heads(x, n_head):
    """
    x:       (B, T, C)
    n_head:  int, divides C
    returns: (B, n_head, T, C // n_head)
    """
    raise NotImplementedError


def merge_heads(y):
    """
    y:       (B, n_head, T, d)
    returns: (B, T, n_head * d)
    """
    raise NotImplementedError
