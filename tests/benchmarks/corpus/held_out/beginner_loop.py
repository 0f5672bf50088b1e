"""A beginner: three lists of linears, a loop over the heads, torch.cat, numpy's square root."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "beginner-loop",
    "mha",
    r"""
import torch
import torch.nn as nn
import numpy as np

# my first multi head attention, every head has its own layers

class MyMultiHeadAttention(nn.Module):
    def __init__(self, embed_size, num_heads, drop=0.1):
        super(MyMultiHeadAttention, self).__init__()
        self.embed_size = embed_size
        self.num_heads = num_heads
        self.size_of_one_head = int(embed_size / num_heads)
        self.query_layers = nn.ModuleList()
        self.key_layers = nn.ModuleList()
        self.value_layers = nn.ModuleList()
        for i in range(num_heads):
            self.query_layers.append(nn.Linear(embed_size, self.size_of_one_head))
            self.key_layers.append(nn.Linear(embed_size, self.size_of_one_head))
            self.value_layers.append(nn.Linear(embed_size, self.size_of_one_head))
        self.last_layer = nn.Linear(embed_size, embed_size)
        self.drop = nn.Dropout(drop)

    def forward(self, q, k, v):
        all_heads = []
        for i in range(self.num_heads):
            my_q = self.query_layers[i](q)
            my_k = self.key_layers[i](k)
            my_v = self.value_layers[i](v)
            # how similar is every query to every key
            score = torch.bmm(my_q, my_k.transpose(1, 2))
            score = score / np.sqrt(self.size_of_one_head)
            prob = torch.softmax(score, dim=2)
            prob = self.drop(prob)
            one_head = torch.bmm(prob, my_v)
            all_heads.append(one_head)
        # put the heads next to each other
        result = torch.cat(all_heads, dim=2)
        result = self.last_layer(result)
        return result
