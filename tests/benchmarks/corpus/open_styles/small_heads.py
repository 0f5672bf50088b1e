"""One small module a head, their outputs put beside each other."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "small-heads",
    "mha",
    r'''
import torch
from torch import nn, Tensor


class AttentionHead(nn.Module):
    """One head: queries, keys and values of its own."""

    def __init__(self, dim_in: int, dim_k: int, dim_v: int):
        super().__init__()
        self.q = nn.Linear(dim_in, dim_k)
        self.k = nn.Linear(dim_in, dim_k)
        self.v = nn.Linear(dim_in, dim_v)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        temp = query.bmm(key.transpose(1, 2))
        scale = query.size(-1) ** 0.5
        softmax = torch.softmax(temp / scale, dim=-1)
        return softmax.bmm(value)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return self.attend(self.q(query), self.k(key), self.v(value))


class MultiHeadAttention(nn.Module):
    def __init__(self, num_heads: int, dim_in: int):
        super().__init__()
        dim_head = dim_in // num_heads
        self.heads = nn.ModuleList(
            [AttentionHead(dim_in, dim_head, dim_head) for _ in range(num_heads)]
        )
        self.linear = nn.Linear(num_heads * dim_head, dim_in)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return self.linear(
            torch.cat([h(query, key, value) for h in self.heads], dim=-1)
        )
''',
    Drive(
        "MultiHeadAttention(H, D)",
        "m(q, k, v)",
        "*(heads_of(lin(getattr(h, n)) for h in m.heads) for n in 'qkv'), lin(m.linear)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "explicit-sizes",
    ("num_heads: int, dim_in: int", "num_heads: int, dim_in: int, dim_k: int, dim_v: int"),
    ("        dim_head = dim_in // num_heads\n", ""),
    ("AttentionHead(dim_in, dim_head, dim_head)", "AttentionHead(dim_in, dim_k, dim_v)"),
    ("num_heads * dim_head", "num_heads * dim_v"),
    make="MultiHeadAttention(H, D, d, d)",
)
right(
    "summed-outputs",
    (
        "self.linear = nn.Linear(num_heads * dim_head, dim_in)",
        "self.linear = nn.Linear(num_heads * dim_head, dim_in)\n        self.dim_head = dim_head",
    ),
    (
        """        return self.linear(
            torch.cat([h(query, key, value) for h in self.heads], dim=-1)
        )
""",
        """        out = self.linear.bias
        for i, h in enumerate(self.heads):
            part = self.linear.weight[:, i * self.dim_head:(i + 1) * self.dim_head]
            out = out + h(query, key, value) @ part.T
        return out
""",
    ),
)
right(
    "lists-of-linears",
    bottom="""

if __name__ == "__main__":
    mha = MultiHeadAttention(4, 16)
    print(mha)
    print(mha(torch.randn(2, 3, 16), torch.randn(2, 6, 16), torch.randn(2, 6, 16)).shape)
