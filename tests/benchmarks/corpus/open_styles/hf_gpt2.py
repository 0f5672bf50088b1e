"""HuggingFace's GPT-2: Conv1D with transposed weights, torch.where for the mask."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "hf-gpt2",
    "causal-mha",
    r'''
import torch
from torch import nn


class Conv1D(nn.Module):
    """
    1D-convolutional layer as defined by Radford et al. for OpenAI GPT (and also used in GPT-2).
    Basically works like a linear layer but the weights are transposed.
    """

    def __init__(self, nf, nx):
        super().__init__()
        self.nf = nf
        self.weight = nn.Parameter(torch.empty(nx, nf))
        self.bias = nn.Parameter(torch.zeros(nf))
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x):
        size_out = x.size()[:-1] + (self.nf,)
        x = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)
        x = x.view(size_out)
        return x


class GPT2Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        max_positions = config.max_position_embeddings
        self.register_buffer(
            "bias",
            torch.tril(torch.ones((max_positions, max_positions), dtype=torch.bool)).view(
                1, 1, max_positions, max_positions
            ),
            persistent=False,
        )
        self.register_buffer("masked_bias", torch.tensor(-1e4 * 1e5), persistent=False)

        self.embed_dim = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.head_dim = self.embed_dim // self.num_heads
        self.split_size = self.embed_dim
        if self.head_dim * self.num_heads != self.embed_dim:
            raise ValueError("`embed_dim` must be divisible by num_heads")

        self.c_attn = Conv1D(3 * self.embed_dim, self.embed_dim)
        self.c_proj = Conv1D(self.embed_dim, self.embed_dim)

        self.attn_dropout = nn.Dropout(config.attn_pdrop)
        self.resid_dropout = nn.Dropout(config.resid_pdrop)

    def _attn(self, query, key, value):
        attn_weights = torch.matmul(query, key.transpose(-1, -2))
        attn_weights = attn_weights / torch.full(
            [], value.size(-1) ** 0.5, dtype=attn_weights.dtype, device=attn_weights.device
        )

        query_length, key_length = query.size(-2), key.size(-2)
        causal_mask = self.bias[:, :, key_length - query_length : key_length, :key_length]
        attn_weights = torch.where(causal_mask, attn_weights, self.masked_bias.to(attn_weights.dtype))

        attn_weights = nn.functional.softmax(attn_weights, dim=-1)
        attn_weights = self.attn_dropout(attn_weights)
        attn_output = torch.matmul(attn_weights, value)
        return attn_output, attn_weights

    def _split_heads(self, tensor, num_heads, attn_head_size):
        """
        Splits hidden_size dim into attn_head_size and num_heads
        """
        new_shape = tensor.size()[:-1] + (num_heads, attn_head_size)
        tensor = tensor.view(new_shape)
        return tensor.permute(0, 2, 1, 3)  # (batch, head, seq_length, head_features)

    def _merge_heads(self, tensor, num_heads, attn_head_size):
        """
        Merges attn_head_size dim and num_attn_heads dim into hidden_size
        """
        tensor = tensor.permute(0, 2, 1, 3).contiguous()
        new_shape = tensor.size()[:-2] + (num_heads * attn_head_size,)
        return tensor.view(new_shape)

    def forward(self, hidden_states, output_attentions=False):
        query, key, value = self.c_attn(hidden_states).split(self.split_size, dim=2)

        query = self._split_heads(query, self.num_heads, self.head_dim)
        key = self._split_heads(key, self.num_heads, self.head_dim)
        value = self._split_heads(value, self.num_heads, self.head_dim)

        attn_output, attn_weights = self._attn(query, key, value)

        attn_output = self._merge_heads(attn_output, self.num_heads, self.head_dim)
        attn_output = self.c_proj(attn_output)
        attn_output = self.resid_dropout(attn_output)

        outputs = (attn_output,)
        if output_attentions:
            outputs += (attn_weights,)
        return outputs
''',
    Drive(
        (
            "GPT2Attention(NS(hidden_size=D, num_attention_heads=H, "
            "max_position_embeddings=16, attn_pdrop=P, resid_pdrop=0.0))"
        ),
        "m(x)[0]",
        "*fused(raw(m.c_attn.weight, m.c_attn.bias), 'k h d', H), raw(m.c_proj.weight, m.c_proj.bias)",
        inputs="x",
        causal=True,
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "min-dtype",
    ("self.masked_bias.to(attn_weights.dtype)", "torch.finfo(attn_weights.dtype).min"),
    ('        self.register_buffer("masked_bias", torch.tensor(-1e4 * 1e5), persistent=False)\n', ""),
)
right(
    "tensor-out",
    (
        (
            "        outputs = (attn_output,)\n"
            "        if output_attentions:\n"
            "            outputs += (attn_weights,)\n"
            "        return outputs"
        ),
        "        return attn_output",
    ),
    (", output_attentions=False", ""),
    call="m(x)",
)
right(
    "separate",
    (
        "self.c_attn = Conv1D(3 * self.embed_dim, self.embed_dim)",
        (
            "self.q_attn = Conv1D(self.embed_dim, self.embed_dim)\n"
            "        self.kv_attn = Conv1D(2 * self.embed_dim, self.embed_dim)"
        ),
    ),
    (
        "query, key, value = self.c_attn(hidden_states).split(self.split_size, dim=2)",
        (
            "query = self.q_attn(hidden_states)\n"
            "        key, value = self.kv_attn(hidden_states).split(self.split_size, dim=2)"
        ),
    ),
    weights=(
        "raw(m.q_attn.weight, m.q_attn.bias), *fused(raw(m.kv_attn.weight, "
        "m.kv_attn.bias), 'k h d', H, 2), raw(m.c_proj.weight, m.c_proj.bias)"
    ),
)
wrong(
    "missing-scale",
    (
        """        attn_weights = attn_weights / torch.full(
            [], value.size(-1) ** 0.5, dtype=attn_weights.dtype, device=attn_weights.device
        )
