"""Scaled dot-product attention in comprehensions: zip over the batch, torch.outer-like thinking, dot by dot."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sdpa-zip",
    "sdpa",
    r'''
import math
import torch


def attend_to(query, keys, values):
    """one query (D,), keys (S, D), values (S, D) -> (D,), (S,)"""
    scores = torch.stack([torch.dot(query, key) for key in keys])
    scores = scores / math.sqrt(len(query))
    weights = torch.softmax(scores, dim=0)
    answer = sum(weight * value for weight, value in zip(weights, values))
    return answer, weights


def attention_scratch(Q, K, V):
    """Q (N, L, D), K (N, S, D), V (N, S, D) -> output (N, L, D), weights (N, L, S)"""
    outputs, all_weights = [], []
    for queries, keys, values in zip(Q, K, V):
        rows = [attend_to(query, keys, values) for query in queries]
        outputs.append(torch.stack([row[0] for row in rows]))
        all_weights.append(torch.stack([row[1] for row in rows]))
    return torch.stack(outputs), torch.stack(all_weights)
''',
    Drive("None", "attention_scratch(Q=q, K=k, V=v)[0]", heads=False),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "mv",
    ("torch.stack([torch.dot(query, key) for key in keys])", "keys.mv(query)"),
    ("sum(weight * value for weight, value in zip(weights, values))", "weights @ values"),
)
right(
    "softmax-by-hand",
    (
        "    weights = torch.softmax(scores, dim=0)\n",
        "    exps = [torch.exp(score - max(scores)) for score in scores]\n    weights = torch.stack([e / sum(exps) for e in exps])\n",
    ),
)
right(
    "output-alone",
    ("return torch.stack(outputs), torch.stack(all_weights)", "return torch.stack(outputs)"),
    call="attention_scratch(q, k, v)",
)
right(
    "broadcast-product",
    (
        (
            "    outputs, all_weights = [], []\n    for queries, keys, values in zip(Q, K, V):\n        rows = [attend_to(query, keys, values) for query in queries]\n"
            "        outputs.append(torch.stack([row[0] for row in rows]))\n        all_weights.append(torch.stack([row[1] for row in rows]))\n"
            "    return torch.stack(outputs), torch.stack(all_weights)\n"
        ),
        (
            "    scores = (Q[:, :, None, :] * K[:, None, :, :]).sum(-1) / math.sqrt(Q.size(-1))\n    weights = scores.softmax(2)\n"
            "    return (weights[..., None] * V[:, None]).sum(2), weights\n"
        ),
    ),
)
wrong("missing-scale", ("    scores = scores / math.sqrt(len(query))\n", ""))
wrong("wrong-scale", ("math.sqrt(len(query))", "len(query)"))
wrong("wrong-scale", ("math.sqrt(len(query))", "math.sqrt(len(keys))"), also=("wrong-value",))
wrong("wrong-scale", ("/ math.sqrt(Q.size(-1))", "* math.sqrt(Q.size(-1))"), on="broadcast-product")
wrong(
    "scale-after-softmax",
    ("    scores = scores / math.sqrt(len(query))\n", ""),
    ("torch.softmax(scores, dim=0)", "torch.softmax(scores, dim=0) / math.sqrt(len(query))"),
)
wrong("missing-softmax", ("weights = torch.softmax(scores, dim=0)", "weights = scores"))
wrong("unstable-softmax", ("torch.exp(score - max(scores))", "torch.exp(score)"), on="softmax-by-hand")
wrong("softmax-axis", ("scores.softmax(2)", "scores.softmax(1)"), on="broadcast-product")
wrong(
    "wrong-value",
    ("torch.softmax(scores, dim=0)", "torch.sigmoid(scores)"),
    also=("missing-softmax",),
    on="mv",
)
wrong(
    "wrong-gradient",
    ("torch.stack([e / sum(exps) for e in exps])", "torch.stack([e / sum(exps).item() for e in exps])"),
    on="softmax-by-hand",
    also=("detached-graph",),
)
wrong("weigh-wrong-tensor", ("zip(weights, values))", "zip(weights, keys))"))
wrong(
    "weigh-wrong-tensor",
    ("(weights[..., None] * V[:, None])", "(weights[..., None] * K[:, None])"),
    on="broadcast-product",
)
wrong("swapped-inputs", ("attend_to(query, keys, values) for", "attend_to(query, values, keys) for"))
wrong(
    "batch-mixing",
    ("for queries, keys, values in zip(Q, K, V):", "for queries, keys, values in zip(Q, K, V.flip(0)):"),
    also=("wrong-value",),
)
wrong(
    "batch-mixing",
    ("for queries, keys, values in zip(Q, K, V):", "keys, values = K[0], V[0]\n    for queries in Q:"),
    on="mv",
    at=("keys, values = K[0]", "for queries in Q"),
)
wrong("extra-residual", ("    return answer, weights\n", "    return query + answer, weights\n"))
wrong(
    "extra-normalization",
    ("    return answer, weights\n", "    return torch.layer_norm(answer, answer.shape), weights\n"),
)
wrong("detached-graph", ("sum(weight * value for", "sum(weight.item() * value for"))
wrong("detached-graph", ("weights @ values", "weights @ values.detach()"), on="mv")
wrong("wrong-output-shape", ("return torch.stack(outputs), torch", "return torch.cat(outputs), torch"))
wrong(
    "wrong-output-shape",
    ("return torch.stack(outputs)\n", "return torch.stack(outputs, dim=1)\n"),
    on="output-alone",
)
wrong(
    "wrong-output-type",
    ("return torch.stack(outputs), torch.stack(all_weights)", "return outputs, all_weights"),
)
wrong("hard-coded-shape", ("math.sqrt(len(query))", "math.sqrt(12)"), also=("wrong-scale",))
wrong(
    "mutates-input",
    (
        "    outputs, all_weights = [], []\n",
        "    outputs, all_weights = [], []\n    Q /= math.sqrt(Q.size(-1))\n",
    ),
    ("    scores = scores / math.sqrt(len(query))\n", ""),
    at="Q /=",
)
wrong(
    "unexpected-mask",
    (
        "attend_to(query, keys, values) for query in queries]",
        "attend_to(query, keys[:i + 1], values[:i + 1]) for i, query in enumerate(queries)]",
    ),
    ("        all_weights.append(torch.stack([row[1] for row in rows]))\n", ""),
    on="output-alone",
)
wrong("crash", ("torch.dot(query, key)", "torch.dot(query, keys)"))
