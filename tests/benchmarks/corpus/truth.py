"""Attention in plain Python loops over floats, and helpers that bring any layout of weights into one form.

Nothing here uses torch to compute: only to read numbers out. A weight is `(matrix[in][out], bias[out] or
None)`, its columns ordered head by head.
"""

from __future__ import annotations

import math

import torch


def linear(rows, weight):
    """rows (T, in) through a weight."""
    if weight is None:
        return rows
    matrix, bias = weight
    width = len(matrix[0])
    out = []
    for row in rows:
        new = [bias[j] if bias is not None else 0.0 for j in range(width)]
        for i, value in enumerate(row):
            line = matrix[i]
            for j in range(width):
                new[j] += value * line[j]
        out.append(new)
    return out


def one_head(q, k, v, keep):
    """softmax(q k^T / sqrt(d)) v for one head of one batch item; keep[i][j] False: i does not see j."""
    scale = 1.0 / math.sqrt(len(q[0]))
    out = []
    for i, query in enumerate(q):
        seen = [j for j in range(len(k)) if keep is None or keep[i][j]]
        scores = [scale * sum(a * b for a, b in zip(query, k[j], strict=True)) for j in seen]
        top = max(scores)
        raised = [math.exp(score - top) for score in scores]
        total = sum(raised)
        out.append([sum(raised[n] * v[j][c] for n, j in enumerate(seen)) / total for c in range(len(v[0]))])
    return out


def attention(q, k, v, weights, heads, keep=None):
    """The whole of it, one batch item after another; q (B, L, D) and so on as tensors; gives a tensor."""
    wq, wk, wv, wo = [plain(item) for item in (weights or (None,) * 4)]
    out = []
    for b in range(len(q)):
        qs, ks, vs = (linear(t[b].tolist(), w) for t, w in ((q, wq), (k, wk), (v, wv)))
        allowed = keep[b].tolist() if keep is not None else None
        merged = [[] for _ in qs]
        d, dv = len(qs[0]) // heads, len(vs[0]) // heads
        for h in range(heads):
            parts = [[row[h * n : (h + 1) * n] for row in rows] for rows, n in ((qs, d), (ks, d), (vs, dv))]
            for row, more in zip(merged, one_head(*parts, allowed), strict=True):
                row.extend(more)
        out.append(linear(merged, wo))
    return torch.tensor(out, dtype=torch.float64)


def plain(weight):
    """A weight as lists."""
    if weight is None:
        return None
    matrix, bias = weight
    return matrix.detach().tolist(), None if bias is None else bias.detach().tolist()


# -- reading weights out of whatever holds them --------------------------------------------------------------


def lin(layer):
    """An nn.Linear (or a 1x1 convolution)."""
    matrix = layer.weight.detach()
    return matrix.reshape(matrix.shape[0], -1).T, None if layer.bias is None else layer.bias.detach()


def raw(matrix, bias=None):
    """A parameter of shape (in, out)."""
    return matrix.detach(), None if bias is None else bias.detach()


def fused(weight, pattern, H, n=3):
    """A weight whose outputs run over `k h d` in the order the pattern says, as n weights."""
    matrix, bias = weight
    d = matrix.shape[1] // (H * n)
    sizes = {"k": n, "h": H, "d": d}
    letters = pattern.split()
    order = [letters.index(letter) for letter in ("k", "h", "d")]

    def sort(tensor):
        lead = tensor.shape[:-1]
        tensor = tensor.reshape(*lead, *(sizes[letter] for letter in letters))
        tensor = tensor.permute(*range(len(lead)), *(len(lead) + axis for axis in order))
        return tensor.reshape(*lead, n, H * d)

    matrices = sort(matrix).unbind(-2)
    biases = [None] * n if bias is None else sort(bias).unbind(-2)
    return list(zip(matrices, biases, strict=True))


def heads_of(weights):
    """A list of one weight a head, beside each other."""
    weights = list(weights)
    bias = None if weights[0][1] is None else torch.cat([item[1] for item in weights])
    return torch.cat([item[0] for item in weights], dim=1), bias


def rows_by(weight, pattern, H):
    """An output map whose inputs run `d h`, as `h d`."""
    matrix, bias = weight
    if pattern == "d h":
        matrix = matrix.reshape(-1, H, matrix.shape[1]).transpose(0, 1).reshape(matrix.shape)
    return matrix, bias


HELPERS = {"lin": lin, "raw": raw, "fused": fused, "heads_of": heads_of, "rows_by": rows_by}
