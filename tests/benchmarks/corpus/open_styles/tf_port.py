"""The TensorFlow tutorial ported: (v, k, q, mask), 1 means hidden."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "tf-port",
    "mha",
    r'''
import torch
import torch.nn as nn


def scaled_dot_product_attention(q, k, v, mask):
    """Calculate the attention weights.
    q, k, v must have matching leading dimensions.
    The mask is 1 where a position must NOT be attended to (padding or look ahead).
    """
    matmul_qk = torch.matmul(q, k.transpose(-1, -2))  # (..., seq_len_q, seq_len_k)

    # scale matmul_qk
    dk = torch.tensor(k.shape[-1], dtype=q.dtype)
    scaled_attention_logits = matmul_qk / torch.sqrt(dk)

    # add the mask to the scaled tensor.
    if mask is not None:
        scaled_attention_logits += (mask * -1e9)

    # softmax is normalized on the last axis (seq_len_k) so that the scores add up to 1.
    attention_weights = torch.softmax(scaled_attention_logits, dim=-1)  # (..., seq_len_q, seq_len_k)

    output = torch.matmul(attention_weights, v)  # (..., seq_len_q, depth_v)
    return output, attention_weights


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super(MultiHeadAttention, self).__init__()
        self.num_heads = num_heads
        self.d_model = d_model

        assert d_model % self.num_heads == 0

        self.depth = d_model // self.num_heads

        self.wq = nn.Linear(d_model, d_model)
        self.wk = nn.Linear(d_model, d_model)
        self.wv = nn.Linear(d_model, d_model)

        self.dense = nn.Linear(d_model, d_model)

    def split_heads(self, x, batch_size):
        """Split the last dimension into (num_heads, depth).
        Transpose the result such that the shape is (batch_size, num_heads, seq_len, depth)
        """
        x = torch.reshape(x, (batch_size, -1, self.num_heads, self.depth))
        return x.permute(0, 2, 1, 3)

    def forward(self, v, k, q, mask=None):
        batch_size = q.shape[0]

        q = self.wq(q)  # (batch_size, seq_len, d_model)
        k = self.wk(k)  # (batch_size, seq_len, d_model)
        v = self.wv(v)  # (batch_size, seq_len, d_model)

        q = self.split_heads(q, batch_size)  # (batch_size, num_heads, seq_len_q, depth)
        k = self.split_heads(k, batch_size)  # (batch_size, num_heads, seq_len_k, depth)
        v = self.split_heads(v, batch_size)  # (batch_size, num_heads, seq_len_v, depth)

        scaled_attention, attention_weights = scaled_dot_product_attention(q, k, v, mask)

        scaled_attention = scaled_attention.permute(0, 2, 1, 3)  # (batch_size, seq_len_q, num_heads, depth)

        concat_attention = torch.reshape(scaled_attention,
                                         (batch_size, -1, self.d_model))  # (batch_size, seq_len_q, d_model)

        output = self.dense(concat_attention)  # (batch_size, seq_len_q, d_model)

        return output, attention_weights
''',
    Drive(
        "MultiHeadAttention(D, H)",
        "m(v, k, q)[0]",
        "lin(m.wq), lin(m.wk), lin(m.wv), lin(m.dense)",
        "m(v, k, q, (~keep).double()[:, None])[0]",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "qkv-order",
    ("v, k, q, mask=None", "q, k, v, mask=None"),
    call="m(q, k, v)[0]",
    masked="m(q, k, v, (~keep).double()[:, None])[0]",
)
right("required-mask", ("mask=None", "mask"), call="m(v, k, q, None)[0]")
right("padding-only", masked="m(v, k, q, (~keep[:, :1, None]).double())[0]", keep="pad")
right(
    "bool-drop",
    (
        "scaled_attention_logits += (mask * -1e9)",
        "scaled_attention_logits = scaled_attention_logits.masked_fill(mask.bool(), -1e9)",
    ),
    masked="m(v, k, q, ~keep[:, None])[0]",
)
wrong("missing-scale", ("matmul_qk / torch.sqrt(dk)", "matmul_qk"))
wrong("wrong-scale", ("matmul_qk / torch.sqrt(dk)", "matmul_qk / dk"))
wrong("wrong-scale", ("matmul_qk / torch.sqrt(dk)", "matmul_qk * torch.sqrt(dk)"), on="bool-drop")
wrong(
    "mask-missing",
    (
        "scaled_dot_product_attention(q, k, v, mask)\n\n        scaled",
        "scaled_dot_product_attention(q, k, v, None)\n\n        scaled",
    ),
)
wrong(
    "mask-fill-value", ("scaled_attention_logits += (mask * -1e9)", "scaled_attention_logits *= (1 - mask)")
)
wrong("mask-fill-value", ("mask.bool(), -1e9", "mask.bool(), -1"), on="bool-drop")
wrong(
    "mask-after-softmax",
    (
        """    if mask is not None:
        scaled_attention_logits += (mask * -1e9)

