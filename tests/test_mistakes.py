"""Every mistake code, held against a right file and the same file with that one mistake: tests/mistakes/<code>/.

The first line of a file names its problem; the second of a wrong one says what is to be found, and where:
`# expect: <code> at <line>[, <line>]`. Of several lines each is a fair place to point at; without any, the
mistake is on none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import mha_drill
from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source
from mha_drill.records import Report

FOLDER = Path(__file__).parent / "mistakes"
PAIRS = sorted(path.name for path in FOLDER.iterdir())
CODES = tomllib.loads(
    (Path(mha_drill.__file__).parent / "attention" / "mistakes.toml").read_text(encoding="utf-8")
)
# A file which does this must not run before the judge can hold it back.
NEEDS_ISOLATION = {"process-limit": "nothing bounds the number of processes yet"}
# Seconds for a call that never ends; every other one has the usual limit.
SHORT = {"time-limit": 1.5}
EXPECT = re.compile(r"# expect: ([a-z-]+)(?: at (\d+(?:, \d+)*))?")


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all."""
    with open_judge() as client:
        yield client


def text_of(code: str, which: str) -> str:
    return (FOLDER / code / f"{which}.py").read_text(encoding="utf-8")


def problem_of(text: str) -> str:
    return text.splitlines()[0].removeprefix("# mha-drill: ")


def expected(text: str) -> tuple[str, list[int]]:
    """Return the code and the lines that a wrong file's second line says."""
    found = EXPECT.fullmatch(text.splitlines()[1])
    assert found is not None
    return found[1], [int(number) for number in (found[2] or "").split(", ") if number]


def judged(judge: JudgeClient, code: str, which: str) -> Report:
    text = text_of(code, which)
    limit = SHORT.get(code, 10.0) if which == "wrong" else 10.0
    return judge.check(Source("answer.py", "/nowhere/answer.py", text), problem_of(text), time_limit=limit)


def test_every_code_has_its_pair() -> None:
    assert set(PAIRS) == set(CODES) - set(NEEDS_ISOLATION)


@pytest.mark.parametrize("code", PAIRS)
def test_a_pair_is_one_file_with_and_without_its_mistake(code: str) -> None:
    assert {path.name for path in (FOLDER / code).iterdir() if path.suffix == ".py"} == {
        "right.py",
        "wrong.py",
    }
    right, wrong = text_of(code, "right"), text_of(code, "wrong")
    assert problem_of(right) == problem_of(wrong)
    named, lines = expected(wrong)
    assert named == code
    body = wrong.splitlines()
    assert [number for number in lines if number > len(body) or not body[number - 1].strip()] == []
    assert right.splitlines()[1:] != body[2:]


def test_no_right_file_stands_twice() -> None:
    texts = [text_of(code, "right") for code in PAIRS]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("code", PAIRS)
def test_the_right_file_passes(judge: JudgeClient, code: str) -> None:
    report = judged(judge, code, "right")
    assert [(item.code, item.line) for item in report.mistakes] == []
    assert [(test.id, test.message) for test in report.tests if test.outcome == "failed"] == []
    assert report.verdict == "pass"


@pytest.mark.parametrize("code", PAIRS)
def test_the_wrong_file_fails_with_exactly_that_code_at_its_line(judge: JudgeClient, code: str) -> None:
    report = judged(judge, code, "wrong")
    _, lines = expected(text_of(code, "wrong"))
    assert report.verdict == "fail"
    assert {item.code for item in report.mistakes} == {code}
    assert {item.line for item in report.mistakes} <= (set(lines) or {None})
