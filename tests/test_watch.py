"""`watch` at a pseudo-terminal and in a pipe: saves of all kinds, keys, the terminal given back; and many files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from driving import ANSI, drill

from mha_drill.progress import Store
from mha_drill.saving import Saves

ROOT = Path(__file__).resolve().parent.parent
RIGHT = (ROOT / "solutions" / "mha.py").read_text(encoding="utf-8")
WRONG = RIGHT.replace(".softmax(", ".sigmoid(", 1)


class Watching:
    """`watch my_mha.py` at a terminal of 30 lines."""

    def __init__(self, folder: Path, *options: str, width: int = 100, **environ: str) -> None:
        self.file = folder / "my_mha.py"
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "mha_drill", "watch", str(self.file), *options],
            env={**os.environ, "TERM": "xterm-256color", **environ},
            dimensions=(30, width),
            encoding="utf-8",
            timeout=60,
        )
        self.child.delaybeforesend = None

    def sees(self, pattern: str) -> None:
        self.child.expect(pattern)

    def ends(self) -> int | None:
        self.child.expect(pexpect.EOF)
        self.child.close()
        return self.child.exitstatus


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    (tmp_path / "my_mha.py").write_text(RIGHT, encoding="utf-8")
    found = Watching(tmp_path)
    yield found
    found.child.close(force=True)


def test_a_watch_follows_every_kind_of_save_and_gives_the_terminal_back(watching: Watching) -> None:
    watching.sees(re.escape("\x1b[?1049h"))
    watching.sees(r"right since \d\d:\d\d:\d\d")
    watching.file.write_text(WRONG, encoding="utf-8")
    watching.sees(r"not right, checked at")
    swap = watching.file.with_suffix(".tmp")
    swap.write_text(RIGHT, encoding="utf-8")
    swap.replace(watching.file)
    watching.sees(r"right since")
    watching.file.unlink()
    watching.sees(r"waiting for my_mha\.py")
    watching.file.write_text(WRONG, encoding="utf-8")
    watching.sees(r"not right")
    watching.child.send("q")
    watching.sees(re.escape("\x1b[?1049l"))
    watching.sees(r"my_mha\.py")
    assert watching.ends() == 0


def test_ctrl_c_ends_a_watch_with_zero(watching: Watching) -> None:
    watching.sees(re.escape("\x1b[?1049h"))
    watching.child.send("\x03")
    watching.sees(re.escape("\x1b[?1049l"))
    assert watching.ends() == 0


def test_a_terminal_that_cannot_be_drawn_over_gets_plain_lines(tmp_path: Path) -> None:
    (tmp_path / "my_mha.py").write_text(RIGHT, encoding="utf-8")
    watching = Watching(tmp_path, TERM="dumb")
    watching.sees("Again from a blank page")
    assert "\x1b" not in watching.child.before
    watching.child.send("\x03")
    assert watching.ends() == 0


def test_a_file_that_is_not_there_yet_is_waited_for_in_chinese_too(tmp_path: Path) -> None:
    watching = Watching(tmp_path, "--lang", "zh")
    watching.sees("等待 my_mha.py 保存")
    watching.file.write_text(RIGHT, encoding="utf-8")
    watching.sees("起正确")
    watching.child.send("q")
    assert watching.ends() == 0


def test_the_last_verdict_stays_while_the_next_is_made_and_a_burst_is_one_check(watching: Watching) -> None:
    watching.sees(r"right since")
    slow = "import time\ntime.sleep(1.5)\n"
    for count in range(8):
        watching.file.write_text(f"# {count}\n{slow}" + WRONG, encoding="utf-8")
        time.sleep(0.01)
    watching.sees(r"right since.*checking")
    watching.sees(r"not right")
    watching.child.send("q")
    assert watching.ends() == 0


def test_going_right_is_recorded_once(watching: Watching) -> None:
    watching.sees(r"right since")
    watching.file.write_text(RIGHT + "\n# more\n", encoding="utf-8")
    watching.sees(r"checking")
    watching.sees(r"right since [^\r]*page")
    watching.child.send("q")
    assert watching.ends() == 0
    store = Store(Path(os.environ["MHA_DRILL_HOME"], "progress.sqlite3"), lambda trouble: None)
    assert len(store.attempts()) == 1


def test_a_key_draws_the_walk_of_the_file_and_a_save_brings_the_new_verdict(tmp_path: Path) -> None:
    file = tmp_path / "my_mha.py"
    file.write_text(RIGHT.replace("scores, dim=-1", "scores, dim=-2"), encoding="utf-8")
    watching = Watching(tmp_path)
    watching.sees(r"not right[^\r]*e draw")
    watching.child.send("e")
    watching.sees(r"step by step, drawn")
    watching.sees(r"parts from the reference")
    watching.sees(r"q back to the verdict")
    watching.child.send("q")
    watching.sees(r"not right[^\r]*e draw")
    watching.child.send("p")
    watching.sees(r"\[project\]")
    watching.sees(r"1/\d+  ")
    watching.child.send("\x1b[C")
    watching.sees(r"2/\d+  ")
    file.write_text(RIGHT, encoding="utf-8")
    watching.sees(r"right since[^\r]*e draw")
    watching.child.send("p\x1b[B")
    watching.sees(r"\[split\]")
    watching.child.send("\x1b")
    watching.sees(r"right since[^\r]*e draw")
    watching.child.send("q")
    assert watching.ends() == 0


def test_a_file_of_which_nothing_ran_has_no_walk_to_draw(tmp_path: Path) -> None:
    (tmp_path / "my_mha.py").write_text("def broken(:\n", encoding="utf-8")
    watching = Watching(tmp_path, "--lang", "zh")
    watching.sees("e 画图")
    for key in "ep":
        watching.child.send(key)
        watching.sees("无图可画")
        watching.child.send(key)
        watching.sees("e 画图")
    watching.child.send("q")
    assert watching.ends() == 0


def test_off_a_terminal_each_report_is_printed_once(tmp_path: Path) -> None:
    file = tmp_path / "my_mha.py"
    file.write_text(RIGHT, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "mha_drill", "watch", str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    file.write_text(WRONG, encoding="utf-8")
    for line in process.stdout:
        said += line
        if "mha-drill hint" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (0, "")
    assert "\x1b" not in said + rest
    assert (said.count("✓ Right"), said.count("✗")) >= (1, 1)


@pytest.mark.parametrize(
    ("arguments", "said"), [(["-"], "Only a file"), (["."], "folder"), (["no/where/x.py"], "no folder")]
)
def test_what_cannot_be_watched_is_said_at_once(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = drill("watch", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("how", ["write", "replace", "link"])
def test_a_save_is_heard(tmp_path: Path, how: str) -> None:
    file = tmp_path / "file.py"
    file.write_text("old", encoding="utf-8")
    watched = file
    if how == "link":
        (tmp_path / "links").mkdir()
        watched = tmp_path / "links" / "link.py"
        watched.symlink_to(file)
    with Saves(watched) as saves:
        # Again and again: when the folder is watched nobody is told, and `watch` looks for itself until then.
        for number in range(40):
            if how == "replace":
                (tmp_path / "new").write_text(f"new {number}", encoding="utf-8")
                (tmp_path / "new").replace(file)
            else:
                file.write_text(f"new {number}", encoding="utf-8")
            if readable(saves, 0.5):
                break
        else:
            pytest.fail("no save is heard")
        while readable(saves, 0.7):
            saves.taken()
        (tmp_path / "other.py").write_text("nothing to us", encoding="utf-8")
        assert not readable(saves, 0.5)


def readable(saves: Saves, seconds: float) -> bool:
    import select

    poll = select.poll()
    poll.register(saves.fileno(), select.POLLIN)
    return bool(poll.poll(1000 * seconds))


# --- many files


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("many")
    texts = [
        "import time\ntime.sleep(2)\n" + RIGHT,
        WRONG,
        RIGHT,
        None,
        RIGHT,
        "def broken(:\n",
    ]
    files = [folder / f"file{number}.py" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        if text is not None:
            file.write_text(text, encoding="utf-8")
    return files


def test_many_files_come_in_the_order_given_and_are_no_attempts(many: list[Path], own_record: Path) -> None:
    done = drill("check", "--json", *map(str, many))
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["file"] for item in found] == list(map(str, many))
    assert [item["verdict"] for item in found] == ["pass", "fail", "pass", "error", "pass", "fail"]
    assert (done.returncode, done.stderr) == (2, "")
    assert not own_record.exists()


def test_a_result_is_printed_as_soon_as_those_before_it_are_out(many: list[Path], tmp_path: Path) -> None:
    waits = tmp_path / "waits.py"
    waits.write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "mha_drill", "check", "--json", str(many[1]), str(many[2]), str(waits)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert [json.loads(process.stdout.readline())["verdict"] for _ in range(2)] == ["fail", "pass"]
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert (rest, process.returncode) == ("", 130)


def test_a_bar_runs_on_a_terminal_only(many: list[Path]) -> None:
    shown = at_terminal("check", *map(str, many))
    assert re.search(r"Checking\s.*[━╸╺]+\s.*\d/6", shown)
    assert "3 of 6 files pass" in shown
    assert "━" not in at_terminal("check", "--json", *map(str, many[1:3]))


def at_terminal(*arguments: str) -> str:
    child = pexpect.spawn(
        sys.executable, ["-m", "mha_drill", *arguments], encoding="utf-8", timeout=60, dimensions=(60, 200)
    )
    child.expect(pexpect.EOF)
    child.close()
    return ANSI.sub("", child.before)
