"""StatQuest: one head, row_dim and col_dim, True means hidden."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "statquest",
    "single-head",
    r"""
import torch ## torch let's us create tensors and also provides helper functions
import torch.nn as nn ## torch.nn gives us nn.Module(), nn.Linear()
import torch.nn.functional as F # This gives us the softmax()

class Attention(nn.Module):

    def __init__(self, d_model=2, row_dim=0, col_dim=1):
        super().__init__()

        self.d_model = d_model
        self.W_q = nn.Linear(in_features=d_model, out_features=d_model, bias=False)
        self.W_k = nn.Linear(in_features=d_model, out_features=d_model, bias=False)
        self.W_v = nn.Linear(in_features=d_model, out_features=d_model, bias=False)

        self.row_dim = row_dim
        self.col_dim = col_dim

    def forward(self, encodings_for_q, encodings_for_k, encodings_for_v, mask=None):
        q = self.W_q(encodings_for_q)
        k = self.W_k(encodings_for_k)
        v = self.W_v(encodings_for_v)

        sims = torch.matmul(q, k.transpose(dim0=self.row_dim, dim1=self.col_dim))

        scaled_sims = sims / torch.tensor(k.size(self.col_dim)**0.5)

        if mask is not None:
            scaled_sims = scaled_sims.masked_fill(mask=mask, value=-1e9) # I've also seen -1e20 and -9e15 used

        attention_percents = F.softmax(scaled_sims, dim=self.col_dim)

        attention_scores = torch.matmul(attention_percents, v)

        return attention_scores
""",
    Drive(
        "Attention(D)",
        "m(q, k, v)",
        "lin(m.W_q), lin(m.W_k), lin(m.W_v)",
        "m(q, k, v, mask=~keep)",
        heads=False,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

STYLE.source = STYLE.source.replace("row_dim=0, col_dim=1", "row_dim=1, col_dim=2")
right(
    "self-only",
    ("encodings_for_q, encodings_for_k, encodings_for_v, mask=None", "token_encodings, mask=None"),
    ("(encodings_for_q)", "(token_encodings)"),
    ("(encodings_for_k)", "(token_encodings)"),
    ("(encodings_for_v)", "(token_encodings)"),
    call="m(x)",
    masked="m(x, ~keep)",
    inputs="x",
)
right("last-dims", ("row_dim=1, col_dim=2", "row_dim=-2, col_dim=-1"))
right(
    "no-mask",
    (", mask=None", ""),
    (
        (
            "        if mask is not None:\n"
            "            scaled_sims = scaled_sims.masked_fill(mask=mask, value=-1e9) # I've "
            "also seen -1e20 and -9e15 used\n"
            "\n"
        ),
        "",
    ),
    masked="",
)
wrong("missing-scale", ("scaled_sims = sims / torch.tensor(k.size(self.col_dim)**0.5)", "scaled_sims = sims"))
wrong("wrong-scale", ("k.size(self.col_dim)", "k.size(self.row_dim)"))
wrong(
    "softmax-axis",
    ("dim=self.col_dim)\n\n        attention_scores", "dim=self.row_dim)\n\n        attention_scores"),
)
wrong("missing-softmax", ("F.softmax(scaled_sims, dim=self.col_dim)", "scaled_sims"))
wrong("shared-projection", ("k = self.W_k(", "k = self.W_q("))
wrong("missing-projection", ("v = self.W_v(encodings_for_v)", "v = encodings_for_v"))
wrong(
    "swapped-inputs",
    ("self.W_q(encodings_for_q)", "self.W_q(encodings_for_k)"),
    alone=True,
    also=("wrong-value",),
)
wrong("mask-inverted", ("mask=mask, value", "mask=~mask, value"))
wrong("mask-fill-value", ("value=-1e9", "value=1e-9"))
wrong(
    "mask-missing",
    ("            scaled_sims = scaled_sims.masked_fill(", "            scaled_sims.masked_fill("),
)
wrong("weigh-wrong-tensor", ("torch.matmul(attention_percents, v)", "torch.matmul(attention_percents, k)"))
wrong("key-not-transposed", ("k.transpose(dim0=self.row_dim, dim1=self.col_dim)", "k"))
wrong(
    "unexpected-mask",
    (
        "        attention_percents = ",
        (
            "        scaled_sims = scaled_sims + torch.full_like(scaled_sims, -1e9).triu(1)\n"
            "        attention_percents = "
        ),
    ),
    at="triu",
    on="no-mask",
)
wrong(
    "extra-normalization",
    ("        return attention_scores", "        return F.normalize(attention_scores, dim=-1)"),
)
wrong(
    "mutates-input",
    (
        "        q = self.W_q(encodings_for_q)\n",
        "        encodings_for_q *= self.d_model**0.5\n        q = self.W_q(encodings_for_q)\n",
    ),
    ("sims / torch.tensor(k.size(self.col_dim)**0.5)", "sims / k.size(self.col_dim)"),
    at="*= self.d_model",
)
wrong("constructor-error", ("out_features=d_model, bias=False)\n\n", "out_feature=d_model, bias=False)\n\n"))
wrong("crash", ("(attention_percents, v)", "(attention_percent, v)"))
