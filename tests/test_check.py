"""`check` as its hardest user: through the real command, with the files that people really have.

Files that need no run of their own are judged in one call, which also proves that none of them disturbs the
next one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
from driving import ANSI, drill
from rich.cells import cell_len

from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.sources import Source
from mha_drill.progress import Store, store_path
from mha_drill.records import GROUPS, LANGS, STEPS, Lang, Report
from mha_drill.ui.check import render_report
from mha_drill.ui.console import make_console

SEEDS = Path(__file__).with_name("seeds")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;\d+)*m")

# What is right, in a naming of its own.
RIGHT = """\
import math
import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d = num_heads, d_model // num_heads
        self.wq = nn.Linear(d_model, d_model)
        self.wk = nn.Linear(d_model, d_model)
        self.wv = nn.Linear(d_model, d_model)
        self.wo = nn.Linear(d_model, d_model)

    def forward(self, query, key, value):
        B, L, D = query.shape
        q = self.wq(query).view(B, -1, self.h, self.d).transpose(1, 2)
        k = self.wk(key).view(B, -1, self.h, self.d).transpose(1, 2)
        v = self.wv(value).view(B, -1, self.h, self.d).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d)
        weights = torch.softmax(scores, dim=-1)
        out = (weights @ v).transpose(1, 2).contiguous().view(B, L, D)
        return self.wo(out)
"""
WRONG = RIGHT.replace(" / math.sqrt(self.d)", "")
FIRST_OF_FORWARD = "        B, L, D = query.shape\n"
FIRST_OF_INIT = "        super().__init__()\n"
LAST = "        return self.wo(out)\n"


def in_forward(line: str) -> str:
    return RIGHT.replace(FIRST_OF_FORWARD, f"        {line}\n{FIRST_OF_FORWARD}")


def in_init(line: str) -> str:
    return RIGHT.replace(FIRST_OF_INIT, f"{FIRST_OF_INIT}        {line}\n")


def returning(value: str) -> str:
    return RIGHT.replace(LAST, f"        return {value}\n")


def line_of(source: str, part: str) -> int:
    (number,) = (number for number, line in enumerate(source.splitlines(), 1) if part in line)
    return number


def alone(name: str, call: str = "") -> str:
    """A second class that looks as much like an answer as the first."""
    return RIGHT.replace("MultiHeadAttention", name).replace("weights @ v", f"weights @ v{call}")


# --- the contract of --json


def assert_contract(found: dict[str, Any]) -> None:
    """DESIGN 4: exactly these keys and types, and what must agree with what."""
    assert list(found) == [
        "schema", "file", "problem", "verdict", "tests", "mistakes", "notes", "steps", "seconds",
    ]  # fmt: skip
    assert found["schema"] == 1
    assert found["verdict"] in ("pass", "fail", "error")
    assert [row["step"] for row in found["steps"]] == list(STEPS)
    assert set(found["seconds"]) == {"total", "judge"}
    assert all(isinstance(seconds, float) and seconds >= 0 for seconds in found["seconds"].values())
    assert all(isinstance(note, str) and note for note in found["notes"])
    for test in found["tests"]:
        assert list(test) == ["id", "group", "title", "outcome", "message", "ms"]
        assert test["group"] in GROUPS
        assert test["outcome"] in ("passed", "failed", "skipped")
        assert isinstance(test["ms"], int | float)
        assert test["title"]
        assert test["message"] or test["outcome"] == "passed"
    assert len({test["id"] for test in found["tests"]}) == len(found["tests"])
    for row in found["steps"]:
        assert list(row) == ["step", "yours", "reference", "same"]
        assert isinstance(row["same"], bool)
        for side in (row["yours"], row["reference"]):
            assert side is None or list(side) == ["line", "code", "shape"]
            assert side is None or side["shape"] is None or all(isinstance(n, int) for n in side["shape"])
    for mistake in found["mistakes"]:
        assert list(mistake) == [
            "code", "step", "line", "yours", "reference", "title", "explanation", "fix", "topic", "proved",
        ]  # fmt: skip
        assert mistake["step"] in (*STEPS, "any", "load")
        assert mistake["line"] is None or mistake["line"] > 0
        assert isinstance(mistake["proved"], bool)
        assert mistake["title"]
        assert mistake["explanation"]
        assert mistake["fix"]
    failed = [test for test in found["tests"] if test["outcome"] == "failed"]
    assert (found["verdict"] == "fail") == bool(failed)
    assert failed or not found["mistakes"]
    if found["verdict"] == "error":
        assert found["notes"]
        return
    assert found["tests"]
    assert found["mistakes"] or found["verdict"] == "pass"


def objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The objects of a --json run, each held against the contract; nothing else is on standard output."""
    assert "Traceback" not in done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for one in found:
        assert_contract(one)
    return found


def codes(found: dict[str, Any]) -> list[str]:
    return [mistake["code"] for mistake in found["mistakes"]]


def said(found: dict[str, Any]) -> str:
    """Everything a report says in words."""
    mistakes = (f"{item['title']} {item['explanation']} {item['fix']}" for item in found["mistakes"])
    tests = (f"{item['title']} {item['message']}" for item in found["tests"])
    return "\n".join([*mistakes, *tests, *found["notes"]])


# --- the interview sheet and the article, as they stand


