"""The sheet's multi-head class to be learned by heart, put right."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "recited",
    "mha",
    r"""
import torch
import math
import torch.nn as nn
import torch.nn.functional as F
class MultiHeadAttention(nn.Module):
    def __init__(self, heads, d_model, dropout=0.1):
        super().__init__()
        self.d_model = d_model
        self.d_k = d_model // heads
        self.h = heads

        self.q_linear = nn.Linear(d_model, d_model)
        self.k_linear = nn.Linear(d_model, d_model)
        self.v_linear = nn.Linear(d_model, d_model)
        self.o_linear = nn.Linear(d_model, d_model)

        self.dropout = nn.Dropout(dropout)

    def attention(self, q, k, v):
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
        scores = F.softmax(scores, dim = -1)
        scores = self.dropout(scores)
        output = torch.matmul(scores, v)
        return output

    def forward(self, q, k, v):
        batch_size = q.size(0)
        q = self.q_linear(q).view(batch_size, -1, self.h, self.d_k).transpose(1, 2)
        k = self.k_linear(k).view(batch_size, -1, self.h, self.d_k).transpose(1, 2)
        v = self.v_linear(v).view(batch_size, -1, self.h, self.d_k).transpose(1, 2)
        scores = self.attention(q, k, v)
        concat = scores.transpose(1, 2).contiguous().view(batch_size, -1, self.d_model)
        output = self.o_linear(concat)
        return output
""",
    Drive(
        "MultiHeadAttention(H, D, P)",
        "m(q, k, v)",
        "lin(m.q_linear), lin(m.k_linear), lin(m.v_linear), lin(m.o_linear)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "demo",
    bottom="""
if __name__ == "__main__":
    heads = 4
    d_model = 128
    dropout = 0.1
    model = MultiHeadAttention(heads, d_model, dropout)
    q = torch.rand(2, 5, d_model)
    output = model(q, q, q)
    print("Output shape:", output.shape)
    output.mean().backward()
