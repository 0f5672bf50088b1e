"""Scaled dot-product attention without a trace (numpy): the wrong step, from inputs and output alone. Judge side."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import torch

from mha_drill.attention.faults import all_faults
from mha_drill.attention.steps import Fault, Material, walk_through
from mha_drill.judge.evidence import Observation
from mha_drill.judge.examination import Examination
from mha_drill.judge.matching import close

# Where a step stands in a source that could not be traced: the first line that reads like it.
LOOKS = {
    "score": r"@|matmul|einsum|\.dot\(",
    "scale": r"sqrt|\*\*\s*-?0?\.5|scale",
    "mask": r"mask|where|tril|triu",
    "softmax": r"softmax|exp\(",
    "weigh": r"@|matmul|einsum|\.dot\(",
    "output": r"return",
}


def plain_material(observation: Observation) -> Material | None:
    """Return the inputs themselves as query, key and value of one head."""
    inputs = observation.inputs
    query = inputs.get("q", inputs.get("x"))
    key = inputs.get("k", inputs.get("context", query))
    value = inputs.get("v", key)
    if query is None or key is None or value is None:
        return None
    allowed = None if observation.allowed is None else torch.from_numpy(observation.allowed)
    return Material(torch.from_numpy(query), torch.from_numpy(key), torch.from_numpy(value), 1, allowed)


def explain_plain(examination: Examination) -> tuple[Fault, ...]:
    """Return the fewest faults that give the output on the square probe and on another; empty when none do."""
    pairs = [
        (plain_material(item), examination.output(item)) for item in (examination.square, examination.other)
    ]
    first, output = pairs[0]
    if first is None or output is None:
        return ()
    masked = first.allowed is not None
    faults = list(all_faults(heads=1, separate=True, masked=masked, causal_problem=False))
    for count in (1, 2):
        for combination in combinations(faults, count):
            if len({fault.step for fault in combination}) < count:
                continue
            if all(
                material is not None
                and found is not None
                and gives(material, combination, found, examination.tolerance)
                for material, found in pairs
            ):
                return combination
    return ()


def gives(material: Material, faults: tuple[Fault, ...], output: np.ndarray, tolerance: float) -> bool:
    """Whether the reference with these faults gives an output."""
    try:
        merged = walk_through(material, faults)["merge"].numpy()
    except RuntimeError:
        return False
    return close(merged, output, tolerance)


def source_line(examination: Examination, step: str) -> int | None:
    """Return the line of the answer that reads like a step; the weighing is the last product."""
    pattern = LOOKS.get(step)
    if pattern is None:
        return None
    lines = examination.case.runner.source.splitlines()
    start = examination.binding.definition.line
    found = []
    for number in range(start, len(lines) + 1):
        text = lines[number - 1]
        if number > start and re.match(r"(def|class)\s", text):
            break
        if re.search(pattern, text.split("#")[0]):
            found.append(number)
    if not found:
        return None
    return found[-1] if step in ("weigh", "output") else found[0]
