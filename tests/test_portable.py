"""One's record on another machine: `progress export` and `progress import`, and what an older store becomes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from driving import drill
from hypothesis import given, settings
from hypothesis import strategies as st

from mha_drill.errors import UsageError
from mha_drill.progress import Store
from mha_drill.progress.portable import exported, is_export, merge, read_export
from mha_drill.progress.schema import MIGRATIONS
from mha_drill.progress.sheets import Entry, Sheet, as_json, from_json
from mha_drill.records import Attempt

SHEET = Sheet(
    "m1", 5.0, 60.0, 10.0, "mha", "pass", "finished", (Entry("code", "a", ("mask",), 0.5, "b", "c", 1.0),)
)


def attempt(item: str, at: float, answer: str = "", missed: tuple[str, ...] = ()) -> Attempt:
    return Attempt(item, "code", ("split", "merge"), at, 0.0, answer, 2.5, 1, missed)


def filled(path: Path, items: str, at: float = 0.0) -> Store:
    store = Store(path)
    for number, item in enumerate(items):
        store.record(attempt(item, at + number, "a 中文 \u2028 \x00 answer", ("mask",)))
    return store


def brought(store: Store, text: str) -> tuple[int, int]:
    merged = merge(store, read_export(text, "file"))
    return merged.fresh, merged.known


def test_a_record_goes_to_another_machine_and_back(tmp_path: Path) -> None:
    here = filled(tmp_path / "a", "xyz")
    here.raise_hint_level("mha")
    here.set("interview", "2030-01-01", 5.0)
    here.keep_mock("m1", 5.0, as_json(SHEET))
    there = Store(tmp_path / "b")
    assert brought(there, exported(here)) == (3, 0)
    assert there.attempts() == here.attempts()
    assert there.hint_level("mha") == 1
    assert there.setting("interview") == "2030-01-01"
    assert [from_json(text) for text in there.mocks()] == [SHEET]
    assert exported(there) == exported(here)
    assert brought(here, exported(there)) == (0, 3)


def test_two_machines_records_are_one_by_time_whichever_comes_first(tmp_path: Path) -> None:
    one, two = filled(tmp_path / "a", "ace", 0.0), filled(tmp_path / "b", "bdf", 0.5)
    one.set("interview", "2030-01-01", 1.0)
    two.set("interview", "2031-01-01", 2.0)
    two.raise_hint_level("mha")
    files = exported(one), exported(two)
    assert brought(one, files[1]) == (3, 0)
    assert brought(two, files[0]) == (3, 0)
    assert [each.item for each in one.attempts()] == list("abcdef")
    assert exported(one) == exported(two)
    assert one.setting("interview") == "2031-01-01"


def test_the_same_answer_given_twice_is_two_answers(tmp_path: Path) -> None:
    here = filled(tmp_path / "a", "x")
    here.record(attempt("x", 0.0))
    there = Store(tmp_path / "b")
    assert brought(there, exported(here)) == (2, 0)


@settings(max_examples=60)
@given(data=st.data())
def test_a_file_that_is_not_in_order_is_refused_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("store")
    here = filled(folder / "a", "xyz")
    here.keep_mock("m1", 5.0, as_json(SHEET))
    here.set("interview", "2030-01-01", 5.0)
    here.raise_hint_level("mha")
    tables = json.loads(exported(here))
    name = data.draw(st.sampled_from(["attempts", "hints", "settings", "mocks"]))
    row = data.draw(st.sampled_from(tables[name]))
    field = data.draw(st.sampled_from(sorted(row)))
    wrong = [None, [], {}, True, float("nan"), float("inf"), -1, 1e300, "\ud800"]
    wrong += ["", 1.5] if field in ("mark", "item", "kind", "name", "problem") else []
    wrong += [5] if isinstance(row[field], str) or field in ("score", "level") else ["1"]
    row[field] = data.draw(st.sampled_from(wrong))
    there = filled(folder / "b", "k")
    before = exported(there)
    with pytest.raises(UsageError):
        brought(there, json.dumps(tables))
    assert exported(there) == before


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "{}", "null", '{"format": "anki"}', '{"format": "mha-drill progress"}', "[" * 100_000,
     '{"format": "mha-drill progress", "schema": 1, "attempts": [], "hints": [], "settings": []}'],
    ids=range(9),
)  # fmt: skip
def test_what_another_program_wrote_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_export(text, "file")


def test_a_newer_programs_export_is_refused_as_such() -> None:
    with pytest.raises(UsageError) as refused:
        read_export('{"format": "mha-drill progress", "schema": 2}', "file")
    assert refused.value.key == "progress.newer-export"


# --- the commands


def test_the_commands_take_a_record_there_and_back(tmp_path: Path, own_record: Path) -> None:
    filled(own_record / "progress.sqlite3", "xy")
    done = drill("progress", "export", "mine.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mha-drill progress import mine.json" in " ".join(done.stdout.split())
    other = str(tmp_path / "other")
    for fresh, known in ((2, 0), (0, 2)):
        done = drill("progress", "import", "mine.json", "--lang", "zh", cwd=tmp_path, MHA_DRILL_HOME=other)
        assert done.returncode == 0
        assert f"导入了 {fresh} 条" in done.stdout
        assert f"{known} 条" in done.stdout
    piped = drill("progress", "export", "-", cwd=tmp_path).stdout
    assert json.loads(piped)["attempts"][0]["item"] == "x"
    again = drill(
        "progress", "import", "-", cwd=tmp_path, typed=piped, MHA_DRILL_HOME=str(tmp_path / "third")
    )
    assert again.returncode == 0
    assert len(Store(tmp_path / "third" / "progress.sqlite3").attempts()) == 2


def test_an_export_writes_over_an_older_export_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    refused = drill("progress", "export", "notes.json", cwd=tmp_path)
    assert refused.returncode == 2
    assert (tmp_path / "notes.json").read_text() == "{}"
    for _ in range(2):
        assert drill("progress", "export", "mine.json", cwd=tmp_path).returncode == 0
    assert is_export(tmp_path / "mine.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.json", "notes.json"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bad_files_are_one_line_each(tmp_path: Path, lang: str) -> None:
    (tmp_path / "other.json").write_text('{"cards": []}')
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00PK")
    for arguments in (
        ["import", "none.json"], ["import", "other.json"], ["import", "bytes"], ["import", "."],
        ["export", "."], ["export", "no/such/folder/x.json"], ["export"], ["imprt", "x"],
    ):  # fmt: skip
        done = drill("progress", *arguments, "--lang", lang, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_an_import_that_cannot_be_kept_says_so(tmp_path: Path, own_record: Path) -> None:
    filled(own_record / "progress.sqlite3", "xy")
    assert drill("progress", "export", "mine.json", cwd=tmp_path).returncode == 0
    (tmp_path / "file").write_text("")
    done = drill("progress", "import", "mine.json", cwd=tmp_path, MHA_DRILL_HOME=str(tmp_path / "file" / "x"))
    assert done.returncode == 3
    assert "Nothing of mine.json was kept" in done.stderr
    assert "Brought" not in done.stdout


# --- an older store


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "p.sqlite3"
    old = sqlite3.connect(path)
    for statement in MIGRATIONS[0]:
        old.execute(statement)
    old.execute("INSERT INTO attempts VALUES (7, 'mark', 'mha', 'code', 'mask', 1.5, 0.5, 'x', 2.0, 1)")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    store = Store(path)
    assert store.troubles == []
    assert store.attempts() == (Attempt("mha", "code", ("mask",), 1.5, 0.5, "x", 2.0, 1, ()),)
    store.set("interview", "2030-01-01", 1.0)
    assert Store(path).setting("interview") == "2030-01-01"
