"""The sheet's plain one-head class, numpy's square root in it."""

from __future__ import annotations

from ..base import Drive, Style

HELPER = r"""
import numpy as np
import torch
from torch import nn

class Attention:
    def __init__(self, d_k):
        self.d_k = d_k

    def __call__(self, Q, K, V):
        scores = torch.matmul(Q, K.transpose(-2, -1)) / np.sqrt(self.d_k)
        attn = torch.softmax(scores, dim=-1)
        return torch.matmul(attn, V), attn
"""

STYLE = Style("sheet-sdpa", "sdpa", HELPER, Drive("Attention(d_k=D)", "m(q, k, v)[0]", heads=False))
right, wrong = STYLE.right, STYLE.wrong

right(
    "only-output", ("return torch.matmul(attn, V), attn", "return torch.matmul(attn, V)"), call="m(q, k, v)"
)
right(
    "module",
    ("class Attention:", "class Attention(nn.Module):"),
    ("        self.d_k = d_k\n", "        super().__init__()\n        self.d_k = d_k\n"),
    ("def __call__", "def forward"),
)
right(
    "from-q",
    ("    def __init__(self, d_k):\n        self.d_k = d_k\n\n", ""),
    ("np.sqrt(self.d_k)", "np.sqrt(Q.size(-1))"),
    make="Attention()",
)
right(
    "demo",
    bottom="""

if __name__ == "__main__":
    N, L, D = 2, 5, 64
    out, w = Attention(D)(torch.rand(N, L, D), torch.rand(N, L, D), torch.rand(N, L, D))
    print(out.shape, w.shape)
""",
)
wrong("missing-scale", (" / np.sqrt(self.d_k)", ""))
wrong("wrong-scale", (" / np.sqrt(self.d_k)", " * np.sqrt(self.d_k)"))
wrong("softmax-axis", ("dim=-1)", "dim=1)"))
wrong("missing-softmax", ("attn = torch.softmax(scores, dim=-1)", "attn = scores"), on="module")
wrong("swapped-inputs", ("torch.matmul(Q, K.transpose(-2, -1))", "torch.matmul(K, Q.transpose(-2, -1))"))
wrong("weigh-wrong-tensor", ("torch.matmul(attn, V), attn", "torch.matmul(attn, Q), attn"), on="from-q")
wrong("scale-after-softmax", (" / np.sqrt(self.d_k)", ""), ("dim=-1)", "dim=-1) / np.sqrt(self.d_k)"))
wrong(
    "cross-length",
    ("np.sqrt(self.d_k)\n", "np.sqrt(self.d_k)\n        N, L, D = Q.shape\n"),
    ("K.transpose(-2, -1)", "K.transpose(-2, -1).reshape(Q.shape[0], Q.shape[2], Q.shape[1])"),
    at="reshape",
)
wrong("syntax-error", ("(self, Q, K, V):", "(self, Q, K, V)"))
wrong("crash", ("import numpy as np\n", ""), at="np.sqrt")
wrong(
    "not-implemented",
    (
        """        scores = torch.matmul(Q, K.transpose(-2, -1)) / np.sqrt(self.d_k)
        attn = torch.softmax(scores, dim=-1)
        return torch.matmul(attn, V), attn""",
        "        # TODO: 计算注意力\n        pass",
    ),
    also=("wrong-output-type",),
)
