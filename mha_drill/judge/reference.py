"""The reference solution's own lines and shapes, step by step, found by the same reading of a trace. Judge side.

`reference_for` gives them in the learner's names; `project` and `split` also by side: `project:k`, `split:v`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from mha_drill.judge.candidates import Definition
from mha_drill.judge.evidence import Case
from mha_drill.judge.examination import Examination
from mha_drill.judge.laboratory import Laboratory
from mha_drill.judge.loading import Loaded
from mha_drill.judge.probes import SQUARE
from mha_drill.judge.renaming import mapping_for, reference_lines, rename
from mha_drill.judge.sides import side_places
from mha_drill.judge.stepmap import places
from mha_drill.judge.ways import bindings
from mha_drill.records import CodeSpec, Problem, StepSide


class Here:
    """Stands for a runner: experiments on our own solution, or on `source` in its place, are done in this process."""

    restarts = 0
    hangs = 0
    stopped = False
    ended = ""
    time_limit = 10.0
    cut: frozenset[str] = frozenset()

    def __init__(self, path: Path, source: str = "") -> None:
        self.source = source or path.read_text(encoding="utf-8")
        self.path = str(path)
        loaded = Loaded(self.path, self.source)
        loaded.run()
        self.definitions = loaded.definitions()
        self.laboratory = Laboratory(loaded)

    def load(self) -> dict[str, Any]:
        """Return what the solution defines."""
        return {"ok": True, "definitions": self.definitions, "failures": []}

    def run(self, experiments, arrays):  # type: ignore[no-untyped-def]
        """Do the experiments, one after the other."""
        for experiment in experiments:
            yield self.laboratory.run(experiment, list(arrays))

    def foresee(self, calls: object) -> None:
        """Do nothing ahead: there is nobody else to do it."""


@cache
def _steps(path: Path, spec: CodeSpec) -> dict[str, StepSide]:
    here = Here(path)
    case = Case(here, spec, loaded={"definitions": here.definitions})  # type: ignore[arg-type]
    case.definition = next(
        item
        for item in map(Definition.read, here.definitions)
        if item is not None and item.name in spec.names
    )
    for binding in bindings(case):
        case.binding = binding
        observation = case.try_binding(binding, SQUARE, trace=True)
        assessment = case.assessed(observation)
        if assessment is not None and assessment.agrees and assessment.roles is not None:
            found = places(assessment.recording, assessment.wiring, assessment.roles, assessment.tail)
            found |= side_places(assessment.recording, assessment.wiring, assessment.roles)
            lines = here.source.splitlines()
            return {
                step: StepSide(place.line, lines[place.line - 1].strip() if place.line else "", place.shape)
                for step, place in found.items()
            }
    return {}


def reference_steps(problem: Problem, solution: Path) -> dict[str, StepSide]:
    """Return the reference's line, code and shape for each step it exercises on the square probe."""
    assert problem.code is not None
    if problem.code.form != "attention":
        return {}
    found = dict(_steps(solution, problem.code))
    lines = solution.read_text(encoding="utf-8").splitlines()
    for step, needle in (("mask", "masked_fill"), ("dropout", "dropout(")):
        if step not in found and step in problem.steps:
            number = next(
                (at for at, text in enumerate(lines, 1) if needle in text and "nn.Dropout" not in text), None
            )
            if number is not None:
                shape = found["score"].shape if "score" in found else None
                found[step] = StepSide(number, lines[number - 1].strip(), shape)
    return found


def reference_for(problem: Problem, solution: Path, examination: Examination | None) -> dict[str, StepSide]:
    """Return the reference's steps in the learner's own names, as far as these are known."""
    steps = reference_steps(problem, solution)
    if examination is None or not steps:
        return steps
    return reference_lines(steps, renamed_reference(solution, examination, steps))


def renamed_reference(solution: Path, examination: Examination, steps: dict[str, StepSide]) -> str:
    """Return the whole reference solution in the learner's names; it runs and passes as it did."""
    source = solution.read_text(encoding="utf-8")
    return rename(source, mapping_for(examination, source, steps))


__all__ = ["Here", "reference_for", "reference_steps", "renamed_reference"]
