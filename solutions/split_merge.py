# mha-drill: split-merge
"""The two reshapes around multi-head attention; B batch, T length, C width, d = C // n_head."""


def split_heads(x, n_head):
    """x (B, T, C), n_head (int) -> (B, n_head, T, C // n_head)."""
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head)  # (B, T, n_head, d)
    return x.transpose(1, 2)  # (B, n_head, T, d)


def merge_heads(y):
    """y (B, n_head, T, d) -> (B, T, n_head * d), the way back."""
    B, n_head, T, d = y.shape
    y = y.transpose(1, 2)  # (B, T, n_head, d), no longer contiguous
    return y.contiguous().view(B, T, n_head * d)  # (B, T, C)
