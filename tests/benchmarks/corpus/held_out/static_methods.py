"""Typed code with keyword-only arguments, static methods and a triu mask of -inf built at each call, filled in place."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "static-methods",
    "causal-mha",
    r'''
from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskedSelfAttention(nn.Module):
    """Masked multi-head self-attention."""

    def __init__(self, *, model_dim: int, head_count: int, dropout_probability: float | None = None) -> None:
        super().__init__()
        self.model_dim = model_dim
        self.head_count = head_count
        self.queries = nn.Linear(model_dim, model_dim, bias=False)
        self.keys = nn.Linear(model_dim, model_dim, bias=False)
        self.values = nn.Linear(model_dim, model_dim, bias=False)
        self.unify_heads = nn.Linear(model_dim, model_dim)
        self.dropout = nn.Dropout(dropout_probability or 0.0)

    @staticmethod
    def split_heads(tensor: Tensor, head_count: int) -> Tensor:
        batch, length, model_dim = tensor.size()
        tensor = tensor.view(batch, length, head_count, model_dim // head_count)
        return tensor.transpose(1, 2)

    @staticmethod
    def merge_heads(tensor: Tensor) -> Tensor:
        batch, head_count, length, head_dim = tensor.size()
        return tensor.transpose(1, 2).reshape(batch, length, head_count * head_dim)

    @staticmethod
    def causal_mask(length: int, device: torch.device) -> Tensor:
        indices = torch.arange(length, device=device)
        return indices[None, :] > indices[:, None]

    @classmethod
    def attend(cls, query: Tensor, key: Tensor, value: Tensor, dropout: nn.Module | None = None) -> Tensor:
        energies = query @ key.transpose(-2, -1)
        energies /= query.size(-1) ** 0.5
        energies.masked_fill_(cls.causal_mask(query.size(-2), query.device), -torch.inf)
        weights = energies.softmax(dim=-1)
        if dropout is not None:
            weights = dropout(weights)
        return weights @ value

    def forward(self, inputs: Tensor) -> Tensor:
        query = self.split_heads(self.queries(inputs), self.head_count)
        key = self.split_heads(self.keys(inputs), self.head_count)
        value = self.split_heads(self.values(inputs), self.head_count)
        attended = self.attend(query, key, value, dropout=self.dropout)
        return self.unify_heads(self.merge_heads(attended))
''',
    Drive(
        "MaskedSelfAttention(model_dim=D, head_count=H, dropout_probability=P)",
        "m(x)",
        "lin(m.queries), lin(m.keys), lin(m.values), lin(m.unify_heads)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "where-and-finfo",
    (
        "energies.masked_fill_(cls.causal_mask(query.size(-2), query.device), -torch.inf)",
        "energies = torch.where(cls.causal_mask(query.size(-2), query.device), torch.finfo(energies.dtype).min, energies)",
    ),
)
right(
    "mask-once-and-kept",
    (
        "    def causal_mask(length: int, device: torch.device) -> Tensor:\n        indices",
        (
            "    def causal_mask(length: int, device: torch.device, _kept: dict = {}) -> Tensor:\n"
            "        if length in _kept:\n            return _kept[length]\n        indices"
        ),
    ),
    (
        "        return indices[None, :] > indices[:, None]\n",
        "        _kept[length] = indices[None, :] > indices[:, None]\n        return _kept[length]\n",
    ),
)
right(
    "indexed-assignment",
    (
        "energies.masked_fill_(cls.causal_mask(query.size(-2), query.device), -torch.inf)",
        "energies[..., cls.causal_mask(query.size(-2), query.device)] = -torch.inf",
    ),
)
right(
    "keyword-only-call",
    ("def forward(self, inputs: Tensor)", "def forward(self, *, inputs: Tensor)"),
    call="m(inputs=x)",
)
wrong("missing-scale", ("        energies /= query.size(-1) ** 0.5\n", ""))
wrong("wrong-scale", ("energies /= query.size(-1) ** 0.5", "energies *= query.size(-1) ** 0.5"))
wrong("wrong-scale", ("query.size(-1) ** 0.5", "(query.size(1) * query.size(-1)) ** 0.5"))
wrong("wrong-scale", ("query.size(-1) ** 0.5", "query.size(-1)"), on="where-and-finfo")
wrong(
    "scale-after-softmax",
    ("        energies /= query.size(-1) ** 0.5\n", ""),
    ("energies.softmax(dim=-1)", "energies.softmax(dim=-1) / query.size(-1) ** 0.5"),
)
wrong(
    "mask-missing",
    ("        energies.masked_fill_(cls.causal_mask(query.size(-2), query.device), -torch.inf)\n", ""),
)
wrong("mask-missing", ("energies.masked_fill_(", "energies.masked_fill("), on="keyword-only-call")
wrong("mask-inverted", ("indices[None, :] > indices[:, None]", "indices[None, :] < indices[:, None]"))
wrong("mask-off-by-one", ("indices[None, :] > indices[:, None]", "indices[None, :] > indices[:, None] + 1"))
wrong(
    "mask-off-by-one",
    ("indices[None, :] > indices[:, None]", "indices[None, :] >= indices[:, None]"),
    on="where-and-finfo",
    alone=True,
)
wrong("mask-fill-value", ("-torch.inf", "0.0"))
wrong(
    "mask-fill-value",
    ("torch.finfo(energies.dtype).min", "torch.finfo(energies.dtype).eps"),
    on="where-and-finfo",
)
wrong(
    "mask-after-softmax",
    (
        (
            "        energies.masked_fill_(cls.causal_mask(query.size(-2), query.device), -torch.inf)\n"
            "        weights = energies.softmax(dim=-1)\n"
        ),
        (
            "        weights = energies.softmax(dim=-1)\n"
            "        weights = weights.masked_fill(cls.causal_mask(query.size(-2), query.device), 0.0)\n"
        ),
    ),
    at="weights.masked_fill",
)
wrong("softmax-axis", ("energies.softmax(dim=-1)", "energies.softmax(dim=-2)"))
wrong(
    "softmax-axis",
    ("energies.softmax(dim=-1)", "energies.softmax(dim=1)"),
    on="keyword-only-call",
    alone=True,
    also=("nan-output", "softmax-axis+nan-output"),
)
wrong(
    "split-without-transpose",
    (
        "tensor = tensor.view(batch, length, head_count, model_dim // head_count)\n        return tensor.transpose(1, 2)",
        "return tensor.view(batch, head_count, length, model_dim // head_count)",
    ),
    at="return tensor.view(",
)
wrong("merge-without-transpose", ("tensor.transpose(1, 2).reshape(batch, l", "tensor.reshape(batch, l"))
wrong(
    "non-contiguous-view", ("tensor.transpose(1, 2).reshape(batch, l", "tensor.transpose(1, 2).view(batch, l")
)
wrong("weigh-wrong-tensor", ("return weights @ value", "return weights @ key"))
wrong("shared-projection", ("self.keys(inputs)", "self.values(inputs)"))
wrong("missing-projection", ("self.values(inputs)", "inputs"))
wrong(
    "unregistered-parameters",
    (
        "self.values = nn.Linear(model_dim, model_dim, bias=False)",
        "self.values = [nn.Linear(model_dim, model_dim, bias=False)]",
    ),
    ("self.values(inputs)", "self.values[0](inputs)"),
    at="self.values = ",
)
wrong("dropout-missing", ("value, dropout=self.dropout)", "value)"))
wrong(
    "dropout-missing",
    (
        "        self.dropout = nn.Dropout(dropout_probability or 0.0)\n",
        "        self.dropout = nn.Dropout(0.0)\n",
    ),
    on="keyword-only-call",
)
wrong(
    "dropout-in-eval", ("weights = dropout(weights)", "weights = nn.functional.dropout(weights, dropout.p)")
)
wrong(
    "missing-output-projection",
    ("return self.unify_heads(self.merge_heads(attended))", "return self.merge_heads(attended)"),
)
wrong(
    "extra-residual",
    (
        "return self.unify_heads(self.merge_heads(attended))",
        "return inputs + self.unify_heads(self.merge_heads(attended))",
    ),
)
wrong(
    "extra-normalization",
    (
        "return self.unify_heads(self.merge_heads(attended))",
        "return nn.functional.rms_norm(self.unify_heads(self.merge_heads(attended)), (self.model_dim,))",
    ),
    also=("wrong-value",),
)
wrong("detached-graph", ("return weights @ value", "return weights @ value.detach()"))
wrong(
    "not-implemented",
    (
        "        energies = query @ key.transpose(-2, -1)\n",
        "        # TODO: compute the energies\n        raise NotImplementedError\n        energies = query @ key.transpose(-2, -1)\n",
    ),
    at="raise NotImpl",
)
