"""Aladdin Persson's video: (values, keys, query, mask) and einsum."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "aladdin",
    "mha",
    r"""
import torch
import torch.nn as nn


class SelfAttention(nn.Module):
    def __init__(self, embed_size, heads):
        super(SelfAttention, self).__init__()
        self.embed_size = embed_size
        self.heads = heads
        self.head_dim = embed_size // heads

        assert (
            self.head_dim * heads == embed_size
        ), "Embedding size needs to be divisible by heads"

        self.values = nn.Linear(embed_size, embed_size)
        self.keys = nn.Linear(embed_size, embed_size)
        self.queries = nn.Linear(embed_size, embed_size)
        self.fc_out = nn.Linear(embed_size, embed_size)

    def forward(self, values, keys, query, mask):
        # Get number of training examples
        N = query.shape[0]

        value_len, key_len, query_len = values.shape[1], keys.shape[1], query.shape[1]

        values = self.values(values)  # (N, value_len, embed_size)
        keys = self.keys(keys)  # (N, key_len, embed_size)
        queries = self.queries(query)  # (N, query_len, embed_size)

        # Split the embedding into self.heads different pieces
        values = values.reshape(N, value_len, self.heads, self.head_dim)
        keys = keys.reshape(N, key_len, self.heads, self.head_dim)
        queries = queries.reshape(N, query_len, self.heads, self.head_dim)

        # queries shape: (N, query_len, heads, heads_dim),
        # keys shape: (N, key_len, heads, heads_dim)
        # energy: (N, heads, query_len, key_len)
        energy = torch.einsum("nqhd,nkhd->nhqk", [queries, keys])

        # Mask padded indices so their weights become 0
        if mask is not None:
            energy = energy.masked_fill(mask == 0, float("-1e20"))

        # Normalize energy values so that they sum to 1.
        attention = torch.softmax(energy / (self.head_dim ** (1 / 2)), dim=3)

        out = torch.einsum("nhql,nlhd->nqhd", [attention, values]).reshape(
            N, query_len, self.heads * self.head_dim
        )
        # Linear layer doesn't modify the shape, final shape will be (N, query_len, embed_size)
        out = self.fc_out(out)
        return out
""",
    Drive(
        "SelfAttention(D, H)",
        "m(v, k, q, None)",
        "lin(m.queries), lin(m.keys), lin(m.values), lin(m.fc_out)",
        "m(v, k, q, keep[:, :1, None])",
        keep="pad",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "default-mask",
    ("query, mask)", "query, mask=None)"),
    call="m(v, k, q)",
    masked="m(v, k, q, mask=keep[:, None].int())",
    keep="full",
)
right(
    "query-first",
    ("self, values, keys, query, mask", "self, query, keys, values, mask"),
    call="m(q, k, v, None)",
    masked="m(q, k, v, keep[:, None])",
    keep="full",
)
right(
    "in-a-transformer",
    bottom="""

class TransformerBlock(nn.Module):
    def __init__(self, embed_size, heads, dropout, forward_expansion):
        super(TransformerBlock, self).__init__()
        self.attention = SelfAttention(embed_size, heads)
        self.norm1 = nn.LayerNorm(embed_size)
        self.norm2 = nn.LayerNorm(embed_size)

        self.feed_forward = nn.Sequential(
            nn.Linear(embed_size, forward_expansion * embed_size),
            nn.ReLU(),
            nn.Linear(forward_expansion * embed_size, embed_size),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, value, key, query, mask):
        attention = self.attention(value, key, query, mask)
        x = self.dropout(self.norm1(attention + query))
        forward = self.feed_forward(x)
        out = self.dropout(self.norm2(forward + x))
        return out


class DecoderBlock(nn.Module):
    def __init__(self, embed_size, heads, forward_expansion, dropout):
        super(DecoderBlock, self).__init__()
        self.norm = nn.LayerNorm(embed_size)
        self.attention = SelfAttention(embed_size, heads=heads)
        self.transformer_block = TransformerBlock(embed_size, heads, dropout, forward_expansion)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, value, key, src_mask, trg_mask):
        attention = self.attention(x, x, x, trg_mask)
        query = self.dropout(self.norm(attention + x))
        return self.transformer_block(value, key, query, src_mask)
""",
)
wrong(
    "shared-across-heads",
    (
        (
            "        self.values = nn.Linear(embed_size, embed_size)\n"
            "        self.keys = nn.Linear(embed_size, embed_size)\n"
            "        self.queries = nn.Linear(embed_size, embed_size)\n"
        ),
        (
            "        self.values = nn.Linear(self.head_dim, self.head_dim, bias=False)\n"
            "        self.keys = nn.Linear(self.head_dim, self.head_dim, bias=False)\n"
            "        self.queries = nn.Linear(self.head_dim, self.head_dim, bias=False)\n"
        ),
    ),
    (
        """        values = self.values(values)  # (N, value_len, embed_size)
        keys = self.keys(keys)  # (N, key_len, embed_size)
        queries = self.queries(query)  # (N, query_len, embed_size)