""",
)
right(
    "mask",
    ("def attention(self, q, k, v):", "def attention(self, q, k, v, mask=None):"),
    ("def forward(self, q, k, v):", "def forward(self, q, k, v, mask=None):"),
    (
        "        scores = F.softmax",
        (
            "        if mask is not None:\n"
            "            mask = mask.unsqueeze(1)\n"
            "            scores = scores.masked_fill(mask == 0, -1e9)\n"
            "        scores = F.softmax"
        ),
    ),
    ("self.attention(q, k, v)", "self.attention(q, k, v, mask)"),
    masked="m(q, k, v, keep)",
)
right(
    "no-dropout",
    (", dropout=0.1", ""),
    ("        self.dropout = nn.Dropout(dropout)\n\n", ""),
    ("        scores = self.dropout(scores)\n", ""),
    make="MultiHeadAttention(H, D)",
)
right(
    "x-only",
    (
        "def forward(self, q, k, v):\n        batch_size = q.size(0)",
        "def forward(self, x):\n        batch_size = x.size(0)",
    ),
    ("self.q_linear(q)", "self.q_linear(x)"),
    ("self.k_linear(k)", "self.k_linear(x)"),
    ("self.v_linear(v)", "self.v_linear(x)"),
    call="m(x)",
    inputs="x",
)
wrong("shared-projection", ("self.k_linear(k)", "self.q_linear(k)"), ("self.v_linear(v)", "self.q_linear(v)"))
wrong("shared-projection", ("self.v_linear(v)", "self.q_linear(v)"), on="mask")
wrong("missing-scale", (" / math.sqrt(self.d_k)", ""))
wrong("wrong-scale", ("math.sqrt(self.d_k)", "math.sqrt(self.d_model)"))
wrong("wrong-scale", ("math.sqrt(self.d_k)", "math.sqrt(self.h)"), on="no-dropout")
wrong(
    "scale-after-softmax",
    (" / math.sqrt(self.d_k)", ""),
    ("F.softmax(scores, dim = -1)", "F.softmax(scores, dim = -1) / math.sqrt(self.d_k)"),
)
wrong("softmax-axis", ("dim = -1", "dim = 1"))
wrong("softmax-axis", ("dim = -1", "dim = -2"), on="x-only")
wrong("missing-softmax", ("        scores = F.softmax(scores, dim = -1)\n", ""))
wrong("mask-missing", (".attention(q, k, v, mask)", ".attention(q, k, v)"), on="mask")
wrong("mask-inverted", ("mask == 0", "mask == 1"), on="mask")
wrong("mask-fill-value", ("-1e9", "1e-9"), on="mask")
wrong(
    "mask-after-softmax",
    (
        (
            "            scores = scores.masked_fill(mask == 0, -1e9)\n"
            "        scores = F.softmax(scores, dim = -1)\n"
        ),
        (
            "        scores = F.softmax(scores, dim = -1)\n"
            "        if mask is not None:\n"
            "            scores = scores.masked_fill(mask == 0, 0)\n"
        ),
    ),
    on="mask",
    at="masked_fill",
)
wrong(
    "split-without-transpose",
    (
        "self.q_linear(q).view(batch_size, -1, self.h, self.d_k).transpose(1, 2)",
        "self.q_linear(q).view(batch_size, self.h, -1, self.d_k)",
    ),
    (
        "self.k_linear(k).view(batch_size, -1, self.h, self.d_k).transpose(1, 2)",
        "self.k_linear(k).view(batch_size, self.h, -1, self.d_k)",
    ),
    (
        "self.v_linear(v).view(batch_size, -1, self.h, self.d_k).transpose(1, 2)",
        "self.v_linear(v).view(batch_size, self.h, -1, self.d_k)",
    ),
)
wrong(
    "cross-length",
    ("        batch_size = q.size(0)\n", "        batch_size, seq_len, _ = q.size()\n"),
    ("self.k_linear(k).view(batch_size, -1,", "self.k_linear(k).view(batch_size, seq_len,"),
    ("self.v_linear(v).view(batch_size, -1,", "self.v_linear(v).view(batch_size, seq_len,"),
    at="view(batch_size, seq_len",
)
wrong("merge-without-transpose", ("scores.transpose(1, 2).contiguous().view(", "scores.contiguous().view("))
wrong("non-contiguous-view", ("scores.transpose(1, 2).contiguous().view(", "scores.transpose(1, 2).view("))
wrong(
    "missing-output-projection",
    ("        output = self.o_linear(concat)\n        return output", "        return concat"),
)
wrong("dropout-missing", ("        scores = self.dropout(scores)\n", ""), at="self.dropout = ")
wrong("dropout-in-eval", ("self.dropout(scores)", "F.dropout(scores, self.dropout.p)"))
wrong("weigh-wrong-tensor", ("torch.matmul(scores, v)", "torch.matmul(scores, q)"), on="x-only")
wrong("detached-graph", ("return output\n\n", "return output.detach()\n\n"))
wrong(
    "nondeterministic",
    ("output = self.o_linear(concat)", "output = nn.Linear(self.d_model, self.d_model)(concat)"),
    also=("unregistered-parameters", "nondeterministic+unregistered-parameters", "missing-output-projection"),
)
wrong(
    "hard-coded-shape",
    (
        "concat = scores.transpose(1, 2).contiguous().view(batch_size, -1, self.d_model)",
        "concat = scores.transpose(1, 2).contiguous().view(batch_size, -1, 128)",
    ),
)
wrong("constructor-error", ("        super().__init__()\n", ""), at="self.q_linear = ")
wrong("crash", ("scores = self.attention(q, k, v)", "scores = attention(q, k, v)"))
wrong("import-error", ("import math\n", "import math\nimport torchh\n"), at="torchh")
wrong("syntax-error", ("def forward(self, q, k, v):", "def forward(self, q, k, v)\uff1a"))
wrong(
    "not-implemented",
    (
        (
            "        scores = self.attention(q, k, v)\n"
            "        concat = scores.transpose(1, 2).contiguous().view(batch_size, -1, "
            "self.d_model)\n"
            "        output = self.o_linear(concat)\n"
            "        return output"
        ),
        "        # 忘了\n        return None",
    ),
    at="return None",
    also=("wrong-output-type",),
)
