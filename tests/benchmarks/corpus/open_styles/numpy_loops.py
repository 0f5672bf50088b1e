"""numpy with loops over batch and queries."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "numpy-loops",
    "sdpa",
    r'''
import numpy as np

class Attention:
    """用 numpy 实现 attention, Q K V 都是三维张量 [N, L, D]"""

    def softmax(self, x):
        exp = np.exp(x - x.max(axis=-1, keepdims=True))
        return exp / exp.sum(axis=-1, keepdims=True)

    def forward(self, Q, K, V):
        N, L, D = Q.shape
        out = np.zeros((N, L, V.shape[-1]))
        weights = np.zeros((N, L, K.shape[1]))
        for n in range(N):
            for i in range(L):
                scores = K[n] @ Q[n, i] / np.sqrt(D)
                weights[n, i] = self.softmax(scores)
                out[n, i] = weights[n, i] @ V[n]
        return out, weights
''',
    Drive("Attention()", "m.forward(q, k, v)[0]", heads=False, numpy=True),
)
right, wrong = STYLE.right, STYLE.wrong

right("call", ("def forward", "def __call__"), call="m(q, k, v)[0]")
right(
    "per-batch",
    (
        """            for i in range(L):
                scores = K[n] @ Q[n, i] / np.sqrt(D)
                weights[n, i] = self.softmax(scores)
                out[n, i] = weights[n, i] @ V[n]
        return out, weights""",
        """            weights[n] = self.softmax(np.dot(Q[n], K[n].T) / D ** 0.5)
            out[n] = np.dot(weights[n], V[n])
        return out""",
    ),
    call="m.forward(q, k, v)",
)
wrong("missing-scale", (" / np.sqrt(D)", ""))
wrong("wrong-scale", ("np.sqrt(D)", "np.sqrt(L)"))
wrong("unstable-softmax", ("np.exp(x - x.max(axis=-1, keepdims=True))", "np.exp(x)"))
wrong(
    "softmax-axis",
    ("exp.sum(axis=-1, keepdims=True)", "exp.sum(axis=0, keepdims=True)"),
    on="per-batch",
    also=("wrong-value",),
)
wrong("missing-softmax", ("self.softmax(scores)", "scores"))
wrong("batch-mixing", ("weights[n, i] @ V[n]", "weights[n, i] @ V[0]"))
wrong("weigh-wrong-tensor", ("weights[n, i] @ V[n]", "weights[n, i] @ K[n]"))
wrong("weigh-wrong-tensor", ("np.dot(weights[n], V[n])", "np.dot(weights[n], K[n])"), on="per-batch")
wrong("cross-length", ("np.zeros((N, L, K.shape[1]))", "np.zeros((N, L, L))"))
wrong("hard-coded-shape", ("np.zeros((N, L, V.shape[-1]))", "np.zeros((N, L, 64))"))
wrong(
    "unexpected-mask",
    (
        "K[n] @ Q[n, i] / np.sqrt(D)",
        "K[n] @ Q[n, i] / np.sqrt(D) + np.where(np.arange(K.shape[1]) > i, -1e9, 0)",
    ),
)
wrong("wrong-output-shape", ("return out, weights", "return out.reshape(N, -1), weights"))
wrong("key-not-transposed", ("np.dot(Q[n], K[n].T)", "np.dot(Q[n], K[n])"), on="per-batch")
wrong(
    "not-implemented",
    ("        N, L, D = Q.shape\n", "        raise NotImplementedError\n        N, L, D = Q.shape\n"),
    at="raise",
)
