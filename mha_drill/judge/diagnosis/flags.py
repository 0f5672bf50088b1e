"""A switch that makes attention causal where the problem does not ask for it: what it does when on. Judge side."""

from __future__ import annotations

import re
from dataclasses import replace

from mha_drill.judge.diagnosis.numbers import number_findings
from mha_drill.judge.diagnosis.places import line_of
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.matching import close
from mha_drill.judge.names import plain
from mha_drill.judge.observation import Binding
from mha_drill.judge.probes import SQUARE

# Names that mean the triangle and nothing else.
CAUSAL = re.compile(r"(is|use|apply)?causal(mask|attention|attn)?|autoregressive|maskfuture")


def flag_findings(examination: Examination) -> list[Finding]:
    """Return what a causal switch does wrong; none where there is none, where it raises or changes nothing."""
    switched = None if examination.spec.causal else _switched(examination.binding)
    if switched is None:
        return []
    spec = replace(examination.spec, causal=True)
    case = replace(examination.case, spec=spec, binding=switched, observed={})
    observation = case.try_binding(switched, SQUARE, trace=True)
    observation.allowed = case.permitted(observation)
    case.observed[(SQUARE, None, ())] = observation
    causal = Examination(case)
    output, bare = observation.output, examination.square.output
    if observation.error is not None or output is None or bare is None or causal.agrees(observation):
        return []
    if output.shape != bare.shape or close(bare, output, 1e-9):
        return []
    found, _ = number_findings(causal, [])
    named = [finding for finding in found if finding.step == "mask" and finding.code != "wrong-value"]
    return named or [Finding("wrong-value", "mask", line_of(causal, "mask", "softmax"))]


def _switched(binding: Binding) -> Binding | None:
    """Return the binding with the switch of the call or of the constructor on."""
    for item in binding.definition.call:
        if item.default is False and CAUSAL.fullmatch(plain(item.name)):
            call = replace(
                binding.call,
                arguments=(*binding.call.arguments, (item.name, True)),
                by_name=binding.call.by_name | {item.name},
            )
            return replace(binding, call=call)
    for item in binding.definition.construct if binding.construct is not None else ():
        if item.default is False and CAUSAL.fullmatch(plain(item.name)):
            return replace(binding, construct=(binding.construct or {}) | {item.name: True})
    return None
