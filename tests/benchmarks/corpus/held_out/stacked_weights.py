"""One head on one input: a single parameter (3, C, C), one einsum for q, k and v; the root from the tensor."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "stacked-weights",
    "single-head",
    r'''
import torch
from torch import einsum, nn


class TinyAttention(nn.Module):
    """x: (b, t, c) -> (b, t, c)"""

    def __init__(self, channels: int):
        super().__init__()
        self.w = nn.Parameter(torch.empty(3, channels, channels))
        nn.init.normal_(self.w, std=channels ** -0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = einsum("btc,nce->nbte", x, self.w)
        logits = einsum("bie,bje->bij", q, k) / torch.tensor(q.size(-1), dtype=x.dtype).sqrt()
        weights = logits.softmax(dim=-1)
        return einsum("bij,bje->bie", weights, v)
''',
    Drive("TinyAttention(D)", "m(x)", "*(raw(w) for w in m.w),", inputs="x", heads=False),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "broadcast-matmul",
    ('einsum("btc,nce->nbte", x, self.w)', "(x[None] @ self.w[:, None]).unbind(0)"),
)
right(
    "with-bias",
    ("        nn.init", "        self.b = nn.Parameter(torch.zeros(3, 1, 1, channels))\n        nn.init"),
    ('einsum("btc,nce->nbte", x, self.w)', 'einsum("btc,nce->nbte", x, self.w) + self.b'),
    weights="*(raw(w, b[0, 0]) for w, b in zip(m.w, m.b)),",
)
right(
    "two-inputs",
    ("x: torch.Tensor) -> torch.Tensor", "x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor"),
    (
        'q, k, v = einsum("btc,nce->nbte", x, self.w)',
        'q = einsum("btc,ce->bte", x, self.w[0])\n        k, v = einsum("bsc,nce->nbse", memory, self.w[1:])',
    ),
    call="m(q, k)",
    inputs="ctx",
)
right(
    "folded-into-one-matrix",
    (
        '        logits = einsum("bie,bje->bij", q, k) / torch.tensor(q.size(-1), dtype=x.dtype).sqrt()\n',
        '        wq, wk, _ = self.w\n        logits = einsum("bic,ce,de,bjd->bij", x, wq, wk, x) * len(wq) ** -0.5\n',
    ),
)
wrong("missing-scale", (" / torch.tensor(q.size(-1), dtype=x.dtype).sqrt()", ""))
wrong(
    "wrong-scale",
    ("torch.tensor(q.size(-1), dtype=x.dtype).sqrt()", "torch.tensor(q.size(-1), dtype=x.dtype)"),
)
wrong(
    "wrong-scale",
    ("torch.tensor(q.size(-1), dtype=x.dtype).sqrt()", "torch.tensor(q.size(-1), dtype=x.dtype).rsqrt()"),
    on="with-bias",
)
wrong(
    "scale-after-softmax",
    (" / torch.tensor(q.size(-1), dtype=x.dtype).sqrt()", ""),
    ("logits.softmax(dim=-1)", "logits.softmax(dim=-1) / x.size(-1) ** 0.5"),
    at="softmax(",
)
wrong("softmax-axis", ("logits.softmax(dim=-1)", "logits.softmax(dim=1)"))
wrong(
    "softmax-axis",
    ("logits.softmax(dim=-1)", "logits.softmax(dim=0)"),
    on="with-bias",
    alone=True,
    also=("batch-mixing", "batch-mixing+softmax-axis"),
)
wrong("missing-softmax", ("weights = logits.softmax(dim=-1)", "weights = logits"))
wrong(
    "unstable-softmax",
    (
        "        weights = logits.softmax(dim=-1)\n",
        "        weights = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)\n",
    ),
)
wrong(
    "shared-projection",
    (
        'q, k, v = einsum("btc,nce->nbte", x, self.w)',
        'q, _, v = einsum("btc,nce->nbte", x, self.w)\n        k = q',
    ),
    at="k = q",
)
wrong(
    "shared-projection",
    ("torch.empty(3, channels, channels)", "torch.empty(1, channels, channels)"),
    ('einsum("btc,nce->nbte", x, self.w)', 'einsum("btc,nce->nbte", x, self.w.repeat(3, 1, 1))'),
)
wrong(
    "shared-projection",
    (
        'k, v = einsum("bsc,nce->nbse", memory, self.w[1:])',
        'k = v = einsum("bsc,ce->bse", memory, self.w[1])',
    ),
    on="two-inputs",
)
wrong(
    "missing-projection",
    (
        'q, k, v = einsum("btc,nce->nbte", x, self.w)',
        'q, k, _ = einsum("btc,nce->nbte", x, self.w)\n        v = x',
    ),
    at="v = x",
)
wrong("missing-projection", ('q, k, v = einsum("btc,nce->nbte", x, self.w)', "q = k = v = x"), alone=True)
wrong("weigh-wrong-tensor", ('"bij,bje->bie", weights, v', '"bij,bje->bie", weights, q'))
wrong("batch-mixing", ('"bie,bje->bij", q, k', '"bie,aje->bij", q, k'))
wrong("batch-mixing", ('"bij,bje->bie", weights, v', '"bij,aje->bie", weights, v'), on="with-bias")
wrong("wrong-output-shape", ('"bij,bje->bie", weights, v', '"bij,bje->bei", weights, v'))
wrong("wrong-output-shape", ('"bij,bje->bie", weights, v', '"bij,bje->be", weights, v'), on="two-inputs")
wrong(
    "extra-residual",
    ('return einsum("bij,bje->bie", weights, v)', 'return x + einsum("bij,bje->bie", weights, v)'),
)
wrong(
    "extra-normalization",
    (
        'return einsum("bij,bje->bie", weights, v)',
        'return nn.functional.layer_norm(einsum("bij,bje->bie", weights, v), x.shape[-1:])',
    ),
)
wrong(
    "unregistered-parameters",
    (
        "self.w = nn.Parameter(torch.empty(3, channels, channels))",
        "self.w = torch.empty(3, channels, channels, requires_grad=True)",
    ),
    at="self.w = ",
)
wrong("detached-graph", ('"bij,bje->bie", weights, v', '"bij,bje->bie", weights, v.detach()'))
wrong(
    "detached-graph",
    (
        'k, v = einsum("bsc,nce->nbse", memory, self.w[1:])',
        'k, v = einsum("bsc,nce->nbse", memory, self.w.data[1:])',
    ),
    on="two-inputs",
)
wrong(
    "unexpected-mask",
    (
        "        weights = logits",
        "        logits = logits.masked_fill(torch.ones_like(logits).tril() == 0, -1e30)\n        weights = logits",
    ),
    at="tril",
)
wrong(
    "swapped-inputs",
    ('"btc,ce->bte", x, self.w[0]', '"btc,ce->bte", memory, self.w[0]'),
    ("memory, self.w[1:]", "x, self.w[1:]"),
    on="two-inputs",
    alone=True,
)
wrong(
    "builtin-used",
    (
        "        weights = logits.softmax(dim=-1)\n",
        "        return nn.functional.scaled_dot_product_attention(q, k, v)\n        weights = logits.softmax(dim=-1)\n",
    ),
    at="scaled_dot",
)
wrong("nondeterministic", ("logits.softmax(dim=-1)", "nn.functional.gumbel_softmax(logits, dim=-1)"))
wrong(
    "not-implemented",
    (
        '        q, k, v = einsum("btc,nce->nbte", x, self.w)\n',
        '        # your code here\n        pass\n\n    def unfinished(self, x):\n        q, k, v = einsum("btc,nce->nbte", x, self.w)\n',
    ),
    at=("        pass", "def forward"),
    also=("wrong-output-type",),
)