@pytest.fixture(scope="module")
def sheet() -> dict[tuple[str, str], dict[str, Any]]:
    """Each seed by file and the problem asked for."""
    asked = {
        "sdpa": ["sheet_first", "sheet_joined", "sheet_memorised"],
        "mha": ["sheet_joined", "sheet_memorised", "sheet_multi_head", "article_class"],
        "": ["sheet_first", "sheet_single_head", "sheet_multi_head", "article_class"],
    }
    found = {}
    for problem, names in asked.items():
        files = [str(SEEDS / f"{name}.py") for name in names]
        done = drill("check", "--json", *(["--problem", problem] if problem else []), *files)
        for name, one in zip(names, objects(done), strict=True):
            found[name, problem] = one
    return found


@pytest.mark.parametrize(
    ("name", "problem", "expected"),
    [
        ("sheet_first", "sdpa", "sdpa"),
        ("sheet_joined", "sdpa", "sdpa"),
        ("sheet_memorised", "sdpa", "sdpa"),
        ("sheet_joined", "mha", "mha"),
        ("sheet_memorised", "mha", "mha"),
        ("article_class", "mha", "mha"),
        ("sheet_first", "", "sdpa"),
        ("article_class", "", "mha"),
    ],
)
def test_what_is_right_in_the_seeds_passes(
    sheet: dict[tuple[str, str], dict[str, Any]], name: str, problem: str, expected: str
) -> None:
    found = sheet[name, problem]
    assert (found["verdict"], found["problem"], codes(found)) == ("pass", expected, [])
    assert {test["group"] for test in found["tests"]} == set(GROUPS)


@pytest.mark.parametrize(
    ("name", "problem", "expected"),
    [
        ("sheet_single_head", "", "single-head"),
        ("sheet_multi_head", "", "mha"),
        ("sheet_multi_head", "mha", "mha"),
    ],
)
def test_the_memorised_modules_share_a_projection_at_two_lines(
    sheet: dict[tuple[str, str], dict[str, Any]], name: str, problem: str, expected: str
) -> None:
    found = sheet[name, problem]
    source = SEEDS.joinpath(f"{name}.py").read_text(encoding="utf-8")
    assert (found["verdict"], found["problem"]) == ("fail", expected)
    assert [(item["code"], item["step"], item["line"]) for item in found["mistakes"]] == [
        ("shared-projection", "project", line_of(source, "self.q_linear(k)")),
        ("shared-projection", "project", line_of(source, "self.q_linear(v)")),
    ]
    assert [item["yours"].strip() for item in found["mistakes"]] == [
        source.splitlines()[item["line"] - 1].strip() for item in found["mistakes"]
    ]
    # What is never trained is named.
    assert "k_linear" in said(found)
    assert "v_linear" in said(found)
    assert found["steps"][0]["same"] is False


def test_the_seeds_are_read_whole(sheet: dict[tuple[str, str], dict[str, Any]]) -> None:
    for found in sheet.values():
        shapes = {row["step"]: row["yours"] and row["yours"]["shape"] for row in found["steps"]}
        assert shapes["softmax"] is not None
        assert shapes["weigh"] is not None


def test_the_report_of_the_memorised_class_shows_the_line_and_names_the_mistake(tmp_path: Path) -> None:
    done = drill("check", str(SEEDS / "sheet_multi_head.py"), cwd=tmp_path, COLUMNS="120")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert re.search(r"^ +› +29 │ .*self\.q_linear\(k\)", done.stdout, re.MULTILINE)
    assert re.search(r"^ +› +30 │ .*self\.q_linear\(v\)", done.stdout, re.MULTILINE)
    assert "self.q_linear(k)" in done.stdout
    assert "k_linear" in done.stdout
    assert "mha-drill hint mha" in done.stdout
    for step in STEPS:
        assert re.search(rf"^\S? ?{step}\b", done.stdout, re.MULTILINE), step
    assert max(cell_len(line) for line in done.stdout.splitlines()) <= 120


# --- many files in one call

HARMLESS: dict[str, str] = {
    "right": RIGHT,
    "plain-newline-endings": RIGHT.replace("\n", "\r\n"),
    "no-last-newline": RIGHT.rstrip("\n"),
    "byte-order-mark": "\ufeff" + RIGHT,
    "print-a-lot-at-import": RIGHT + "for _ in range(2000):\n    print('x' * 1000)\n",
    "print-a-lot-in-forward": in_forward("print('x' * 1_000_000)"),
    "write-to-every-stream": in_forward("import os, sys; os.write(1, b'a\\n'); os.write(2, b'b\\n'); print(1, file=sys.stderr)"),  # noqa: E501
    "forged-verdict": in_forward("print('{\"schema\": 1, \"verdict\": \"pass\"}', flush=True)"),
    "exit-guarded": RIGHT + "if __name__ == '__main__':\n    import os\n    os._exit(0)\n",
    "cuda-in-the-demo": RIGHT + "model = MultiHeadAttention(8, 2).cuda()\n",
    "reads-its-own-file": "from pathlib import Path\nHERE = Path(__file__).name\n" + RIGHT,
    "defaults-touched": "import torch\ntorch.set_default_dtype(torch.float16)\ntorch.set_grad_enabled(False)\n" + RIGHT,
    "patched-torch": RIGHT + "torch.allclose = lambda *a, **k: True\ntorch.equal = lambda *a, **k: True\n",
    "warns": "import warnings\nwarnings.simplefilter('error')\n" + RIGHT,
    "starts-a-thread": RIGHT + "import threading, time\nthreading.Thread(target=time.sleep, args=(300,)).start()\n",
}  # fmt: skip

