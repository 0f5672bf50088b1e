"""Dive into Deep Learning: lazy layers, valid lengths, heads folded into the batch."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "d2l",
    "mha",
    r'''
import math
import torch
from torch import nn


def masked_softmax(X, valid_lens):
    """Perform softmax operation by masking elements on the last axis."""
    # X: 3D tensor, valid_lens: 1D or 2D tensor
    def _sequence_mask(X, valid_len, value=0):
        maxlen = X.size(1)
        mask = torch.arange((maxlen), dtype=torch.float32,
                            device=X.device)[None, :] < valid_len[:, None]
        X[~mask] = value
        return X

    if valid_lens is None:
        return nn.functional.softmax(X, dim=-1)
    else:
        shape = X.shape
        if valid_lens.dim() == 1:
            valid_lens = torch.repeat_interleave(valid_lens, shape[1])
        else:
            valid_lens = valid_lens.reshape(-1)
        # On the last axis, replace masked elements with a very large negative value
        X = _sequence_mask(X.reshape(-1, shape[-1]), valid_lens, value=-1e6)
        return nn.functional.softmax(X.reshape(shape), dim=-1)


class DotProductAttention(nn.Module):
    """Scaled dot product attention."""
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    # Shape of queries: (batch_size, no. of queries, d)
    # Shape of keys: (batch_size, no. of key-value pairs, d)
    def forward(self, queries, keys, values, valid_lens=None):
        d = queries.shape[-1]
        # Swap the last two dimensions of keys with keys.transpose(1, 2)
        scores = torch.bmm(queries, keys.transpose(1, 2)) / math.sqrt(d)
        self.attention_weights = masked_softmax(scores, valid_lens)
        return torch.bmm(self.dropout(self.attention_weights), values)


class MultiHeadAttention(nn.Module):
    """Multi-head attention."""
    def __init__(self, num_hiddens, num_heads, dropout, bias=False, **kwargs):
        super().__init__()
        self.num_heads = num_heads
        self.attention = DotProductAttention(dropout)
        self.W_q = nn.LazyLinear(num_hiddens, bias=bias)
        self.W_k = nn.LazyLinear(num_hiddens, bias=bias)
        self.W_v = nn.LazyLinear(num_hiddens, bias=bias)
        self.W_o = nn.LazyLinear(num_hiddens, bias=bias)

    def forward(self, queries, keys, values, valid_lens):
        # Shape of queries, keys, or values: (batch_size, no. of queries or key-value pairs, num_hiddens)
        queries = self.transpose_qkv(self.W_q(queries))
        keys = self.transpose_qkv(self.W_k(keys))
        values = self.transpose_qkv(self.W_v(values))

        if valid_lens is not None:
            # On axis 0, copy the first item (scalar or vector) for num_heads times, then the next, and so on
            valid_lens = torch.repeat_interleave(
                valid_lens, repeats=self.num_heads, dim=0)

        # Shape of output: (batch_size * num_heads, no. of queries, num_hiddens / num_heads)
        output = self.attention(queries, keys, values, valid_lens)
        # Shape of output_concat: (batch_size, no. of queries, num_hiddens)
        output_concat = self.transpose_output(output)
        return self.W_o(output_concat)

    def transpose_qkv(self, X):
        """Transposition for parallel computation of multiple attention heads."""
        X = X.reshape(X.shape[0], X.shape[1], self.num_heads, -1)
        X = X.permute(0, 2, 1, 3)
        return X.reshape(-1, X.shape[2], X.shape[3])

    def transpose_output(self, X):
        """Reverse the operation of transpose_qkv."""
        X = X.reshape(-1, self.num_heads, X.shape[1], X.shape[2])
        X = X.permute(0, 2, 1, 3)
        return X.reshape(X.shape[0], X.shape[1], -1)
''',
    Drive(
        "MultiHeadAttention(D, H, P)",
        "m(q, k, v, None)",
        "lin(m.W_q), lin(m.W_k), lin(m.W_v), lin(m.W_o)",
        "m(q, k, v, keep[:, 0].sum(-1))",
        keep="prefix",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "old-edition",
    (
        "num_hiddens, num_heads, dropout, bias=False, **kwargs",
        "key_size, query_size, value_size, num_hiddens, num_heads, dropout, bias=False, **kwargs",
    ),
    ("self.W_q = nn.LazyLinear(", "self.W_q = nn.Linear(query_size, "),
    ("self.W_k = nn.LazyLinear(", "self.W_k = nn.Linear(key_size, "),
    ("self.W_v = nn.LazyLinear(", "self.W_v = nn.Linear(value_size, "),
    ("self.W_o = nn.LazyLinear(", "self.W_o = nn.Linear(num_hiddens, "),
    make="MultiHeadAttention(D, D, D, D, H, P)",
)
right(
    "default-lens",
    (
        "values, valid_lens):\n        # Shape of queries, keys, or",
        "values, valid_lens=None):\n        # Shape of queries, keys, or",
    ),
    call="m(q, k, v)",
)
right("with-bias", make="MultiHeadAttention(D, H, P, True)")
right("eager", ("nn.LazyLinear(num_hiddens,", "nn.Linear(num_hiddens, num_hiddens,", "all"))
wrong("missing-scale", (" / math.sqrt(d)", ""))
wrong("wrong-scale", ("d = queries.shape[-1]", "d = queries.shape[1]"))
wrong("wrong-scale", ("/ math.sqrt(d)", "/ d"), on="eager")
wrong(
    "batch-mixing",
    (
        "torch.repeat_interleave(\n                valid_lens, repeats=self.num_heads, dim=0)",
        "valid_lens.repeat(self.num_heads)",
    ),
    alone=True,
    also=("wrong-value", "mask-missing"),
)
wrong(
    "mask-missing",
    ("self.attention(queries, keys, values, valid_lens)", "self.attention(queries, keys, values)"),
)
wrong("mask-off-by-one", ("[None, :] < valid_len[:, None]", "[None, :] <= valid_len[:, None]"))
wrong("mask-inverted", ("X[~mask] = value", "X[mask] = value"))
wrong("mask-fill-value", ("value=-1e6)", "value=0)"))
wrong("mask-fill-value", (", value=-1e6)", ")"), on="default-lens")
wrong(
    "softmax-axis",
    ("nn.functional.softmax(X, dim=-1)", "nn.functional.softmax(X, dim=1)"),
    ("nn.functional.softmax(X.reshape(shape), dim=-1)", "nn.functional.softmax(X.reshape(shape), dim=1)"),
)
wrong(
    "split-without-transpose",
    (
        (
            "X = X.reshape(X.shape[0], X.shape[1], self.num_heads, -1)\n"
            "        X = X.permute(0, 2, 1, 3)\n"
            "        return X.reshape(-1, X.shape[2], X.shape[3])"
        ),
        "return X.reshape(X.shape[0] * self.num_heads, X.shape[1], -1)",
    ),
)
wrong(
    "merge-without-transpose",
    (
        (
            "        X = X.reshape(-1, self.num_heads, X.shape[1], X.shape[2])\n"
            "        X = X.permute(0, 2, 1, 3)\n"
            "        return X.reshape(X.shape[0], X.shape[1], -1)"
        ),
        (
            "        X = X.reshape(-1, self.num_heads, X.shape[1], X.shape[2])\n"
            "        return X.reshape(X.shape[0], X.shape[2], -1)"
        ),
    ),
)
wrong(
    "non-contiguous-view",
    (
        "        return X.reshape(X.shape[0], X.shape[1], -1)\n",
        "        return X.view(X.shape[0], X.shape[1], -1)\n",
    ),
)
wrong(
    "weigh-wrong-tensor",
    ("self.dropout(self.attention_weights), values)", "self.dropout(self.attention_weights), keys)"),
)
wrong(
    "dropout-missing",
    ("self.dropout(self.attention_weights)", "self.attention_weights"),
    at="nn.Dropout(dropout)",
)
wrong(
    "shared-projection",
    ("keys = self.transpose_qkv(self.W_k(keys))", "keys = self.transpose_qkv(self.W_q(keys))"),
)
wrong("missing-projection", ("self.transpose_qkv(self.W_v(values))", "self.transpose_qkv(values)"))
wrong("missing-output-projection", ("return self.W_o(output_concat)", "return output_concat"))
wrong(
    "swapped-inputs",
    (
        "self.attention(queries, keys, values, valid_lens)",
        "self.attention(queries, values, keys, valid_lens)",
    ),
)
wrong("swapped-inputs", ("self.W_q(queries)", "self.W_q(values)"), on="with-bias", alone=True)
wrong(
    "unregistered-parameters",
    (
        "self.W_o = nn.Linear(num_hiddens, num_hiddens, bias=bias)",
        "self.W_o = [nn.Linear(num_hiddens, num_hiddens, bias=bias)]",
    ),
    ("self.W_o(output_concat)", "self.W_o[0](output_concat)"),
    on="eager",
)
wrong("crash", ("math.sqrt(d)", "d.sqrt()"))
wrong(
    "import-error",
    ("from torch import nn\n", "from torch import nn\nfrom d2l import torch as d2l\n"),
    at="d2l",
)
wrong(
    "constructor-error",
    ("self.attention = DotProductAttention(dropout)", "self.attention = d2l.DotProductAttention(dropout)"),
)
