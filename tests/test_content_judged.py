"""Every problem folder held against the judge: the skeleton fails, solutions pass, listed mistakes are caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from mha_drill.catalog import load_catalog
from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source, read_source
from mha_drill.records import GROUPS, Problem, Report

CATALOG = load_catalog()
CODE = {problem.id: problem for problem in CATALOG.problems if problem.code is not None}
LISTED = [
    pytest.param(name, number, id=f"{name}-{number}-{edit.code}")
    for name, problem in CODE.items()
    for number, edit in enumerate(CATALOG.mistakes(problem))
]
SOLUTIONS = [
    pytest.param(name, path, id=path.stem)
    for name, problem in CODE.items()
    for path in CATALOG.solutions(problem)
]
# What `check` names beside the listed code, where one edit plants two mistakes.
COMPANIONS: dict[tuple[str, int], set[str]] = {}


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all."""
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str, problem: str | None = None) -> Report:
    return judge.check(Source("answer.py", "/nowhere/answer.py", text), problem)


def mistaken(problem: Problem, number: int) -> str:
    edit = CATALOG.mistakes(problem)[number]
    return CATALOG.solution(problem).replace(edit.old, edit.new)


@pytest.fixture(scope="module")
def caught(judge: JudgeClient) -> Callable[[str, int], Report]:
    """The report on a listed mistake, by problem and number; each is judged once."""

    @cache
    def report(name: str, number: int) -> Report:
        return judged(judge, mistaken(CODE[name], number), name)

    return report


@pytest.mark.parametrize("name", CODE)
def test_the_skeleton_fails_as_not_implemented(judge: JudgeClient, name: str) -> None:
    report = judged(judge, CATALOG.skeleton(CODE[name]))
    assert (report.problem, report.verdict) == (name, "fail")
    assert {mistake.code for mistake in report.mistakes} == {"not-implemented"}


@pytest.mark.parametrize(("name", "path"), SOLUTIONS)
def test_a_solution_passes(judge: JudgeClient, name: str, path: Path) -> None:
    report = judge.check(read_source(path), name)
    assert [(test.id, test.message) for test in report.tests if test.outcome == "failed"] == []
    assert (report.verdict, report.mistakes) == ("pass", ())
    groups = {test.group for test in report.tests if test.outcome == "passed"}
    assert groups == set(GROUPS) - ({"backward"} if path.stem.endswith("_numpy") else set())


@pytest.mark.parametrize(("name", "path"), SOLUTIONS)
def test_a_solution_is_recognised_without_a_word(judge: JudgeClient, name: str, path: Path) -> None:
    assert judge.check(read_source(path)).problem == name


@pytest.mark.parametrize(("name", "number"), LISTED)
def test_a_listed_mistake_is_caught(caught: Callable[[str, int], Report], name: str, number: int) -> None:
    wanted = CATALOG.mistakes(CODE[name])[number].code
    report = caught(name, number)
    assert report.verdict == "fail"
    assert wanted in {mistake.code for mistake in report.mistakes}


@pytest.mark.parametrize(("name", "number"), LISTED)
def test_a_listed_mistake_is_the_only_one(
    caught: Callable[[str, int], Report], name: str, number: int
) -> None:
    """One edit is one mistake: what follows from it is not held against the learner."""
    wanted = CATALOG.mistakes(CODE[name])[number].code
    report = caught(name, number)
    extra = {mistake.code for mistake in report.mistakes} - {wanted}
    assert extra == COMPANIONS.get((name, number), set())