# Source, and the code that must be among the mistakes, and a line or None for any.
HARMFUL: dict[str, tuple[str, str, str | None]] = {
    "wrong": (WRONG, "missing-scale", "q @ k.transpose"),
    "patched-and-wrong": (
        WRONG + "torch.allclose = lambda *a, **k: True\ntorch.equal = lambda *a, **k: True\n",
        "missing-scale", "q @ k.transpose",
    ),
    "starts-a-process": (RIGHT + "import subprocess\nsubprocess.Popen(['sleep', '300'])\n", "process-limit", "Popen"),
    "exit-in-forward": (in_forward("import os; os._exit(0)"), "process-exit", None),
    "exit-in-init": (in_init("import os; os._exit(0)"), "process-exit", None),
    "exit-at-import": ("import os\n" + RIGHT + "os._exit(0)\n", "process-exit", None),
    "sys-exit-in-forward": (in_forward("raise SystemExit(0)"), "process-exit", "raise SystemExit"),
    "killed-in-forward": (in_forward("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), "process-exit", None),
    "segmentation-fault": (in_forward("import ctypes; ctypes.string_at(0)"), "crash", None),
    "channel-closed": (in_forward("import os; os.closerange(3, 64)"), "process-exit crash", None),
    "recursion": (in_forward("return self.forward(query, key, value)"), "crash", "return self.forward(query"),
    "exception": (in_forward("return undefined_name"), "crash", "undefined_name"),
    "strange-exception": (
        in_forward("raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()"), "crash", "raise type(",
    ),
    "keyboard-interrupt": (in_forward("raise KeyboardInterrupt"), "crash process-exit", "raise KeyboardInterrupt"),
    "input-in-forward": (in_forward("input('go? ')"), "crash", "input('go? ')"),
    "input-in-the-demo": (RIGHT + "name = input('who? ')\nprint(name)\n", "crash", "name = input"),
    "argv-in-the-demo": (RIGHT + "import sys\nheads = int(sys.argv[1])\n", "crash", "heads = int"),
    "argparse-in-the-demo": (
        RIGHT + "import argparse\nwish = argparse.ArgumentParser()\nwish.add_argument('heads')\nwish.parse_args()\n",
        "process-exit", "wish.parse_args()",
    ),
    "demo-that-fails": (
        RIGHT + "print(MultiHeadAttention(8, 2)(torch.rand(1)))\n", "crash", "print(MultiHeadAttention(8, 2)",
    ),
    "exit-after-the-demo": (RIGHT + "print('done')\nraise SystemExit(0)\n", "process-exit", "raise SystemExit"),
    "empty": ("", "class-not-found", None),
    "only-comments": ("# nothing here yet\n", "class-not-found", None),
    "no-class": ("import torch\n\nx = torch.rand(2, 3)\nprint(x)\n", "class-not-found", None),
    "missing-module": ("import einopps\n" + RIGHT.replace("nn.Module)", "einopps.Base)"), "import-error", "import einopps"),  # noqa: E501
    "not-implemented": (in_forward("raise NotImplementedError"), "not-implemented", "raise NotImplementedError"),
    "constructor-raises": (in_init("raise ValueError('no such luck')"), "constructor-error crash", "raise ValueError"),
    "constructor-wants-the-moon": (
        in_init("moon.vocabulary['<pad>'].rise()").replace("(self, d_model, num_heads)", "(self, d_model, num_heads, moon)"),  # noqa: E501
        "constructor-error", None,
    ),
    "returns-none": (RIGHT.replace(LAST, ""), "wrong-output-type", None),
    "returns-strings": (returning("['a', 'b']"), "wrong-output-type", None),
    "returns-a-dict": (returning("{1: 2}"), "wrong-output-type", None),
    "returns-a-dict-of-tensors": (returning("{'output': self.wo(out)}"), "wrong-output-type", None),
    "returns-a-number": (returning("1"), "wrong-output-type", None),
    "returns-an-empty-tuple": (returning("()"), "wrong-output-type", None),
    "returns-itself": (returning("self"), "wrong-output-type", None),
    "returns-wrong-shape": (returning("self.wo(out).transpose(1, 2)"), "wrong-output-shape", None),
    "returns-nan": (returning("self.wo(out) * float('nan')"), "nan-output wrong-value", None),
    "two-candidates": (alone("FirstAttention") + alone("SecondAttention"), "ambiguous-class", None),
    "full-width-comma": (RIGHT.replace("(self, d_model, num_heads)", "(self， d_model, num_heads)"), "syntax-error", "，"),  # noqa: E501
    "full-width-bracket": (RIGHT.replace("super().__init__()", "super（).__init__()"), "syntax-error", "（"),
    "full-width-colon": (RIGHT.replace("nn.Module):", "nn.Module)："), "syntax-error", "："),
    "curly-quotes": (RIGHT + "print(“done”)\n", "syntax-error", "“"),
    "curly-single-quotes": (RIGHT + "print(‘done’)\n", "syntax-error", "‘"),
    "no-break-space": (RIGHT.replace("scores = q", "scores =\u00a0q"), "syntax-error", "\u00a0"),
    "no-break-indentation": (
        RIGHT.replace("        return self.wo", "\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0\u00a0return self.wo"),
        "syntax-error", "\u00a0",
    ),
    "ideographic-space": (RIGHT.replace("scores = q", "scores =\u3000q"), "syntax-error", "\u3000"),
    "zero-width-space": (RIGHT.replace("scores = q", "scores =\u200b q"), "syntax-error", "\u200b"),
    "minus-sign": (RIGHT.replace("dim=-1", "dim=\u22121"), "syntax-error", "\u2212"),
    "tabs-and-spaces": (RIGHT.replace("        weights =", "\tweights ="), "syntax-error", "\tweights ="),
    "unclosed": (RIGHT.replace("num_heads):", "num_heads:"), "syntax-error", None),
    "deep-nesting": ("x = " + "(" * 5000 + ")" * 5000 + "\n" + RIGHT, "syntax-error crash", None),
}  # fmt: skip

SIGNS = {
    "full-width-comma": "，", "full-width-bracket": "（", "full-width-colon": "：", "curly-quotes": "“",
    "curly-single-quotes": "‘", "no-break-space": "U+00A0", "no-break-indentation": "U+00A0",
    "ideographic-space": "U+3000", "zero-width-space": "U+200B", "minus-sign": "U+2212",
}  # fmt: skip


@pytest.fixture(scope="module")
def mark() -> str:
    """A sign in the environment by which every process of a run is found again."""
    return f"drill-{uuid.uuid4()}"


def processes(mark: str) -> list[str]:
    """The command lines of living processes that carry the mark."""
    found = []
    for folder in marked(mark):
        with contextlib.suppress(OSError):
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def marked(mark: str) -> list[Path]:
    """The folders in `/proc` of living processes that carry the mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(folder)
    return found


# A file under judgement can write nowhere; it tells that it got so far by the name of its process.
TELL = "import ctypes; ctypes.CDLL(None).prctl(15, b'reached', 0, 0, 0)"


def wait_until_told(mark: str) -> None:
    deadline = time.monotonic() + 60
    while not any((folder / "comm").read_text() == "reached\n" for folder in marked(mark)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def no_process_left(mark: str) -> bool:
    deadline = time.monotonic() + 10
    while processes(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@dataclass
class Together:
    """What came of many files checked in few calls: the calls, and each file's object by name."""

    calls: list[subprocess.CompletedProcess[str]]
    found: dict[str, dict[str, Any]]
    stray: list[str]

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.found[name]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, mark: str) -> Together:
    """All of HARMLESS and HARMFUL, mixed, in three calls."""
    folder = tmp_path_factory.mktemp("together")
    texts = HARMLESS | {name: item[0] for name, item in HARMFUL.items()}
    names = sorted(texts, key=lambda name: sum(name.encode()) % 7)
    for name in names:
        (folder / f"{name}.py").write_bytes(texts[name].encode())
    calls, found = [], {}
    for part in (names[0::3], names[1::3], names[2::3]):
        done = drill("check", "--json", *(f"{name}.py" for name in part), cwd=folder, MARK=mark)
        calls.append(done)
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one["file"] for one in objects] == [f"{name}.py" for name in part]
        found |= dict(zip(part, objects, strict=True))
    stray = [path.name for path in folder.iterdir() if path.stem not in texts]
    return Together(calls, found, stray)


