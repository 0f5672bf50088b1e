"""Every question in a file: JSON for scripts, and a package that Anki's own importer opens and updates from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from driving import drill

from mha_drill.catalog import load_catalog
from mha_drill.export.anki import package
from mha_drill.export.questions import answer_of, as_data, questions
from mha_drill.quiz.generators import all_generators
from mha_drill.records import LANGS, STEPS
from mha_drill.sitting import whole_stock

STOCK = whole_stock()
ASKED = [question for question, _ in questions(STOCK)]


def test_the_json_holds_every_question_in_both_languages() -> None:
    done = drill("export", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert data["schema"] == 1
    ids = {question["id"] for question in data["questions"]} | {problem["id"] for problem in data["problems"]}
    assert ids == {card.item for card in STOCK}
    for question in data["questions"]:
        for name in ("title", "prompt", "answer", "why"):
            assert set(question[name]) == set(LANGS)
            assert all(text.strip() for text in question[name].values()), (question["id"], name)
        assert set(question["steps"]) <= set(STEPS)
        if question["kind"] == "choice":
            option = question["options"]["ABCDEFGH".index(question["key"])]
            assert all(question["answer"][lang].endswith(option[lang]) for lang in LANGS)
    assert all(problem["skeleton"] and problem["solutions"] for problem in data["problems"])


def test_what_is_made_comes_with_the_seed_that_makes_it() -> None:
    data = {question["id"]: question for question in as_data(load_catalog(), STOCK)["questions"]}
    for generator in all_generators():
        row = data[generator.id]
        again = generator.question(Random(f"{generator.id}:{row['seed']}"))
        assert row["prompt"]["en"] == again.prompt.en
        assert row["answer"]["zh"] == answer_of(again, "zh")
    assert as_data(load_catalog(), STOCK) == as_data(load_catalog(), STOCK)


IMPORTED = """
import json, sys
from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest
folder, *packages = sys.argv[1:]
collection = Collection(folder + "/collection.anki2")
logs = []
for package in packages:
    request = ImportAnkiPackageRequest(package_path=package, options=ImportAnkiPackageOptions(
        update_notes=0, update_notetypes=0))
    log = collection.import_anki_package(request).log
    logs.append({"new": len(log.new), "updated": len(log.updated), "duplicate": len(log.duplicate)})
notes = [collection.get_note(note) for note in collection.find_notes("")]
decks = sorted(deck.name for deck in collection.decks.all_names_and_ids())
card = collection.find_cards("")[0]
print(json.dumps({
    "logs": logs, "decks": decks, "cards": len(collection.find_cards("")),
    "notes": [{"fields": list(note.fields), "tags": note.tags} for note in notes],
    "shown": collection.get_card(card).answer(),
}))
collection.close()
"""


def test_ankis_own_importer_opens_the_package_and_a_second_import_updates(tmp_path: Path) -> None:
    pytest.importorskip("anki.collection")
    done = drill("export", "--format", "anki", "--out", "first.apkg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    changed = [*ASKED]
    later = tmp_path / "second.apkg"
    later.write_bytes(package(changed))
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTED, str(tmp_path), str(tmp_path / "first.apkg"), str(later)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    count = len(ASKED) * len(LANGS)
    assert found["logs"][0] == {"new": count, "updated": 0, "duplicate": 0}
    assert found["logs"][1]["new"] == 0
    assert len(found["notes"]) == found["cards"] == count
    assert {"mha-drill::English", "mha-drill::中文"} <= set(found["decks"])
    assert "<hr" in found["shown"]
    by_id = {note["fields"][0]: note for note in found["notes"]}
    for question in ASKED:
        for lang in LANGS:
            note = by_id[f"{question.id} {lang}"]
            assert {f"step::{step}" for step in question.steps} <= set(note["tags"])
            assert {f"kind::{question.kind}", f"lang::{lang}"} <= set(note["tags"])
            assert all(field.strip() for field in note["fields"])


def test_an_export_replaces_an_export_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mha-drill.apkg").write_bytes(b"PK\x03\x04 somebody else's")
    refused = drill("export", "--format", "anki", cwd=tmp_path)
    assert refused.returncode == 2
    assert (tmp_path / "mha-drill.apkg").read_bytes().endswith(b"else's")
    for _ in range(2):
        assert drill("export", "--format", "anki", "--out", "a.apkg", cwd=tmp_path).returncode == 0
        assert drill("export", "--out", "a.json", "--lang", "zh", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "arguments", [["--format", "csv"], ["--format", "akni"], ["--out", "."], ["--out", "no/x.json"]]
)
@pytest.mark.parametrize("lang", LANGS)
def test_bad_usage(tmp_path: Path, arguments: list[str], lang: str) -> None:
    done = drill("export", *arguments, "--lang", lang, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
