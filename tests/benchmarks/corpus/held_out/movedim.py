"""unflatten, movedim, flatten: no view in sight; the scale as a property, addcmul-free, weights kept as an attribute."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "movedim",
    "mha",
    r"""
import torch
from torch import nn


class MultiHeadAttn(nn.Module):
    def __init__(self, d_model, n_head, attn_dropout=0.1):
        super().__init__()
        self.n_head = n_head
        self.qkv_net = nn.ModuleDict({name: nn.Linear(d_model, d_model) for name in ("q", "k", "v")})
        self.o_net = nn.Linear(d_model, d_model)
        self.attn_drop = nn.Dropout(attn_dropout)
        self.last_weights = None

    @property
    def scale(self):
        return (self.o_net.in_features // self.n_head) ** -0.5

    def heads(self, name, tensor):
        tensor = self.qkv_net[name](tensor)
        return tensor.unflatten(-1, (self.n_head, -1)).movedim(-2, -3)

    def forward(self, query, key, value, hide=None):
        q = self.heads("q", query)
        k = self.heads("k", key)
        v = self.heads("v", value)
        sim = torch.matmul(q, k.movedim(-1, -2)) * self.scale
        if hide is not None:
            sim = sim - 1e9 * hide.unsqueeze(-3)
        attn = sim.softmax(-1)
        self.last_weights = attn.detach()
        attn = self.attn_drop(attn)
        out = torch.matmul(attn, v)
        out = out.movedim(-3, -2).flatten(-2)
        return self.o_net(out)
""",
    Drive(
        "MultiHeadAttn(D, H, P)",
        "m(q, k, v)",
        "*(lin(m.qkv_net[n]) for n in 'qkv'), lin(m.o_net)",
        "m(q, k, v, (~keep).double())",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "heads-last",
    (
        "tensor.unflatten(-1, (self.n_head, -1)).movedim(-2, -3)",
        "tensor.unflatten(-1, (-1, self.n_head)).movedim(-1, -3)",
    ),
    ("out.movedim(-3, -2).flatten(-2)", "out.movedim(-3, -1).flatten(-2)"),
    weights="*(fused(lin(m.qkv_net[n]), 'k d h', H, 1)[0] for n in 'qkv'), rows_by(lin(m.o_net), 'd h', H)",
)
right(
    "swapdims-adjoint",
    ("k.movedim(-1, -2)", "k.adjoint()"),
    (".movedim(-2, -3)", ".swapdims(1, 2)"),
    ("out.movedim(-3, -2).flatten(-2)", "out.moveaxis(1, 2).flatten(start_dim=2, end_dim=3)"),
)
right(
    "boolean-hide",
    ("sim = sim - 1e9 * hide.unsqueeze(-3)", "sim = sim.masked_fill(hide.unsqueeze(-3), -1e9)"),
    masked="m(q, k, v, ~keep)",
)
right(
    "weight-norm",
    (
        "nn.Linear(d_model, d_model) for name",
        "nn.utils.parametrizations.weight_norm(nn.Linear(d_model, d_model)) for name",
    ),
)
wrong("missing-scale", (" * self.scale\n", "\n"))
wrong("wrong-scale", ("(self.o_net.in_features // self.n_head) ** -0.5", "self.o_net.in_features ** -0.5"))
wrong("wrong-scale", ("self.n_head) ** -0.5", "self.n_head) ** -1"))
wrong("wrong-scale", ("self.n_head) ** -0.5", "self.n_head) ** 0.5"), on="heads-last")
wrong("scale-after-softmax", (" * self.scale\n", "\n"), ("sim.softmax(-1)", "sim.softmax(-1) * self.scale"))
wrong("softmax-axis", ("sim.softmax(-1)", "sim.softmax(-2)"))
wrong("softmax-axis", ("sim.softmax(-1)", "sim.softmax(1)"), on="boolean-hide")
wrong("missing-softmax", ("attn = sim.softmax(-1)", "attn = sim"))
wrong(
    "mask-missing",
    ("            sim = sim - 1e9 * hide.unsqueeze(-3)\n", "            sim - 1e9 * hide.unsqueeze(-3)\n"),
)
wrong("mask-fill-value", ("1e9 * hide", "1e-9 * hide"), also=("mask-missing",))
wrong("mask-fill-value", ("-1e9", "-1.0"), on="boolean-hide")
wrong(
    "mask-after-softmax",
    (
        "        if hide is not None:\n            sim = sim.masked_fill(hide.unsqueeze(-3), -1e9)\n        attn = sim.softmax(-1)\n",
        "        attn = sim.softmax(-1)\n        if hide is not None:\n            attn = attn.masked_fill(hide.unsqueeze(-3), 0)\n",
    ),
    on="boolean-hide",
    at="attn.masked_fill",
)
wrong("shared-projection", ('k = self.heads("k", key)', 'k = self.heads("q", key)'))
wrong("shared-projection", ('v = self.heads("v", value)', 'v = self.heads("k", value)'), on="heads-last")
wrong(
    "missing-projection",
    (
        "        tensor = self.qkv_net[name](tensor)\n",
        '        tensor = self.qkv_net[name](tensor) if name != "v" else tensor\n',
    ),
)
wrong(
    "swapped-inputs",
    ('self.heads("k", key)', 'self.heads("k", value)'),
    ('self.heads("v", value)', 'self.heads("v", key)'),
)
wrong(
    "swapped-inputs",
    ("torch.matmul(q, k.movedim(-1, -2))", "torch.matmul(q, v.movedim(-1, -2))"),
    ("torch.matmul(attn, v)", "torch.matmul(attn, k)"),
    on="boolean-hide",
)
wrong(
    "split-without-transpose",
    (
        "tensor.unflatten(-1, (self.n_head, -1)).movedim(-2, -3)",
        "tensor.flatten(1).unflatten(-1, (self.n_head, -1, self.qkv_net[name].out_features // self.n_head))",
    ),
)
wrong("merge-without-transpose", ("out.movedim(-3, -2).flatten(-2)", "out.reshape(query.shape)"))
wrong("non-contiguous-view", ("out.movedim(-3, -2).flatten(-2)", "out.movedim(-3, -2).view(query.shape)"))
wrong("heads-not-concatenated", ("out.movedim(-3, -2).flatten(-2)", "out.mean(-3)"))
wrong("weigh-wrong-tensor", ("torch.matmul(attn, v)", "torch.matmul(attn, k)"))
wrong(
    "weigh-wrong-tensor",
    ("torch.matmul(attn, v)", "torch.matmul(sim, v)"),
    also=("missing-softmax",),
    on="weight-norm",
    alone=True,
)
wrong("dropout-missing", ("        attn = self.attn_drop(attn)\n", ""))
wrong("dropout-in-eval", ("self.attn_drop(attn)", "nn.functional.dropout(attn, self.attn_drop.p, True)"))
wrong("missing-output-projection", ("return self.o_net(out)", "return out"))
wrong("extra-residual", ("return self.o_net(out)", "return self.o_net(out) + query"))
wrong(
    "extra-normalization",
    (
        "        self.last_weights = None\n",
        "        self.last_weights = None\n        self.layer_norm = nn.LayerNorm(d_model)\n",
    ),
    ("return self.o_net(out)", "return self.layer_norm(self.o_net(out))"),
    at="return self.layer_norm",
)
wrong(
    "detached-graph",
    (
        "        self.last_weights = attn.detach()\n",
        "        attn = attn.detach()\n        self.last_weights = attn\n",
    ),
    at="attn = attn.detach()",
)
wrong(
    "unregistered-parameters",
    (
        'nn.ModuleDict({name: nn.Linear(d_model, d_model) for name in ("q", "k", "v")})',
        '{name: nn.Linear(d_model, d_model) for name in ("q", "k", "v")}',
    ),
)
