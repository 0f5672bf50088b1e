"""A mock interview: what is drawn, the questions about one's own code, the clock, and the sheet that is kept."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pexpect
import pytest
from driving import Terminal, drill

from mha_drill.catalog import load_catalog
from mha_drill.judge.client import open_judge
from mha_drill.judge.sources import Source
from mha_drill.mock.followups import KINDS, Evidence, evidence, follow_ups
from mha_drill.mock.interview import TimeUp
from mha_drill.mock.plan import plan
from mha_drill.progress import Store
from mha_drill.progress.sheets import from_json
from mha_drill.records import LANGS, Report
from mha_drill.sitting import whole_stock
from mha_drill.ui.console import make_console
from mha_drill.ui.mock import MockScreen
from mha_drill.ui.reading import Lines

STOCK = whole_stock()
CATALOG = load_catalog()


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """The judge's reports on a few solutions, and on one that is wrong."""
    found = {}
    with open_judge() as judge:
        for name in ("mha", "causal-mha", "sdpa", "split-merge"):
            found[name] = judge.check(
                Source(f"{name}.py", "/x.py", CATALOG.solution(CATALOG.problem(name))), name
            )
        wrong = CATALOG.solution(CATALOG.problem("mha")).replace(
            "scores / math.sqrt(d)", "scores / math.sqrt(D)"
        )
        found["wrong"] = judge.check(Source("wrong.py", "/x.py", wrong), "mha")
    return found


# --- what is drawn


def test_an_interview_has_shapes_words_and_code() -> None:
    drawn = [plan(STOCK, Random(seed)) for seed in range(30)]
    for each in drawn:
        assert len({card.item for card in each.shapes}) == 4
        assert sum(card.kind == "number" for card in each.shapes) >= 3
        assert [card.kind for card in each.short] == ["short"]
        assert len(each.code.steps) >= 6
    assert len({tuple(card.item for card in each.shapes) for each in drawn}) > 20
    assert {each.code.item for each in drawn} >= {"mha", "causal-mha"}
    again = plan(STOCK, Random(7))
    assert [card.question for card in again.shapes] == [
        card.question for card in plan(STOCK, Random(7)).shapes
    ]
    assert plan(STOCK, Random(1), "sdpa").code.item == "sdpa"


# --- about the code just written

SHAPES = {  # of the reference's steps by the sizes
    "project": lambda B, L, H, D: (B, L, D),
    "split": lambda B, L, H, D: (B, H, L, D // H),
    "score": lambda B, L, H, D: (B, H, L, L),
    "weigh": lambda B, L, H, D: (B, H, L, D // H),
    "merge": lambda B, L, H, D: (B, L, D),
    "output": lambda B, L, H, D: (B, L, D),
}


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))


@pytest.mark.parametrize("name", ["mha", "causal-mha"])
def test_at_least_five_kinds_are_asked_and_answered_by_the_code(
    reports: dict[str, Report], name: str
) -> None:
    report = reports[name]
    source = CATALOG.solution(CATALOG.problem(name)).splitlines()
    rows = {row.line: row for row in evidence(report)}
    for seed in range(25):
        cards = follow_ups(report, Random(seed))
        assert len({card.item for card in cards}) == len(cards) >= 8
        for card in cards:
            question = card.question
            assert question is not None
            kind = question.id.removeprefix("mock-")
            (step,) = question.steps
            row = next(each for each in rows.values() if each.step == step)
            if kind == "shape":
                assert numbers(question.answer) == SHAPES[step](2, 5, 4, 24)
            elif kind == "changed":
                shape = SHAPES.get(step, SHAPES["score"])
                assert numbers(question.answer) == shape(3, 9, 4, 24)
            elif kind == "heads":
                assert numbers(question.answer) == SHAPES[step](2, 5, 8, 24)
            elif kind == "count":
                assert int(question.answer) == 200 if step != "split" else 240
            elif kind == "divisor":
                assert question.answer == "2.45", "the root of 6"
            elif kind == "line":
                assert int(question.answer) == row.line
                assert row.code in source[row.line - 1]
            for lang in LANGS:
                for text in (question.title, question.prompt, question.why):
                    assert "{" not in text.say(lang).replace(row.code, "")
            assert "#" not in question.prompt.en, "a comment at the line's end may tell the shape"


def test_what_is_wrong_in_the_code_is_not_asked_as_if_it_were_right(reports: dict[str, Report]) -> None:
    assert reports["wrong"].verdict == "fail"
    asked = {card.item for seed in range(10) for card in follow_ups(reports["wrong"], Random(seed))}
    assert "mock-divisor" not in asked
    assert len(asked) >= 5


def test_without_evidence_nothing_is_asked(reports: dict[str, Report]) -> None:
    assert follow_ups(reports["split-merge"], Random(1)) == ()
    assert len(follow_ups(reports["sdpa"], Random(1))) >= 5
    bare = replace(reports["mha"], steps=())
    assert follow_ups(bare, Random(1)) == ()


