# ruff: noqa: E501 (another author's lines, as they were written)
"""The Chinese interview sheet: plain classes without nn.Module, called, returning (output, scores)."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sheet",
    "mha",
    r'''
import torch
import torch.nn.functional as F

class ScaledDotProductAttention:
    def __init__(self, d_k):
        """
        初始化函数
        :param d_k: int, 每个attention头的维度
        """
        self.d_k = d_k

    def __call__(self, Q, K, V):
        """
        执行Scaled Dot-Product Attention
        :return: 输出张量的形状为[N, L, D], attention score的形状为[N, L, L]
        """
        # 计算注意力分数
        scores = torch.matmul(Q, K.transpose(-2, -1)) / torch.sqrt(torch.tensor(self.d_k, dtype=torch.float32))
        attention_scores = F.softmax(scores, dim=-1)

        # 计算注意力输出
        attention_output = torch.matmul(attention_scores, V)
        return attention_output, attention_scores


class MultiHeadAttention:
    def __init__(self, num_heads, d_model):
        assert d_model % num_heads == 0, "d_model必须是num_heads的整数倍"

        self.num_heads = num_heads
        self.d_model = d_model
        self.d_k = d_model // num_heads

        self.W_q = torch.nn.Linear(d_model, d_model)
        self.W_k = torch.nn.Linear(d_model, d_model)
        self.W_v = torch.nn.Linear(d_model, d_model)
        self.W_o = torch.nn.Linear(d_model, d_model)

        self.attention = ScaledDotProductAttention(self.d_k)

    def split_heads(self, x, batch_size):
        x = x.view(batch_size, -1, self.num_heads, self.d_k)
        return x.transpose(1, 2).contiguous().view(batch_size * self.num_heads, -1, self.d_k)

    def __call__(self, Q, K, V):
        batch_size = Q.size(0)

        Q = self.split_heads(self.W_q(Q), batch_size)
        K = self.split_heads(self.W_k(K), batch_size)
        V = self.split_heads(self.W_v(V), batch_size)

        attention_output, attention_scores = self.attention(Q, K, V)

        attention_output = attention_output.view(batch_size, self.num_heads, -1, self.d_k)
        attention_output = attention_output.transpose(1, 2).contiguous().view(batch_size, -1, self.d_model)

        return self.W_o(attention_output), attention_scores.view(
            batch_size, self.num_heads, -1, attention_scores.size(-1))
''',
    Drive("MultiHeadAttention(H, D)", "m(q, k, v)[0]", "lin(m.W_q), lin(m.W_k), lin(m.W_v), lin(m.W_o)"),
)
right, wrong = STYLE.right, STYLE.wrong

EXACT = (" / torch.sqrt(torch.tensor(self.d_k, dtype=torch.float32))", " / self.d_k ** 0.5")
STYLE.source = STYLE.source.replace(*EXACT)
right("tensor-sqrt", (EXACT[1], " / torch.sqrt(torch.tensor(float(self.d_k)))"))
right("original", (EXACT[1], EXACT[0]), tolerance=1e-6)
right(
    "folded-scores",
    (
        """attention_scores.view(
            batch_size, self.num_heads, -1, attention_scores.size(-1))""",
        "attention_scores",
    ),
)
right(
    "output-only",
    ("attention_output, attention_scores = self.attention", "attention_output, _ = self.attention"),
    (
        """, attention_scores.view(
            batch_size, self.num_heads, -1, attention_scores.size(-1))""",
        "",
    ),
    call="m(q, k, v)",
)
right(
    "no-bias", ("torch.nn.Linear(d_model, d_model)", "torch.nn.Linear(d_model, d_model, bias=False)", "all")
)
right(
    "demo",
    bottom="""
# 使用示例
N, L, D = 2, 5, 64
num_heads = 8
d_model = D

Q = torch.rand(N, L, D)
K = torch.rand(N, L, D)
V = torch.rand(N, L, D)

multi_head_attention = MultiHeadAttention(num_heads, d_model)
output, scores = multi_head_attention(Q, K, V)

