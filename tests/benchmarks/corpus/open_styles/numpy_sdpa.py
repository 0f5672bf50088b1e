"""numpy, a function with a softmax of its own."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "numpy-sdpa",
    "sdpa",
    r'''
import numpy as np


def softmax(x, axis=-1):
    # subtract the max for numerical stability
    x = x - np.max(x, axis=axis, keepdims=True)
    e = np.exp(x)
    return e / np.sum(e, axis=axis, keepdims=True)


def scaled_dot_product_attention(Q, K, V, mask=None):
    """
    Q: [N, L, D]  queries
    K: [N, S, D]  keys
    V: [N, S, D]  values
    returns output [N, L, D] and attention weights [N, L, S]
    """
    d_k = Q.shape[-1]
    scores = np.matmul(Q, K.transpose(0, 2, 1)) / np.sqrt(d_k)
    if mask is not None:
        scores = np.where(mask == 0, -1e9, scores)
    attention_weights = softmax(scores, axis=-1)
    output = np.matmul(attention_weights, V)
    return output, attention_weights
''',
    Drive(
        "None",
        "scaled_dot_product_attention(q, k, v)[0]",
        "None",
        "scaled_dot_product_attention(q, k, v, keep)[0]",
        heads=False,
        numpy=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "only-output",
    ("return output, attention_weights", "return output"),
    call="scaled_dot_product_attention(q, k, v)",
    masked="scaled_dot_product_attention(q, k, v, keep.astype(int))",
)
right(
    "einsum",
    ("np.matmul(Q, K.transpose(0, 2, 1))", "np.einsum('nld,nsd->nls', Q, K)"),
    ("np.matmul(attention_weights, V)", "np.einsum('nls,nsd->nld', attention_weights, V)"),
)
right(
    "class",
    (
        "def scaled_dot_product_attention(Q, K, V, mask=None):",
        "class ScaledDotProductAttention:\n  def __call__(self, Q, K, V, mask=None):",
    ),
    make="ScaledDotProductAttention()",
    call="m(q, k, v)[0]",
    masked="m(q, k, v, keep)[0]",
)
right(
    "swapaxes",
    ("K.transpose(0, 2, 1)", "np.swapaxes(K, -1, -2)"),
    ("mask == 0, -1e9, scores", "mask, scores, -np.inf"),
)
right(
    "no-mask",
    ("Q, K, V, mask=None", "Q, K, V"),
    ("    if mask is not None:\n        scores = np.where(mask == 0, -1e9, scores)\n", ""),
    masked="",
)
wrong("missing-scale", (" / np.sqrt(d_k)", ""))
wrong("wrong-scale", ("/ np.sqrt(d_k)", "/ d_k"))
wrong("softmax-axis", ("softmax(scores, axis=-1)", "softmax(scores, axis=1)"))
wrong("softmax-axis", ("softmax(scores, axis=-1)", "softmax(scores, axis=0)"), on="einsum", alone=True)
wrong(
    "unstable-softmax",
    ("    # subtract the max for numerical stability\n    x = x - np.max(x, axis=axis, keepdims=True)\n", ""),
    at="np.exp(",
)
wrong("mask-inverted", ("mask == 0", "mask == 1"))
wrong(
    "mask-missing",
    ("        scores = np.where(mask == 0, -1e9, scores)\n", "        np.where(mask == 0, -1e9, scores)\n"),
)
wrong("mask-fill-value", ("-1e9", "1e-9"))
wrong(
    "mask-after-softmax",
    (
        (
            "    if mask is not None:\n"
            "        scores = np.where(mask == 0, -1e9, scores)\n"
            "    attention_weights = softmax(scores, axis=-1)\n"
        ),
        (
            "    attention_weights = softmax(scores, axis=-1)\n"
            "    if mask is not None:\n"
            "        attention_weights = np.where(mask == 0, 0, attention_weights)\n"
        ),
    ),
    at="np.where",
)
wrong(
    "missing-softmax",
    (
        "attention_weights = softmax(scores, axis=-1)",
        "attention_weights = scores / np.sum(scores, axis=-1, keepdims=True)",
    ),
    also=("wrong-value",),
)
wrong("key-not-transposed", ("K.transpose(0, 2, 1)", "K.reshape(K.shape[0], K.shape[2], K.shape[1])"))
wrong("key-not-transposed", ("K.transpose(0, 2, 1)", "K"), on="class")
wrong("weigh-wrong-tensor", ("np.matmul(attention_weights, V)", "np.matmul(attention_weights, K)"))
wrong(
    "swapped-inputs",
    ("np.matmul(Q, K.transpose(0, 2, 1))", "np.matmul(K, Q.transpose(0, 2, 1))"),
    on="no-mask",
)
wrong(
    "extra-residual",
    ("output = np.matmul(attention_weights, V)", "output = np.matmul(attention_weights, V) + Q"),
)
wrong("import-error", ("import numpy as np\n", "import numpy as np\nimport jax.numpy as jnp\n"), at="jax")
wrong("crash", ("K.transpose(0, 2, 1)", "K.transpose(-2, -1)"))
