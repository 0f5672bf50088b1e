"""A dict for a config (cfg["emb_dim"]), a biased qkv, a registered boolean mask, KV cache as an option."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "dict-config",
    "causal-mha",
    r"""
import torch
import torch.nn as nn

GPT_CONFIG = {
    "vocab_size": 50257,
    "context_length": 256,
    "emb_dim": 48,
    "n_heads": 4,
    "n_layers": 12,
    "drop_rate": 0.0,
    "qkv_bias": False,
}


class CausalMultiHeadAttention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.num_heads = cfg["n_heads"]
        self.emb_dim = cfg["emb_dim"]
        self.head_dim = cfg["emb_dim"] // cfg["n_heads"]
        self.W_query = nn.Linear(cfg["emb_dim"], cfg["emb_dim"], bias=cfg["qkv_bias"])
        self.W_key = nn.Linear(cfg["emb_dim"], cfg["emb_dim"], bias=cfg["qkv_bias"])
        self.W_value = nn.Linear(cfg["emb_dim"], cfg["emb_dim"], bias=cfg["qkv_bias"])
        self.out_proj = nn.Linear(cfg["emb_dim"], cfg["emb_dim"])
        self.dropout = nn.Dropout(cfg["drop_rate"])
        self.register_buffer(
            "can_see", torch.ones(cfg["context_length"], cfg["context_length"], dtype=torch.bool).tril(), persistent=False
        )

    def forward(self, x, cache=None):
        b, num_tokens, _ = x.shape
        queries = self.W_query(x).view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        keys = self.W_key(x).view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        values = self.W_value(x).view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)
        if cache is not None:
            if cache:
                keys = torch.cat((cache["keys"], keys), dim=2)
                values = torch.cat((cache["values"], values), dim=2)
            cache["keys"], cache["values"] = keys, values

        total = keys.shape[2]
        attn_scores = queries @ keys.transpose(2, 3)
        attn_scores = attn_scores / self.head_dim**0.5
        attn_scores = attn_scores.masked_fill(~self.can_see[total - num_tokens : total, :total], -torch.inf)
        attn_weights = torch.softmax(attn_scores, dim=-1)
        attn_weights = self.dropout(attn_weights)

        context_vec = (attn_weights @ values).transpose(1, 2)
        context_vec = context_vec.contiguous().view(b, num_tokens, self.emb_dim)
        return self.out_proj(context_vec)
