"""The door: exit codes, one sentence for whatever goes wrong, and never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from string import Formatter

import pytest
from driving import Terminal, drill

import mha_drill
from mha_drill.words import room

WORDS = Path(mha_drill.__file__).with_name("words")
COMMANDS = [
    "quiz",
    "new",
    "list",
    "hint",
    "solution",
    "explain",
    "review",
    "status",
    "progress",
    "recite",
    "export",
]


def one_line(said: str) -> bool:
    return said.endswith("\n") and said.count("\n") == 1 and "Traceback" not in said


# --- bad usage


@pytest.mark.parametrize(
    ("arguments", "en", "zh"),
    [
        (["quizz"], "did you mean quiz", "你是不是想输入 quiz"),
        (["zzzzzz"], "the commands are: ", "可用的命令有："),
        (["quiz", "--kidn", "short"], "did you mean --kind", "你是不是想输入 --kind"),
        (["quiz", "--zzz"], "no option --zzz", "没有选项 --zzz"),
        (["quiz", "--count", "many"], "--count takes a whole number", "--count 需要一个整数"),
        (["quiz", "--count"], "--count is not used like that", "--count 的用法不对"),
        (["quiz", "more", "words"], "more words", "more words"),
        (["hint"], "PROBLEM is missing", "缺少 PROBLEM"),
        (["quiz", "--kind", "numbr"], "did you mean number", "number"),
        (["quiz", "--topic", "maks"], "did you mean mask", "你是不是想输入 mask"),
        (["quiz", "--count", "0"], "--count a number from 1", "--count"),
        (["hint", "causal"], "causal-mha", "causal-mha"),
        (["quiz", "--lang", "klingon"], "--lang en or --lang zh", "--lang en 或 --lang zh"),
    ],
)
@pytest.mark.parametrize("locale", ["en_GB.UTF-8", "zh_CN.UTF-8"])
def test_bad_usage_is_one_line_and_code_two(
    tmp_path: Path, arguments: list[str], en: str, zh: str, locale: str
) -> None:
    done = drill(*arguments, cwd=tmp_path, LANG=locale)
    assert done.returncode == 2
    assert done.stdout == ""
    assert one_line(done.stderr)
    assert (zh if locale.startswith("zh") else en) in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "explain {}",
        "explain view --svg {}",
        "mock --html {}",
        "watch {}",
        "check {}",
        "hint {}",
        "explain --file {}",
    ],
)
def test_a_name_that_is_too_long_is_one_sentence(command: str, tmp_path: Path) -> None:
    done = drill(*command.format("a" * 300).split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("a" * 300) == 1
    assert "broke" not in done.stderr


@pytest.mark.parametrize("spelled", [["--lang", "zh"], ["--lang=zh"], ["--lang", "ZH_cn"]])
def test_errors_come_in_the_language_asked_for(tmp_path: Path, spelled: list[str]) -> None:
    assert "没有名为" in drill("quiz", "--kind", "zzz", *spelled, cwd=tmp_path, LANG="en_GB.UTF-8").stderr
    assert "没有选项" in drill("quiz", *spelled, "--zzz", cwd=tmp_path, LANG="en_GB.UTF-8").stderr


def test_the_locale_is_read_in_its_usual_order(tmp_path: Path) -> None:
    asked = ["quiz", "--kind", "zzz"]
    assert "There is" in drill(*asked, cwd=tmp_path, LC_ALL="en_US.UTF-8", LANG="zh_CN.UTF-8").stderr
    assert "没有" in drill(*asked, cwd=tmp_path, LC_ALL="", LC_MESSAGES="zh_TW", LANG="en_US").stderr


def test_names_with_signs_that_move_the_cursor_are_shown_as_question_marks(tmp_path: Path) -> None:
    done = drill("quiz", "x\x1b[2Jy\nz", cwd=tmp_path)
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert one_line(done.stderr)


# --- what is asked of the program itself


def test_no_command_shows_the_help(tmp_path: Path) -> None:
    done = drill(cwd=tmp_path)
    assert done.returncode == 0
    for command in COMMANDS:
        assert command in done.stdout


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_command_has_help(tmp_path: Path, command: list[str], flag: str) -> None:
    done = drill(*command, flag, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: mha-drill")


def test_the_version(tmp_path: Path) -> None:
    assert drill("--version", cwd=tmp_path).stdout == f"mha-drill {mha_drill.__version__}\n"


# --- what goes wrong

BROKEN = """
import sys
from mha_drill import cli

@cli.app.command()
def boom(lang: cli.LangOption = "") -> None:
    {body}

