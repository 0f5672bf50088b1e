"""The help texts, in both languages: none missing, none that says something else than the command does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from driving import drill
from rich.cells import cell_len

from mha_drill.cli import app
from mha_drill.ui.help import texts
from mha_drill.words import room

TEXTS = dict(texts(typer.main.get_command(app)))
COMMANDS = [name for name in TEXTS if "-" not in name and name != "drill"]


@pytest.mark.parametrize("key", TEXTS)
def test_every_help_text_is_there_in_both_languages(key: str) -> None:
    said = room("help")[key]
    assert TEXTS[key] in ("", said.en), "the English in words/help.toml is not the command's"
    assert re.search("[\u4e00-\u9fff]", said.zh)


def test_no_help_text_waits_for_a_command_that_is_not_there() -> None:
    standing = {"usage", "required", "default", "heading-options", "heading-commands", "heading-arguments"}
    assert set(room("help")) == set(TEXTS) | standing


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("command", [[], ["quiz"], ["check"], ["hint"]], ids=" ".join)
def test_the_help_in_chinese(tmp_path: Path, command: list[str], width: int) -> None:
    done = drill(*command, "--lang", "zh", "--help", cwd=tmp_path, COLUMNS=str(width), LANG="zh_CN.UTF-8")
    if not command:
        done = drill("--help", cwd=tmp_path, COLUMNS=str(width), LANG="zh_CN.UTF-8")
    assert done.returncode == 0
    assert done.stdout.startswith("用法：")
    for said in ("选项", "显示本帮助后退出"):
        assert said in "".join(done.stdout.split())
    assert not re.search(r"Usage|Options|Commands|\\", done.stdout)
    assert [line for line in done.stdout.splitlines() if cell_len(line) > max(width, 44)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_in_english(tmp_path: Path, command: str) -> None:
    done = drill(command, "--help", cwd=tmp_path)
    assert "Usage: mha-drill" in done.stdout
    assert "\\" not in done.stdout
    assert room("help")[command].en.split(":")[0] in " ".join(done.stdout.split())
