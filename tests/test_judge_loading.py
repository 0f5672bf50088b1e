"""The learner's file is run statement by statement, and what it defines is told as data."""

from __future__ import annotations

from typing import Any

import pytest

from mha_drill.judge.loading import Loaded

PATH = "/nowhere/answer.py"


def loaded(source: str) -> Loaded:
    one = Loaded(PATH, source)
    assert one.run() is None
    return one


def names(source: str) -> list[str]:
    return [item["name"] for item in loaded(source).definitions()]


def test_a_statement_that_raises_is_kept_with_its_line_and_the_next_one_runs() -> None:
    one = loaded("x = 1\ny = 1 / 0\n\ndef attention(q, k, v):\n    return q\nz = missing\n")
    assert [(item["type"], item["line"], item["names"]) for item in one.failures] == [
        ("ZeroDivisionError", 2, ["y"]),
        ("NameError", 6, ["z"]),
    ]
    assert [item["name"] for item in one.definitions()] == ["attention"]


@pytest.mark.parametrize(
    "statement", ["raise SystemExit(0)", "raise KeyboardInterrupt", "import sys; sys.exit()"]
)
def test_leaving_is_a_failure_like_any_other(statement: str) -> None:
    one = loaded(f"{statement}\ndef attention(q):\n    return q\n")
    assert len(one.failures) == 1
    assert [item["name"] for item in one.definitions()] == ["attention"]


def test_what_main_guards_is_left_alone() -> None:
    assert loaded("if __name__ == '__main__':\n    raise ValueError\n").failures == []


@pytest.mark.parametrize(
    "source", ["x = （1)\n", "def f(:\n", "x = 1\0\n", "if x:\nprint()\n", "return 1\n" * 0 + "'"]
)
def test_what_cannot_be_parsed_is_told_with_its_line(source: str) -> None:
    error = Loaded(PATH, source).run()
    assert error is not None
    assert error["type"] in ("SyntaxError", "IndentationError", "ValueError")


@pytest.mark.parametrize("source", ["return 1\n", "yield 1\n", "x = 1\nawait x\n", "def f():\n    break\n"])
def test_what_parses_and_does_not_compile_is_a_failure_and_no_crash(source: str) -> None:
    one = Loaded(PATH, source)
    error = one.run()
    assert error is not None or [item["type"] for item in one.failures] == ["SyntaxError"]


def test_the_annotations_import_reaches_every_statement() -> None:
    one = loaded("from __future__ import annotations\ndef f(q: Missing, k: int) -> Nowhere: ...\n")
    assert one.failures == []
    (found,) = one.definitions()
    assert [item["annotation"] for item in found["call"]] == ["Missing", "int"]


def test_signatures_are_data() -> None:
    source = (
        "import torch\nclass A(torch.nn.Module):\n    def __init__(self, d_model, heads=4, *, p=0.1):\n        pass\n"
        "    def forward(self, q, /, k, *rest, mask=None, **more): ...\n"
    )
    (found,) = loaded(source).definitions()
    assert (found["kind"], found["module"], found["line"]) == ("class", True, 2)

    def told(items: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
        return [(item["name"], item["kind"], item["required"]) for item in items]

    assert told(found["construct"]) == [
        ("d_model", "both", True),
        ("heads", "both", False),
        ("p", "keyword_only", False),
    ]
    assert told(found["call"]) == [
        ("q", "positional_only", True), ("k", "both", True), ("rest", "var_positional", False),
        ("mask", "keyword_only", False), ("more", "var_keyword", False),
    ]  # fmt: skip


def test_the_later_definition_of_a_name_is_the_one() -> None:
    assert names("def f(q): ...\ndef g(q): ...\ndef f(q, k): ...\n") == ["g", "f"]


def test_a_plain_class_is_called_by_its_call() -> None:
    (found,) = loaded("class A:\n    def __call__(self, q, k, v): ...\n").definitions()
    assert [item["name"] for item in found["call"]] == ["q", "k", "v"]
    (none,) = loaded("class A:\n    pass\n").definitions()
    assert none["call"] is None


def test_the_built_in_is_hidden_from_what_asks_whether_it_is_there_and_comes_back() -> None:
    import torch

    source = "import torch\nflash = hasattr(torch.nn.functional, 'scaled_dot_product_attention')\n"
    assert loaded(source).module.flash is False
    assert hasattr(torch.nn.functional, "scaled_dot_product_attention")
    assert loaded("from torch.nn.functional import scaled_dot_product_attention as ready\n").failures == []
