"""One file from load to findings: choose the answer in it, bind it, examine it, diagnose it. Judge side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mha_drill.judge.candidates import Definition, choose
from mha_drill.judge.crashes import crash_findings
from mha_drill.judge.diagnosis import diagnose
from mha_drill.judge.evidence import Case
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding, distinct
from mha_drill.judge.host import Died, Hung, Runner
from mha_drill.records import Problem


@dataclass(slots=True)
class Ruling:
    """What is held against a submission, and how far it came: `load`, `construct` or `run`.

    examination is None where the file never got as far as an answer that could be tried.
    """

    stage: str
    findings: list[Finding] = field(default_factory=list)
    examination: Examination | None = None
    loaded: dict[str, Any] = field(default_factory=dict)
    chosen: str = ""

    @property
    def passes(self) -> bool:
        """Whether nothing is held against the submission."""
        return self.stage == "run" and not self.findings


def rule(
    runner: Runner, problem: Problem, class_name: str | None = None, loaded: dict[str, Any] | None = None
) -> Ruling:
    """Judge the file in `runner` as an answer to `problem`."""
    assert problem.code is not None
    if loaded is None:
        failure = load(runner)
        if isinstance(failure, Ruling):
            return failure
        loaded = failure
    definitions = [item for item in map(Definition.read, loaded["definitions"]) if item is not None]
    answers = pick(definitions, problem, class_name)
    if not answers:
        return Ruling("load", [nothing_found(loaded, class_name)], None, loaded)
    rulings = []
    for answer in answers[:4]:
        rulings.append(examine(runner, problem, answer, loaded))
        if len(answers) == 1:
            return rulings[0]
    passed = [ruling for ruling in rulings if ruling.passes]
    if len(passed) == len(rulings):
        return passed[0]
    tried = [ruling for ruling in rulings if ruling.stage == "run"]
    if len(tried) == 1:
        return tried[0]
    names = ", ".join(f"{item.name} (line {item.line})" for item in answers)
    return Ruling("load", [Finding("ambiguous-class", "load", answers[0].line, True, names)], None, loaded)


def load(runner: Runner) -> Ruling | dict[str, Any]:
    """Run the file; return what it defines, or a ruling where it cannot be loaded."""
    try:
        loaded = runner.load()
    except Hung:
        return Ruling("load", [Finding("time-limit", "load", None, True, "import")])
    except Died as error:
        how, _, number = error.how.partition(" ")
        code = "process-exit" if how == "exit" else "crash"
        return Ruling("load", [Finding(code, "load", None, True, number, detail=error.how)])
    if not loaded["ok"]:
        return Ruling("load", [load_finding(loaded["error"])], None, loaded)
    return loaded


def load_finding(error: dict[str, Any]) -> Finding:
    """Return the finding for a file that cannot even be parsed."""
    kind = "syntax-error" if "SyntaxError" in error["bases"] or error["type"] == "ValueError" else "crash"
    return Finding(kind, "load", error["line"], True, detail=error["message"])


def pick(definitions: list[Definition], problem: Problem, class_name: str | None) -> list[Definition]:
    """Return the definitions to try as the answer."""
    assert problem.code is not None
    if class_name is not None:
        return [item for item in definitions if item.name == class_name]
    return choose(definitions, problem.id, problem.code.names)


def nothing_found(loaded: dict[str, Any], class_name: str | None) -> Finding:
    """Return why there is no answer in the file: what would have defined it failed, or nothing is there."""
    for failure in loaded["failures"]:
        kinds = set(failure["bases"])
        if "ImportError" in kinds:
            return Finding(
                "import-error",
                "load",
                failure["line"] or failure["statement"],
                True,
                failure["name"],
                detail=f"{failure['type']}: {failure['message']}",
            )
        if "SystemExit" in kinds:
            return Finding("process-exit", "load", failure["line"] or failure["statement"], True)
        if "NotImplementedError" in kinds:
            return Finding("not-implemented", "load", failure["line"], True)
        return Finding(
            "crash",
            "load",
            failure["line"] or failure["statement"],
            True,
            detail=f"{failure['type']}: {failure['message']}",
        )
    return Finding("class-not-found", "load", None, True, class_name or "")


def examine(runner: Runner, problem: Problem, answer: Definition, loaded: dict[str, Any]) -> Ruling:
    """Bind and diagnose one answer."""
    assert problem.code is not None
    case = Case(runner, problem.code, loaded=loaded)
    examination = Examination(case)
    if not examination.bind([answer]):
        return Ruling(
            "construct",
            [Finding("constructor-error", "load", answer.line, True)],
            examination,
            loaded,
            answer.name,
        )
    square = examination.square
    if square.error is not None and square.stage == "construct":
        return Ruling(
            "construct", distinct(crash_findings(examination, square)), examination, loaded, answer.name
        )
    return Ruling("run", diagnose(examination), examination, loaded, answer.name)
