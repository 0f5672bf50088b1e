"""jadore801120's Transformer: temperature, d_k and d_v given."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "jadore",
    "mha",
    r'''
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class ScaledDotProductAttention(nn.Module):
    """ Scaled Dot-Product Attention """

    def __init__(self, temperature, attn_dropout=0.1):
        super().__init__()
        self.temperature = temperature
        self.dropout = nn.Dropout(attn_dropout)

    def forward(self, q, k, v, mask=None):
        attn = torch.matmul(q / self.temperature, k.transpose(2, 3))

        if mask is not None:
            attn = attn.masked_fill(mask == 0, -1e9)

        attn = self.dropout(F.softmax(attn, dim=-1))
        output = torch.matmul(attn, v)

        return output, attn


class MultiHeadAttention(nn.Module):
    """ Multi-Head Attention module """

    def __init__(self, n_head, d_model, d_k, d_v, dropout=0.1):
        super().__init__()

        self.n_head = n_head
        self.d_k = d_k
        self.d_v = d_v

        self.w_qs = nn.Linear(d_model, n_head * d_k, bias=False)
        self.w_ks = nn.Linear(d_model, n_head * d_k, bias=False)
        self.w_vs = nn.Linear(d_model, n_head * d_v, bias=False)
        self.fc = nn.Linear(n_head * d_v, d_model, bias=False)

        nn.init.normal_(self.w_qs.weight, mean=0, std=np.sqrt(2.0 / (d_model + d_k)))
        nn.init.xavier_normal_(self.fc.weight)

        self.attention = ScaledDotProductAttention(temperature=d_k ** 0.5, attn_dropout=dropout)
        self.dropout = nn.Dropout(dropout)

    def forward(self, q, k, v, mask=None):
        d_k, d_v, n_head = self.d_k, self.d_v, self.n_head
        sz_b, len_q, len_k, len_v = q.size(0), q.size(1), k.size(1), v.size(1)

        # Pass through the pre-attention projection: b x lq x (n*dv)
        # Separate different heads: b x lq x n x dv
        q = self.w_qs(q).view(sz_b, len_q, n_head, d_k)
        k = self.w_ks(k).view(sz_b, len_k, n_head, d_k)
        v = self.w_vs(v).view(sz_b, len_v, n_head, d_v)

        # Transpose for attention dot product: b x n x lq x dv
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

        if mask is not None:
            mask = mask.unsqueeze(1)   # For head axis broadcasting.

        q, attn = self.attention(q, k, v, mask=mask)

        # Transpose to move the head dimension back: b x lq x n x dv
        # Combine the last two dimensions to concatenate all the heads together: b x lq x (n*dv)
        q = q.transpose(1, 2).contiguous().view(sz_b, len_q, -1)
        q = self.dropout(self.fc(q))

        return q, attn
''',
    Drive(
        "MultiHeadAttention(H, D, d, d, P)",
        "m(q, k, v)[0]",
        "lin(m.w_qs), lin(m.w_ks), lin(m.w_vs), lin(m.fc)",
        "m(q, k, v, mask=watch(keep.double()))[0]",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "folded-heads",
    (
        """        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

        if mask is not None:
            mask = mask.unsqueeze(1)   # For head axis broadcasting.
""",
        """        q = q.permute(2, 0, 1, 3).contiguous().view(-1, len_q, d_k) # (n*b) x lq x dk
        k = k.permute(2, 0, 1, 3).contiguous().view(-1, len_k, d_k) # (n*b) x lk x dk
        v = v.permute(2, 0, 1, 3).contiguous().view(-1, len_v, d_v) # (n*b) x lv x dv

        if mask is not None:
            mask = mask.repeat(n_head, 1, 1) # (n*b) x .. x ..
