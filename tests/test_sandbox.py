"""Which places a submission may read: everything of Python, the learner's own folder, nothing that holds answers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from driving import drill

import mha_drill
from mha_drill.catalog import load_catalog
from mha_drill.judge import scratch
from mha_drill.judge.sandbox import places


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def readable(pairs: object, path: Path) -> bool:
    """Whether a file's contents can be read, of what `around` and `beside` open."""
    return any(whole and path.is_relative_to(place) for place, whole in pairs)  # type: ignore[attr-defined]


def test_the_answers_are_hidden_wherever_the_drill_lies() -> None:
    package = Path(mha_drill.__file__).resolve().parent
    solution = (load_catalog().root / "solutions" / "mha.py").resolve()
    for secret in (package / "attention" / "steps.py", solution):
        assert any(secret.is_relative_to(place) for place in places.hidden())
        assert not readable(places.system(), secret)
    assert readable(places.system(), Path(os.__file__).resolve())
    assert readable(places.system(), Path(pytest.__file__).resolve())


def test_a_folder_that_holds_something_hidden_is_opened_entry_by_entry(tmp_path: Path) -> None:
    library, secret = tmp_path / "site-packages", tmp_path / "site-packages" / "mha_drill"
    tree(library, "torch/__init__.py", "mha_drill/__init__.py", "einops.py", "deep/er/mha_drill/__init__.py")
    hide = (secret.resolve(), (library / "deep" / "er" / "mha_drill").resolve())
    opened = list(places.around(library, hide))
    assert readable(opened, library / "torch" / "__init__.py")
    assert readable(opened, library / "einops.py")
    assert not readable(opened, secret / "__init__.py")
    assert not readable(opened, library / "deep" / "er" / "mha_drill" / "__init__.py")
    assert (library.resolve(), False) in opened


def test_a_link_to_something_hidden_opens_nothing(tmp_path: Path) -> None:
    tree(tmp_path, "secret/answer.py", "own/mine.py")
    (tmp_path / "own" / "theirs").symlink_to(tmp_path / "secret")
    (tmp_path / "own" / "ring").symlink_to(tmp_path / "own" / "ring")
    opened = list(places.beside(tmp_path / "own", [tmp_path / "secret"]))
    assert readable(opened, tmp_path / "own" / "mine.py")
    assert not readable(opened, tmp_path / "secret" / "answer.py")


def test_dot_files_beside_the_file_stay_closed(tmp_path: Path) -> None:
    tree(tmp_path, "mine.py", ".env", ".ssh/key", "data/one.json")
    opened = list(places.beside(tmp_path, ()))
    assert readable(opened, tmp_path / "data" / "one.json")
    assert not readable(opened, tmp_path / ".env")
    assert not readable(opened, tmp_path / ".ssh" / "key")


def test_in_a_home_only_files_and_packages_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    tree(tmp_path / "me", "mine.py", "layers/__init__.py", "Documents/letter.txt")
    opened = list(places.beside(tmp_path / "me", ()))
    assert readable(opened, tmp_path / "me" / "mine.py")
    assert readable(opened, tmp_path / "me" / "layers" / "__init__.py")
    assert not readable(opened, tmp_path / "me" / "Documents" / "letter.txt")
    assert ((tmp_path / "me").resolve(), False) not in opened


@pytest.mark.skipif(
    sys.platform != "linux", reason="scratch folders are left over only where the template is killed"
)
def test_scratch_folders_of_templates_that_are_no_more_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = scratch.make()
    gone = tmp_path / f"{scratch.PREFIX}{2**22 + 1}-abc"
    (gone / "sub").mkdir(parents=True)
    (gone / "sub").chmod(0)
    scratch.clear_left_over()
    assert own.is_dir()
    assert not gone.exists()
    scratch.remove(own)
    assert list(tmp_path.iterdir()) == []


SUBMISSIONS = Path(__file__).parent / "submissions"


@pytest.mark.skipif(sys.platform != "linux", reason="finds the template in /proc")
def test_a_template_that_is_killed_leaves_no_scratch_folder(tmp_path: Path) -> None:
    mine = tmp_path / "hangs.py"
    mine.write_bytes((SUBMISSIONS / "hangs-asleep.py").read_bytes())
    (tmp_path / "tmp").mkdir()
    command = subprocess.Popen(
        [sys.executable, "-m", "mha_drill", "check", "--cold", "--json", "--time-limit=2", str(mine)],
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
    )
    until = time.monotonic() + 40
    while not (found := list((tmp_path / "tmp").glob(f"{scratch.PREFIX}*"))) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(int(found[0].name.removeprefix(scratch.PREFIX).partition("-")[0]), signal.SIGKILL)
    printed, _ = command.communicate(timeout=60)
    assert json.loads(printed)["verdict"] == "fail"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_file_is_judged_wherever_it_lies(tmp_path: Path) -> None:
    right = (SUBMISSIONS / "right.py").read_text(encoding="utf-8")
    target, closed = tmp_path / "elsewhere" / "target.py", tmp_path / "closed"
    spaced = tmp_path / "a folder 中文" / "my attention 注意力.py"
    for path in (target, spaced, closed / "mine.py"):
        path.parent.mkdir()
        path.write_text("from beside import NUMBER\n" + right, encoding="utf-8")
        (path.parent / "beside.py").write_text("NUMBER = 1\n", encoding="utf-8")
    linked = tmp_path / "linked.py"
    linked.symlink_to(target)
    closed.chmod(0o555)
    try:
        done = drill("check", "--json", str(linked), str(spaced), str(closed / "mine.py"), patience=120)
    finally:
        closed.chmod(0o755)
    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["pass"] * 3
    assert sorted(path.name for path in closed.iterdir()) == ["beside.py", "mine.py"]


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="the limit on processes binds others"
)
def test_root_is_nobody_where_seccomp_is_off(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    right = (SUBMISSIONS / "right.py").read_text(encoding="utf-8")
    mine.write_text(f"import os\n\nassert os.getresuid() == (65534,) * 3\nopen('beside').read()\n{right}")
    (tmp_path / "beside").write_text("mine alone")
    (tmp_path / "beside").chmod(0o600)
    with contextlib.suppress(OSError):
        tmp_path.chmod(0o700)
    done = drill("check", "--json", str(mine), patience=120, MHA_DRILL_SECCOMP="0")
    assert json.loads(done.stdout)["verdict"] == "pass", done.stdout
