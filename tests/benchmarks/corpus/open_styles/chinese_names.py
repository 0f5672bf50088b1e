"""Chinese identifiers and comments throughout; True means hidden."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "chinese-names",
    "mha",
    r'''
# 手写多头注意力
import math
import torch
from torch import nn


class 多头注意力(nn.Module):
    """输入: 查询 (批, 长, 维), 键和值 (批, 源长, 维); 输出: (批, 长, 维)"""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        self.头数 = num_heads
        self.每头维度 = d_model // num_heads
        self.投影查询 = nn.Linear(d_model, d_model)
        self.投影键 = nn.Linear(d_model, d_model)
        self.投影值 = nn.Linear(d_model, d_model)
        self.输出层 = nn.Linear(d_model, d_model)
        self.随机失活 = nn.Dropout(dropout)

    def 分头(self, 张量):
        批, 长, _ = 张量.shape
        return 张量.view(批, 长, self.头数, self.每头维度).transpose(1, 2)  # (批, 头, 长, 每头维度)

    def forward(self, query, key, value, mask=None):
        查询 = self.分头(self.投影查询(query))
        键 = self.分头(self.投影键(key))
        值 = self.分头(self.投影值(value))

        # 打分并缩放
        分数 = 查询 @ 键.transpose(-2, -1) / math.sqrt(self.每头维度)
        if mask is not None:
            分数 = 分数.masked_fill(mask, float("-inf"))  # True 表示遮住
        权重 = self.随机失活(torch.softmax(分数, dim=-1))

        上下文 = 权重 @ 值
        批, 头, 长, 维 = 上下文.shape
        合并 = 上下文.transpose(1, 2).reshape(批, 长, 头 * 维)
        return self.输出层(合并)
''',
    Drive(
        "多头注意力(D, H, P)",
        "m(q, k, v)",
        "lin(m.投影查询), lin(m.投影键), lin(m.投影值), lin(m.输出层)",
        "m(q, k, v, ~keep[:, None])",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right("english-class", ("class 多头注意力", "class MultiHeadAttention"), make="MultiHeadAttention(D, H, P)")
right(
    "pad",
    ('mask, float("-inf")', 'mask[:, None, None, :], float("-inf")'),
    masked="m(q, k, v, ~keep[:, 0])",
    keep="pad",
)
right(
    "both",
    ("return self.输出层(合并)", "return self.输出层(合并), 权重"),
    call="m(q, k, v)[0]",
    masked="m(q, k, v, ~keep[:, None])[0]",
)
wrong("missing-scale", (" / math.sqrt(self.每头维度)", ""))
wrong("wrong-scale", ("math.sqrt(self.每头维度)", "self.每头维度"))
wrong("wrong-scale", ("math.sqrt(self.每头维度)", "math.sqrt(key.shape[-1])"), on="english-class")
wrong(
    "mask-inverted",
    ('masked_fill(mask, float("-inf"))  # True 表示遮住', "masked_fill(~mask, -1e9)  # False 表示遮住"),
)
wrong("mask-missing", ("            分数 = 分数.masked_fill(", "            分数.masked_fill("))
wrong("mask-fill-value", ('float("-inf")', "0"))
wrong(
    "mask-after-softmax",
    (
        (
            '            分数 = 分数.masked_fill(mask, float("-inf"))  # True 表示遮住\n'
            "        权重 = self.随机失活(torch.softmax(分数, dim=-1))\n"
        ),
        (
            "            分数 = torch.softmax(分数, dim=-1).masked_fill(mask, 0.0)\n"
            "        else:\n"
            "            分数 = torch.softmax(分数, dim=-1)\n"
            "        权重 = self.随机失活(分数)\n"
        ),
    ),
    at="masked_fill",
)
wrong("softmax-axis", ("torch.softmax(分数, dim=-1)", "torch.softmax(分数, dim=-2)"))
wrong("missing-softmax", ("self.随机失活(torch.softmax(分数, dim=-1))", "self.随机失活(分数)"))
wrong(
    "split-without-transpose",
    (
        "张量.view(批, 长, self.头数, self.每头维度).transpose(1, 2)",
        "张量.view(批, self.头数, 长, self.每头维度)",
    ),
)
wrong(
    "merge-without-transpose",
    ("上下文.transpose(1, 2).reshape(批, 长, 头 * 维)", "上下文.reshape(批, 长, 头 * 维)"),
)
wrong("non-contiguous-view", ("上下文.transpose(1, 2).reshape(", "上下文.transpose(1, 2).view("))
wrong("shared-projection", ("self.投影键(key)", "self.投影查询(key)"))
wrong(
    "swapped-inputs", ("self.投影键(key)", "self.投影键(value)"), ("self.投影值(value)", "self.投影值(key)")
)
wrong("weigh-wrong-tensor", ("权重 @ 值", "权重 @ 键"))
wrong("missing-output-projection", ("return self.输出层(合并)", "return 合并"))
wrong("extra-residual", ("return self.输出层(合并)", "return query + self.输出层(合并)"))
wrong(
    "extra-normalization",
    ("return self.输出层(合并)", "return torch.layer_norm(self.输出层(合并), (头 * 维,))"),
)
wrong(
    "dropout-in-eval",
    (
        "self.随机失活(torch.softmax(分数, dim=-1))",
        "nn.functional.dropout(torch.softmax(分数, dim=-1), self.随机失活.p)",
    ),
)
wrong("dropout-missing", ("self.随机失活(torch.softmax(分数, dim=-1))", "torch.softmax(分数, dim=-1)"))
wrong(
    "unregistered-parameters",
    (
        "        self.输出层 = nn.Linear(d_model, d_model)\n",
        "        self.层 = {'输出': nn.Linear(d_model, d_model)}\n",
    ),
    ("self.输出层(合并)", "self.层['输出'](合并)"),
)
wrong(
    "detached-graph",
    ("        上下文 = 权重 @ 值", "        权重 = 权重.detach()\n        上下文 = 权重 @ 值"),
)
wrong(
    "unexpected-mask",
    (
        "        权重 = self.随",
        (
            "        分数 = 分数 + torch.triu(torch.full((分数.shape[-2], 分数.shape[-1]), -1e9), 1)\n"
            "        权重 = self.随"
        ),
    ),
    at="triu",
)
wrong("syntax-error", ("if mask is not None:", "if mask is not None\uff1a"))
wrong("syntax-error", ("上下文 = 权重 @ 值", "上下文 \uff1d 权重 @ 值"))
wrong(
    "syntax-error",
    ("self.分头(self.投影键(key))", "self.分头\uff08self.投影键(key)\uff09"),
    on="english-class",
)
wrong("crash", ("值 = self.分头(", "_值 = self.分头("), at="权重 @ 值")
wrong(
    "not-implemented",
    (
        "        查询 = self.分头(self.投影查询(query))\n",
        "        raise NotImplementedError('还没写')\n        查询 = self.分头(self.投影查询(query))\n",
    ),
    at="raise",
)