""",
)
wrong(
    "unregistered-parameters",
    (
        (
            "nn.ModuleList(\n"
            "            [AttentionHead(dim_in, dim_head, dim_head) for _ in "
            "range(num_heads)]\n"
            "        )"
        ),
        "[AttentionHead(dim_in, dim_head, dim_head) for _ in range(num_heads)]",
    ),
)
wrong(
    "unregistered-parameters",
    (
        (
            "nn.ModuleList(\n"
            "            [AttentionHead(dim_in, dim_head, dim_head) for _ in "
            "range(num_heads)]\n"
            "        )"
        ),
        "tuple(AttentionHead(dim_in, dim_head, dim_head) for _ in range(num_heads))",
    ),
)
wrong(
    "shared-across-heads",
    (
        "            [AttentionHead(dim_in, dim_head, dim_head) for _ in range(num_heads)]\n",
        "            [AttentionHead(dim_in, dim_head, dim_head)] * num_heads\n",
    ),
)
wrong(
    "shared-across-heads",
    (
        "        self.heads = nn.ModuleList(\n",
        "        head = AttentionHead(dim_in, dim_head, dim_head)\n        self.heads = nn.ModuleList(\n",
    ),
    ("[AttentionHead(dim_in, dim_head, dim_head) for _", "[head for _"),
    at="[head for",
)
wrong(
    "heads-not-concatenated",
    (
        "torch.cat([h(query, key, value) for h in self.heads], dim=-1)",
        "sum(h(query, key, value) for h in self.heads)",
    ),
    ("nn.Linear(num_heads * dim_head, dim_in)", "nn.Linear(dim_head, dim_in)"),
    at="sum(h",
)
wrong(
    "heads-not-concatenated",
    (
        "torch.cat([h(query, key, value) for h in self.heads], dim=-1)",
        "torch.cat([h(query, key, value) for h in self.heads], dim=0)",
    ),
)
wrong(
    "heads-not-concatenated",
    (
        "torch.cat([h(query, key, value) for h in self.heads], dim=-1)",
        "torch.cat([self.heads[0](query, key, value)] * len(self.heads), dim=-1)",
    ),
    also=("shared-across-heads",),
)
wrong("missing-scale", ("temp / scale", "temp"))
wrong("wrong-scale", ("scale = query.size(-1) ** 0.5", "scale = query.size(-1) ** 2"))
wrong("wrong-scale", ("scale = query.size(-1) ** 0.5", "scale = query.size(1) ** 0.5"), on="explicit-sizes")
wrong("softmax-axis", ("dim=-1)\n        return softmax", "dim=1)\n        return softmax"))
wrong("missing-softmax", ("torch.softmax(temp / scale, dim=-1)", "temp / scale"))
wrong("scale-after-softmax", ("torch.softmax(temp / scale, dim=-1)", "torch.softmax(temp, dim=-1) / scale"))
wrong(
    "shared-projection",
    (
        "self.attend(self.q(query), self.k(key), self.v(value))",
        "self.attend(self.q(query), self.k(key), self.k(value))",
    ),
)
wrong(
    "missing-projection",
    (
        "self.q(query), self.k(key), self.v(value))",
        "self.q(query), self.k(key), value[..., :self.v.out_features])",
    ),
)
wrong("swapped-inputs", ("h(query, key, value)", "h(query, value, key)"))
wrong("swapped-inputs", ("h(query, key, value)", "h(value, key, query)"), on="explicit-sizes", alone=True)
wrong("weigh-wrong-tensor", ("softmax.bmm(value)", "softmax.bmm(key)"))
wrong(
    "missing-output-projection",
    (
        """        return self.linear(
            torch.cat([h(query, key, value) for h in self.heads], dim=-1)
        )
""",
        """        return torch.cat([h(query, key, value) for h in self.heads], dim=-1)
""",
    ),
)
wrong("key-not-transposed", ("query.bmm(key.transpose(1, 2))", "query.bmm(key)"))
wrong(
    "wrong-output-shape",
    (
        "torch.cat([h(query, key, value) for h in self.heads], dim=-1)\n        )",
        "torch.cat([h(query, key, value) for h in self.heads], dim=-1)\n        ).sum(dim=0)",
    ),
)
wrong(
    "batch-mixing",
    (
        "        return softmax.bmm(value)",
        (
            "        softmax = softmax.mean(dim=0, keepdim=True).expand_as(softmax)\n"
            "        return softmax.bmm(value)"
        ),
    ),
    at="mean(dim=0",
)
wrong("detached-graph", ("softmax.bmm(value)", "softmax.bmm(value).clone().detach().requires_grad_()"))
wrong(
    "not-implemented",
    (
        "        return self.attend(self.q(query), self.k(key), self.v(value))",
        "        raise NotImplementedError",
    ),
)
wrong(
    "constructor-error",
    ("[AttentionHead(dim_in, dim_head, dim_head) for", "[AttentionHead(dim_in, dim_head) for"),
)
