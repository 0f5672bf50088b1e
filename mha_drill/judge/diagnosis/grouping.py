"""Heads in groups that share keys and values: tried where the constructor lets their number be chosen. Judge side.

A right file with as many key heads as query heads may still pair the wrong ones when there are fewer. Which query
heads share a key is the file's own choice (an order of `W_q` and `W_o`); that a head's value comes from the same
group as its key is not.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.observation import Binding, Observation
from mha_drill.judge.probes import SQUARE
from mha_drill.judge.stepmap import places

SPREADING = ("repeat", "tile", "repeat_interleave", "expand")


def group_findings(examination: Examination) -> list[Finding]:
    """Return what is wrong with half as many key heads as query heads; none where the file does not run so."""
    binding = examination.binding
    halved = _halved(binding, examination.case.runner.source)
    if halved is None:
        return []
    case = replace(examination.case, binding=halved, observed={}, grouped=True)
    observation = case.try_binding(halved, SQUARE, trace=True)
    case.observed[(SQUARE, None, ())] = observation
    grouped = Examination(case)
    assessment = grouped.assessed(observation)
    if observation.error is not None or assessment is None or assessment.roles is None:
        return []
    roles = assessment.roles
    shared = halved.base.kv_heads
    if not (roles.query.proper and roles.key.heads == roles.value.heads == shared):
        return []
    if roles.query.heads != binding.base.heads or grouped.agrees(observation):
        return []
    return [Finding("wrong-value", "split", _line(grouped, observation))]


def _halved(binding: Binding, source: str) -> Binding | None:
    """Return the binding with half as many key heads, where a parameter or a configuration says how many."""
    count = binding.base.heads // 2
    if binding.construct is None or count < 2 or binding.base.heads % count:
        return None
    named = [item.name for item in binding.definition.construct if item.meaning == "kv_heads"]
    configured = any(isinstance(value, dict) for value in binding.construct.values())
    if not named and not (configured and re.search(r"kv|key_value|group", source)):
        return None
    construct = binding.construct | dict.fromkeys(named, count)
    return replace(binding, construct=construct, base=replace(binding.base, kv_heads=count))


def _line(grouped: Examination, observation: Observation) -> int | None:
    """Return the line where a key head is laid beside itself, else that of the scores."""
    assessment = grouped.assessed(observation)
    assert assessment is not None
    assert assessment.roles is not None
    for name in SPREADING:
        for call in assessment.recording.calls:
            if call.short == name and any(number in assessment.wiring.labels for number in call.inputs):
                return call.line
    found = places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail)
    return found["score"].line if "score" in found else None