def test_a_file_that_does_its_worst_never_breaks_the_drill(together: Together) -> None:
    assert [done.returncode for done in together.calls] == [1] * len(together.calls)
    assert [done.stderr for done in together.calls] == [""] * len(together.calls)
    assert not any("Traceback" in done.stdout for done in together.calls)
    assert together.stray == []


@pytest.mark.parametrize("name", [*HARMLESS, *HARMFUL])
def test_every_object_keeps_the_contract(together: Together, name: str) -> None:
    assert_contract(together[name])


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_no_harm_passes(together: Together, name: str) -> None:
    found = together[name]
    assert (found["verdict"], codes(found), found["problem"]) == ("pass", [], "mha")


@pytest.mark.parametrize("name", HARMFUL)
def test_what_is_wrong_is_named(together: Together, name: str) -> None:
    source, wanted, part = HARMFUL[name]
    found = together[name]
    assert found["verdict"] == "fail"
    assert len(codes(found)) == 1
    assert codes(found)[0] in wanted.split()
    if part is not None:
        assert found["mistakes"][0]["line"] == line_of(source, part)


@pytest.mark.parametrize("name", HARMFUL)
def test_no_words_of_ours_leak_where_a_file_is_wrong(together: Together, name: str) -> None:
    words = said(together[name])
    assert "mha_drill" not in words
    assert "Traceback" not in words


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_that_python_cannot_read_is_named(together: Together, name: str) -> None:
    mistake = together[name]["mistakes"][0]
    assert SIGNS[name] in f"{mistake['title']} {mistake['explanation']} {mistake['fix']}"


def test_two_candidates_are_both_named_and_the_option_too(together: Together) -> None:
    words = said(together["two-candidates"])
    assert "FirstAttention" in words
    assert "SecondAttention" in words
    assert "--class" in words


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("missing-module", "einopps"),
        ("exception", "undefined_name"),
        ("constructor-raises", "no such luck"),
        ("constructor-wants-the-moon", "vocabulary"),
        ("returns-none", "None"),
        ("returns-a-dict", "dict"),
        ("returns-strings", "list"),
    ],
)
def test_the_sentence_says_what_was_found(together: Together, name: str, word: str) -> None:
    assert word in said(together[name])


