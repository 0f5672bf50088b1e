"""Scaled dot-product attention without a trace (numpy): the wrong step, from inputs and output alone. Judge side."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from mha_drill.attention.faults import all_faults, constant_scale
from mha_drill.attention.steps import Fault, Material, walk_through
from mha_drill.judge.examination import Examination
from mha_drill.judge.matching import close, nearest
from mha_drill.judge.normalised import normalised
from mha_drill.judge.observation import Observation
from mha_drill.judge.parsing import nodes_of, tree_of

# Where a step stands in a source whose trace does not show it: what the line reads like, the surer first.
LOOKS = {
    "score": (r"@|matmul|einsum|\bdot\(|\bbmm\(", r"\*.*sum\("),
    "scale": (r"sqrt|\*\*\s*-?0?\.5|scale",),
    "mask": (r"mask|where|tril|triu",),
    "softmax": (r"softmax|exp\(", r"sigmoid|relu|tanh|/=? *\w*\.?sum\("),
    "weigh": (r"@|matmul|einsum|\bdot\(|\bbmm\(|\*.*sum\(|sum\(.*\*",),
    "output": (r"return",),
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


@dataclass(frozen=True, slots=True)
class Plain:
    """What gives the output: wrong steps, and what was done after them: `extra-residual`, `extra-normalization`."""

    faults: tuple[Fault, ...] = ()
    ending: str = ""


def explain_plain(examination: Examination) -> Plain:
    """Return the fewest mistakes that give the output on the square probe and on another; none when none do."""
    samples = []
    for item in (examination.square, examination.other):
        material, output = plain_material(item), item.output
        if material is None or output is None:
            return Plain()
        samples.append((material, output))
    masked = samples[0][0].allowed is not None
    faults = list(all_faults(heads=1, separate=True, masked=masked, causal_problem=False))
    for count in (1, 2):
        for combination in combinations(faults, count):
            if len({fault.step for fault in combination}) == count and all(
                gives(material, combination, output, examination.tolerance) for material, output in samples
            ):
                return Plain(combination)
        for combination in combinations(faults, count - 1):
            for ending, ended in ENDINGS.items():
                if all(ended(material, combination, output) for material, output in samples):
                    return Plain(combination, ending)
        if count == 1 and (factor := _factor(*samples[0])) is not None:
            fault = Fault("wrong-scale", "scale", f"{factor:.4g}", {"scale": constant_scale(factor)})
            if all(gives(material, (fault,), output, 1e-5) for material, output in samples):
                return Plain((fault,))
    return Plain()


def _merged(material: Material, faults: tuple[Fault, ...]) -> np.ndarray | None:
    try:
        return np.asarray(walk_through(material, faults)["merge"].numpy())
    except RuntimeError:
        return None


def _added(material: Material, faults: tuple[Fault, ...], output: np.ndarray) -> bool:
    """Whether the output is what the reference gives and one of the inputs added."""
    merged = _merged(material, faults)
    if merged is None or merged.shape != output.shape:
        return False
    inputs = (material.query.numpy(), material.key.numpy(), material.value.numpy())
    return any(item.shape == output.shape and close(merged + item, output) for item in inputs)


def _normalised(material: Material, faults: tuple[Fault, ...], output: np.ndarray) -> bool:
    """Whether the output is what the reference gives, normalised."""
    merged = _merged(material, faults)
    if merged is None or merged.shape != output.shape:
        return False
    return normalised(merged.reshape(-1, merged.shape[-1]), output.reshape(-1, output.shape[-1]))


ENDINGS = {"extra-residual": _added, "extra-normalization": _normalised}


def _factor(material: Material, output: np.ndarray) -> float | None:
    """Return the factor of the scores that comes nearest to an output."""

    def gap(factor: float) -> float:
        merged = _merged(material, (Fault("", "scale", "", {"scale": constant_scale(factor)}),))
        return (
            float("inf")
            if merged is None or merged.shape != output.shape
            else float(((merged - output) ** 2).sum())
        )

    found = nearest(gap, [sign * 10 ** (power / 20) for power in range(-60, 61) for sign in (1, -1)])
    return found if np.isfinite(gap(found)) else None


def gives(material: Material, faults: tuple[Fault, ...], output: np.ndarray, tolerance: float) -> bool:
    """Whether the reference with these faults gives an output."""
    merged = _merged(material, faults)
    return merged is not None and close(merged, output, tolerance)


def source_line(examination: Examination, step: str) -> int | None:
    """Return the line that reads like a step, of those that ran where there is a trace; the weighing is the last."""
    looks = LOOKS.get(step, ())
    lines = examination.case.runner.source.splitlines()
    calls = examination.square.answer.get("calls", [])
    ran: list[int] = list(dict.fromkeys(call["line"] for call in calls if call["line"] is not None))
    numbers = ran or list(_body(examination.case.runner.source, examination.binding.definition.line))
    for pattern in looks:
        found = [number for number in numbers if _reads(pattern, lines[number - 1])]
        if found:
            return found[-1] if step in ("weigh", "output") else found[0]
    return None


def _reads(pattern: str, line: str) -> bool:
    return not re.match(r"\s*(def|class)\s", line) and re.search(pattern, line.partition("#")[0]) is not None


def _body(source: str, start: int) -> Iterator[int]:
    """Yield the numbers of the lines of the definition that starts at one, those of its docstring left out."""
    for item in nodes_of(tree_of(source)):
        if isinstance(item, ast.FunctionDef | ast.ClassDef) and item.lineno == start:
            said = {
                number
                for inner in ast.walk(item)
                if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
                for number in range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
            }
            yield from (
                number for number in range(start, (item.end_lineno or start) + 1) if number not in said
            )
