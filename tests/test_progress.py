"""The store: nothing answered is lost, and nothing wrong with the file stops a drill."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from driving import drill
from hypothesis import given, settings
from hypothesis import strategies as st

from mha_drill.progress import HINT_LEVELS, Store, data_folder, of_report
from mha_drill.records import Attempt, Mistake, Report

FORK = multiprocessing.get_context("fork")
OTHER_USER = 65534


def attempt(item: str = "mha", at: float = 1.0, score: float = 1.0, answer: str = "") -> Attempt:
    return Attempt(item, "code", ("split", "merge"), at, score, answer, 2.5, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "progress.sqlite3"


# --- where it lies


def test_home_overrides_everything() -> None:
    assert data_folder({"MHA_DRILL_HOME": "/x/y", "XDG_DATA_HOME": "/z"}) == Path("/x/y")


def test_home_may_begin_with_a_tilde() -> None:
    assert data_folder({"MHA_DRILL_HOME": "~/drill", "HOME": "/h"}) == Path("/h/drill")


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_xdg_folder_counts_only_when_absolute() -> None:
    assert data_folder({"XDG_DATA_HOME": "/data", "HOME": "/h"}) == Path("/data/mha-drill")
    assert data_folder({"XDG_DATA_HOME": "data", "HOME": "/h"}) == Path("/h/.local/share/mha-drill")
    assert data_folder({"MHA_DRILL_HOME": "", "HOME": "/h"}) == Path("/h/.local/share/mha-drill")


# --- what is kept


@settings(max_examples=40)
@given(
    answer=st.text(st.characters(exclude_categories=()), max_size=50),
    score=st.floats(0, 1),
    at=st.floats(0, 4e9),
)
def test_an_attempt_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, answer: str, score: float, at: float
) -> None:
    given_one = attempt(at=at, score=score, answer=answer)
    path = tmp_path_factory.mktemp("store") / "p.sqlite3"
    Store(path).record(given_one)
    (kept,) = Store(path).attempts()
    storable = answer.encode("utf-8", "replace").decode()
    assert kept == attempt(at=at, score=score, answer=storable)


def test_attempts_are_told_apart_and_ordered_by_time(path: Path) -> None:
    store = Store(path)
    for item, at in (("mha", 3.0), ("sdpa", 2.0), ("mha", 1.0)):
        store.record(attempt(item, at))
    assert [each.at for each in store.attempts()] == [1.0, 2.0, 3.0]
    assert [each.at for each in store.attempts("mha")] == [1.0, 3.0]
    assert store.attempts("nothing") == ()


def test_latest_is_the_last_by_time_of_each_item(path: Path) -> None:
    store = Store(path)
    store.record(attempt("mha", 5.0, score=0.25))
    store.record(attempt("mha", 4.0, score=1.0))
    store.record(attempt("sdpa", 1.0))
    latest = store.latest()
    assert {item: each.score for item, each in latest.items()} == {"mha": 0.25, "sdpa": 1.0}


def test_a_mark_can_be_revised(path: Path) -> None:
    store = Store(path)
    store.record(attempt("mha", 1.0, score=0.5))
    number = store.record(attempt("sdpa", 2.0, score=0.5))
    store.revise(number, 0.75)
    assert [each.score for each in Store(path).attempts()] == [0.5, 0.75]


def test_hints_rise_one_by_one_to_the_last(path: Path) -> None:
    assert Store(path).hint_level("mha") == 0
    assert [Store(path).raise_hint_level("mha") for _ in range(5)] == [1, 2, 3, HINT_LEVELS, HINT_LEVELS]
    assert Store(path).hint_level("mha") == HINT_LEVELS
    assert Store(path).hint_level("sdpa") == 0


def test_a_report_becomes_an_attempt() -> None:
    mistake = Mistake("missing-scale", "scale", 3, "", "", "", "", "", "", True)
    twice = Report("f.py", "mha", "fail", (), (mistake, mistake), (), (), 1.5, 1.0)
    assert of_report(twice, ("scale",), 9.0, 2) == Attempt(
        "mha", "code", ("scale",), 9.0, 0.0, "missing-scale", 1.5, 2, ("scale",)
    )
    passed = of_report(Report("f.py", "mha", "pass", (), (), (), (), 1.0, 1.0), (), 0.0)
    assert passed is not None
    assert passed.score == 1.0
    assert of_report(Report("f.py", "mha", "error", (), (), (), (), 0.0, 0.0), (), 0.0) is None


# --- many at once, and killed


def _record_some(path: Path, name: str, count: int) -> None:
    store = Store(path)
    for number in range(count):
        store.record(attempt(name, float(number)))
        store.raise_hint_level(name)
    os._exit(0 if store.recording else 1)


def _together(target: object, arguments: list[tuple[object, ...]]) -> list[int | None]:
    started = [FORK.Process(target=target, args=each) for each in arguments]  # type: ignore[arg-type]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    return [process.exitcode for process in started]


def test_many_processes_at_once_lose_nothing(path: Path) -> None:
    codes = _together(_record_some, [(path, f"item-{number}", 5) for number in range(12)])
    assert codes == [0] * 12
    store = Store(path)
    assert len(store.attempts()) == 60
    assert all(store.hint_level(f"item-{number}") == HINT_LEVELS for number in range(12))


KILLED = """
import sys
from pathlib import Path
from mha_drill.progress import Store
from mha_drill.records import Attempt
store = Store(Path(sys.argv[1]))
for number in range(100000):
    store.record(Attempt("mha", "code", (), float(number), 1.0, "x" * 2000, 0.0))
    print(number, flush=True)