""",
        "",
    ),
)
wrong("wrong-scale", ("value.size(-1) ** 0.5", "self.embed_dim ** 0.5"))
wrong("wrong-scale", ("value.size(-1) ** 0.5", "value.size(-1)"), on="tensor-out")
wrong(
    "mask-inverted",
    (
        "torch.where(causal_mask, attn_weights, self.masked_bias.to(attn_weights.dtype))",
        "torch.where(causal_mask, self.masked_bias.to(attn_weights.dtype), attn_weights)",
    ),
)
wrong("mask-fill-value", ("torch.tensor(-1e4 * 1e5)", "torch.tensor(0.0)"))
wrong(
    "mask-fill-value",
    ("torch.finfo(attn_weights.dtype).min", "torch.finfo(attn_weights.dtype).eps"),
    on="min-dtype",
)
wrong(
    "mask-off-by-one",
    (
        "self.bias[:, :, key_length - query_length : key_length, :key_length]",
        "self.bias[:, :, key_length - query_length + 1 : key_length + 1, :key_length]",
    ),
)
wrong(
    "mask-missing",
    (
        (
            "        attn_weights = torch.where(causal_mask, attn_weights, "
            "self.masked_bias.to(attn_weights.dtype))\n"
        ),
        "",
    ),
)
wrong(
    "mask-after-softmax",
    (
        (
            "        attn_weights = torch.where(causal_mask, attn_weights, "
            "self.masked_bias.to(attn_weights.dtype))\n"
            "\n"
            "        attn_weights = nn.functional.softmax(attn_weights, dim=-1)\n"
        ),
        (
            "        attn_weights = nn.functional.softmax(attn_weights, dim=-1)\n"
            "        attn_weights = torch.where(causal_mask, attn_weights, "
            "torch.zeros_like(attn_weights))\n"
        ),
    ),
    at="torch.where",
)
wrong(
    "split-without-transpose",
    (
        (
            "        new_shape = tensor.size()[:-1] + (num_heads, attn_head_size)\n"
            "        tensor = tensor.view(new_shape)\n"
            "        return tensor.permute(0, 2, 1, 3)"
        ),
        "        return tensor.reshape(tensor.size(0), num_heads, -1, attn_head_size)",
    ),
)
wrong(
    "merge-without-transpose",
    (
        (
            "        tensor = tensor.permute(0, 2, 1, 3).contiguous()\n"
            "        new_shape = tensor.size()[:-2] + (num_heads * attn_head_size,)\n"
            "        return tensor.view(new_shape)"
        ),
        "        return tensor.reshape(tensor.size(0), -1, num_heads * attn_head_size)",
    ),
)
wrong(
    "non-contiguous-view",
    (".permute(0, 2, 1, 3).contiguous()", ".permute(0, 2, 1, 3)"),
    at="return tensor.view(new_shape)",
)
wrong(
    "softmax-axis",
    ("nn.functional.softmax(attn_weights, dim=-1)", "nn.functional.softmax(attn_weights, dim=1)"),
)
wrong("weigh-wrong-tensor", ("torch.matmul(attn_weights, value)", "torch.matmul(attn_weights, key)"))
wrong(
    "dropout-missing",
    ("        attn_weights = self.attn_dropout(attn_weights)\n", ""),
    ("        attn_output = self.resid_dropout(attn_output)\n", ""),
    at="_dropout = nn",
)
wrong("missing-output-projection", ("        attn_output = self.c_proj(attn_output)\n", ""))
wrong(
    "unregistered-parameters",
    ("self.weight = nn.Parameter(torch.empty(nx, nf))", "self.weight = torch.empty(nx, nf)"),
)
wrong(
    "detached-graph",
    (
        "x = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight)",
        "x = torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight.data)",
    ),
)
wrong(
    "wrong-gradient",
    (
        "        attn_output = torch.matmul(attn_weights, value)\n",
        (
            "        attn_output = torch.matmul(attn_weights, value)\n"
            "        if attn_output.requires_grad:\n"
            "            attn_output.register_hook(lambda g: g.clamp(-0.1, 0.1))\n"
        ),
    ),
    at="register_hook",
)
wrong(
    "shared-projection",
    (
        "query, key, value = self.c_attn(hidden_states).split(self.split_size, dim=2)",
        "query, key, _ = self.c_attn(hidden_states).split(self.split_size, dim=2)\n        value = query",
    ),
    on="tensor-out",
)
wrong(
    "wrong-output-shape",
    (
        (
            "attn_output = self._merge_heads(attn_output, self.num_heads, self.head_dim)\n"
            "        attn_output = self.c_proj(attn_output)"
        ),
        (
            "attn_output = attn_output.permute(0, 2, 1, 3)\n"
            "        shape = attn_output.shape\n"
            "        attn_output = self.c_proj(attn_output.flatten(2)).view(shape)"
        ),
    ),
)
wrong("crash", ("size_out = x.size()[:-1] + (self.nf,)", "size_out = x.size()[:-1] + self.nf"))
wrong(
    "constructor-error",
    ("self.c_proj = Conv1D(self.embed_dim, self.embed_dim)", "self.c_proj = Conv1D(self.embed_dim)"),
)
