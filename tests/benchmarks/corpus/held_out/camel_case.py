"""camelCase by a Java programmer: getters, private methods, explicit loops over time for the merge."""

from __future__ import annotations

from ..base import Drive, Style

STYLE = Style(
    "camel-case",
    "mha",
    r"""
import math
import torch
import torch.nn as nn


class MultiHeadAttentionLayer(nn.Module):

    def __init__(self, hiddenSize, numberOfHeads, dropoutProbability=0.0):
        super(MultiHeadAttentionLayer, self).__init__()
        if hiddenSize % numberOfHeads != 0:
            raise ValueError("hiddenSize must be divisible by numberOfHeads")
        self.hiddenSize = hiddenSize
        self.numberOfHeads = numberOfHeads
        self.queryLayer = nn.Linear(hiddenSize, hiddenSize)
        self.keyLayer = nn.Linear(hiddenSize, hiddenSize)
        self.valueLayer = nn.Linear(hiddenSize, hiddenSize)
        self.outputLayer = nn.Linear(hiddenSize, hiddenSize)
        self.dropoutLayer = nn.Dropout(dropoutProbability)

    def getHeadSize(self):
        return self.hiddenSize // self.numberOfHeads

    def __splitIntoHeads(self, tensor):
        batchSize, sequenceLength = tensor.size(0), tensor.size(1)
        reshaped = tensor.reshape(batchSize, sequenceLength, self.numberOfHeads, self.getHeadSize())
        return torch.transpose(reshaped, 1, 2)

    def __computeScores(self, queries, keys):
        scores = torch.einsum("bhqd,bhkd->bhqk", queries, keys)
        return scores / math.sqrt(self.getHeadSize())

    def __applyMask(self, scores, attentionMask):
        if attentionMask is None:
            return scores
        # attentionMask: (batch, keys), 1 for a real token and 0 for padding
        expanded = attentionMask[:, None, None, :]
        return scores.masked_fill(expanded == 0, -1e9)

    def __combineHeads(self, tensor):
        batchSize, sequenceLength = tensor.size(0), tensor.size(2)
        swapped = torch.transpose(tensor, 1, 2)
        return swapped.reshape(batchSize, sequenceLength, self.hiddenSize)

    def forward(self, queryInput, keyInput, valueInput, attentionMask=None):
        queries = self.__splitIntoHeads(self.queryLayer(queryInput))
        keys = self.__splitIntoHeads(self.keyLayer(keyInput))
        values = self.__splitIntoHeads(self.valueLayer(valueInput))

        scores = self.__applyMask(self.__computeScores(queries, keys), attentionMask)
        probabilities = self.dropoutLayer(torch.softmax(scores, dim=3))

        context = torch.einsum("bhqk,bhkd->bhqd", probabilities, values)
        return self.outputLayer(self.__combineHeads(context))
""",
    Drive(
        "MultiHeadAttentionLayer(D, H, P)",
        "m(q, k, v)",
        "lin(m.queryLayer), lin(m.keyLayer), lin(m.valueLayer), lin(m.outputLayer)",
        "m(q, k, v, keep[:, 0].long())",
        keep="pad",
    ),
)
right, wrong = STYLE.right, STYLE.wrong

