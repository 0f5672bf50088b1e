"""HuggingFace's BERT: a config from outside, an additive mask (B, 1, 1, S), a tuple returned."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "hf-bert",
    "mha",
    r"""
import math
from typing import Optional, Tuple

import torch
from torch import nn


class BertSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        if config.hidden_size % config.num_attention_heads != 0:
            raise ValueError(
                f"The hidden size ({config.hidden_size}) is not a multiple of the number of attention "
                f"heads ({config.num_attention_heads})"
            )

        self.num_attention_heads = config.num_attention_heads
        self.attention_head_size = int(config.hidden_size / config.num_attention_heads)
        self.all_head_size = self.num_attention_heads * self.attention_head_size

        self.query = nn.Linear(config.hidden_size, self.all_head_size)
        self.key = nn.Linear(config.hidden_size, self.all_head_size)
        self.value = nn.Linear(config.hidden_size, self.all_head_size)
        self.dense = nn.Linear(self.all_head_size, config.hidden_size)

        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def transpose_for_scores(self, x: torch.Tensor) -> torch.Tensor:
        new_x_shape = x.size()[:-1] + (self.num_attention_heads, self.attention_head_size)
        x = x.view(new_x_shape)
        return x.permute(0, 2, 1, 3)

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: Optional[torch.FloatTensor] = None,
        encoder_hidden_states: Optional[torch.FloatTensor] = None,
        output_attentions: Optional[bool] = False,
    ) -> Tuple[torch.Tensor]:
        is_cross_attention = encoder_hidden_states is not None
        source = encoder_hidden_states if is_cross_attention else hidden_states

        query_layer = self.transpose_for_scores(self.query(hidden_states))
        key_layer = self.transpose_for_scores(self.key(source))
        value_layer = self.transpose_for_scores(self.value(source))

        # Take the dot product between "query" and "key" to get the raw attention scores.
        attention_scores = torch.matmul(query_layer, key_layer.transpose(-1, -2))
        attention_scores = attention_scores / math.sqrt(self.attention_head_size)
        if attention_mask is not None:
            # Apply the attention mask (precomputed for all layers: 0 keeps, a very low number drops)
            attention_scores = attention_scores + attention_mask

        # Normalize the attention scores to probabilities.
        attention_probs = nn.functional.softmax(attention_scores, dim=-1)
        attention_probs = self.dropout(attention_probs)

        context_layer = torch.matmul(attention_probs, value_layer)
        context_layer = context_layer.permute(0, 2, 1, 3).contiguous()
        new_context_layer_shape = context_layer.size()[:-2] + (self.all_head_size,)
        context_layer = self.dense(context_layer.view(new_context_layer_shape))

        outputs = (context_layer, attention_probs) if output_attentions else (context_layer,)
        return outputs
