"""Coming back: `review`, `quiz --due` and `status`, through the real commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from driving import Terminal, drill

from mha_drill.catalog import load_catalog
from mha_drill.progress import Store
from mha_drill.progress.days import A_DAY
from mha_drill.records import Attempt
from mha_drill.sitting import whole_stock

CARDS = whole_stock()


def answered(home: Path, days: float, score: float = 1.0, but: str = "") -> Store:
    """Answer every card of the catalogue, `days` from now, in the store at home."""
    store = Store(home / "progress.sqlite3")
    for card in CARDS:
        if card.item != but:
            mark = 1.0 if card.kind == "code" else score
            at = time.time() + days * A_DAY
            store.record(Attempt(card.item, card.kind, card.steps, at, mark, "", 1.0))
    return store


def stands(**environ: str) -> dict[str, object]:
    done = drill("status", "--json", **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    return dict(json.loads(done.stdout))


def test_a_first_review_asks_new_cards_and_says_when_they_come_back(tmp_path: Path) -> None:
    typed = "b\n" * 3
    done = drill("review", "--count", "1", typed=typed, cwd=tmp_path)
    assert done.returncode == 0
    assert "(1/1)" in done.stdout
    assert "mha-drill review" in done.stdout
    assert stands()["attempts"] in (1, 2), "a wrong one is asked again"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_review_with_nothing_due_says_when_the_next_is(tmp_path: Path, own_record: Path, lang: str) -> None:
    answered(own_record, 0.0, 0.0 if lang == "zh" else 1.0)
    found = stands()
    done = drill("review", "--lang", lang, typed="b\n", cwd=tmp_path)
    assert (found["due"], found["new"]) == (0, 0)
    assert done.returncode == 0
    assert str(found["next"]) in done.stdout
    assert "mha-drill quiz" in done.stdout
    assert "> " not in done.stdout
    assert ("Nothing is due" if lang == "en" else "没有到期") in done.stdout


def test_what_is_due_is_served_and_skipping_answers_nothing(tmp_path: Path, own_record: Path) -> None:
    answered(own_record, -30.0)
    found = stands()
    assert found["due"] == len(CARDS)
    done = drill("quiz", "--due", "--kind", "choice", "--count", "1", typed="s\n", cwd=tmp_path)
    assert "(1/1)" in done.stdout
    assert stands()["due"] == len(CARDS)
    done = drill("quiz", "--due", "--kind", "choice", "--count", "1", typed="b\n", cwd=tmp_path)
    assert stands()["due"] == len(CARDS) - 1


def test_quiz_due_says_when_what_was_named_is_not_due(tmp_path: Path, own_record: Path) -> None:
    store = answered(own_record, -30.0, but="none")
    for card in CARDS:
        if card.kind == "choice":
            store.record(Attempt(card.item, card.kind, card.steps, time.time(), 1.0, "", 1.0))
    done = drill("quiz", "--due", "--kind", "choice", typed="b\n", cwd=tmp_path)
    assert done.returncode == 0
    assert "Nothing of what you named is due" in done.stdout
    assert drill("quiz", "--due", "--kind", "zzz", cwd=tmp_path).returncode == 2


def test_naming_the_interview_brings_everything_before_it(tmp_path: Path, own_record: Path) -> None:
    answered(own_record, -9.0)
    answered(own_record, 0.0)
    day = (date.today() + timedelta(days=5)).isoformat()
    assert str(stands()["next"]) > day
    done = drill("review", "--interview", day, cwd=tmp_path)
    assert done.returncode == 0
    assert day in done.stdout
    found = stands()
    assert found["interview"] == day
    assert str(found["next"]) < day
    assert day in drill("status").stdout
    drill("review", "--interview", "none", cwd=tmp_path)
    assert stands()["interview"] is None


@pytest.mark.parametrize("named", ["tomorrow", "2026-13-01", "2001-01-01", "", "2026/12/01"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_day_that_is_none_or_has_gone_by_is_bad_usage(tmp_path: Path, named: str, lang: str) -> None:
    done = drill("review", "--interview", named or " ", "--lang", lang, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "none" in done.stderr


def test_a_failed_check_brings_its_steps_cards_forward(tmp_path: Path, own_record: Path) -> None:
    answered(own_record, -1.0)
    assert stands()["due"] == 0
    wrong = tmp_path / "my_mha.py"
    right = load_catalog().solution(load_catalog().problem("mha"))
    wrong.write_text(right.replace("scores = scores / math.sqrt(d)", "scores = scores"))
    assert drill("check", "my_mha.py", cwd=tmp_path).returncode == 1
    by_step = stands()["by_step"]
    assert isinstance(by_step, dict)
    assert by_step["scale"]["strength"] < 1.0
    assert by_step["merge"]["strength"] == 1.0
    due = stands()["due"]
    narrow = [card for card in CARDS if "scale" in card.steps and card.kind != "code"]
    assert due == len(narrow) + 1


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", ["50", "80", "120"])
def test_the_status_fits_the_screen(own_record: Path, lang: str, width: str) -> None:
    from rich.cells import cell_len

    answered(own_record, -3.0, 0.5)
    done = drill("status", "--lang", lang, COLUMNS=width)
    assert done.returncode == 0
    assert max(map(cell_len, done.stdout.splitlines())) <= int(width)
    assert "mha-drill review" in done.stdout


def test_the_status_of_nobody_yet(tmp_path: Path) -> None:
    found = stands()
    assert (found["attempts"], found["due"], found["solved"], found["weakest"]) == (0, 0, [], None)
    done = drill("status")
    assert done.returncode == 0
    assert "mha-drill review" in done.stdout


def test_ctrl_c_in_a_review_ends_it_with_what_was_answered_kept(tmp_path: Path) -> None:
    terminal = Terminal("review", cwd=tmp_path)
    terminal.prompt()
    terminal.press_ctrl_c()
    _, code = terminal.end()
    assert code == 130


def test_fifty_commands_at_once_lose_nothing(tmp_path: Path, own_record: Path) -> None:
    command = [sys.executable, "-m", "mha_drill", "quiz", "--kind", "choice", "--count", "1"]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path
        )
        for _ in range(50)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"b\n")
        process.stdin.close()
    for process in started:
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(120) == 0
    assert len(Store(own_record / "progress.sqlite3").attempts()) == 50
