"""Scaled dot-product attention without a trace (numpy): the wrong step, from inputs and output alone. Judge side."""

from __future__ import annotations

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


def plain_material(observation: Observation, permitted: np.ndarray | None) -> Material | None:
    """Return the inputs themselves as query, key and value of one head. permitted: who may see whom."""
    inputs = observation.inputs
    query = inputs.get("q", inputs.get("x"))
    key = inputs.get("k", inputs.get("context", query))
    value = inputs.get("v", key)
    if query is None or key is None or value is None:
        return None
    allowed = None if permitted is None else torch.from_numpy(permitted)
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
        material, output = plain_material(item, examination.case.permitted(item)), item.output
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