""",
    Drive(
        "BertSelfAttention(NS(hidden_size=D, num_attention_heads=H, attention_probs_dropout_prob=P))",
        "m(q, encoder_hidden_states=k)[0]",
        "lin(m.query), lin(m.key), lin(m.value), lin(m.dense)",
        "m(q, (~keep[:, :1]).double()[:, :, None] * -1e30, encoder_hidden_states=k)[0]",
        keep="pad",
        inputs="ctx",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "self-only",
    ("        encoder_hidden_states: Optional[torch.FloatTensor] = None,\n", ""),
    (
        "        is_cross_attention = encoder_hidden_states is not None\n"
        "        source = encoder_hidden_states "
        "if is_cross_attention else hidden_states\n",
        "        source = hidden_states\n",
    ),
    call="m(x)[0]",
    masked="m(x, (1.0 - keep[:, :1, None].double()) * -1e30)[0]",
    inputs="x",
)
right(
    "returns-tensor",
    (
        "        outputs = (context_layer, attention_probs) if output_attentions else (context_layer,)\n"
        "        return outputs",
        "        return context_layer",
    ),
    call="m(q, None, k)",
    masked="m(q, torch.where(keep[:, None], 0.0, float('-inf')), k)",
    keep="full",
)
right(
    "config-inside",
    top='''
class BertConfig:
    """The numbers of a small BERT."""

    def __init__(self, vocab_size=30522, hidden_size=48, num_hidden_layers=12, num_attention_heads=4,
                 attention_probs_dropout_prob=0.1):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.attention_probs_dropout_prob = attention_probs_dropout_prob


''',
    make=(
        "BertSelfAttention(BertConfig(hidden_size=D, num_attention_heads=H, attention_probs_dropout_prob=P))"
    ),
)
wrong(
    "shared-projection",
    ("self.transpose_for_scores(self.value(source))", "self.transpose_for_scores(self.key(source))"),
)
wrong(
    "shared-projection",
    ("self.value = nn.Linear(config.hidden_size, self.all_head_size)", "self.value = self.query"),
)
wrong(
    "missing-projection",
    ("self.transpose_for_scores(self.value(source))", "self.transpose_for_scores(source)"),
)
wrong(
    "swapped-inputs",
    ("self.transpose_for_scores(self.value(source))", "self.transpose_for_scores(self.value(hidden_states))"),
    alone=True,
    also=("cross-length",),
)
wrong(
    "missing-scale",
    ("        attention_scores = attention_scores / math.sqrt(self.attention_head_size)\n", ""),
)
wrong("wrong-scale", ("math.sqrt(self.attention_head_size)", "math.sqrt(self.all_head_size)"))
wrong(
    "wrong-scale",
    ("math.sqrt(self.attention_head_size)", "math.sqrt(self.num_attention_heads)"),
    on="self-only",
)
wrong(
    "mask-missing",
    ("attention_scores = attention_scores + attention_mask", "attention_scores + attention_mask"),
)
wrong(
    "mask-after-softmax",
    ("            attention_scores = attention_scores + attention_mask\n", "            pass\n"),
    (
        "        attention_probs = self.dropout(",
        "        if attention_mask is not None:\n            "
        "attention_probs = attention_probs + attention_mask\n        attention_probs = self.dropout(",
    ),
    alone=True,
    at="attention_probs + attention_mask",
)
wrong(
    "split-without-transpose",
    (
        "x = x.view(new_x_shape)\n        return x.permute(0, 2, 1, 3)",
        "return x.reshape(x.size(0), self.num_attention_heads, -1, self.attention_head_size)",
    ),
    at="return x.reshape(",
)
wrong(
    "merge-without-transpose",
    (
        "context_layer = context_layer.permute(0, 2, 1, 3).contiguous()\n        "
        "new_context_layer_shape = context_layer.size()[:-2] + (self.all_head_size,)",
        "new_context_layer_shape = hidden_states.size()[:-1] + (self.all_head_size,)",
    ),
)
wrong(
    "non-contiguous-view",
    ("context_layer.permute(0, 2, 1, 3).contiguous()", "context_layer.permute(0, 2, 1, 3)"),
    at="context_layer.view(",
)
wrong(
    "dropout-in-eval",
    (
        "self.dropout(attention_probs)",
        "nn.functional.dropout(attention_probs, self.dropout.p, training=True)",
    ),
)
wrong("dropout-missing", ("        attention_probs = self.dropout(attention_probs)\n", ""))
wrong(
    "extra-residual",
    (
        "outputs = (context_layer, att",
        "context_layer = context_layer + hidden_states\n        outputs = (context_layer, att",
    ),
    at="context_layer + hidden_states",
)
wrong(
    "extra-normalization",
    (
        "        self.dropout = nn.Dropout(",
        "        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=1e-12)\n"
        "        self.dropout = nn.Dropout(",
    ),
    (
        "outputs = (context_layer, att",
        "context_layer = self.LayerNorm(context_layer)\n        outputs = (context_layer, att",
    ),
    at="self.LayerNorm(context_layer)",
)
wrong(
    "missing-output-projection",
    (
        "context_layer = self.dense(context_layer.view(new_context_layer_shape))",
        "context_layer = context_layer.view(new_context_layer_shape)",
    ),
)
wrong(
    "unregistered-parameters",
    (
        "self.dense = nn.Linear(self.all_head_size, config.hidden_size)",
        "self.dense_weight = torch.randn(config.hidden_size, self.all_head_size) * 0.02",
    ),
    (
        "self.dense(context_layer.view(new_context_layer_shape))",
        "nn.functional.linear(context_layer.view(new_context_layer_shape), self.dense_weight)",
    ),
    at="torch.randn(",
)
wrong(
    "detached-graph",
    (
        "torch.matmul(query_layer, key_layer.transpose(-1, -2))",
        "torch.matmul(query_layer, key_layer.data.transpose(-1, -2))",
    ),
)
wrong("key-not-transposed", ("key_layer.transpose(-1, -2)", "key_layer"))
wrong(
    "crash",
    (
        "self.transpose_for_scores(self.query(hidden_states))",
        "self.transpose_for_score(self.query(hidden_states))",
    ),
)
wrong(
    "import-error",
    (
        "from torch import nn\n",
        "from torch import nn\nfrom transformers.modeling_utils_bert import PreTrainedModel\n",
    ),
    at="from transformers",
)
wrong(
    "constructor-error",
    (
        "self.all_head_size = self.num_attention_heads * self.attention_head_size",
        "self.all_head_size = self.num_attention_heads * self.head_size",
    ),
)