def test_a_group_that_cannot_run_is_skipped_with_the_reason(together: Together) -> None:
    for name, failing in (
        ("curly-quotes", "load"),
        ("two-candidates", "load"),
        ("constructor-raises", "construct"),
    ):
        tests = together[name]["tests"]
        assert {test["group"] for test in tests if test["outcome"] == "failed"} == {failing}
        later = [test for test in tests if GROUPS.index(test["group"]) > GROUPS.index(failing)]
        assert later
        assert all(test["outcome"] == "skipped" and test["message"] for test in later)


def test_nothing_is_left_running(together: Together, mark: str) -> None:
    assert together
    assert no_process_left(mark), processes(mark)


# --- files that never come back

HANGING = {
    "at-import": "import torch\nwhile True:\n    pass\n" + RIGHT,
    "in-init": in_init("while True: pass"),
    "in-forward": in_forward("while True: pass"),
    "asleep": in_forward("import time; time.sleep(1000)"),
    "deaf": in_forward("import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 14, 15)]\n        while True: pass"),  # noqa: E501
}  # fmt: skip


def test_a_file_that_hangs_is_ended_and_the_next_one_is_judged(tmp_path: Path, mark: str) -> None:
    for name, text in HANGING.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "wrong.py").write_text(WRONG)
    files = [f"{name}.py" for name in (*HANGING, "wrong")]
    done = drill("check", "--json", "--time-limit", "1", *files, cwd=tmp_path, MARK=f"{mark}-hang")
    *hung, wrong = objects(done)
    assert [(one["verdict"], codes(one)) for one in hung] == [("fail", ["time-limit"])] * len(HANGING)
    assert "missing-scale" in codes(wrong) or "time-limit" in codes(wrong)  # a slow machine has a second only
    assert done.returncode == 1
    assert no_process_left(f"{mark}-hang")


def test_after_the_first_hang_no_other_call_is_waited_for(judge: JudgeClient) -> None:
    """A hang costs one test (DESIGN 5): with the usual ten seconds, five would be a minute."""
    report = judged(judge, HANGING["in-forward"], time_limit=1)
    failed = [test.id for test in report.tests if test.outcome == "failed"]
    assert len(failed) == 1


# --- the learner's folder


