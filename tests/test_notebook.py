"""`check` in a notebook: which cells are judged, what is shown, and the example run in a real kernel."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import mha_drill.notebook as notebook
from mha_drill.catalog import load_catalog
from mha_drill.judge.client import open_judge
from mha_drill.judge.sources import Source, read_source
from mha_drill.notebook import Verdict
from mha_drill.notebook.cells import joined
from mha_drill.progress import Store
from mha_drill.records import Report

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "check_in_a_notebook.ipynb"
SDPA = ROOT / "solutions" / "sdpa.py"


def kept(*cells: str, name: str | None = "A") -> str:
    return joined(["", *cells], name)[0]


def test_what_the_answer_needs_is_judged_and_nothing_else() -> None:
    text = kept(
        "import math\nimport torch as t\nimport matplotlib",
        "from mha_drill import check",
        "SIZE = 4\nprint('trained')\nother = 5",
        "def helper(x):\n    return t.relu(x) * SIZE",
        "for step in range(10**9):\n    pass",
        "%matplotlib inline\n!pip install x\nclass A:\n    def f(self, x):\n        return helper(x)",
        "check(A)",
    )
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == [
        "import torch as t", "SIZE = 4", "def helper(x):", "    return t.relu(x) * SIZE",
        "class A:", "    def f(self, x):", "        return helper(x)",
    ]  # fmt: skip
    compile(text, "cells", "exec")


def test_a_definition_run_again_takes_the_place_of_the_old_one() -> None:
    text = kept("class A:\n    x = 1", "y = 3", "class A:\n    x = 2")
    assert "x = 1" not in text
    assert "x = 2" in text
    chained = kept("class A:\n    x = 1", "class A(A):\n    y = 2")
    assert "x = 1" in chained, "the second one builds on the first"


def test_what_is_patched_onto_the_answer_counts() -> None:
    text = kept(
        "class A:\n    pass", "def f(self):\n    return 1", "A.f = f", "setattr(A, 'g', f)", "A().f()"
    )
    assert "A.f = f" in text
    assert "setattr" in text
    assert "A().f()" not in text


@pytest.mark.parametrize("cell", ["class (", "%%bash\nclass A: rm -rf", "\x00", "(" * 5000])
def test_a_cell_that_is_no_python_is_passed_over(cell: str) -> None:
    assert kept(cell, "class A:\n    pass").strip().endswith("pass")


def test_lines_are_counted_as_the_cells_say() -> None:
    text, cells = joined(["", "import math", "x = 1", "\n\nclass A:\n    s = math.pi"], "A")
    lines = text.split("\n")
    assert [(cell.number, lines[cell.line - 1]) for cell in cells] == [(1, "import math"), (3, "")]
    assert lines[cells[1].line + 1] == "class A:"


def test_all_that_is_defined_is_judged_when_nothing_is_named() -> None:
    assert "def f" in kept("def f(): pass", "x = 1", name=None)
    assert kept("x = 1") == ""


# --- what is shown


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Report, str]:
    wrong = tmp_path_factory.mktemp("wrong") / "wrong.py"
    text = SDPA.read_text(encoding="utf-8").replace("scores = scores / math.sqrt(self.d_k)", "pass")
    wrong.write_text(text, encoding="utf-8")
    with open_judge() as judge:
        return judge.check(read_source(SDPA)), judge.check(read_source(wrong)), text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_report_is_shown_as_html_and_as_text(reports: tuple[Report, Report, str], lang: str) -> None:
    right, wrong, text = reports
    shown = Verdict(wrong, Source("notebook", "", text), "zh" if lang == "zh" else "en")
    page, plain = shown._repr_html_(), repr(shown)
    assert page.startswith("<pre")
    assert "<script" not in page
    assert "\x1b" not in plain
    assert plain.splitlines()[0] in page.replace("&#x27;", "'") or "span" in page
    assert not shown.passed
    assert Verdict(right, Source("notebook", "", ""), "en").passed


def test_a_class_from_a_file_is_judged_by_its_file(tmp_path: Path, own_record: Path) -> None:
    (tmp_path / "mine.py").write_text(SDPA.read_text(encoding="utf-8"))
    script = (
        "import sys; sys.path.insert(0, '.')\nfrom mha_drill import check\n"
        "before = 'torch' in sys.modules\nfrom mine import ScaledDotProductAttention\n"
        "found = check(ScaledDotProductAttention(4))\nprint(found.passed, before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "True False\n", "`from mha_drill import check` imports no torch"
    assert [attempt.item for attempt in Store(own_record / "progress.sqlite3").attempts()] == ["sdpa"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "Outside of a notebook"), ((int,), "source of int"), ((load_catalog, "nope"), "nope")],
)
def test_what_cannot_be_judged_is_said(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        notebook.check(*arguments, lang="en")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="--lang"):
        notebook.check(int, lang="xx")


def test_a_name_that_no_cell_defines_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "_cells", lambda: ["", "x = 1"])
    lost = types.new_class("Lost")
    lost.__module__ = "__main__"
    with pytest.raises(ValueError, match="No cell run so far defines Lost"):
        notebook.check(lost, lang="en")


def test_the_example_runs_in_a_real_kernel(tmp_path: Path, own_record: Path) -> None:
    read = nbformat.read(EXAMPLE, as_version=4)
    nbformat.validate(read)
    NotebookClient(
        read, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    wrong, right, passed = [
        cell["outputs"] for cell in read.cells if cell.cell_type == "code" if cell.outputs
    ]
    page = wrong[0]["data"]["text/html"]
    assert "sqrt(d)" in page
    assert "In [2]" in page
    assert "text/html" in right[0]["data"]
    assert passed[0]["data"]["text/plain"] == "True"
    kept_ones = Store(own_record / "progress.sqlite3").attempts()
    assert [attempt.answer for attempt in kept_ones] == ["missing-scale", ""]
    assert json.loads(EXAMPLE.read_text(encoding="utf-8"))["cells"], "it is kept without its output"


def test_a_name_of_its_own_inside_the_answer_brings_in_no_demo_cell() -> None:
    text = kept(
        "class A:\n    def f(self, x):\n        output = [i for i in x]\n        return output",
        "x = 1 / 0\noutput = A().f(x)",
        "for i in range(10**9):\n    pass",
    )
    assert "1 / 0" not in text
    assert "range" not in text
    used = kept(
        "def f():\n    return A()", "class A:\n    def g(self):\n        global x\n        return x", "x = 3"
    )
    assert "x = 3" in used
    assert "def f" not in used


@pytest.mark.parametrize(
    ("cells", "needed"),
    [
        (("from math import *", "class A:\n    s = pi"), "from math import *"),
        (("C = {}", "C['heads'] = 4", "class A:\n    s = C['heads']"), "C['heads'] = 4"),
        (
            ("from dataclasses import dataclass", "@dataclass\nclass C:\n    h: int = 4", "class A:\n    c: C = C()"),
            "@dataclass",
        ),
        (("class A:\n    s = 1\nA?\nfiles = !ls\nt = %timeit -o f()\nA??", "x"), "s = 1"),
        (("%%time\n\nclass A:\n    s = 1",), "s = 1"),
        (("class A:\n    '''In\n% of all\n'''",), "\n% of all"),
    ],
)  # fmt: skip
def test_what_a_learner_would_expect_is_there(cells: tuple[str, ...], needed: str) -> None:
    text = kept(*cells)
    compile(text, "cells", "exec")
    assert needed in text


def test_a_notebook_file_is_read_past_its_magics(tmp_path: Path) -> None:
    cells = ["%%bash\nrm -rf (", "files = !ls\n%pip install x", "class A:\n    '''\n% of all\n'''"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    path = tmp_path / "book.ipynb"
    nbformat.write(book, path)
    text = read_source(path).text
    compile(text, "book", "exec")
    assert "\n% of all" in text
    assert text.split("\n").index("class A:") == 6
