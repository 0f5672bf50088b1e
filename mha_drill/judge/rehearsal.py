"""A fork of the judge that was made ahead judges a reference once, for nobody. Called by `judge.server` in the fork.

What a process touches for the first time after a fork is copied by the kernel, page by page, and a check touches
thousands: done now, while nobody waits, this is a fifth of the check that nobody waits for later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mha_drill.catalog import Catalog, load_catalog
from mha_drill.judge.judging import judge_file
from mha_drill.judge.reference import Here
from mha_drill.records import Problem

PROBLEM, MISTAKE = "mha", "missing-scale"


class Called(BaseException):
    """Somebody waits: the rehearsal is over."""


class Rehearsed(Here):
    """A reference in place of a submission; it stops in the middle when there is something to judge."""

    def __init__(self, path: Path, source: str, called: Callable[[], bool]) -> None:
        super().__init__(path, source)
        self._called = called

    def run(self, experiments, arrays):  # type: ignore[no-untyped-def]
        """Do the experiments, unless somebody waits."""
        if self._called():
            raise Called
        return super().run(experiments, arrays)  # type: ignore[no-untyped-call]


def examples(catalog: Catalog, problem: Problem) -> Iterator[tuple[Path, str]]:
    """Yield a problem's solution, as it is and with a mistake where a usual one is listed; nothing for a question."""
    if problem.code is None:
        return
    solution = catalog.solutions(problem)[0]
    source = solution.read_text(encoding="utf-8")
    yield solution, source
    for edit in catalog.mistakes(problem):
        if edit.code == MISTAKE:
            yield solution, source.replace(edit.old, edit.new)


def rehearse(called: Callable[[], bool]) -> None:
    """Judge a reference in this process, right and mistaken, until somebody calls; what comes of it is nobody's."""
    catalog = load_catalog()
    request = {"problem": PROBLEM, "class": None, "lang": "en"}
    try:
        for solution, source in examples(catalog, catalog.problem(PROBLEM)):
            asked = request | {"file": solution.name, "source": source}
            judge_file(Rehearsed(solution, source, called), catalog, asked, time.perf_counter())  # type: ignore[arg-type]
    except Called:
        pass
