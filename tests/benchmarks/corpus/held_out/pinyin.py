"""Pinyin names, Chinese comments, one method a step."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "pinyin",
    "mha",
    r'''
import math
import torch
from torch import nn


class DuoTouZhuYiLi(nn.Module):
    """多头注意力（拼音命名）"""

    def __init__(self, weidu, toushu, diuqi=0.0):
        # weidu：维度；toushu：头数；diuqi：丢弃概率
        super().__init__()
        self.weidu = weidu
        self.toushu = toushu
        self.meitou = weidu // toushu       # 每个头的维度
        self.xianxing_q = nn.Linear(weidu, weidu)
        self.xianxing_k = nn.Linear(weidu, weidu)
        self.xianxing_v = nn.Linear(weidu, weidu)
        self.shuchu = nn.Linear(weidu, weidu)
        self.diuqi = nn.Dropout(diuqi)

    def fentou(self, x):
        """分头：(批, 长, 维) -> (批, 头, 长, 每头)"""
        pi, chang, _ = x.shape
        return x.view(pi, chang, self.toushu, self.meitou).transpose(1, 2)

    def hetou(self, x):
        """合头：(批, 头, 长, 每头) -> (批, 长, 维)"""
        pi, _, chang, _ = x.shape
        return x.transpose(1, 2).contiguous().view(pi, chang, self.weidu)

    def forward(self, chaxun, jian, zhi, yanma=None):
        q = self.fentou(self.xianxing_q(chaxun))
        k = self.fentou(self.xianxing_k(jian))
        v = self.fentou(self.xianxing_v(zhi))

        fenshu = torch.matmul(q, k.transpose(-1, -2))
        fenshu = fenshu / math.sqrt(self.meitou)
        if yanma is not None:
            # 掩码为真的位置不看
            fenshu = fenshu.masked_fill(yanma.unsqueeze(1), -1e12)
        quanzhong = torch.softmax(fenshu, dim=-1)
        quanzhong = self.diuqi(quanzhong)

        jieguo = torch.matmul(quanzhong, v)
        return self.shuchu(self.hetou(jieguo))
''',
    Drive(
        "DuoTouZhuYiLi(D, H, P)",
        "m(q, k, v)",
        "lin(m.xianxing_q), lin(m.xianxing_k), lin(m.xianxing_v), lin(m.shuchu)",
        "m(q, k, v, ~keep)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "attention-in-the-name",
    ("class DuoTouZhuYiLi(nn.Module):", "class DuoTouAttention(nn.Module):"),
    make="DuoTouAttention(D, H, P)",
)
right(
    "no-mask-two-results",
    (", yanma=None", ""),
    (
        (
            "        if yanma is not None:\n            # 掩码为真的位置不看\n"
            "            fenshu = fenshu.masked_fill(yanma.unsqueeze(1), -1e12)\n"
        ),
        "",
    ),
    ("return self.shuchu(self.hetou(jieguo))", "return self.shuchu(self.hetou(jieguo)), quanzhong"),
    call="m(q, k, v)[0]",
    masked="",
)
right(
    "english-arguments",
    ("def __init__(self, weidu, toushu, diuqi=0.0):", "def __init__(self, d_model, n_heads, dropout=0.0):"),
    (
        "        super().__init__()\n",
        "        super().__init__()\n        weidu, toushu, diuqi = d_model, n_heads, dropout\n",
    ),
)
wrong("missing-scale", ("        fenshu = fenshu / math.sqrt(self.meitou)\n", ""), on="attention-in-the-name")
wrong("missing-scale", ("        fenshu = fenshu / math.sqrt(self.meitou)\n", ""), on="english-arguments")
wrong("wrong-scale", ("math.sqrt(self.meitou)", "math.sqrt(self.weidu)"), on="english-arguments")
wrong("wrong-scale", ("fenshu / math.sqrt(self.meitou)", "fenshu / self.toushu"), on="english-arguments")
wrong(
    "softmax-axis", ("torch.softmax(fenshu, dim=-1)", "torch.softmax(fenshu, dim=-2)"), on="english-arguments"
)
wrong(
    "missing-softmax",
    ("quanzhong = torch.softmax(fenshu, dim=-1)", "quanzhong = fenshu"),
    on="english-arguments",
)
wrong(
    "shared-projection",
    ("self.xianxing_k(jian)", "self.xianxing_q(jian)"),
    ("self.xianxing_v(zhi)", "self.xianxing_q(zhi)"),
    on="english-arguments",
)
wrong(
    "missing-projection", ("self.fentou(self.xianxing_k(jian))", "self.fentou(jian)"), on="english-arguments"
)
wrong(
    "mask-missing",
    ("            fenshu = fenshu.masked_fill(yanma", "            fenshu.masked_fill(yanma"),
    on="english-arguments",
)
wrong("mask-fill-value", ("-1e12", "1e-12"), on="english-arguments")
wrong(
    "mask-inverted",
    ("masked_fill(yanma.unsq", "masked_fill(~yanma.unsq"),
    ("掩码为真的位置不看", "掩码为真的位置才看"),
)
wrong(
    "split-without-transpose",
    (
        "x.view(pi, chang, self.toushu, self.meitou).transpose(1, 2)",
        "x.view(pi, self.toushu, chang, self.meitou)",
    ),
    on="english-arguments",
)
wrong(
    "merge-without-transpose",
    ("x.transpose(1, 2).contiguous().view(", "x.contiguous().view("),
    on="english-arguments",
)
wrong(
    "non-contiguous-view",
    ("x.transpose(1, 2).contiguous().view(", "x.transpose(1, 2).view("),
    on="english-arguments",
)
wrong(
    "weigh-wrong-tensor", ("torch.matmul(quanzhong, v)", "torch.matmul(quanzhong, k)"), on="english-arguments"
)
wrong("dropout-missing", ("        quanzhong = self.diuqi(quanzhong)\n", ""), on="english-arguments")
wrong(
    "dropout-in-eval",
    ("self.diuqi(quanzhong)", "nn.functional.dropout(quanzhong, self.diuqi.p)"),
    on="english-arguments",
)
wrong(
    "missing-output-projection",
    ("return self.shuchu(self.hetou(jieguo))", "return self.hetou(jieguo)"),
    on="english-arguments",
)
wrong(
    "extra-residual",
    ("return self.shuchu(self.hetou(jieguo))", "return chaxun + self.shuchu(self.hetou(jieguo))"),
    on="english-arguments",
)
wrong(
    "cross-length",
    ("def fentou(self, x):", "def fentou(self, x, chang):"),
    ("        pi, chang, _ = x.shape\n", "        pi = x.shape[0]\n"),
    ("(self.xianxing_q(chaxun))", "(self.xianxing_q(chaxun), chaxun.shape[1])"),
    ("(self.xianxing_k(jian))", "(self.xianxing_k(jian), chaxun.shape[1])"),
    ("(self.xianxing_v(zhi))", "(self.xianxing_v(zhi), chaxun.shape[1])"),
    on="english-arguments",
    at=("x.view(pi, chang", "chaxun.shape[1])"),
)
wrong(
    "wrong-output-type",
    ("return self.shuchu(self.hetou(jieguo))", "self.shuchu(self.hetou(jieguo))"),
    on="english-arguments",
    also=("not-implemented",),
)
wrong(
    "syntax-error",
    ("fenshu = torch.matmul(q, k.transpose(-1, -2))", "fenshu = torch.matmul(q\uff0ck.transpose(-1, -2))"),
)