right(
    "two-results",
    (
        "return self.outputLayer(self.__combineHeads(context))",
        "return self.outputLayer(self.__combineHeads(context)), probabilities",
    ),
    call="m(q, k, v)[0]",
    masked="m(q, k, v, keep[:, 0])[0]",
)
right(
    "all-in-double-loops",
    (
        "        swapped = torch.transpose(tensor, 1, 2)\n        return swapped.reshape(batchSize, sequenceLength, self.hiddenSize)\n",
        (
            "        result = torch.zeros(batchSize, sequenceLength, self.hiddenSize, dtype=tensor.dtype)\n"
            "        headSize = self.getHeadSize()\n"
            "        for head in range(self.numberOfHeads):\n"
            "            for position in range(sequenceLength):\n"
            "                result[:, position, head * headSize:(head + 1) * headSize] = tensor[:, head, position]\n"
            "        return result\n"
        ),
    ),
)
right(
    "memory-for-keys-and-values",
    ("queryInput, keyInput, valueInput, attentionMask", "queryInput, memory, attentionMask"),
    ("self.keyLayer(keyInput)", "self.keyLayer(memory)"),
    ("self.valueLayer(valueInput)", "self.valueLayer(memory)"),
    call="m(q, k)",
    masked="m(q, k, keep[:, 0])",
    inputs="ctx",
)
wrong("missing-scale", ("        return scores / math.sqrt(self.getHeadSize())\n", "        return scores\n"))
wrong(
    "wrong-scale",
    ("return self.hiddenSize // self.numberOfHeads", "return self.hiddenSize / self.numberOfHeads"),
    ("math.sqrt(self.getHeadSize())", "self.getHeadSize()"),
    ("self.numberOfHeads, self.getHeadSize())", "self.numberOfHeads, -1)"),
    at="scores / self.getHeadSize()",
)
wrong("wrong-scale", ("math.sqrt(self.getHeadSize())", "math.sqrt(self.hiddenSize)"))
wrong(
    "wrong-scale",
    ("scores / math.sqrt(self.getHeadSize())", "scores * math.sqrt(self.getHeadSize())"),
    on="two-results",
)
wrong("softmax-axis", ("torch.softmax(scores, dim=3)", "torch.softmax(scores, dim=2)"))
wrong("softmax-axis", ("torch.softmax(scores, dim=3)", "torch.softmax(scores, dim=1)"), on="two-results")
wrong("missing-softmax", ("self.dropoutLayer(torch.softmax(scores, dim=3))", "self.dropoutLayer(scores)"))
wrong(
    "scale-after-softmax",
    ("        return scores / math.sqrt(self.getHeadSize())\n", "        return scores\n"),
    (
        "self.dropoutLayer(torch.softmax(scores, dim=3))",
        "self.dropoutLayer(torch.softmax(scores, dim=3) / math.sqrt(self.getHeadSize()))",
    ),
    at="torch.softmax(",
)
wrong(
    "mask-missing",
    (
        "self.__applyMask(self.__computeScores(queries, keys), attentionMask)",
        "self.__applyMask(self.__computeScores(queries, keys), None)",
    ),
)
wrong("mask-fill-value", ("-1e9", "1e-9"))
wrong(
    "mask-after-softmax",
    (
        "self.__applyMask(self.__computeScores(queries, keys), attentionMask)",
        "self.__computeScores(queries, keys)",
    ),
    ("-1e9", "0"),
    (
        "self.dropoutLayer(torch.softmax(scores, dim=3))",
        "self.__applyMask(self.dropoutLayer(torch.softmax(scores, dim=3)), attentionMask)",
    ),
    at="self.__applyMask(self.drop",
)
wrong(
    "split-without-transpose",
    (
        "        reshaped = tensor.reshape(batchSize, sequenceLength, self.numberOfHeads, self.getHeadSize())\n        return torch.transpose(reshaped, 1, 2)\n",
        "        return tensor.reshape(batchSize, self.numberOfHeads, sequenceLength, self.getHeadSize())\n",
    ),
)
wrong(
    "merge-without-transpose",
    (
        "        swapped = torch.transpose(tensor, 1, 2)\n        return swapped.reshape",
        "        return tensor.reshape",
    ),
)
wrong("non-contiguous-view", ("swapped.reshape(", "swapped.view("))
wrong(
    "heads-not-concatenated",
    ("head * headSize:(head + 1) * headSize", ":headSize"),
    on="all-in-double-loops",
    also=("wrong-value",),
)
wrong("shared-projection", ("self.keyLayer(keyInput)", "self.valueLayer(keyInput)"))
wrong(
    "shared-projection",
    ("self.valueLayer = nn.Linear(hiddenSize, hiddenSize)", "self.valueLayer = self.keyLayer"),
    on="two-results",
)
wrong(
    "missing-projection",
    ("self.__splitIntoHeads(self.queryLayer(queryInput))", "self.__splitIntoHeads(queryInput)"),
)
wrong(
    "swapped-inputs",
    ("self.keyLayer(keyInput)", "self.keyLayer(valueInput)"),
    ("self.valueLayer(valueInput)", "self.valueLayer(keyInput)"),
)
wrong(
    "weigh-wrong-tensor",
    ('"bhqk,bhkd->bhqd", probabilities, values', '"bhqk,bhkd->bhqd", probabilities, keys'),
)
wrong(
    "batch-mixing",
    ('"bhqk,bhkd->bhqd", probabilities, values', '"bhqk,bhkd->bhqd", probabilities.flip(0), values'),
    alone=True,
    also=("wrong-value",),
)
wrong("dropout-missing", ("self.dropoutLayer(torch.softmax(scores, dim=3))", "torch.softmax(scores, dim=3)"))
wrong(
    "dropout-in-eval",
    (
        "self.dropoutLayer(torch.softmax(scores, dim=3))",
        "torch.dropout(torch.softmax(scores, dim=3), self.dropoutLayer.p, True)",
    ),
)
wrong(
    "missing-output-projection",
    ("return self.outputLayer(self.__combineHeads(context))", "return self.__combineHeads(context)"),
)
wrong(
    "extra-residual",
    (
        "return self.outputLayer(self.__combineHeads(context))",
        "return self.outputLayer(self.__combineHeads(context)) + queryInput",
    ),
)
wrong(
    "extra-normalization",
    (
        "        self.dropoutLayer = nn",
        "        self.normLayer = nn.LayerNorm(hiddenSize)\n        self.dropoutLayer = nn",
    ),
    (
        "return self.outputLayer(self.__combineHeads(context))",
        "return self.normLayer(self.outputLayer(self.__combineHeads(context)))",
    ),
    at="self.normLayer(self",
)
wrong("detached-graph", ("probabilities, values", "probabilities, values.detach()"))
wrong(
    "detached-graph",
    (
        "torch.zeros(batchSize, sequenceLength, self.hiddenSize, dtype=tensor.dtype)",
        "torch.zeros(batchSize, sequenceLength, self.hiddenSize, dtype=tensor.dtype)\n        tensor = torch.tensor(tensor.tolist())",
    ),
    on="all-in-double-loops",
    at="tensor.tolist()",
)
wrong(
    "unregistered-parameters",
    (
        "self.outputLayer = nn.Linear(hiddenSize, hiddenSize)",
        "self.outputLayers = [nn.Linear(hiddenSize, hiddenSize)]",
    ),
    ("self.outputLayer(", "self.outputLayers[0]("),
    at="self.outputLayers = ",
)
wrong(
    "crash",
    (
        "self.__splitIntoHeads(self.valueLayer(valueInput))",
        "self.splitIntoHeads(self.valueLayer(valueInput))",
    ),
)
wrong(
    "hard-coded-shape",
    (
        "batchSize, sequenceLength = tensor.size(0), tensor.size(1)",
        "batchSize, sequenceLength = 2, tensor.size(1)",
    ),
)