def test_no_kind_breaks_on_odd_evidence() -> None:
    odd = [Evidence("softmax", 1, "x = (", (5,), True), Evidence("merge", 1, "y{0}", (2, 5), True)]
    for kind in KINDS:
        for seed in range(5):
            kind(odd, Random(seed))


# --- the clock


class Silent(Lines):
    def __init__(self, clock: list[float]) -> None:
        self.clock, self.terminal, self.prompts = clock, False, list[str]()
        self.target = open(os.devnull, "w")  # noqa: PTH123, SIM115

    def read(self, prompt: str) -> str:
        self.prompts.append(prompt)
        self.clock[0] += 40.0
        return "x"


def test_every_prompt_shows_the_time_left_and_its_end_is_the_end() -> None:
    clock = [0.0]
    lines = Silent(clock)
    screen = MockScreen(make_console(lines.target), "en", lines, lambda: clock[0], 90.0)
    assert screen.read() == "x"
    assert screen.read() == "x"
    with pytest.raises(TimeUp):
        screen.read()
    assert lines.prompts == ["[ 1:30] > ", "[ 0:50] > ", "[ 0:10] > "]
    lines.target.close()


# --- the command


def test_an_interview_through_a_pipe_is_kept_and_listed(tmp_path: Path, own_record: Path) -> None:
    typed = "s\n" * 5 + "q\n"
    done = drill(
        "mock", "--problem", "sdpa", "--seed", "1", "--html", "sheet.html", typed=typed, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "[30:00] >" in done.stdout or "[29:59] >" in done.stdout
    assert "Ended after" in done.stdout
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "Mock interview" in page
    (sheet,) = map(from_json, Store(own_record / "progress.sqlite3").mocks())
    assert (sheet.problem, sheet.ending, len(sheet.entries), sheet.score) == ("sdpa", "stopped", 6, 0.0)
    assert "Mock interviews:" in drill("status").stdout
    (kept,) = json.loads(drill("status", "--json").stdout)["mocks"]
    assert (kept["problem"], kept["verdict"], kept["limit"]) == ("sdpa", None, 1800.0)
    (folder,) = tmp_path.glob("mock-*")
    assert (folder / "my_sdpa.py").is_file()


@pytest.mark.parametrize("lang", LANGS)
def test_the_end_of_input_sums_up(tmp_path: Path, lang: str) -> None:
    done = drill("mock", "--minutes", "5", "--lang", lang, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("of 5:00" if lang == "en" else "限时 5:00") in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--minutes", "0"], ["--minutes", "nan"], ["--minutes", "x"], ["--problem", "nope"],
                  ["--problem", "attention-shapes"], ["--html", "."], ["--html", "notes.txt"]],
)  # fmt: skip
def test_bad_usage(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = drill("mock", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_whole_interview_at_a_terminal(tmp_path: Path, own_record: Path) -> None:
    terminal = Terminal("mock", "--problem", "sdpa", "--seed", "3", cwd=tmp_path)
    child = terminal._child
    prompt = r"\[ ?\d+:\d\d\] > "
    for _ in range(5):
        child.expect(prompt)
        terminal.type("s")
    child.expect(prompt)
    (file,) = tmp_path.glob("mock-*/my_sdpa.py")
    file.write_text(CATALOG.solution(CATALOG.problem("sdpa")), encoding="utf-8")
    child.expect("\x1b7\r\\[")  # the clock ticks while nobody types
    terminal.type("")
    asked = 0
    while child.expect([prompt, pexpect.EOF], timeout=60) == 0:
        asked += 1
        child.send("\x03") if asked == 3 else terminal.type("s")
    child.close()
    assert child.exitstatus == 130
    (sheet,) = map(from_json, Store(own_record / "progress.sqlite3").mocks())
    assert (sheet.verdict, sheet.ending) == ("pass", "interrupted")
    assert sum(entry.part == "follow-up" for entry in sheet.entries) >= 5
    assert [entry.score for entry in sheet.entries if entry.part == "code"] == [1.0]
    kinds = {attempt.kind for attempt in Store(own_record / "progress.sqlite3").attempts()}
    assert kinds == {"code"}


def test_a_killed_interview_leaves_the_sheet_of_what_was_answered(tmp_path: Path, own_record: Path) -> None:
    terminal = Terminal("mock", "--seed", "3", cwd=tmp_path)
    child = terminal._child
    for _ in range(2):
        child.expect(r"\] > ")
        terminal.type("s")
    child.expect(r"\] > ")
    child.kill(9)
    child.wait()
    deadline = time.monotonic() + 5
    while not (own_record / "progress.sqlite3").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    (sheet,) = map(from_json, Store(own_record / "progress.sqlite3").mocks())
    assert sheet.ending == "interrupted"
