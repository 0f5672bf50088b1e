"""`new`, `list` and `solution`, through the real command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from rich.cells import cell_len

from mha_drill.catalog import load_catalog

CATALOG = load_catalog()
CODE = [problem.id for problem in CATALOG.problems if problem.code]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def drill(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mha_drill", *arguments],
        cwd=cwd, env=os.environ | environ, capture_output=True, encoding="utf-8", timeout=60, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """Assert that a command was refused as bad usage, in one line on standard error that says all this."""
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert [part for part in said if part not in done.stderr] == []


# --- new ----------------------------------------------------------------------------------------------------


def test_new_writes_the_default_problem_and_says_what_to_run(tmp_path: Path) -> None:
    done = drill("new", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["my_mha.py"]
    assert (tmp_path / "my_mha.py").read_text(encoding="utf-8") == CATALOG.skeleton(CATALOG.problem("mha"))
    assert done.stdout.rstrip().endswith("mha-drill check my_mha.py")
    assert "forward(q, k, v)" in done.stdout
    assert "\x1b" not in done.stdout


def test_new_writes_any_code_problem_in_either_language(tmp_path: Path) -> None:
    for name in CODE:
        done = drill("new", name, "--lang", "zh", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        file = f"my_{name.replace('-', '_')}.py"
        assert (tmp_path / file).read_text(encoding="utf-8").startswith(f"# mha-drill: {name}\n")
        assert f"mha-drill check {file}" in done.stdout
        assert "代码骨架" in done.stdout


def test_new_never_writes_over_a_file_unasked(tmp_path: Path) -> None:
    mine = tmp_path / "my_mha.py"
    mine.write_text("mine\n")
    refused(drill("new", cwd=tmp_path), "my_mha.py", "--force", "--out")
    refused(drill("new", "--lang", "zh", cwd=tmp_path), "my_mha.py", "--force", "已存在")
    assert mine.read_text() == "mine\n"
    assert drill("new", "--force", cwd=tmp_path).returncode == 0
    assert mine.read_text() == CATALOG.skeleton(CATALOG.problem("mha"))


def test_new_leaves_a_link_that_leads_nowhere_alone(tmp_path: Path) -> None:
    (tmp_path / "my_mha.py").symlink_to(tmp_path / "elsewhere.py")
    refused(drill("new", cwd=tmp_path), "--force")
    assert not (tmp_path / "elsewhere.py").exists()


def test_new_writes_where_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "my drafts").mkdir()
    done = drill("new", "sdpa", "--out", "my drafts/one.py", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "my drafts" / "one.py").read_text().startswith("# mha-drill: sdpa\n")
    assert "mha-drill check 'my drafts/one.py'" in done.stdout


def test_new_says_what_is_wrong_with_a_place(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    refused(drill("new", "--out", "folder", cwd=tmp_path), "folder is a folder", "--out folder/my_mha.py")
    refused(drill("new", "--out", "missing/x.py", cwd=tmp_path), "no folder missing", "x.py")
    refused(drill("new", "--out", "x" * 300, cwd=tmp_path), "could not be written", "--out")
    os.mkfifo(tmp_path / "fifo")
    refused(drill("new", "--out", "fifo", cwd=tmp_path), "no ordinary file")
    refused(drill("new", "--out", "fifo", "--force", cwd=tmp_path), "no ordinary file")
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "fifo"}
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_new_says_that_a_folder_takes_no_files(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        refused(drill("new", cwd=tmp_path), "my_mha.py", "may not be written", "--out")
    finally:
        tmp_path.chmod(0o700)


def test_new_knows_code_problems_only(tmp_path: Path) -> None:
    refused(drill("new", "causal", cwd=tmp_path), "'causal'", "causal-mha", "mha-drill list")
    refused(drill("new", "zzz", cwd=tmp_path), "'zzz'", "mha-drill list")
    refused(drill("new", "attention-shapes", cwd=tmp_path), "mha-drill quiz --kind choice")
    assert list(tmp_path.iterdir()) == []


# --- list ---------------------------------------------------------------------------------------------------


def column_starts(line: str) -> list[int]:
    """Return at which cell of the terminal each column of a line begins; two spaces part columns."""
    return [cell_len(line[: found.start()]) for found in re.finditer(r"(?<!\S)(?<!\S )\S", line)]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [120, 80, 40])
def test_list_shows_every_problem_in_columns(tmp_path: Path, lang: str, width: int) -> None:
    done = drill("list", "--lang", lang, cwd=tmp_path, COLUMNS=str(width))
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert max(map(cell_len, lines)) <= width
    rows = [line for line in lines if line.split(" ")[0] in {problem.id for problem in CATALOG.problems}]
    assert [row.split()[0] for row in rows] == [problem.id for problem in CATALOG.problems]
    heading = lines[0]
    assert len(column_starts(heading)) == (3 if width == 40 else 4)
    for row in rows:
        assert column_starts(row) == column_starts(heading), row
    kinds = {
        "en": {"choice": "choice", "short": "short", "code": "code"},
        "zh": {"choice": "选择", "short": "简答", "code": "代码"},
    }[lang]
    whole = re.sub(r"\s+", "", done.stdout)
    for problem, row in zip(CATALOG.problems, rows, strict=True):
        assert row.split()[1:3] == [kinds[problem.kind], "*" * problem.difficulty]
        title = problem.title.en if lang == "en" else problem.title.zh
        assert re.sub(r"\s+", "", title) in whole
        if len(problem.steps) < 10:
            assert ",".join(problem.steps) in whole


def test_list_speaks_the_language_of_the_locale(tmp_path: Path) -> None:
    assert "题目" in drill("list", cwd=tmp_path, LC_ALL="zh_CN.UTF-8").stdout
    assert "题目" not in drill("list", cwd=tmp_path, LC_ALL="en_US.UTF-8").stdout
    refused(drill("list", "--lang", "fr", cwd=tmp_path), "'fr'", "--lang en")


# --- solution -----------------------------------------------------------------------------------------------


def test_solution_through_a_pipe_is_the_file_itself(tmp_path: Path) -> None:
    for name in CODE:
        done = drill("solution", name, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == CATALOG.solution(CATALOG.problem(name))
    done = drill("solution", "sdpa", "--numpy", "--lang", "zh", cwd=tmp_path)
    assert done.stdout == CATALOG.solution(CATALOG.problem("sdpa"), numpy=True)
    assert list(tmp_path.iterdir()) == []


def test_solution_says_what_it_does_not_have(tmp_path: Path) -> None:
    refused(drill("solution", "mha", "--numpy", cwd=tmp_path), "no numpy solution of mha", "--numpy")
    refused(drill("solution", "sdpb", cwd=tmp_path), "sdpa", "mha-drill list")
    refused(drill("solution", "transformer-idea", cwd=tmp_path), "mha-drill quiz --kind short")


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}])
def test_solution_on_a_terminal_is_coloured_and_still_whole(tmp_path: Path, environ: dict[str, str]) -> None:
    wanted = CATALOG.solution(CATALOG.problem("mha"))
    child = pexpect.spawn(
        sys.executable, ["-m", "mha_drill", "solution", "mha"],
        cwd=str(tmp_path), env={**os.environ, "TERM": "xterm-256color", **environ}, encoding="utf-8",
        timeout=60, dimensions=(24, 40),
    )  # fmt: skip
    seen = child.read().replace("\r\n", "\n")
    child.close()
    assert child.exitstatus == 0
    assert ANSI.sub("", seen) == wanted
    colours = {
        code
        for codes in re.findall(r"\x1b\[([0-9;]*)m", seen)
        for code in codes.split(";")
        if code[:1] in "39"
    }
    assert bool(colours - {"39", "3", "9"}) is not bool(environ)


# --- start-up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["list"], ["new"], ["solution", "mha"]])
def test_torch_is_not_imported(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mha_drill", *arguments],
        cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=True,
    )  # fmt: skip
    imported = {
        line.split("|")[-1].strip() for line in done.stderr.splitlines() if line.startswith("import time")
    }
    assert "mha_drill.catalog" in imported
    slow = {"torch", "numpy", "pytest", "rich.markdown", "rich.table", "pygments", "asyncio", "logging"}
    assert not imported & slow
