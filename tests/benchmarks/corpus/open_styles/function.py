"""A plain function which takes its weights."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "function",
    "mha",
    r'''
import math
import torch


def multi_head_attention(q, k, v, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """
    q: (B, L, D), k and v: (B, S, D), w_*: (D, D) -> (B, L, D)
    mask: (L, S) bool, True where attention is allowed
    """
    def split(t):
        b, n, d = t.shape
        return t.reshape(b, n, num_heads, d // num_heads).transpose(1, 2)

    queries = split(q @ w_q)
    keys = split(k @ w_k)
    values = split(v @ w_v)

    scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])
    if mask is not None:
        scores = torch.where(mask, scores, torch.tensor(-1e30, dtype=scores.dtype))
    weights = torch.softmax(scores, dim=-1)
    out = weights @ values
    b, h, n, d = out.shape
    out = out.transpose(1, 2).reshape(b, n, h * d)
    return out @ w_o
''',
    Drive(
        "[torch.randn(D, D) / D**0.5 for _ in range(4)]",
        "multi_head_attention(q, k, v, *m, num_heads=H)",
        "[raw(w) for w in m]",
        "multi_head_attention(q, k, v, *m, H, mask=keep[0])",
        keep="rows",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "self-attention",
    ("q, k, v, w_q", "x, w_q"),
    ("q: (B, L, D), k and v: (B, S, D)", "x: (B, L, D)"),
    ("q @ w_q", "x @ w_q"),
    ("k @ w_k", "x @ w_k"),
    ("v @ w_v", "x @ w_v"),
    call="multi_head_attention(x, *m, H)",
    masked="multi_head_attention(x, *m, H, keep[0])",
    inputs="x",
)
right(
    "with-weights",
    ("return out @ w_o", "return out @ w_o, weights"),
    call="multi_head_attention(q, k, v, *m, H)[0]",
    masked="multi_head_attention(q, k, v, *m, H, keep[0])[0]",
)
right(
    "transposed-weights",
    ("q @ w_q", "torch.nn.functional.linear(q, w_q)"),
    ("out @ w_o", "torch.nn.functional.linear(out, w_o)"),
    ("k @ w_k", "k @ w_k.T"),
    ("v @ w_v", "v @ w_v.T"),
    weights="[raw(w.T) for w in m]",
)
right("einsum", ("queries @ keys.transpose(-2, -1)", "torch.einsum('bhld,bhsd->bhls', queries, keys)"))
wrong("missing-scale", (" / math.sqrt(queries.shape[-1])", ""))
wrong("wrong-scale", ("math.sqrt(queries.shape[-1])", "math.sqrt(w_q.shape[-1])"))
wrong("wrong-scale", ("math.sqrt(queries.shape[-1])", "queries.shape[-1]"), on="einsum")
wrong("softmax-axis", ("dim=-1)\n    out", "dim=-2)\n    out"))
wrong(
    "split-without-transpose",
    (
        "t.reshape(b, n, num_heads, d // num_heads).transpose(1, 2)",
        "t.reshape(b, num_heads, n, d // num_heads)",
    ),
)
wrong("merge-without-transpose", ("out.transpose(1, 2).reshape(b, n, h * d)", "out.reshape(b, n, h * d)"))
wrong("missing-projection", ("split(v @ w_v)", "split(v)"))
wrong("shared-projection", ("keys = split(k @ w_k)", "keys = split(k @ w_q)"))
wrong(
    "mask-inverted",
    ("True where attention is allowed", "True where attention is blocked"),
    (
        "torch.where(mask, scores, torch.tensor(-1e30, dtype=scores.dtype))",
        "torch.where(mask, torch.tensor(-1e30, dtype=scores.dtype), scores)",
    ),
)
wrong(
    "mask-missing",
    (
        "        scores = torch.where(mask, scores, torch.tensor(-1e30, dtype=scores.dtype))\n",
        "        pass\n",
    ),
)
wrong("mask-fill-value", ("torch.tensor(-1e30, dtype=scores.dtype)", "torch.zeros_like(scores)"))
wrong("missing-output-projection", ("return out @ w_o", "return out"))
wrong("weigh-wrong-tensor", ("weights @ values", "weights @ keys"))
wrong(
    "unexpected-mask",
    (
        "    weights = torch.softmax",
        (
            "    scores = scores + torch.full(scores.shape[-2:], float('-inf')).triu(1)\n"
            "    weights = torch.softmax"
        ),
    ),
    at="triu",
)
wrong(
    "swapped-inputs",
    (
        "queries = split(q @ w_q)\n    keys = split(k @ w_k)",
        "queries = split(k @ w_q)\n    keys = split(q @ w_k)",
    ),
    alone=True,
)
wrong("extra-residual", ("return out @ w_o", "return q + out @ w_o"))
wrong(
    "detached-graph",
    (
        "weights = torch.softmax(scores, dim=-1)",
        "weights = torch.from_numpy(torch.softmax(scores, dim=-1).detach().numpy())",
    ),
)
wrong("crash", ("math.sqrt(queries.shape[-1])", "math.sqrt(queries.shape)"))
wrong(
    "not-implemented",
    (
        "    queries = split(q @ w_q)\n",
        "    raise NotImplementedError('fill me in')\n    queries = split(q @ w_q)\n",
    ),
    at="raise",
)
wrong(
    "syntax-error",
    ("        b, n, d = t.shape\n        return t.reshape", "        b, n, d = t.shape\n\treturn t.reshape"),
)