print(f"Output shape: {output.shape}")
print(f"Attention scores shape: {scores.shape}")
""",
)
right(
    "modules",
    ("class ScaledDotProductAttention:", "class ScaledDotProductAttention(torch.nn.Module):"),
    ("class MultiHeadAttention:", "class MultiHeadAttention(torch.nn.Module):"),
    ("        self.d_k = d_k\n", "        super().__init__()\n        self.d_k = d_k\n"),
    ("        assert", "        super().__init__()\n        assert"),
    ("def __call__", "def forward", "all"),
)
wrong("shared-projection", ("K = self.split_heads(self.W_k(K)", "K = self.split_heads(self.W_q(K)"))
wrong("missing-scale", (" / self.d_k ** 0.5", ""))
wrong(
    "wrong-scale",
    (
        "self.attention = ScaledDotProductAttention(self.d_k)",
        "self.attention = ScaledDotProductAttention(d_model)",
    ),
)
wrong("wrong-scale", (" / self.d_k ** 0.5", " / self.d_k"), on="output-only")
wrong(
    "split-without-transpose",
    (
        "        x = x.view(batch_size, -1, self.num_heads, self.d_k)\n"
        "        return x.transpose(1, 2).contiguous().view(batch_size * self.num_heads, -1, self.d_k)",
        "        return x.view(batch_size * self.num_heads, -1, self.d_k)",
    ),
    at="return x.view(batch_size *",
)
wrong(
    "softmax-axis",
    ("F.softmax(scores, dim=-1)", "F.softmax(scores, dim=0)"),
    also=("softmax-axis+batch-mixing",),
)
wrong("weigh-wrong-tensor", ("torch.matmul(attention_scores, V)", "torch.matmul(attention_scores, K)"))
wrong(
    "weigh-wrong-tensor",
    ("torch.matmul(attention_scores, V)", "torch.matmul(scores, V)"),
    also=("missing-softmax",),
    on="folded-scores",
)
wrong(
    "merge-without-transpose",
    (
        "attention_output.transpose(1, 2).contiguous().view(batch_size, -1, self.d_model)",
        "attention_output.contiguous().view(batch_size, -1, self.d_model)",
    ),
)
wrong(
    "non-contiguous-view",
    ("attention_output.transpose(1, 2).contiguous().view(", "attention_output.transpose(1, 2).view("),
)
wrong("missing-output-projection", ("return self.W_o(attention_output),", "return attention_output,"))
wrong("swapped-inputs", ("self.attention(Q, K, V)", "self.attention(K, Q, V)"))
wrong(
    "batch-mixing",
    (
        "attention_output.view(batch_size, self.num_heads, -1, self.d_k)",
        "attention_output.view(self.num_heads, batch_size, -1, self.d_k).transpose(0, 1)",
    ),
    also=("merge-without-transpose",),
    alone=True,
)
wrong("key-not-transposed", ("torch.matmul(Q, K.transpose(-2, -1))", "torch.matmul(Q, K)"))
wrong(
    "hard-coded-shape",
    ("x = x.view(batch_size, -1, self.num_heads, self.d_k)", "x = x.view(2, 5, self.num_heads, self.d_k)"),
)
wrong(
    "wrong-output-type",
    (
        "return self.W_o(attention_output), attention_scores.view(\n"
        "            batch_size, self.num_heads, -1, attention_scores.size(-1))",
        "output = self.W_o(attention_output)\n        return {'output': output, 'scores': attention_scores}",
    ),
    at="return {",
)
wrong(
    "syntax-error",
    ("    def __init__(self, num_heads, d_model):", "    def __init__(self, num_heads, d_model)\uff1a"),
)
wrong(
    "syntax-error",
    ("Q = self.split_heads(self.W_q(Q), batch_size)", "Q = self.split_heads(self.W_q(Q)\uff0cbatch_size)"),
    on="modules",
)
wrong(
    "constructor-error",
    ("self.attention = ScaledDotProductAttention(self.d_k)", "self.attention = ScaledDotProductAttention()"),
)
wrong(
    "constructor-error",
    ("        super().__init__()\n        assert", "        assert"),
    on="modules",
    at="self.W_q = ",
)
wrong(
    "crash", ("attention_scores = F.softmax(scores, dim=-1)", "attention_scores = F.softmax(score, dim=-1)")
)
wrong(
    "not-implemented",
    (
        "        batch_size = Q.size(0)\n",
        "        raise NotImplementedError\n        batch_size = Q.size(0)\n",
    ),
    at="raise",
)