""",
        "",
    ),
    ("queries = queries.reshape(", "queries = query.reshape("),
    (
        "        # queries shape:",
        """        values = self.values(values)  # (N, value_len, heads, head_dim)
        keys = self.keys(keys)  # (N, key_len, heads, head_dim)
        queries = self.queries(queries)  # (N, query_len, heads, heads_dim)

        # queries shape:""",
    ),
    at="nn.Linear(self.head_dim",
)
wrong(
    "shared-across-heads",
    (
        "self.values = nn.Linear(embed_size, embed_size)",
        "self.values = nn.Linear(self.head_dim, self.head_dim)",
    ),
    ("        values = self.values(values)  # (N, value_len, embed_size)\n", ""),
    (
        "values = values.reshape(N, value_len, self.heads, self.head_dim)",
        "values = self.values(values.reshape(N, value_len, self.heads, self.head_dim))",
    ),
)
wrong("wrong-scale", ("self.head_dim ** (1 / 2)", "self.embed_size ** (1 / 2)"))
wrong("wrong-scale", ("self.head_dim ** (1 / 2)", "self.head_dim ** 1 / 2"), on="default-mask")
wrong("missing-scale", ("energy / (self.head_dim ** (1 / 2))", "energy"))
wrong("softmax-axis", ("dim=3)", "dim=2)"))
wrong("softmax-axis", ("dim=3)", "dim=1)"), on="query-first")
wrong("mask-inverted", ("mask == 0", "mask != 0"))
wrong("mask-fill-value", ('float("-1e20")', 'float("1e-20")'))
wrong("mask-fill-value", ('float("-1e20")', "-20"), on="default-mask")
wrong(
    "mask-missing",
    (
        '            energy = energy.masked_fill(mask == 0, float("-1e20"))\n',
        '            energy.masked_fill(mask == 0, float("-1e20"))\n',
    ),
)
wrong(
    "swapped-inputs",
    (
        "values = self.values(values)  # (N, value_len, embed_size)\n        keys = self.keys(keys)",
        (
            "values, keys = keys, values\n"
            "        values = self.values(values)  # (N, value_len, embed_size)\n"
            "        keys = self.keys(keys)"
        ),
    ),
    at="values, keys = keys",
)
wrong("weigh-wrong-tensor", ("[attention, values]", "[attention, keys]"))
wrong("shared-projection", ("keys = self.keys(keys)", "keys = self.values(keys)"))
wrong(
    "missing-projection",
    ("        values = self.values(values)  # (N, value_len, embed_size)\n", ""),
    at="values = values.reshape",
)
wrong(
    "cross-length",
    (
        "value_len, key_len, query_len = values.shape[1], keys.shape[1], query.shape[1]",
        "value_len = key_len = query_len = query.shape[1]",
    ),
)
wrong(
    "split-without-transpose",
    (
        "values.reshape(N, value_len, self.heads, self.head_dim)",
        "values.reshape(N, self.heads, value_len, self.head_dim).transpose(1, 2)",
    ),
    (
        "keys.reshape(N, key_len, self.heads, self.head_dim)",
        "keys.reshape(N, self.heads, key_len, self.head_dim).transpose(1, 2)",
    ),
    (
        "queries.reshape(N, query_len, self.heads, self.head_dim)",
        "queries.reshape(N, self.heads, query_len, self.head_dim).transpose(1, 2)",
    ),
)
wrong("merge-without-transpose", ('"nhql,nlhd->nqhd"', '"nhql,nlhd->nhqd"'))
wrong("missing-output-projection", ("        out = self.fc_out(out)\n", ""))
wrong("extra-residual", ("        return out\n", "        return out + query\n"))
wrong("batch-mixing", ('"nqhd,nkhd->nhqk"', '"nqhd,mkhd->nhqk"'))
wrong(
    "unstable-softmax",
    (
        "attention = torch.softmax(energy / (self.head_dim ** (1 / 2)), dim=3)",
        (
            "attention = torch.exp(energy / (self.head_dim ** (1 / 2)))\n"
            "        attention = attention / attention.sum(dim=3, keepdim=True)"
        ),
    ),
)
wrong(
    "wrong-output-shape",
    ("self.fc_out = nn.Linear(embed_size, embed_size)", "self.fc_out = nn.Linear(embed_size, self.head_dim)"),
)
wrong("crash", ("N, query_len, self.heads * self.head_dim\n", "N, query_len, self.heads * self.heads_dim\n"))
wrong(
    "crash",
    ("        # Get number of training examples\n        N = query.shape[0]\n", ""),
    at="N, value_len, self.heads",
)
wrong(
    "constructor-error",
    ("        self.heads = heads\n", ""),
    ("self.fc_out = nn.Linear(", "self.fc_out = nn.Linear(self.heads and "),
    at="self.heads and",
)
