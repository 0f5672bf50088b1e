"""numpy with a logsumexp, Einstein sums over any leading axes, validated arguments."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "sdpa-logsumexp",
    "sdpa",
    r'''
import numpy as np


def _logsumexp(a, axis):
    largest = a.max(axis=axis, keepdims=True)
    return largest + np.log(np.exp(a - largest).sum(axis=axis, keepdims=True))


class NumpyAttention(object):
    """
    Scaled dot-product attention.

    Parameters of a call
    --------------------
    queries : ndarray, shape (n, l, d)
    keys    : ndarray, shape (n, s, d)
    values  : ndarray, shape (n, s, d)
    bias    : ndarray, shape (n, l, s), added to the scores (-inf hides), optional

    Returns
    -------
    ndarray (n, l, d), ndarray (n, l, s)
    """

    def __init__(self, d_k=None):
        self.d_k = d_k

    def forward(self, queries, keys, values, bias=None):
        queries, keys, values = np.asarray(queries), np.asarray(keys), np.asarray(values)
        if queries.shape[-1] != keys.shape[-1]:
            raise ValueError("queries and keys differ in width")
        d = self.d_k or keys.shape[-1]
        scores = np.einsum("...ld,...sd->...ls", queries, keys) / np.sqrt(d)
        if bias is not None:
            scores = scores + bias
        weights = np.exp(scores - _logsumexp(scores, axis=-1))
        output = np.einsum("...ls,...sd->...ld", weights, values)
        return output, weights

    __call__ = forward
''',
    Drive(
        "NumpyAttention(D)",
        "m(q, k, v)[0]",
        "None",
        "m.forward(q, k, v, np.where(keep, 0.0, -np.inf))[0]",
        heads=False,
        numpy=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "no-bias",
    (", bias=None", ""),
    ("        if bias is not None:\n            scores = scores + bias\n", ""),
    ("    bias    : ndarray, shape (n, l, s), added to the scores (-inf hides), optional\n", ""),
    masked="",
)
right(
    "reduce",
    (
        "np.log(np.exp(a - largest).sum(axis=axis, keepdims=True))",
        "np.log(np.add.reduce(np.exp(a - largest), axis, keepdims=True))",
    ),
    ('np.einsum("...ld,...sd->...ls", queries, keys)', "queries @ keys.swapaxes(-1, -2)"),
)
right(
    "logaddexp",
    ("_logsumexp(scores, axis=-1))", "np.logaddexp.reduce(scores, axis=-1, keepdims=True))"),
    ('np.einsum("...ls,...sd->...ld", weights, values)', "weights @ values"),
)
right(
    "output-alone",
    ("return output, weights", "return output"),
    call="m(q, k, v)",
    masked="m(q, k, v, np.where(keep, 0.0, -1e30))",
)
wrong("missing-scale", (" / np.sqrt(d)", ""))
wrong("wrong-scale", ("/ np.sqrt(d)", "* np.sqrt(d)"))
wrong("wrong-scale", ("np.sqrt(d)", "d"), on="reduce")
wrong(
    "scale-after-softmax",
    (" / np.sqrt(d)", ""),
    ("_logsumexp(scores, axis=-1))", "_logsumexp(scores, axis=-1)) / np.sqrt(d)"),
    at="np.exp(scores - ",
)
wrong("softmax-axis", ("_logsumexp(scores, axis=-1)", "_logsumexp(scores, axis=-2)"))
wrong(
    "softmax-axis",
    (
        "np.logaddexp.reduce(scores, axis=-1, keepdims=True)",
        "np.logaddexp.reduce(scores, axis=1, keepdims=True)",
    ),
    on="logaddexp",
)
wrong(
    "missing-softmax",
    ("weights = np.exp(scores - _logsumexp(scores, axis=-1))", "weights = scores"),
    on="no-bias",
)
wrong(
    "wrong-value",
    ("np.exp(scores - _logsumexp(scores, axis=-1))", "scores - _logsumexp(scores, axis=-1)"),
    on="no-bias",
    also=("missing-softmax",),
)
wrong("unstable-softmax", ("largest + np.log(np.exp(a - largest)", "np.log(np.exp(a)"))
wrong(
    "unstable-softmax",
    (
        "np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))",
        "np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)",
    ),
    on="logaddexp",
)
wrong("mask-missing", ("            scores = scores + bias\n", "            pass\n"))
wrong(
    "mask-fill-value",
    ("            scores = scores + bias\n", "            scores = np.where(bias < 0, 0.0, scores)\n"),
)
wrong(
    "mask-after-softmax",
    (
        "        if bias is not None:\n            scores = scores + bias\n        weights = np.exp(scores - _logsumexp(scores, axis=-1))\n",
        "        weights = np.exp(scores - _logsumexp(scores, axis=-1))\n        if bias is not None:\n            weights = weights * np.exp(bias)\n",
    ),
    at="weights * np.exp(bias)",
)
wrong("weigh-wrong-tensor", ('"...ls,...sd->...ld", weights, values', '"...ls,...sd->...ld", weights, keys'))
wrong("weigh-wrong-tensor", ("weights @ values", "weights @ keys"), on="logaddexp")
wrong(
    "swapped-inputs",
    (
        "np.asarray(queries), np.asarray(keys), np.asarray(values)",
        "np.asarray(queries), np.asarray(values), np.asarray(keys)",
    ),
)
wrong("batch-mixing", ('"...ld,...sd->...ls", queries, keys', '"nld,msd->nls", queries, keys'))
wrong(
    "key-not-transposed",
    ("keys.swapaxes(-1, -2)", "keys.reshape(keys.shape[0], keys.shape[2], keys.shape[1])"),
    on="reduce",
)
wrong("extra-residual", ("return output, weights", "return output + queries, weights"))
wrong(
    "extra-normalization",
    (
        "return output, weights",
        "return (output - output.mean(-1, keepdims=True)) / np.sqrt(output.var(-1, keepdims=True) + 1e-5), weights",
    ),
    also=("wrong-value",),
)
wrong(
    "wrong-output-shape", ('"...ls,...sd->...ld", weights, values', '"...ls,...sd->...dl", weights, values')
)
wrong(
    "unexpected-mask",
    (
        "        weights = np.exp",
        "        scores = np.where(np.tri(*scores.shape[-2:]) == 1, scores, -1e9)\n        weights = np.exp",
    ),
    on="no-bias",
    at="np.tri",
)
wrong(
    "nondeterministic",
    (
        "        weights = np.exp",
        "        scores = scores + np.random.normal(0, 0.1, scores.shape)\n        weights = np.exp",
    ),
    at="np.random",
)
wrong("nan-output", ("np.sqrt(d)\n", "np.sqrt(-d)\n"), alone=True)
wrong(
    "import-error",
    ("import numpy as np\n", "import numpy as np\nfrom numpy.special import logsumexp\n"),
    at="numpy.special",
)
wrong("crash", ('"...ld,...sd->...ls", queries, keys', '"...ld,...sd->...lq", queries, keys'))