""",
        "",
    ),
    (
        "    output = torch.matmul(",
        (
            "    if mask is not None:\n"
            "        attention_weights = attention_weights * (1 - mask)\n"
            "\n"
            "    output = torch.matmul("
        ),
    ),
    at="(1 - mask)",
)
wrong("nan-output", ("mask * -1e9", "mask * float('-inf')"))
wrong(
    "softmax-axis",
    ("torch.softmax(scaled_attention_logits, dim=-1)", "torch.softmax(scaled_attention_logits, dim=0)"),
    alone=True,
    also=("batch-mixing",),
)
wrong(
    "softmax-axis",
    ("torch.softmax(scaled_attention_logits, dim=-1)", "torch.softmax(scaled_attention_logits, dim=2)"),
)
wrong(
    "split-without-transpose",
    (
        (
            "x = torch.reshape(x, (batch_size, -1, self.num_heads, self.depth))\n"
            "        return x.permute(0, 2, 1, 3)"
        ),
        "return torch.reshape(x, (batch_size, self.num_heads, -1, self.depth))",
    ),
)
wrong(
    "merge-without-transpose",
    (
        (
            "        scaled_attention = scaled_attention.permute(0, 2, 1, 3)  # (batch_size, "
            "seq_len_q, num_heads, depth)\n"
            "\n"
        ),
        "",
    ),
    at="concat_attention = torch.reshape(",
)
wrong(
    "swapped-inputs",
    (
        "scaled_dot_product_attention(q, k, v, mask)\n\n        scaled",
        "scaled_dot_product_attention(v, k, q, mask)\n\n        scaled",
    ),
)
wrong(
    "swapped-inputs",
    ("q = self.wq(q)", "q = self.wq(k)"),
    ("k = self.wk(k)", "k = self.wk(q)"),
    on="required-mask",
    alone=True,
)
wrong("shared-projection", ("v = self.wv(v)", "v = self.wk(v)"))
wrong(
    "shared-projection",
    ("        self.wk = nn.Linear(d_model, d_model)\n", "        self.wk = self.wq\n"),
    on="qkv-order",
)
wrong("weigh-wrong-tensor", ("torch.matmul(attention_weights, v)", "torch.matmul(attention_weights, k)"))
wrong("missing-output-projection", ("output = self.dense(concat_attention)", "output = concat_attention"))
wrong("key-not-transposed", ("k.transpose(-1, -2)", "k.transpose(-1, -3)"))
wrong(
    "key-not-transposed",
    ("k.transpose(-1, -2)", "k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])"),
    on="qkv-order",
)
wrong("hard-coded-shape", ("(batch_size, -1, self.d_model)", "(batch_size, -1, 512)"))
wrong("hard-coded-shape", ("(batch_size, -1, self.d_model)", "(64, -1, self.d_model)"))
wrong(
    "wrong-output-shape",
    (
        "        output = self.dense(concat_attention)",
        (
            "        concat_attention = concat_attention.squeeze().mean(dim=1)\n"
            "        output = self.dense(concat_attention)"
        ),
    ),
    at="mean(dim=1)",
)
wrong(
    "mutates-input",
    (
        "        batch_size = q.shape[0]\n",
        "        batch_size = q.shape[0]\n        q.mul_(self.d_model ** 0.5)\n",
    ),
    alone=True,
    at="q.mul_",
    also=("wrong-value", "wrong-value+mutates-input", "wrong-scale+mutates-input"),
)
wrong(
    "detached-graph",
    (
        "output = torch.matmul(attention_weights, v)",
        "output = torch.matmul(attention_weights, v.clone().detach())",
    ),
)
wrong(
    "import-error",
    ("import torch.nn as nn\n", "import torch.nn as nn\nimport tensorflow as tf\n"),
    at="tensorflow",
)
wrong("crash", ("torch.reshape(x, (batch_size,", "tf.reshape(x, (batch_size,"))
wrong(
    "not-implemented",
    (
        (
            "        x = torch.reshape(x, (batch_size, -1, self.num_heads, self.depth))\n"
            "        return x.permute(0, 2, 1, 3)\n"
        ),
        "        # YOUR CODE HERE\n        raise NotImplementedError()\n",
    ),
)
