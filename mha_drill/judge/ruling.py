"""One file from load to findings: choose the answer in it, bind it, examine it, diagnose it. Judge side."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from mha_drill.judge.audit import held_against
from mha_drill.judge.bounds import limit_met
from mha_drill.judge.candidates import Definition, choose
from mha_drill.judge.crashes import crash_findings, ended
from mha_drill.judge.diagnosis import diagnose
from mha_drill.judge.evidence import Case
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding, distinct
from mha_drill.judge.foresight import diagnosis_calls
from mha_drill.judge.host import Died, Hung, Runner
from mha_drill.judge.settings import constructor_finding
from mha_drill.judge.trying import bind
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
    broken = unloadable(loaded)
    if broken is not None:
        return Ruling("load", [broken], None, loaded)
    definitions = [item for item in map(Definition.read, loaded["definitions"]) if item is not None]
    answers = pick(definitions, problem, class_name)
    if not answers:
        return Ruling("load", [nothing_found(loaded, class_name)], None, loaded)
    rulings = []
    for answer in answers[:4]:
        rulings.append(examine(runner, problem, answer, loaded))
        if len(answers) == 1:
            return rulings[0]
    tried = [ruling for ruling in rulings if ruling.stage == "run"]
    # Two functions may be a step and the whole; two classes are two answers.
    if all(item.kind == "function" for item in answers):
        right = [ruling for ruling in tried if ruling.passes]
        tried = right or [ruling for ruling in tried if _answers(ruling)] or tried
    if len(tried) == 1:
        return tried[0]
    names = ", ".join(f"{item.name} (line {item.line})" for item in answers)
    return Ruling("load", [Finding("ambiguous-class", "load", answers[0].line, False, names)], None, loaded)


def _answers(ruling: Ruling) -> bool:
    """Whether what the file does on the first probe is at least shaped like an answer."""
    examination = ruling.examination
    if examination is None or examination.square.error is not None:
        return False
    output, probe = examination.square.output, examination.square.probe
    return output is not None and output.shape[:2] == (probe.batch, probe.query_length)


def load(runner: Runner) -> Ruling | dict[str, Any]:
    """Run the file; return what it defines, or a ruling where it cannot be loaded."""
    try:
        loaded = runner.load()
    except Hung:
        return Ruling("load", [Finding("time-limit", "load", None, False, "import")])
    except Died as error:
        return Ruling("load", [ended(error.how, runner.source)])
    if not loaded["ok"]:
        return Ruling("load", [load_finding(loaded["error"], runner.source)], None, loaded)
    return loaded


def load_finding(error: dict[str, Any], source: str) -> Finding:
    """Return the finding for a file that cannot even be parsed, with the odd character of its line, if any."""
    kind = "syntax-error" if "SyntaxError" in error["bases"] or error["type"] == "ValueError" else "crash"
    detail, lines = error["message"], source.splitlines()
    if kind == "syntax-error" and "U+" not in detail and error["line"] and error["line"] <= len(lines):
        odd = next((sign for sign in lines[error["line"] - 1].split("#")[0] if _looks_ascii(sign)), "")
        detail += f" (U+{ord(odd):04X})" if odd else ""
    return Finding(kind, "load", error["line"], False, detail=detail)


def _looks_ascii(sign: str) -> bool:
    """Whether a character stands where an ASCII one was meant: full-width or curly punctuation, odd spaces."""
    return ord(sign) > 127 and unicodedata.category(sign) in (
        "Po",
        "Ps",
        "Pe",
        "Pi",
        "Pf",
        "Pd",
        "Sm",
        "Zs",
        "Cf",
    )


def pick(definitions: list[Definition], problem: Problem, class_name: str | None) -> list[Definition]:
    """Return the definitions to try as the answer."""
    assert problem.code is not None
    if class_name is not None:
        return [item for item in definitions if item.name == class_name]
    return choose(definitions, problem.id, problem.code.names)


def unloadable(loaded: dict[str, Any]) -> Finding | None:
    """Return why the file cannot be imported: a statement of it raised.

    A demo that asks for a GPU where there is none is the one exception: the class above it can be judged.
    """
    for failure in loaded["failures"]:
        if not re.search(r"CUDA|cuda|NVIDIA|HIP|mps|MPS", failure["message"]):
            return failed_statement(failure)
    return None


def failed_statement(failure: dict[str, Any]) -> Finding:
    """Return the finding for a top-level statement that raised."""
    kinds = set(failure["bases"])
    line = failure["line"] or failure["statement"]
    words = f"{failure['type']}: {failure['message']}"
    if "ImportError" in kinds:
        return Finding("import-error", "load", line, False, failure["name"], detail=words)
    if "NotImplementedError" in kinds:
        return Finding("not-implemented", "load", line, False)
    if limit := limit_met(failure):
        return Finding(limit, "load", line, False)
    return Finding("crash", "load", line, False, detail=words)


def nothing_found(loaded: dict[str, Any], class_name: str | None) -> Finding:
    """Return why there is no answer in the file."""
    if loaded["failures"]:
        return failed_statement(loaded["failures"][0])
    return Finding("class-not-found", "load", None, False, class_name or "")


def examine(runner: Runner, problem: Problem, answer: Definition, loaded: dict[str, Any]) -> Ruling:
    """Bind and diagnose one answer."""
    assert problem.code is not None
    unmade = constructor_finding(runner.source, answer.name)
    if unmade is not None:
        return Ruling("construct", [unmade], None, loaded, answer.name)
    case = Case(runner, problem.code, loaded=loaded)
    examination = Examination(case)
    if not bind(examination, [answer]):
        return Ruling(
            "construct",
            [Finding("constructor-error", "load", answer.line, False)],
            examination,
            loaded,
            answer.name,
        )
    square = examination.square
    if square.error is not None and square.stage == "construct":
        return Ruling(
            "construct", distinct(crash_findings(examination, square)), examination, loaded, answer.name
        )
    case.foresee(diagnosis_calls(examination))
    findings = diagnose(examination)
    if runner.ended and not any(finding.step == "load" for finding in findings):
        # A call that never came back says this much; what was concluded from its silence says nothing.
        unanswered = (
            Finding("time-limit", "load") if runner.ended == "hung" else ended(runner.ended, runner.source)
        )
        findings = [unanswered, *(finding for finding in findings if finding.proved)]
    if not findings and (held := held_against(examination)) is not None:
        findings = [held]
    return Ruling("run", findings, examination, loaded, answer.name)
