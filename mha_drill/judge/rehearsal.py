"""A fork of the judge that was made ahead judges a reference once, for nobody. Called by `judge.server` in the fork.

What a process touches for the first time after a fork is copied by the kernel, page by page, and a check touches
thousands: done now, while nobody waits, this is a fifth of the check that nobody waits for later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mha_drill.catalog import load_catalog
from mha_drill.judge.judging import judge_file
from mha_drill.judge.reference import Here

PROBLEM = "mha"


class Called(BaseException):
    """Somebody waits: the rehearsal is over."""


class Rehearsed(Here):
    """A reference in place of a submission; it stops in the middle when there is something to judge."""

    def __init__(self, path: Path, called: Callable[[], bool]) -> None:
        super().__init__(path)
        self._called = called

    def run(self, experiments, arrays):  # type: ignore[no-untyped-def]
        """Do the experiments, unless somebody waits."""
        if self._called():
            raise Called
        return super().run(experiments, arrays)


def rehearse(called: Callable[[], bool]) -> None:
    """Judge a reference in this process until it is judged or somebody calls; what comes of it is nobody's."""
    catalog = load_catalog()
    solution = catalog.solutions(catalog.problem(PROBLEM))[0]
    request = {"file": solution.name, "problem": PROBLEM, "class": None, "lang": "en"}
    try:
        rehearsed = Rehearsed(solution, called)
        judge_file(rehearsed, catalog, request | {"source": rehearsed.source}, time.perf_counter())  # type: ignore[arg-type]
    except Called:
        pass