""",
    Drive(
        "CausalMultiHeadAttention({**GPT_CONFIG, 'emb_dim': D, 'n_heads': H, 'drop_rate': P, 'context_length': 16})",
        "m(x)",
        "lin(m.W_query), lin(m.W_key), lin(m.W_value), lin(m.out_proj)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "default-config",
    ("def __init__(self, cfg):", "def __init__(self, cfg=GPT_CONFIG):"),
    ('cfg["qkv_bias"]', 'cfg.get("qkv_bias", True)', "all"),
)
right(
    "no-cache",
    (", cache=None", ""),
    (
        (
            "        if cache is not None:\n            if cache:\n"
            '                keys = torch.cat((cache["keys"], keys), dim=2)\n'
            '                values = torch.cat((cache["values"], values), dim=2)\n'
            '            cache["keys"], cache["values"] = keys, values\n\n'
        ),
        "",
    ),
    ("self.can_see[total - num_tokens : total, :total]", "self.can_see[:total, :total]"),
)
right(
    "several-arguments",
    (
        "def __init__(self, cfg):\n        super().__init__()\n",
        (
            "def __init__(self, emb_dim, n_heads, context_length=256, drop_rate=0.0, qkv_bias=False):\n        super().__init__()\n"
            "        cfg = dict(emb_dim=emb_dim, n_heads=n_heads, context_length=context_length, drop_rate=drop_rate, qkv_bias=qkv_bias)\n"
        ),
    ),
    make="CausalMultiHeadAttention(D, H, 16, P)",
)
right(
    "double-star",
    ("def __init__(self, cfg):\n", "def __init__(self, **cfg):\n"),
    make="CausalMultiHeadAttention(**{**GPT_CONFIG, 'emb_dim': D, 'n_heads': H, 'drop_rate': P, 'context_length': 16})",
)
wrong("missing-scale", ("        attn_scores = attn_scores / self.head_dim**0.5\n", ""))
wrong("wrong-scale", ("self.head_dim**0.5", "self.emb_dim**0.5"))
wrong("wrong-scale", ("/ self.head_dim**0.5", "/ keys.shape[1]**0.5"), on="several-arguments")
wrong(
    "scale-after-softmax",
    ("        attn_scores = attn_scores / self.head_dim**0.5\n", ""),
    ("torch.softmax(attn_scores, dim=-1)", "torch.softmax(attn_scores, dim=-1) / self.head_dim**0.5"),
)
wrong(
    "mask-missing",
    (
        "        attn_scores = attn_scores.masked_fill(~self.can_see[total - num_tokens : total, :total], -torch.inf)\n",
        "",
    ),
)
wrong(
    "mask-inverted",
    (
        "masked_fill(~self.can_see[total - num_tokens : total, :total], -torch.inf)",
        "masked_fill(self.can_see[total - num_tokens : total, :total], -1e9)",
    ),
)
wrong("mask-off-by-one", ("dtype=torch.bool).tril()", "dtype=torch.bool).tril(1)"))
wrong(
    "mask-off-by-one",
    ("self.can_see[:total, :total], -torch.inf", "self.can_see[1 : total + 1, :total], -torch.inf"),
    on="no-cache",
)
wrong("mask-fill-value", ("-torch.inf", "0"))
wrong("mask-fill-value", ("-torch.inf", "1e-6"), on="several-arguments")
wrong(
    "mask-after-softmax",
    (
        "        attn_scores = attn_scores.masked_fill(~self.can_see[:total, :total], -torch.inf)\n        attn_weights = torch.softmax(attn_scores, dim=-1)\n",
        "        attn_weights = torch.softmax(attn_scores, dim=-1)\n        attn_weights = attn_weights * self.can_see[:total, :total]\n",
    ),
    on="no-cache",
    at="attn_weights * self.can_see",
)
wrong(
    "softmax-axis",
    ("torch.softmax(attn_scores, dim=-1)", "torch.softmax(attn_scores, dim=2)"),
    alone=True,
    also=("softmax-axis+nan-output",),
)
wrong("shared-projection", ("values = self.W_value(x)", "values = self.W_key(x)"))
wrong(
    "shared-projection",
    (
        'self.W_key = nn.Linear(cfg["emb_dim"], cfg["emb_dim"], bias=cfg["qkv_bias"])',
        "self.W_key = self.W_query",
    ),
    on="several-arguments",
)
wrong("missing-projection", ("keys = self.W_key(x).view", "keys = x.view"))
wrong(
    "split-without-transpose",
    (
        "self.W_query(x).view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)",
        "self.W_query(x).view(b, self.num_heads, num_tokens, self.head_dim)",
    ),
    (
        "self.W_key(x).view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)",
        "self.W_key(x).view(b, self.num_heads, num_tokens, self.head_dim)",
    ),
    (
        "self.W_value(x).view(b, num_tokens, self.num_heads, self.head_dim).transpose(1, 2)",
        "self.W_value(x).view(b, self.num_heads, num_tokens, self.head_dim)",
    ),
)
wrong(
    "merge-without-transpose",
    ("(attn_weights @ values).transpose(1, 2)", "attn_weights @ values"),
    at=("context_vec = attn_weights @ values", "context_vec.contiguous().view("),
)
wrong("non-contiguous-view", ("context_vec.contiguous().view(", "context_vec.view("))
wrong("weigh-wrong-tensor", ("attn_weights @ values", "attn_weights @ queries"))
wrong("dropout-missing", ("        attn_weights = self.dropout(attn_weights)\n", ""))
wrong(
    "dropout-in-eval",
    (
        'self.dropout = nn.Dropout(cfg["drop_rate"])',
        'self.dropout = lambda w: nn.functional.dropout(w, cfg["drop_rate"])',
    ),
    at=("self.dropout = lambda", "self.dropout(attn_weights)"),
)
wrong("missing-output-projection", ("return self.out_proj(context_vec)", "return context_vec"))
wrong("extra-residual", ("return self.out_proj(context_vec)", "return self.out_proj(context_vec) + x"))
wrong(
    "detached-graph",
    (
        'cache["keys"], cache["values"] = keys, values\n',
        'cache["keys"], cache["values"] = keys, values\n        keys = keys.detach()\n',
    ),
    at="keys = keys.detach()",
)
wrong("constructor-error", ('cfg["drop_rate"]', 'cfg["dropout"]'))
wrong(
    "wrong-output-type",
    ("return self.out_proj(context_vec)", "return {'context': self.out_proj(context_vec)}"),
)
wrong(
    "crash",
    ("self.can_see[total - num_tokens : total, :total]", "self.mask[total - num_tokens : total, :total]"),
)