""",
    Drive(
        "MyMultiHeadAttention(D, H, P)",
        "m(q, k, v)",
        "*(heads_of(lin(w) for w in ws) for ws in (m.query_layers, m.key_layers, m.value_layers)), "
        "lin(m.last_layer)",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "cat-in-the-loop",
    ("        all_heads = []\n", "        result = None\n"),
    (
        "            all_heads.append(one_head)\n",
        (
            "            if result is None:\n"
            "                result = one_head\n"
            "            else:\n"
            "                result = torch.cat((result, one_head), -1)\n"
        ),
    ),
    ("        result = torch.cat(all_heads, dim=2)\n", ""),
)
right(
    "loop-over-batch-too",
    (
        (
            "            score = torch.bmm(my_q, my_k.transpose(1, 2))\n"
            "            score = score / np.sqrt(self.size_of_one_head)\n"
            "            prob = torch.softmax(score, dim=2)\n"
            "            prob = self.drop(prob)\n"
            "            one_head = torch.bmm(prob, my_v)\n"
            "            all_heads.append(one_head)\n"
        ),
        (
            "            one_head = []\n"
            "            for b in range(q.shape[0]):\n"
            "                score = torch.mm(my_q[b], my_k[b].t())\n"
            "                score = score / np.sqrt(self.size_of_one_head)\n"
            "                prob = self.drop(torch.softmax(score, dim=1))\n"
            "                one_head.append(torch.mm(prob, my_v[b]))\n"
            "            all_heads.append(torch.stack(one_head))\n"
        ),
    ),
)
right(
    "mask",
    ("def forward(self, q, k, v):", "def forward(self, q, k, v, mask=None):"),
    (
        "            prob = torch.softmax(score, dim=2)\n",
        (
            "            if mask is not None:\n"
            "                score[mask == 0] = -1e10\n"
            "            prob = torch.softmax(score, dim=2)\n"
        ),
    ),
    masked="m(q, k, v, keep)",
)
right(
    "layers-in-a-dict",
    ("        self.query_layers = nn.ModuleList()\n", "        self.layers = nn.ModuleDict()\n"),
    ("        self.key_layers = nn.ModuleList()\n", ""),
    ("        self.value_layers = nn.ModuleList()\n", ""),
    (
        "self.query_layers.append(nn.Linear(embed_size, self.size_of_one_head))",
        "self.layers['q%d' % i] = nn.Linear(embed_size, self.size_of_one_head)",
    ),
    (
        "self.key_layers.append(nn.Linear(embed_size, self.size_of_one_head))",
        "self.layers['k%d' % i] = nn.Linear(embed_size, self.size_of_one_head)",
    ),
    (
        "self.value_layers.append(nn.Linear(embed_size, self.size_of_one_head))",
        "self.layers['v%d' % i] = nn.Linear(embed_size, self.size_of_one_head)",
    ),
    ("self.query_layers[i](q)", "self.layers['q' + str(i)](q)"),
    ("self.key_layers[i](k)", "self.layers['k' + str(i)](k)"),
    ("self.value_layers[i](v)", "self.layers['v' + str(i)](v)"),
    weights="*(heads_of(lin(m.layers[n + str(i)]) for i in range(H)) for n in 'qkv'), lin(m.last_layer)",
)
wrong("shared-projection", ("my_k = self.key_layers[i](k)", "my_k = self.query_layers[i](k)"))
wrong("shared-projection", ("my_v = self.value_layers[i](v)", "my_v = self.key_layers[i](v)"))
wrong("missing-scale", ("            score = score / np.sqrt(self.size_of_one_head)\n", ""))
wrong("wrong-scale", ("np.sqrt(self.size_of_one_head)", "np.sqrt(self.embed_size)"))
wrong("wrong-scale", ("score / np.sqrt(self.size_of_one_head)", "score / self.size_of_one_head"))
wrong("softmax-axis", ("torch.softmax(score, dim=2)", "torch.softmax(score, dim=1)"))
wrong("missing-softmax", ("            prob = torch.softmax(score, dim=2)\n", "            prob = score\n"))
wrong(
    "scale-after-softmax",
    ("            score = score / np.sqrt(self.size_of_one_head)\n", ""),
    ("torch.softmax(score, dim=2)", "torch.softmax(score, dim=2) / np.sqrt(self.size_of_one_head)"),
)
wrong("dropout-in-eval", ("prob = self.drop(prob)", "prob = nn.functional.dropout(prob, self.drop.p)"))
wrong("dropout-missing", ("            prob = self.drop(prob)\n", ""), at="self.drop = ")
wrong("weigh-wrong-tensor", ("torch.bmm(prob, my_v)", "torch.bmm(prob, my_k)"))
wrong("heads-not-concatenated", ("torch.cat(all_heads, dim=2)", "torch.cat(all_heads, dim=1)"))
wrong(
    "heads-not-concatenated",
    ("torch.cat(all_heads, dim=2)", "torch.stack(all_heads).mean(0)"),
    (
        "self.last_layer = nn.Linear(embed_size, embed_size)",
        "self.last_layer = nn.Linear(self.size_of_one_head, embed_size)",
    ),
    at="stack",
)
wrong("unregistered-parameters", ("self.key_layers = nn.ModuleList()", "self.key_layers = []"))
wrong(
    "shared-across-heads",
    ("self.query_layers[i](q)", "self.query_layers[0](q)"),
    ("self.key_layers[i](k)", "self.key_layers[0](k)"),
    ("self.value_layers[i](v)", "self.value_layers[0](v)"),
)
wrong("missing-output-projection", ("        result = self.last_layer(result)\n", ""))
wrong("extra-residual", ("        return result\n", "        return result + q\n"))
wrong(
    "swapped-inputs",
    ("self.key_layers[i](k)", "self.key_layers[i](v)"),
    ("self.value_layers[i](v)", "self.value_layers[i](k)"),
)
wrong("detached-graph", ("torch.bmm(prob, my_v)", "torch.bmm(prob, my_v.data)"))
wrong(
    "mutates-input", ("        return result\n", "        q.zero_()\n        return result\n"), at="q.zero_()"
)
wrong("wrong-output-shape", ("        return result\n", "        return result.mean(1)\n"))
wrong("mask-missing", ("score[mask == 0] = -1e10", "score[mask == 0]"), on="mask")
wrong("mask-fill-value", ("-1e10", "0"), on="mask")
wrong("crash", ("self.value_layers[i](v)", "self.value_layer[i](v)"))
wrong(
    "key-not-transposed",
    ("my_k.transpose(1, 2)", "my_k.reshape(my_k.size(0), my_k.size(2), my_k.size(1))"),
)