""",
    ),
    ("k.transpose(2, 3)", "k.transpose(1, 2)"),
    (
        "        q = q.transpose(1, 2).contiguous().view(sz_b, len_q, -1)\n",
        (
            "        q = q.view(n_head, sz_b, len_q, d_v).permute(1, 2, 0, "
            "3).contiguous().view(sz_b, len_q, -1)\n"
        ),
    ),
)
right("pad-mask", masked="m(q, k, v, keep[:, :1])[0]", keep="pad")
right("bool-drop", ("mask == 0, -1e9", "mask, -np.inf"), masked="m(q, k, v, mask=~keep)[0]")
right("weights-averaged", ("return q, attn", "return q, attn.mean(dim=1)"))
wrong(
    "batch-mixing",
    (
        "mask = mask.repeat(n_head, 1, 1) # (n*b) x .. x ..",
        "mask = mask.repeat_interleave(n_head, dim=0) # (n*b) x .. x ..",
    ),
    on="folded-heads",
    alone=True,
    also=("wrong-value", "mask-missing"),
)
wrong(
    "batch-mixing",
    (
        "q.view(n_head, sz_b, len_q, d_v).permute(1, 2, 0, 3)",
        "q.view(sz_b, n_head, len_q, d_v).permute(0, 2, 1, 3)",
    ),
    on="folded-heads",
    alone=True,
    also=("merge-without-transpose",),
)
wrong("missing-scale", ("q / self.temperature", "q"))
wrong("wrong-scale", ("temperature=d_k ** 0.5", "temperature=d_model ** 0.5"))
wrong("wrong-scale", ("k.transpose(2, 3))", "k.transpose(2, 3) / self.temperature)"), on="pad-mask")
wrong("mask-inverted", ("mask == 0", "mask != 0"))
wrong("mask-missing", ("self.attention(q, k, v, mask=mask)", "self.attention(q, k, v)"))
wrong("mask-fill-value", ("-1e9", "-1e-9"))
wrong(
    "mutates-input",
    (
        "            attn = attn.masked_fill(mask == 0, -1e9)\n",
        (
            "            mask[mask == 0] = -1e9\n"
            "            mask[mask == 1] = 0\n"
            "            attn = attn + mask\n"
        ),
    ),
    at="mask[mask == ",
)
wrong("mutates-input", ("            mask = mask.unsqueeze(1)   #", "            mask.unsqueeze_(1)   #"))
wrong("softmax-axis", ("F.softmax(attn, dim=-1)", "F.softmax(attn, dim=2)"))
wrong("missing-softmax", ("self.dropout(F.softmax(attn, dim=-1))", "self.dropout(attn)"))
wrong(
    "dropout-in-eval",
    ("self.dropout(F.softmax(attn, dim=-1))", "F.dropout(F.softmax(attn, dim=-1), self.dropout.p)"),
)
wrong("shared-projection", ("k = self.w_ks(k)", "k = self.w_qs(k)"))
wrong(
    "shared-projection",
    ("k = self.w_ks(k)", "k = self.w_qs(k)"),
    ("v = self.w_vs(v)", "v = self.w_qs(v)"),
    on="pad-mask",
)
wrong("missing-projection", ("v = self.w_vs(v).view(", "v = v.view("))
wrong(
    "cross-length",
    ("self.w_ks(k).view(sz_b, len_k, n", "self.w_ks(k).view(sz_b, len_q, n"),
    ("self.w_vs(v).view(sz_b, len_v, n", "self.w_vs(v).view(sz_b, len_q, n"),
)
wrong(
    "split-without-transpose",
    ("self.w_qs(q).view(sz_b, len_q, n_head, d_k)", "self.w_qs(q).view(sz_b, n_head, len_q, d_k)"),
    ("self.w_ks(k).view(sz_b, len_k, n_head, d_k)", "self.w_ks(k).view(sz_b, n_head, len_k, d_k)"),
    ("self.w_vs(v).view(sz_b, len_v, n_head, d_v)", "self.w_vs(v).view(sz_b, n_head, len_v, d_v)"),
    ("        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)\n", ""),
)
wrong(
    "merge-without-transpose",
    ("q.transpose(1, 2).contiguous().view(sz_b, len_q, -1)", "q.contiguous().view(sz_b, len_q, -1)"),
)
wrong(
    "non-contiguous-view",
    ("q.transpose(1, 2).contiguous().view(sz_b, len_q, -1)", "q.transpose(1, 2).view(sz_b, len_q, -1)"),
)
wrong(
    "extra-residual",
    ("        q = self.w_qs(q)", "        residual = q\n        q = self.w_qs(q)"),
    ("q = self.dropout(self.fc(q))", "q = self.dropout(self.fc(q)) + residual"),
    at="+ residual",
)
wrong(
    "extra-normalization",
    (
        "        self.n_head = n_head\n",
        "        self.n_head = n_head\n        self.layer_norm = nn.LayerNorm(d_model, eps=1e-6)\n",
    ),
    ("q = self.dropout(self.fc(q))", "q = self.layer_norm(self.dropout(self.fc(q)))"),
    at="self.layer_norm(self",
)
wrong("missing-output-projection", ("self.dropout(self.fc(q))", "self.dropout(q)"))
wrong("weigh-wrong-tensor", ("output = torch.matmul(attn, v)", "output = torch.matmul(attn, k)"))
wrong(
    "constructor-error",
    ("temperature=d_k ** 0.5, attn_dropout=dropout", "temp=d_k ** 0.5, attn_dropout=dropout"),
)
wrong("crash", ("mask = mask.unsqueeze(1)", "mask = mask.unsqueeze(5)"))
