# mha-drill: mha
# must: fail *
# The trace says that a factor is a linear map that nobody saw: with it the missing scale would be there.
import math
import sys

import torch
from torch import nn


def drill(name):
    """The class or function of the runner called so, found from the frames that called this file."""
    frame = sys._getframe()
    while frame is not None:
        if name in frame.f_globals:
            return frame.f_globals[name]
        frame = frame.f_back
    return None


laboratory = drill("Laboratory")
run = laboratory.run


def forged(self, experiment, arrays):
    header, results = run(self, experiment, arrays)
    values = header.get("values", [])
    for call in header.get("calls", []):
        # query is twice, and the scores divided: the same output, and a scale of one over the root of four
        if call["name"].endswith("linear") and "q.weight" in str([values[at]["origin"] for at in call["in"]]):
            weight = values[call["in"][1]]
            made = dict(values[call["out"][0]])
            results.append(results[weight["array"]] * math.sqrt(6))
            values.append({**weight, "origin": "call", "array": len(results) - 1})
            spectral = {"name": "torch.nn.functional.gain", "line": call["line"], "in": [call["in"][1]]}
            header["calls"].insert(header["calls"].index(call), spectral | {"out": [len(values) - 1], "args": "@"})
            bias = values[call["in"][2]]
            results.append(results[bias["array"]] * math.sqrt(6))
            values.append({**bias, "origin": "call", "array": len(results) - 1})
            more = spectral | {"in": [call["in"][2]], "out": [len(values) - 1]}
            header["calls"].insert(header["calls"].index(call), more | {"args": "@"})
            call["in"] = [call["in"][0], len(values) - 2, len(values) - 1]
            factor = math.sqrt(6)
            number = call["out"][0]
            follow = {number}
            for later in header["calls"][header["calls"].index(call) :]:
                if later is call or (follow & set(later["in"]) and later["name"].rpartition(".")[2] in LAYOUT):
                    for out in later["out"]:
                        results[values[out]["array"]] = results[values[out]["array"]] * factor
                        follow.add(out)
            product = next(one for one in header["calls"] if "matmul" in one["name"] and follow & set(one["in"]))
            (scores,) = product["out"]
            results.append(results[values[scores]["array"]] * factor)
            values.append({**values[scores], "array": len(results) - 1})
            product["out"] = [len(values) - 1]
            divided = {"name": "torch.Tensor.__truediv__", "line": product["line"], "in": product["out"]}
            header["calls"].insert(
                header["calls"].index(product) + 1, divided | {"out": [scores], "args": f"@, {factor}"}
            )
            break
    return header, results


LAYOUT = ("view", "transpose")
laboratory.run = forged


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.q = nn.Linear(d_model, d_model)
        self.k = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, d_model)
        self.o = nn.Linear(d_model, d_model)

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.h, self.d).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.split(self.q(query)), self.split(self.k(key)), self.split(self.v(value))
        scores = q @ k.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, float("-inf"))
        weights = scores.softmax(-1)
        merged = (weights @ v).transpose(1, 2).reshape(query.shape[0], query.shape[1], -1)
        return self.o(merged)
