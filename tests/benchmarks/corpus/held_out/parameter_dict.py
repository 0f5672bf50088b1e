"""One head, its matrices in an nn.ParameterDict, F.linear, an optional output map, addmm-free."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "parameter-dict",
    "single-head",
    r"""
import torch
import torch.nn.functional as F
from torch import nn


class OneHead(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.weights = nn.ParameterDict({
            "q": nn.Parameter(torch.empty(size, size)),
            "k": nn.Parameter(torch.empty(size, size)),
            "v": nn.Parameter(torch.empty(size, size)),
        })
        self.biases = nn.ParameterDict({name: nn.Parameter(torch.zeros(size)) for name in "qkv"})
        for weight in self.weights.values():
            nn.init.xavier_uniform_(weight)

    def project(self, name, x):
        return F.linear(x, self.weights[name], self.biases[name])

    def forward(self, queries, keys, values):
        Q = self.project("q", queries)
        K = self.project("k", keys)
        V = self.project("v", values)
        similarity = torch.einsum("nqc,nkc->nqk", Q, K)
        similarity = similarity * self.size ** -0.5
        attention = F.softmax(similarity, dim=2)
        return torch.einsum("nqk,nkc->nqc", attention, V)
""",
    Drive(
        "OneHead(D)",
        "m(q, k, v)",
        "*(raw(m.weights[n].T, m.biases[n]) for n in 'qkv'),",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "one-input",
    ("queries, keys, values):", "x):"),
    ('"q", queries)', '"q", x)'),
    ('"k", keys)', '"k", x)'),
    ('"v", values)', '"v", x)'),
    call="m(x)",
    inputs="x",
)
right(
    "output-map",
    (
        '            "v": nn.Parameter(torch.empty(size, size)),\n',
        '            "v": nn.Parameter(torch.empty(size, size)),\n            "o": nn.Parameter(torch.empty(size, size)),\n',
    ),
    ('for name in "qkv"})', 'for name in "qkvo"})'),
    (
        'return torch.einsum("nqk,nkc->nqc", attention, V)',
        'return self.project("o", torch.einsum("nqk,nkc->nqc", attention, V)), attention',
    ),
    call="m(q, k, v)[0]",
    weights="*(raw(m.weights[n].T, m.biases[n]) for n in 'qkvo'),",
)
right(
    "parameter-list",
    (
        (
            'nn.ParameterDict({\n            "q": nn.Parameter(torch.empty(size, size)),\n            "k": nn.Parameter(torch.empty(size, size)),\n'
            '            "v": nn.Parameter(torch.empty(size, size)),\n        })'
        ),
        "nn.ParameterList([torch.empty(size, size) for _ in range(3)])",
    ),
    (
        'nn.ParameterDict({name: nn.Parameter(torch.zeros(size)) for name in "qkv"})',
        "nn.ParameterList(torch.zeros(size) for _ in range(3))",
    ),
    ("self.weights.values()", "self.weights"),
    ('"q", queries', "0, queries"),
    ('"k", keys', "1, keys"),
    ('"v", values', "2, values"),
    weights="*(raw(m.weights[n].T, m.biases[n]) for n in range(3)),",
)
right(
    "mask",
    ("queries, keys, values):", "queries, keys, values, padding=None):"),
    (
        "        attention = F",
        "        if padding is not None:\n            similarity = similarity.masked_fill(padding[:, None, :], -1e20)\n        attention = F",
    ),
    masked="m(q, k, v, ~keep[:, 0])",
    keep="pad",
)
wrong("shared-projection", ('self.project("k", keys)', 'self.project("q", keys)'))
wrong(
    "shared-projection",
    ('self.project("k", keys)', 'self.project("q", keys)'),
    ('self.project("v", values)', 'self.project("q", values)'),
    on="output-map",
)
wrong("missing-projection", ('V = self.project("v", values)', "V = values"))
wrong("missing-projection", ('Q = self.project("q", queries)', "Q = queries"), on="output-map")
wrong(
    "swapped-inputs",
    ('self.project("k", keys)', 'self.project("k", values)'),
    ('self.project("v", values)', 'self.project("v", keys)'),
)
wrong(
    "swapped-inputs",
    ('"nqc,nkc->nqk", Q, K', '"nqc,nkc->nqk", Q, V'),
    ("attention, V", "attention, K"),
    on="output-map",
)
wrong("missing-scale", ("        similarity = similarity * self.size ** -0.5\n", ""))
wrong("wrong-scale", ("self.size ** -0.5", "self.size ** 0.5"))
wrong("wrong-scale", ("* self.size ** -0.5", "/ self.size"), on="parameter-list")
wrong(
    "scale-after-softmax",
    ("        similarity = similarity * self.size ** -0.5\n", ""),
    ("F.softmax(similarity, dim=2)", "F.softmax(similarity, dim=2) * self.size ** -0.5"),
)
wrong("softmax-axis", ("F.softmax(similarity, dim=2)", "F.softmax(similarity, dim=1)"))
wrong("missing-softmax", ("attention = F.softmax(similarity, dim=2)", "attention = similarity"))
wrong(
    "unstable-softmax",
    (
        "        attention = F.softmax(similarity, dim=2)\n",
        "        attention = torch.exp(similarity)\n        attention = attention / attention.sum(dim=2, keepdim=True)\n",
    ),
    at="torch.exp(",
)
wrong("wrong-value", ("F.softmax(similarity, dim=2)", "F.relu(similarity)"), also=("missing-softmax",))
wrong("weigh-wrong-tensor", ('"nqk,nkc->nqc", attention, V', '"nqk,nkc->nqc", attention, K'))
wrong("batch-mixing", ('"nqc,nkc->nqk", Q, K', '"nqc,mkc->nqk", Q, K'))
wrong("batch-mixing", ('"nqk,nkc->nqc", attention, V', '"nqk,mkc->nqc", attention, V'), on="one-input")
wrong(
    "unexpected-mask",
    (
        "        attention = F",
        "        similarity = similarity + torch.full_like(similarity, -1e9).triu(1)\n        attention = F",
    ),
    at="triu",
)
wrong(
    "unregistered-parameters",
    ("self.weights = nn.ParameterDict({", "self.weights = dict({"),
    at=("dict({",),
    alone=True,
)
wrong(
    "unregistered-parameters",
    (
        'self.biases = nn.ParameterDict({name: nn.Parameter(torch.zeros(size)) for name in "qkv"})',
        'self.biases = {name: torch.full((size,), 0.1) for name in "qkv"}',
    ),
)
wrong(
    "extra-residual",
    (
        'return torch.einsum("nqk,nkc->nqc", attention, V)',
        'return queries + torch.einsum("nqk,nkc->nqc", attention, V)',
    ),
)
wrong(
    "extra-normalization",
    (
        'return torch.einsum("nqk,nkc->nqc", attention, V)',
        'return F.layer_norm(torch.einsum("nqk,nkc->nqc", attention, V), (self.size,))',
    ),
)
wrong("wrong-output-shape", ('"nqk,nkc->nqc", attention, V', '"nqk,nkc->nc", attention, V'))
wrong("wrong-output-shape", ('"nqk,nkc->nqc", attention, V', '"nqk,nkc->ncq", attention, V'), on="one-input")
wrong("detached-graph", ("attention, V)", "attention, V.detach())"))
wrong(
    "mask-missing",
    ("            similarity = similarity.masked_fill(", "            similarity.masked_fill("),
    on="mask",
)
wrong("mask-fill-value", ("-1e20", "-1"), on="mask")
wrong(
    "builtin-used",
    (
        '        similarity = torch.einsum("nqc,nkc->nqk", Q, K)\n',
        (
            "        return F.scaled_dot_product_attention(Q, K, V)\n"
            '        similarity = torch.einsum("nqc,nkc->nqk", Q, K)\n'
        ),
    ),
    at="scaled_dot",
)
wrong(
    "nan-output",
    ("self.size ** -0.5\n", "self.size ** -0.5\n        similarity = similarity.log().exp()\n"),
    at="log()",
)
wrong(
    "mutates-input",
    (
        '        V = self.project("v", values)\n',
        '        V = self.project("v", values)\n        values.mul_(0)\n',
    ),
    at="values.mul_",
)
wrong("crash", ('self.project("v", values)', 'self.project("value", values)'))
