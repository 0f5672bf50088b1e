"""Calls that are sent ahead: each answer goes to who asks for it, and what is foreseen is what is asked."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mha_drill.catalog import load_catalog
from mha_drill.judge import repeating
from mha_drill.judge.ahead import Ahead, Asked, together
from mha_drill.judge.answers import Answer
from mha_drill.judge.host import Hung, Runner, Template
from mha_drill.judge.judging import judge_file
from mha_drill.records import Report

CATALOG = load_catalog()
ATTENTION = [item for item in CATALOG.problems if item.code is not None and item.code.form == "attention"]


def call(number: int) -> Asked:
    """Return a call like no other."""
    return {"inputs": {"x": 0}, "seed": number}, [np.array([number])]


def answer(number: int) -> Answer:
    """Return the answer to it."""
    return {"is": number}, []


class Line:
    """Answers calls in the order they were sent; the one at `fails` hangs, and nothing comes after it."""

    def __init__(self, count: int, fails: int | None = None) -> None:
        self.count, self.fails, self.given = count, fails, 0

    def __iter__(self) -> Iterator[Answer]:
        for number in range(self.count):
            if number == self.fails:
                raise Hung
            self.given += 1
            yield answer(number)


def foreseen(line: Line) -> Ahead:
    """Return calls that are under way on a line."""
    ahead = Ahead()
    ahead.sent([call(number) for number in range(line.count)], iter(line))
    return ahead


@given(st.permutations(range(6)))
def test_every_call_gets_its_own_answer_in_whatever_order_it_is_asked(order: list[int]) -> None:
    line = Line(6)
    ahead = foreseen(line)
    assert [ahead.take(*call(number)) for number in order] == [answer(number) for number in order]
    assert ahead.take(*call(order[0])) is None  # an answer is given once


def test_what_was_not_foreseen_waits_for_nothing() -> None:
    line = Line(3)
    ahead = foreseen(line)
    assert ahead.take(*call(7)) is None
    assert line.given == 0
    ahead.finish()
    assert line.given == 3


def test_a_call_that_hangs_is_told_of_to_who_asks_for_it_and_to_nobody_else() -> None:
    line = Line(4, fails=2)
    ahead = foreseen(line)
    ahead.finish()
    assert ahead.take(*call(1)) == answer(1)
    assert ahead.take(*call(3)) is None  # lost with the runner: asked anew
    with pytest.raises(Hung):
        ahead.take(*call(2))
    assert ahead.take(*call(2)) is None


def test_the_arrays_of_calls_that_go_together_keep_their_owners() -> None:
    first: Asked = {"inputs": {"x": 0}, "grad": [1]}, [np.array([1.0]), np.array([2.0])]
    second: Asked = {"inputs": {"q": 0, "k": 1}, "move": {"w": 2}}, [np.array([n]) for n in (3.0, 4.0, 5.0)]
    experiments, arrays = together([first, second])
    assert [array[0] for array in arrays] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert experiments == [
        {"inputs": {"x": 0}, "grad": [1]},
        {"inputs": {"q": 2, "k": 3}, "move": {"w": 4}},
    ]


class Told(Runner):
    """A runner that keeps count of what it is sent. blind: nothing is foreseen."""

    blind = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.messages: list[int] = []

    def foresee(self, calls: Any) -> None:
        """Send calls ahead, if at all."""
        if not self.blind:
            super().foresee(calls)

    def _ask(self, header: dict[str, Any], arrays: Any, seconds: float) -> None:
        self.messages.append(len(header.get("experiments", ())))
        super()._ask(header, arrays, seconds)


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    """Where runners come from."""
    found = Template()
    yield found
    found.close()


def judged(template: Template, problem: str, source: str, *, blind: bool = False) -> tuple[Report, Told]:
    runner = Told(template, "/nowhere/answer.py", source, 10.0)
    runner.blind = blind
    request = {"file": "answer.py", "source": source, "problem": problem, "class": None, "lang": "en"}
    try:
        report, broken = judge_file(runner, CATALOG, request, time.perf_counter())
    finally:
        runner.close()
    assert not broken
    return report, runner


@pytest.fixture(autouse=True)
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody measure again how fast a call is: a busy machine would be asked more than a quiet one."""
    monkeypatch.setattr(repeating, "BUSY", float("inf"))


@pytest.mark.parametrize("problem", ATTENTION, ids=lambda problem: problem.id)
def test_of_a_right_answer_everything_is_foreseen_and_nothing_in_vain(
    template: Template, problem: Any
) -> None:
    source = CATALOG.solutions(problem)[0].read_text(encoding="utf-8")
    report, runner = judged(template, problem.id, source)
    assert report.verdict == "pass"
    # Load, the first call, the diagnosis, the slopes, the audit, the slopes of what it drew: bare, and under a mask.
    assert len(runner.messages) <= 7
    assert not runner._ahead._due
    assert not runner._ahead._come


@pytest.mark.parametrize("problem", ATTENTION, ids=lambda problem: problem.id)
def test_a_verdict_is_the_same_without_foresight(template: Template, problem: Any) -> None:
    source = CATALOG.solutions(problem)[0].read_text(encoding="utf-8")
    edits = CATALOG.mistakes(problem)[::6]
    for text in (source, *(source.replace(edit.old, edit.new) for edit in edits)):
        seeing, one = judged(template, problem.id, text)
        blind, two = judged(template, problem.id, text, blind=True)
        assert [(item.code, item.line) for item in seeing.mistakes] == [
            (item.code, item.line) for item in blind.mistakes
        ]
        assert [item.outcome for item in seeing.tests] == [item.outcome for item in blind.tests]
        assert seeing.notes == blind.notes
        assert len(one.messages) <= len(two.messages)


REHEARSAL = """
from mha_drill.judge import template
template.load()
from mha_drill.judge import rehearsal

judged = []
real = rehearsal.judge_file
rehearsal.judge_file = lambda *given: judged.append(real(*given)[0].verdict)
rehearsal.rehearse(lambda: False)
print(*judged)
asked = []
rehearsal.rehearse(lambda: bool(asked) or asked.append(True))
print(len(judged))
"""


def test_a_fork_that_waits_rehearses_to_the_end_unless_somebody_comes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REHEARSAL], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout, done.stderr) == ("pass fail\n2\n", "")