"""


def test_a_killed_process_loses_nothing_it_had_recorded(path: Path) -> None:
    for _ in range(3):
        before = len(Store(path).attempts())
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _line in range(20):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            said = 20 + len(process.stdout.read().split())
        store = Store(path)
        assert store.troubles == []
        assert len(store.attempts()) - before in (said, said + 1)


# --- a file that is no store


GARBAGE = b"not a database at all, " * 100


def test_a_damaged_file_is_set_aside_and_its_place_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(GARBAGE)
    warned: list[str] = []
    store = Store(path, lambda trouble: warned.append(trouble.say("en")))
    store.record(attempt())
    aside = path.with_name("progress.damaged-1.sqlite3")
    assert aside.read_bytes() == GARBAGE
    assert len(warned) == 1
    assert str(aside) in warned[0]
    assert len(Store(path).attempts()) == 1


def test_a_second_damaged_file_does_not_overwrite_the_first(path: Path) -> None:
    path.parent.mkdir()
    for number in (1, 2):
        path.write_bytes(GARBAGE + bytes([number]))
        Store(path)
    kept = {each.name: each.read_bytes()[-1] for each in path.parent.glob("*damaged*")}
    assert kept == {"progress.damaged-1.sqlite3": 1, "progress.damaged-2.sqlite3": 2}


def test_another_programs_database_is_set_aside_whole(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
        other.execute("INSERT INTO recipes VALUES ('soup')")
    other.close()
    store = Store(path)
    store.record(attempt())
    assert [trouble.key for trouble in store.troubles] == ["progress.damaged"]
    kept = sqlite3.connect(path.with_name("progress.damaged-1.sqlite3"))
    assert kept.execute("SELECT name FROM recipes").fetchall() == [("soup",)]
    kept.close()


def test_pages_gone_bad_are_met_when_they_are_read(path: Path) -> None:
    store = Store(path)
    for number in range(200):
        store.record(attempt(at=float(number), answer="x" * 500))
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    fresh = Store(path)
    assert fresh.attempts() == ()
    assert [trouble.key for trouble in fresh.troubles] == ["progress.damaged"]
    assert fresh.recording
    assert path.with_name("progress.damaged-1.sqlite3").is_file()


def test_a_store_damaged_under_ones_hands_does_not_stop_the_drill(path: Path) -> None:
    store = Store(path)
    store.record(attempt("before"))
    path.write_bytes(GARBAGE)
    store.record(attempt("after"))
    assert [each.item for each in Store(path).attempts()] == ["after"]
    assert [trouble.key for trouble in store.troubles] == ["progress.damaged"]


def test_a_dozen_processes_that_meet_one_damage_set_it_aside_once(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(GARBAGE)
    assert _together(_record_some, [(path, f"item-{number}", 3) for number in range(8)]) == [0] * 8
    assert len(Store(path).attempts()) == 24
    assert [each.read_bytes() for each in path.parent.glob("*damaged*")] == [GARBAGE]


def test_a_file_that_another_process_has_just_mended_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(GARBAGE)
    late = Store(path)
    Store(path).record(attempt())
    late._set_aside()
    assert len(Store(path).attempts()) == 1
    assert len(list(path.parent.glob("*damaged*"))) == 1


def test_a_newer_versions_file_is_left_alone(path: Path) -> None:
    Store(path).record(attempt())
    changed = sqlite3.connect(path)
    changed.execute("PRAGMA user_version = 99")
    changed.close()
    before = path.read_bytes()
    store = Store(path)
    store.record(attempt("later"))
    assert [trouble.key for trouble in store.troubles] == ["progress.newer"]
    assert not store.recording
    assert path.read_bytes() == before


# --- a file that cannot be written


def test_a_file_held_too_long_is_done_without(path: Path) -> None:
    Store(path).record(attempt("kept"))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = Store(path, busy_seconds=0.05)
    store.record(attempt("unkept", 2.0))
    assert [trouble.key for trouble in store.troubles] == ["progress.busy"]
    assert [each.item for each in store.attempts()] == ["kept", "unkept"]
    holder.execute("ROLLBACK")
    holder.close()
    assert [each.item for each in Store(path).attempts()] == ["kept"]


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "progress.sqlite3")
    assert [store.raise_hint_level("mha") for _ in range(2)] == [1, 2]
    store.record(attempt())
    assert len(store.attempts()) == 1
    assert [trouble.key for trouble in store.troubles] == ["progress.unusable"]


def _as_somebody_else(path: Path) -> None:
    if os.geteuid() == 0:
        os.seteuid(OTHER_USER)
    store = Store(path)
    seen = [each.item for each in store.attempts()]
    store.record(attempt("unkept", 2.0))
    told = [trouble.key for trouble in store.troubles]
    right = seen == ["kept"] and told == ["progress.read-only"] and not store.recording
    os._exit(0 if right and len(store.attempts()) == 2 else 1)


def test_a_read_only_folder_is_read_and_done_without(path: Path) -> None:
    Store(path).record(attempt("kept"))
    for folder in path.parents:
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055 if folder != Path("/tmp") else folder.stat().st_mode)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert _together(_as_somebody_else, [(path,)]) == [0]
    finally:
        path.parent.chmod(0o755)
    assert [each.item for each in Store(path).attempts()] == ["kept"]


def _with_no_room(path: Path) -> None:
    store = Store(path)
    store.record(attempt("kept"))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, path.stat().st_size))
    for number in range(40):
        store.record(attempt("unkept", 2.0 + number, answer="x" * 5000))
    right = len(store.troubles) == 1 and not store.recording and len(store.attempts()) == 41
    os._exit(0 if right else 1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file size limit that ends in an error")
def test_a_full_disk_is_told_once_and_done_without(path: Path) -> None:
    assert _together(_with_no_room, [(path,)]) == [0]
    assert Store(path).attempts()[0].item == "kept"


def _begun_with_no_room(path: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    said: list[str] = []
    store = Store(path, lambda trouble: said.append(trouble.say("en")))
    store.record(attempt("unkept", 1.0))
    os._exit(0 if len(said) == 1 and "rollback" not in said[0] and len(store.attempts()) == 1 else 1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file size limit that ends in an error")
def test_a_record_that_has_no_room_to_begin_says_why(path: Path) -> None:
    assert _together(_begun_with_no_room, [(path,)]) == [0]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_drill_without_a_store_warns_once_and_goes_on(tmp_path: Path, lang: str) -> None:
    (tmp_path / "file").write_text("")
    home = str(tmp_path / "file" / "home")
    typed = "b\n"
    done = drill("quiz", "--kind", "choice", "--lang", lang, typed=typed, cwd=tmp_path, MHA_DRILL_HOME=home)
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert home in done.stderr
    assert ("could not be saved" if lang == "en" else "未能保存") in done.stdout
