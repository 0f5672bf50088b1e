"""The sheet's single head to be learned by heart, put right."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "memorised-single",
    "single-head",
    r"""
import torch
import math
import torch.nn as nn
import torch.nn.functional as F

class Attention(nn.Module):
    def __init__(self, d_k):
        super().__init__()
        self.d_k = d_k

        # 线性层可不加
        self.q_linear = nn.Linear(d_k, d_k)
        self.k_linear = nn.Linear(d_k, d_k)
        self.v_linear = nn.Linear(d_k, d_k)

    def forward(self, q, k, v):
        q = self.q_linear(q)
        k = self.k_linear(k)
        v = self.v_linear(v)
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        attention_scores = F.softmax(scores, dim = -1)
        output = torch.matmul(attention_scores, v)
        return output
""",
    Drive("Attention(D)", "m(q, k, v)", "lin(m.q_linear), lin(m.k_linear), lin(m.v_linear)", heads=False),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "demo",
    bottom="""
if __name__ == "__main__":
    d_model = 128
    model = Attention(d_model)
    batch_size = 2
    seq_len = 5
    q = torch.rand(batch_size, seq_len, d_model)
    k = torch.rand(batch_size, seq_len, d_model)
    v = torch.rand(batch_size, seq_len, d_model)
    output = model(q, k ,v)
    print("Output shape:", output.shape)
    loss = output.mean()
    loss.backward()
    print("Backward pass completed.")
""",
)
right(
    "bmm",
    ("torch.matmul(q, k.transpose(-2, -1))", "torch.bmm(q, k.permute(0, 2, 1))"),
    ("torch.matmul(attention_scores, v)", "torch.bmm(attention_scores, v)"),
    ("return output", "return output, attention_scores"),
    call="m(q, k, v)[0]",
)
right(
    "mask",
    ("q, k, v):", "q, k, v, mask=None):"),
    (
        "        attention_scores = ",
        (
            "        if mask is not None:\n"
            "            scores = scores.masked_fill(mask == 0, -1e9)\n"
            "        attention_scores = "
        ),
    ),
    masked="m(q, k, v, mask=keep)",
)
right(
    "dropout",
    ("def __init__(self, d_k):", "def __init__(self, d_k, dropout=0.1):"),
    ("        self.d_k = d_k\n", "        self.d_k = d_k\n        self.dropout = nn.Dropout(dropout)\n"),
    ("        output =", "        attention_scores = self.dropout(attention_scores)\n        output ="),
    make="Attention(D, P)",
)
wrong(
    "shared-projection",
    ("k = self.k_linear(k)", "k = self.q_linear(k)"),
    ("v = self.v_linear(v)", "v = self.q_linear(v)"),
)
wrong("shared-projection", ("k = self.k_linear(k)", "k = self.q_linear(k)"), on="dropout")
wrong(
    "missing-projection",
    ("        v = self.v_linear(v)\n", ""),
    at="torch.matmul(attention_scores, v)",
    alone=True,
)
wrong(
    "missing-projection",
    ("        q = self.q_linear(q)\n        k = self.k_linear(k)\n        v = self.v_linear(v)\n", ""),
    on="bmm",
    at="self.q_linear = ",
)
wrong("missing-scale", (" / math.sqrt(self.d_k)", ""))
wrong("wrong-scale", ("math.sqrt(self.d_k)", "self.d_k"))
wrong("wrong-scale", ("math.sqrt(self.d_k)", "math.sqrt(q.size(1))"), on="mask")
wrong("softmax-axis", ("dim = -1", "dim = 1"))
wrong("missing-softmax", ("attention_scores = F.softmax(scores, dim = -1)", "attention_scores = scores"))
wrong(
    "scale-after-softmax",
    (" / math.sqrt(self.d_k)", ""),
    ("F.softmax(scores, dim = -1)", "F.softmax(scores, dim = -1) / math.sqrt(self.d_k)"),
)
wrong("mask-inverted", ("mask == 0", "mask == 1"), on="mask")
wrong("mask-fill-value", ("-1e9", "1e-9"), on="mask")
wrong(
    "mask-missing",
    (
        "            scores = scores.masked_fill(mask == 0, -1e9)\n",
        "            scores.masked_fill(mask == 0, -1e9)\n",
    ),
    on="mask",
)
wrong(
    "mask-after-softmax",
    (
        (
            "        if mask is not None:\n"
            "            scores = scores.masked_fill(mask == 0, -1e9)\n"
            "        attention_scores = F.softmax(scores, dim = -1)\n"
        ),
        (
            "        attention_scores = F.softmax(scores, dim = -1)\n"
            "        if mask is not None:\n"
            "            attention_scores = attention_scores.masked_fill(mask == 0, 0)\n"
        ),
    ),
    on="mask",
    at="attention_scores.masked_fill",
)
wrong(
    "dropout-missing",
    ("        attention_scores = self.dropout(attention_scores)\n", ""),
    on="dropout",
    at="self.dropout = ",
)
wrong(
    "dropout-in-eval",
    ("self.dropout(attention_scores)", "F.dropout(attention_scores, self.dropout.p)"),
    on="dropout",
)
wrong(
    "swapped-inputs",
    ("k = self.k_linear(k)", "k = self.k_linear(q)"),
    alone=True,
    also=("wrong-value", "cross-length"),
)
wrong(
    "swapped-inputs",
    ("v = self.v_linear(v)", "v = self.v_linear(k)"),
    on="bmm",
    alone=True,
    also=("wrong-value",),
)
wrong(
    "weigh-wrong-tensor",
    ("output = torch.matmul(attention_scores, v)", "output = torch.matmul(attention_scores, k)"),
)
wrong(
    "extra-residual",
    ("        return output\n", "        return output + q\n"),
    alone=True,
    also=("wrong-value",),
)
wrong(
    "extra-normalization",
    (
        "        self.v_linear = nn.Linear(d_k, d_k)\n",
        "        self.v_linear = nn.Linear(d_k, d_k)\n        self.norm = nn.LayerNorm(d_k)\n",
    ),
    ("        return output\n", "        return self.norm(output)\n"),
    at="return self.norm",
)
wrong("wrong-output-shape", ("        return output\n", "        return output.mean(dim=1)\n"))
wrong(
    "builtin-used",
    (
        (
            "        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)\n"
            "        attention_scores = F.softmax(scores, dim = -1)\n"
            "        output = torch.matmul(attention_scores, v)\n"
        ),
        "        output = F.scaled_dot_product_attention(q, k, v)\n",
    ),
)
wrong(
    "detached-graph",
    (
        "        output = torch.matmul(attention_scores, v)\n",
        "        with torch.no_grad():\n            output = torch.matmul(attention_scores, v)\n",
    ),
)
wrong("key-not-transposed", ("k.transpose(-2, -1)", "k.transpose(-1, -1)"))
wrong("crash", ("math.sqrt(self.d_k)", "math.sqrt(self.dk)"))
wrong("constructor-error", ("        super().__init__()\n", ""), at="self.q_linear = ")
wrong(
    "not-implemented",
    (
        "        q = self.q_linear(q)\n        k = self.k_linear(k)\n        v = self.v_linear(v)\n",
        "        # 计算 q k v\n        ...\n        return None\n\n",
    ),
    also=("wrong-output-type",),
    at="return None",
)