def test_files_beside_the_submission_that_bear_the_names_of_libraries_do_no_harm(tmp_path: Path) -> None:
    others = {
        "torch",
        "numpy",
        "pytest",
        "rich",
        "typer",
        "click",
        "sympy",
        "mpmath",
        "mha_drill",
        "packaging",
    }
    needed = {"math", "torch"}
    for name in (set(sys.stdlib_module_names) | others) - needed:
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('the wrong {name}')\n")
    for name in needed:
        (tmp_path / f"{name}.py").write_text("x = 1\n")
    (tmp_path / "my mha.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    script = Path(sys.executable).with_name("mha-drill")
    done = subprocess.run(
        [script, "check", "--json", "my mha.py", "wrong.py"],
        cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    right, wrong = objects(done)
    assert [test["id"] for test in right["tests"] if test["outcome"] == "failed"] == []
    assert right["verdict"] == "pass"
    assert codes(wrong) == ["missing-scale"]


def test_names_and_places_of_every_kind(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["folder" * 6] * 30)
    deep.mkdir(parents=True)
    closed = tmp_path / "closed"
    closed.mkdir()
    places = [
        tmp_path / "with spaces.py", tmp_path / "我的 注意力.py", tmp_path / "-dash.py", tmp_path / "no_ending",
        tmp_path / "bad\udcffname.py", tmp_path / "new\nline.py", tmp_path / "[bold].py", tmp_path / "a'b\"c.py",
        deep / "deep.py", closed / "closed.py",
    ]  # fmt: skip
    for place in places:
        place.write_text(RIGHT)
    (tmp_path / "helper.py").write_text("import math\n\n\ndef root(x):\n    return math.sqrt(x)\n")
    (tmp_path / "with_helper.py").write_text(
        "from helper import root\n" + RIGHT.replace("math.sqrt(self.d)", "root(self.d)")
    )
    (tmp_path / "link.py").symlink_to("with spaces.py")
    closed.chmod(0o555)
    names = ["with_helper.py", "link.py", *(str(place.relative_to(tmp_path)) for place in places)]
    # The same file in other encodings, and as a notebook.
    (tmp_path / "gbk.py").write_bytes(("# -*- coding: gbk -*-\n# 注意力\n" + RIGHT).encode("gbk"))
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# class NotCode("]},
            {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install torch\n", "import torch"]},
            {"cell_type": "code", "source": RIGHT.replace("return self.wo(out)", "return self.wo(out)")},
            {"cell_type": "code", "source": ["MultiHeadAttention(8, 2)"]},
        ],
        "nbformat": 4,
    }  # fmt: skip
    (tmp_path / "notes.ipynb").write_text(json.dumps(notebook))
    names += ["gbk.py", "notes.ipynb"]
    before = sorted(tmp_path.rglob("*"))
    try:
        done = drill("check", "--json", "--", *names, cwd=tmp_path)
    finally:
        closed.chmod(0o755)
    found = objects(done)
    assert {one["file"]: (one["verdict"], codes(one)) for one in found} == dict.fromkeys(names, ("pass", []))
    assert done.returncode == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_names_that_move_the_cursor_do_not(tmp_path: Path) -> None:
    (tmp_path / "evil\x1b[2J.py").write_text(RIGHT + "raise ValueError('\x1b[2Jgone')\n")
    done = drill("check", "evil\x1b[2J.py", "missing\x1b[2J.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "\x1b" not in done.stdout + done.stderr


def test_standard_input(tmp_path: Path) -> None:
    done = drill("check", "--json", "-", typed=WRONG, cwd=tmp_path)
    (found,) = objects(done)
    assert (found["file"], codes(found), done.returncode) == ("-", ["missing-scale"], 1)


def test_standard_input_that_is_not_text(tmp_path: Path) -> None:
    done = drill("check", "-", typed=b"\xff\xfe\x00\x01", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


# --- bad usage


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with paths that are no Python file."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "my_mha.py").write_text(RIGHT)
    (folder / "folder").mkdir()
    (folder / "folder" / "inside.py").write_text(RIGHT)
    os.mkfifo(folder / "pipe.py")
    (folder / "picture.py").write_bytes(bytes(range(256)) * 4)
    (folder / "nul.py").write_bytes(b"x = 1\0\n")
    (folder / "latin.py").write_bytes("# caf\u00e9\nx = 1\n".encode("latin-1"))
    (folder / "coding.py").write_bytes(b"# -*- coding: klingon -*-\nx = 1\n")
    (folder / "large.py").write_bytes(b"#" * 3_000_000)
    (folder / "loop.py").symlink_to("loop.py")
    (folder / "dangling.py").symlink_to("nowhere.py")
    (folder / "text.ipynb").write_text("not json")
    (folder / "list.ipynb").write_text("[1, 2]")
    (folder / "cells.ipynb").write_text('{"cells": [1, {"cell_type": "code"}]}')
    return folder


UNREADABLE = {
    "my_mah.py": "my_mha.py",
    "nothing_like_it.txt": "mha-drill new",
    "folder": "folder/inside.py",
    "pipe.py": "mha-drill check -",
    "/dev/null": "mha-drill check -",
    "picture.py": "UTF-8",
    "nul.py": "UTF-8",
    "latin.py": "UTF-8",
    "coding.py": "UTF-8",
    "large.py": "3000000",
    "loop.py": "loop.py",
    "dangling.py": "dangling.py",
    "my_mha.py/x.py": "my_mha.py/x.py",
    "x" * 300 + ".py": "xxx",
    "text.ipynb": "notebook",
    "list.ipynb": "notebook",
    "cells.ipynb": "notebook",
    "": "",
}


@pytest.mark.parametrize("lang", LANGS)
def test_what_cannot_be_read_is_one_sentence_each_with_the_next_step(odd: Path, lang: Lang) -> None:
    """No torch and no judge is started for these: the command answers at once."""
    done = drill("check", "--lang", lang, *UNREADABLE, cwd=odd)
    assert done.returncode == 2
    sentences = done.stderr.splitlines()
    assert len(sentences) == len(UNREADABLE)
    for (path, word), sentence in zip(UNREADABLE.items(), sentences, strict=True):
        assert path in sentence
        assert word in sentence or (word == "notebook" and "笔记本" in sentence)
        assert bool(re.search("[\u4e00-\u9fff]", sentence)) == (lang == "zh")
    assert "Traceback" not in done.stdout + done.stderr


def test_what_cannot_be_read_gets_its_object_and_the_others_are_judged(odd: Path) -> None:
    done = drill("check", "--json", "my_mah.py", "my_mha.py", "folder", cwd=odd)
    lost, right, folder = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 2
    assert (right["verdict"], lost["verdict"], folder["verdict"]) == ("pass", "error", "error")
    assert (lost["file"], folder["file"]) == ("my_mah.py", "folder")
    assert any("my_mha.py" in note for note in lost["notes"])


def test_the_object_of_an_unreadable_path_keeps_the_contract(odd: Path) -> None:
    done = drill("check", "--json", "my_mah.py", cwd=odd)
    (found,) = objects(done)
    assert (found["verdict"], done.returncode, done.stderr) == ("error", 2, "")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--problem", "mah"], "mha"),
        (["--problem", "causal"], "causal-mha"),
        (["--problem", "zzzzzz"], "mha-drill list"),
        (["--problem", "transformer-idea"], "mha-drill quiz"),
        (["--time-limit", "0"], "--time-limit"),
        (["--time-limit", "-1"], "--time-limit"),
        (["--time-limit", "nan"], "--time-limit"),
        (["--time-limit", "soon"], "--time-limit"),
        (["--lang", "klingon"], "--lang en"),
    ],
)
def test_options_that_mean_nothing_are_one_line_and_code_two(
    odd: Path, arguments: list[str], word: str
) -> None:
    done = drill("check", *arguments, "my_mha.py", cwd=odd)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_an_infinite_time_limit_is_no_crash(odd: Path) -> None:
    done = drill("check", "--json", "--time-limit", "inf", "my_mha.py", cwd=odd)
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    assert "The drill itself broke" not in done.stderr


def test_no_file_at_all_is_a_usage_error(tmp_path: Path) -> None:
    done = drill("check", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_bad_paths_start_nothing_heavy(odd: Path) -> None:
    done = drill("check", "my_mah.py", cwd=odd, python=("-X", "importtime"))
    assert done.returncode == 2
    assert " torch\n" not in done.stderr
    assert "pytest" not in done.stderr


# --- choosing: the mark, the class, the problem


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for what does not need the whole command."""
    with open_judge() as client:
        yield client


def judged(judge: JudgeClient, text: str, problem: str | None = None, **wishes: Any) -> Report:
    return judge.check(Source("my.py", "/nowhere/my.py", text), problem, **wishes)


CAUSAL = RIGHT.replace(
    "        weights = torch", "        scores = scores.masked_fill(torch.ones_like(scores).tril() == 0, -1e9)\n        weights = torch"  # noqa: E501
)  # fmt: skip


def test_the_mark_chooses_the_problem(judge: JudgeClient) -> None:
    assert judged(judge, RIGHT).problem == "mha"
    assert judged(judge, "# mha-drill: causal-mha\n" + RIGHT).problem == "causal-mha"
    assert "mask-missing" in [
        item.code for item in judged(judge, "# mha-drill: causal-mha\n" + RIGHT).mistakes
    ]


def test_a_mark_that_names_nothing_is_ignored(judge: JudgeClient) -> None:
    for name in ("nonsense", "transformer-idea", ""):
        report = judged(judge, f"# mha-drill: {name}\n" + RIGHT)
        assert (report.problem, report.verdict) == ("mha", "pass")


def test_problem_beats_the_mark(judge: JudgeClient) -> None:
    assert judged(judge, "# mha-drill: causal-mha\n" + RIGHT, "mha").verdict == "pass"


def test_a_causal_file_is_judged_as_causal_unless_asked_otherwise(judge: JudgeClient) -> None:
    free, asked = judged(judge, CAUSAL), judged(judge, CAUSAL, "mha")
    assert (free.problem, free.verdict) == ("causal-mha", "pass")
    assert [item.code for item in asked.mistakes] == ["unexpected-mask"]


def test_class_chooses_among_two(judge: JudgeClient) -> None:
    text = alone("FirstAttention") + alone("SecondAttention", " * 2")
    assert judged(judge, text, "mha", class_name="FirstAttention").verdict == "pass"
    assert judged(judge, text, "mha", class_name="SecondAttention").verdict == "fail"


def test_a_class_that_is_not_there_offers_the_ones_that_are(judge: JudgeClient) -> None:
    report = judged(judge, RIGHT, class_name="MultiHedAttention")
    assert [item.code for item in report.mistakes] == ["class-not-found"]
    words = " ".join(f"{item.title} {item.explanation} {item.fix}" for item in report.mistakes)
    assert "MultiHedAttention" in words
    assert "MultiHeadAttention" in words


def test_an_older_class_of_the_same_name_is_the_later_one(judge: JudgeClient) -> None:
    assert judged(judge, WRONG + RIGHT).verdict == "pass"
    assert judged(judge, RIGHT + WRONG).verdict == "fail"


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    "name", ["wrong", "curly-quotes", "returns-none", "two-candidates", "exit-in-forward"]
)
def test_everything_is_said_in_the_language_asked_for(judge: JudgeClient, name: str, lang: Lang) -> None:
    report = judged(judge, HARMFUL[name][0], lang=lang)
    spoken = [item.title for item in report.tests] + [item.message for item in report.tests if item.message]
    spoken += [part for item in report.mistakes for part in (item.title, item.explanation, item.fix)]
    spoken += [*report.notes, report.why]
    for sentence in spoken:
        quoted = sentence.replace("“", "").replace("，", "") if lang == "en" else sentence
        assert bool(re.search("[\u4e00-\u9fff]", quoted)) == (lang == "zh"), sentence


# --- the screen


@pytest.fixture(scope="module")
def reports(judge: JudgeClient) -> dict[tuple[str, Lang], tuple[Report, str]]:
    """Reports of several kinds, with their sources."""
    long_line = WRONG.replace("(self.d)", "(self.d)" + " + 0" * 60) + "# 注意力" * 40
    texts = {
        "right": RIGHT, "wrong": WRONG, "long": long_line, "syntax": HARMFUL["curly-quotes"][0],
        "two": HARMFUL["two-candidates"][0], "seed": (SEEDS / "sheet_multi_head.py").read_text(encoding="utf-8"),
        "none": HARMFUL["returns-none"][0],
    }  # fmt: skip
    return {
        (name, lang): (judged(judge, text, lang=lang), text) for name, text in texts.items() for lang in LANGS
    }


def drawn(report: Report, text: str, lang: Lang, width: int, *, verbose: bool = False) -> str:
    file = io.StringIO()
    render_report(make_console(file, width=width, environ={}), report, lang, source=text, verbose=verbose)
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_a_report_keeps_to_the_width(
    reports: dict[tuple[str, Lang], tuple[Report, str]], width: int, verbose: bool
) -> None:
    for (name, lang), (report, text) in reports.items():
        for line in drawn(report, text, lang, width, verbose=verbose).splitlines():
            assert cell_len(line) <= width, (name, lang, line)


@pytest.mark.parametrize("width", [1, 8, 20])
def test_a_very_narrow_screen_breaks_nothing(
    reports: dict[tuple[str, Lang], tuple[Report, str]], width: int
) -> None:
    for (_, lang), (report, text) in reports.items():
        assert drawn(report, text, lang, width, verbose=True)


@pytest.mark.parametrize("lang", LANGS)
def test_verbose_shows_every_test_and_how_the_file_was_called(
    reports: dict[tuple[str, Lang], tuple[Report, str]], lang: Lang
) -> None:
    report, text = reports["right", lang]
    flat = re.sub(r"\s+", "", drawn(report, text, lang, 200, verbose=True))
    for test in report.tests:
        assert re.sub(r"\s+", "", test.title) in flat
    assert report.bound
    assert "d_model=" in flat
    assert "num_heads=" in flat


def test_a_failure_shows_sizes_expected_and_actual(
    reports: dict[tuple[str, Lang], tuple[Report, str]],
) -> None:
    report, _ = reports["wrong", "en"]
    (message,) = [test.message for test in report.tests if test.id == "value-square"]
    assert re.search(r"expected \[-?\d+\.\d+.*\], got \[-?\d+\.\d+", message)
    assert "called with q (2, 5, 24)" in message


def test_the_screen_in_chinese_and_the_diff(tmp_path: Path) -> None:
    (tmp_path / "my_mha.py").write_text(WRONG)
    done = drill("check", "my_mha.py", "--lang", "zh", "--diff", "--verbose", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    for words in ("还不对", "逐步对照", "步骤 scale", "mha-drill hint mha"):
        assert words in done.stdout
    assert "Not yet" not in done.stdout
    assert "--- my_mha.py" in done.stdout
    assert "+++ mha.py" in done.stdout
    assert re.search(r"^-.*q @ k.transpose\(-2, -1\)$", done.stdout, re.MULTILINE)


def test_several_files_are_summed_up_and_the_highest_code_counts(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    done = drill("check", "right.py", "wrong.py", cwd=tmp_path, LANG="zh_CN.UTF-8")
    assert done.returncode == 1
    assert "2 个文件中有 1 个通过" in done.stdout
    assert "\x1b" not in done.stdout


def test_an_attempt_is_kept_and_several_files_are_not(tmp_path: Path, own_record: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    assert drill("check", "wrong.py", cwd=tmp_path).returncode == 1
    (attempt,) = Store(store_path(os.environ)).attempts()
    assert (attempt.item, attempt.kind, attempt.score) == ("mha", "code", 0.0)
    assert "scale" in attempt.steps
    (tmp_path / "right.py").write_text(RIGHT)
    assert drill("check", "wrong.py", "right.py", cwd=tmp_path).returncode == 1
    assert len(Store(store_path(os.environ)).attempts()) == 1


def test_a_record_that_cannot_be_written_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "file").write_text("not a folder")
    done = drill("check", "right.py", cwd=tmp_path, MHA_DRILL_HOME=str(tmp_path / "file" / "home"))
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


# --- at a terminal


def spawn(cwd: Path, *arguments: str, **environ: str) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable,
        ["-m", "mha_drill", "check", *arguments],
        cwd=str(cwd), env={**os.environ, "TERM": "xterm-256color", **environ}, encoding="utf-8",
        dimensions=(50, 100), timeout=40,
    )  # fmt: skip


def test_colour_at_a_terminal_and_none_where_it_is_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    coloured = spawn(tmp_path, "wrong.py")
    coloured.expect(pexpect.EOF)
    coloured.close()
    plain = spawn(tmp_path, "wrong.py", NO_COLOR="1")
    plain.expect(pexpect.EOF)
    plain.close()
    assert (coloured.exitstatus, plain.exitstatus) == (1, 1)
    assert COLOUR.search(coloured.before)
    assert not COLOUR.search(plain.before)
    # Where colour marks code, backticks need not.
    one, two = (without_waiting(child.before).replace("`", "").split() for child in (coloured, plain))
    assert one == two


def without_waiting(shown: str) -> str:
    """Return what a terminal showed but for the seconds and the sign that a start takes a while."""
    text = re.sub(r"\d+\.\d+ s", "", ANSI.sub("", shown))
    return re.sub(r"[\u2800-\u28ff] [^\n]*?…\s*", "", text)


def test_json_at_a_terminal_is_plain(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    child = spawn(tmp_path, "--json", "wrong.py")
    child.expect(pexpect.EOF)
    child.close()
    (line,) = child.before.splitlines()
    assert_contract(json.loads(line))


@pytest.mark.parametrize("where", ["in-forward", "at-import"])
def test_ctrl_c_ends_a_check_with_130_and_leaves_no_process(tmp_path: Path, mark: str, where: str) -> None:
    text = (
        f"{TELL}\nwhile True: pass"
        if where == "at-import"
        else in_forward(f"{TELL}\n        while True: pass")
    )
    (tmp_path / "hangs.py").write_text(text)
    child = spawn(tmp_path, "hangs.py", "--time-limit", "100", MARK=f"{mark}-{where}")
    wait_until_told(f"{mark}-{where}")
    child.send("\x03")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in child.before
    assert no_process_left(f"{mark}-{where}"), processes(f"{mark}-{where}")


def test_a_check_whose_command_is_killed_leaves_no_process(tmp_path: Path, mark: str) -> None:
    (tmp_path / "hangs.py").write_text(in_forward(f"{TELL}\n        while True: pass"))
    command = [sys.executable, "-m", "mha_drill", "check", "hangs.py", "--time-limit", "100"]
    environ = {**os.environ, "MARK": f"{mark}-killed"}
    with subprocess.Popen(command, cwd=tmp_path, env=environ) as child:
        wait_until_told(f"{mark}-killed")
        child.send_signal(signal.SIGKILL)
    try:
        assert no_process_left(f"{mark}-killed"), processes(f"{mark}-killed")
    finally:
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    if f"MARK={mark}-killed".encode() in (folder / "environ").read_bytes().split(b"\0"):
                        os.kill(int(folder.name), signal.SIGKILL)
                except OSError:
                    continue
