"""One check from the loaded file to its report: problem, ruling, hidden tests, record. Judge side."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from mha_drill.catalog import Catalog
from mha_drill.judge import refusals
from mha_drill.judge.candidates import Definition
from mha_drill.judge.choosing import choose_problem
from mha_drill.judge.findings import Finding
from mha_drill.judge.host import Runner
from mha_drill.judge.reference import reference_for
from mha_drill.judge.reporting import build
from mha_drill.judge.reshaping import ReshapesSubmission, rule_reshapes
from mha_drill.judge.ruling import Ruling, load, rule
from mha_drill.judge.submission import Submission
from mha_drill.judge.testing import run_tests
from mha_drill.records import Lang, Problem, Report

DEFAULT = "mha"
TOO_DEEP = Finding("crash", "load", detail="RecursionError: an expression is nested too deeply to be read")


def judge_file(
    runner: Runner, catalog: Catalog, request: dict[str, Any], started: float
) -> tuple[Report, list[str]]:
    """Return the report of the file in `runner`, and what was wrong with our own tests, if anything."""
    try:
        return _judged(runner, catalog, request, started)
    except RecursionError:
        return _judged(runner, catalog, request, started, Ruling("load", [TOO_DEEP]))


def _judged(
    runner: Runner, catalog: Catalog, request: dict[str, Any], started: float, known: Ruling | None = None
) -> tuple[Report, list[str]]:
    """Judge a file. known: what is held against it before anything of it is looked at."""
    lang: Lang = request["lang"]
    loaded = known or load(runner)
    if isinstance(loaded, Ruling):
        problem, why = _unloaded(catalog, request)
        ruling, submission = loaded, Submission(loaded, lang)
    else:
        problem, why = choose_problem(runner, catalog, loaded, request["problem"], request["class"])
        ruling, submission = _ruled(runner, problem, request, loaded, lang)
    tests, broken = run_tests(catalog.tests(problem), submission, lang)
    report = build(
        ruling,
        tests,
        runner.source,
        file=request["file"],
        problem=problem.id,
        why=why,
        reference=reference_for(problem, catalog.solutions(problem)[0], ruling.examination),
        lang=lang,
        seconds=round(time.perf_counter() - started, 4),
    )
    aside = tuple(refusals.notes(ruling, runner.cut, lang))
    return replace(report, notes=report.notes + aside), broken


def _ruled(
    runner: Runner, problem: Problem, request: dict[str, Any], loaded: dict[str, Any], lang: Lang
) -> tuple[Ruling, Submission]:
    assert problem.code is not None
    if problem.code.form == "reshapes":
        definitions = [item for item in map(Definition.read, loaded["definitions"]) if item is not None]
        ruling, reshapes = rule_reshapes(runner, loaded, definitions)
        return ruling, ReshapesSubmission(ruling, lang, reshapes)
    ruling = rule(runner, problem, request["class"], loaded)
    return ruling, Submission(ruling, lang)


def _unloaded(catalog: Catalog, request: dict[str, Any]) -> tuple[Problem, str]:
    """Return the problem of a file that could not be loaded."""
    from mha_drill.judge.choosing import MARK

    if request["problem"]:
        return catalog.problem(request["problem"]), "asked"
    marked = MARK.search(request["source"])
    if marked and marked.group(1) in catalog.ids and catalog.problem(marked.group(1)).code is not None:
        return catalog.problem(marked.group(1)), "marked"
    return catalog.problem(DEFAULT), "names"