sys.exit(cli.main())
"""


def broken(folder: Path, body: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    script = folder / "broken.py"
    script.write_text(BROKEN.format(body=body))
    return subprocess.run(
        [sys.executable, str(script), "boom", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_fault_of_ours_is_kept_in_a_file(tmp_path: Path, own_record: Path, lang: str) -> None:
    done = broken(tmp_path, "raise ZeroDivisionError('sums\\nin two lines')", "--lang", lang)
    assert done.returncode == 3
    assert one_line(done.stderr)
    (kept,) = own_record.glob("crash-*.txt")
    assert str(kept) in done.stderr
    assert "ZeroDivisionError: sums" in kept.read_text()
    assert mha_drill.__version__ in kept.read_text()
    assert ("The drill itself broke" if lang == "en" else "练习程序自身出错") in done.stderr


def test_a_fault_with_nowhere_of_ones_own_is_kept_among_the_temporary_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "tmp").mkdir()
    home = str(tmp_path / "file" / "home")
    done = broken(tmp_path, "raise KeyError('x')", MHA_DRILL_HOME=home, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 3
    (kept,) = (tmp_path / "tmp").glob("crash-*.txt")
    assert str(kept) in done.stderr


def test_a_fault_of_the_drill_has_its_own_words_and_code(tmp_path: Path) -> None:
    body = "from mha_drill.errors import DrillError; raise DrillError('catalog.no-content', path='/x')"
    done = broken(tmp_path, body)
    assert done.returncode == 3
    assert one_line(done.stderr)
    assert "/x" in done.stderr


def test_ctrl_c_is_quiet(tmp_path: Path) -> None:
    done = broken(tmp_path, "raise KeyboardInterrupt")
    assert done.returncode == 130
    assert done.stderr.strip() == "Stopped."


def test_a_number_returned_is_the_exit_code(tmp_path: Path) -> None:
    assert broken(tmp_path, "return 1").returncode == 1


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text(BROKEN.format(body="[print('x' * 1000) for _ in range(10000)]"))
    with subprocess.Popen(
        [sys.executable, str(script), "boom"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(30) == 141
    assert said == b""


def test_a_closed_standard_output_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"'{sys.executable}' -m mha_drill list >&-",
        shell=True,
        capture_output=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_output_that_cannot_hold_chinese_still_gets_it_all(tmp_path: Path) -> None:
    done = drill("quiz", "--lang", "zh", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "[N, L, D]" in done.stdout


def test_ctrl_c_on_a_terminal_at_any_moment_is_no_traceback(tmp_path: Path) -> None:
    terminal = Terminal("quiz", cwd=tmp_path)
    terminal.prompt()
    terminal.press_ctrl_c()
    shown, code = terminal.end()
    assert code == 130
    assert "Traceback" not in shown


# --- the sentences


@pytest.mark.parametrize("name", ["cli", "hint", "progress", "mock", "notebook", "quiz", "recite", "status"])
def test_every_sentence_is_there_in_both_languages_and_takes_the_same_values(name: str) -> None:
    data = tomllib.loads((WORDS / f"{name}.toml").read_text(encoding="utf-8"))
    for key, texts in data.items():
        assert set(texts) == {"en", "zh"}, key
        fields = [{field for _, field, _, _ in Formatter().parse(text) if field} for text in texts.values()]
        assert fields[0] == fields[1], key
        assert not re.search(r"[\u4e00-\u9fff]\s*[,;:?!](?!\S*\})", texts["zh"]), (
            f"{key}: half-width punctuation"
        )
    assert room(name)


def test_every_sentence_of_the_quiz_is_used() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in WORDS.parent.rglob("*.py"))
    rooms = (
        r"kind|step|level|key|count|column|weekday|verdict|wrong|part|name|ending|axis|copy|questions|right"
    )
    made = re.compile(rf"({rooms})-|[a-z]+-(title|prompt|why)$")
    for name in ("quiz", "progress", "hint", "cli", "status", "recite", "mock", "notebook"):
        for key in room(name):
            if not made.match(key):
                spelled = key.removesuffix("-close")
                assert f"{name}.{spelled}" in sources, f"{name}.{key}"


INTERRUPTED_WHILE_LOADING = """
import builtins, os, signal
real = builtins.__import__
def interrupted(name, *rest):
    if name == {module!r}:
        builtins.__import__ = real
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, *rest)
builtins.__import__ = interrupted
from mha_drill.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["signal", "typer", "mha_drill.entry"])
def test_ctrl_c_while_the_program_is_loading_shows_no_traceback(module: str) -> None:
    code = INTERRUPTED_WHILE_LOADING.format(module=module)
    done = subprocess.run([sys.executable, "-c", code, "list"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_terminal_without_chinese_signs_is_said_so() -> None:
    done = drill("list", "--lang", "zh", PYTHONIOENCODING="ascii")
    assert "PYTHONUTF8=1" in done.stderr
    assert drill("list", "--lang", "zh", LC_ALL="C").stderr == ""


def test_a_quiz_that_nobody_reads_ends_quietly_with_its_own_code() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mha_drill", "quiz", "--seed", "1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    process.stdin.write(b"A\n" * 50)
    process.stdin.close()
    assert process.wait(30) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
