"""Which problem a file answers, when nobody says: its own line, the names in it, else by trying. Judge side."""

from __future__ import annotations

import re
from typing import Any

from mha_drill.catalog import Catalog
from mha_drill.judge.candidates import Definition, guess_problem
from mha_drill.judge.evidence import Case
from mha_drill.judge.examination import Examination
from mha_drill.judge.host import Runner
from mha_drill.judge.ruling import pick
from mha_drill.judge.trying import bind
from mha_drill.records import Problem

MARK = re.compile(r"^\s*#\s*mha-drill\s*:\s*([\w-]+)", re.MULTILINE)


def choose_problem(
    runner: Runner, catalog: Catalog, loaded: dict[str, Any], asked: str | None, class_name: str | None
) -> tuple[Problem, str]:
    """Return the problem and the key of the sentence that says why (`asked`, `marked`, `names` or `tried`)."""
    if asked:
        return catalog.problem(asked), "asked"
    marked = MARK.search(runner.source)
    if marked and marked.group(1) in catalog.ids:
        problem = catalog.problem(marked.group(1))
        if problem.code is not None:
            return problem, "marked"
    definitions = [item for item in map(Definition.read, loaded.get("definitions", [])) if item is not None]
    order = guess_problem(definitions, runner.source)
    first = catalog.problem(order[0])
    for number, name in enumerate(order):
        if runner.stopped:
            break
        problem = catalog.problem(name)
        if problem.code is None or problem.code.form != "attention":
            return problem, "names"
        if _fits(runner, problem, definitions, loaded, class_name):
            return problem, "names" if number == 0 else "tried"
    return first, "names"


def _fits(
    runner: Runner,
    problem: Problem,
    definitions: list[Definition],
    loaded: dict[str, Any],
    class_name: str | None,
) -> bool:
    """Whether the file agrees with the problem's reference where query and key have one length."""
    assert problem.code is not None
    for answer in pick(definitions, problem, class_name)[:2]:
        examination = Examination(Case(runner, problem.code, loaded=loaded))
        if (
            bind(examination, [answer])
            and examination.square.error is None
            and examination.agrees(examination.square)
        ):
            assessment = examination.assessed(examination.square)
            if (
                problem.code.output_projection == "required"
                and assessment is not None
                and assessment.tail is not None
                and assessment.tail.call is None
            ):
                continue
            return True
    return False
