"""The reader of `problems/` and `solutions/`: what it finds, what it says when a folder is broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mha_drill.catalog import Catalog, load_catalog
from mha_drill.errors import BROKEN, USAGE, DrillError, UsageError

SHIPPED = load_catalog()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the shipped content, to be broken."""
    for name in ("problems", "solutions"):
        shutil.copytree(SHIPPED.root / name, tmp_path / name)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_problems_come_in_the_order_to_learn_them() -> None:
    assert [problem.id for problem in SHIPPED.problems] == [
        "attention-shapes", "transformer-idea", "sdpa", "single-head", "split-merge", "mha", "causal-mha",
    ]  # fmt: skip


def test_a_code_problem_is_read_whole() -> None:
    problem = SHIPPED.problem("mha")
    assert (problem.kind, problem.difficulty, problem.source) == ("code", 3, "interview-sheet")
    assert len(problem.steps) == 10
    assert len(problem.hints) == 3
    assert problem.title.zh == "从零手撕多头注意力"
    assert problem.statement.en.startswith("Write multi-head attention")
    assert problem.code is not None
    assert problem.code.names == ("MultiHeadAttention",)
    assert (problem.code.inputs, problem.code.heads, problem.code.causal) == ("qkv", True, False)
    assert SHIPPED.skeleton(problem).startswith("# mha-drill: mha\n")
    assert [path.name for path in SHIPPED.solutions(problem)] == ["mha.py"]
    assert SHIPPED.tests(problem) == problem.folder / "test_mha.py"
    assert "shared-projection" in {mistake.code for mistake in SHIPPED.mistakes(problem)}


def test_the_torch_solution_comes_before_the_one_in_numpy() -> None:
    problem = SHIPPED.problem("sdpa")
    assert [path.name for path in SHIPPED.solutions(problem)] == ["sdpa.py", "sdpa_numpy.py"]
    assert "import torch" in SHIPPED.solution(problem)
    assert "import numpy" in SHIPPED.solution(problem, numpy=True)


def test_the_questions_are_asked_as_they_stand() -> None:
    shapes, idea, *_bank = SHIPPED.questions()
    assert (shapes.id, shapes.kind, shapes.answer, len(shapes.options)) == (
        "attention-shapes",
        "choice",
        "B",
        4,
    )
    assert shapes.options[1].en == "output: [N, L, D], attention score: [N, L, L]"
    assert shapes.prompt == SHIPPED.problem("attention-shapes").statement
    assert shapes.why.zh.startswith("L 个查询")
    assert (idea.id, idea.kind, idea.answer, len(idea.points)) == ("transformer-idea", "short", "", 8)
    assert idea.model is not None
    assert idea.points[0].say.zh.startswith("用自注意力机制")
    assert idea.points[0].wordings_en[0].startswith("self-attention models")


def test_a_question_has_neither_skeleton_nor_solution() -> None:
    question = SHIPPED.problem("attention-shapes")
    assert SHIPPED.solutions(question) == ()
    for ask in (SHIPPED.skeleton, SHIPPED.solution):
        with pytest.raises(UsageError) as caught:
            ask(question)
        assert "mha-drill quiz --kind choice" in caught.value.say("en")


@pytest.mark.parametrize("name", ["causal-mha", "causal_mha", "Causal-MHA", " causal-mha "])
def test_a_problem_is_found_however_its_id_is_spelled(name: str) -> None:
    assert SHIPPED.problem(name).id == "causal-mha"


@pytest.mark.parametrize(
    ("name", "close"),
    [("mhaa", "mha"), ("causal", "causal-mha"), ("spda", "sdpa"), ("singlehead", "single-head")],
)
def test_an_unknown_problem_gets_the_close_ones(name: str, close: str) -> None:
    with pytest.raises(UsageError) as caught:
        SHIPPED.problem(name)
    assert caught.value.exit_code == USAGE
    for lang in ("en", "zh"):
        said = caught.value.say(lang)
        assert repr(name) in said
        assert close in said.split(";")[-1].split("；")[-1]
        assert "`mha-drill list`" in said


@pytest.mark.parametrize("name", ["", "flash", "../mha", "mha/../mha", "questions", "."])
def test_what_is_no_problem_is_not_looked_for_in_the_folders(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        SHIPPED.problem(name)
    assert "`mha-drill list`" in caught.value.say("en")


BROKEN_FOLDERS = [
    ("mha/problem.toml", 'kind = "code"', 'kind = "cod"', ["kind", "'cod'"]),
    ("mha/problem.toml", 'id = "mha"', 'id = "mah"', ["id", "'mah'"]),
    ("mha/problem.toml", 'id = "mha"\n', "", ["'id'"]),
    ("mha/problem.toml", "order = 60", 'order = "60"', ["order", "'60'"]),
    ("mha/problem.toml", "order = 60", "order = true", ["order", "True"]),
    ("mha/problem.toml", '"project", ', '"projection", ', ["steps", "projection"]),
    ("mha/problem.toml", '"project", ', '"split", ', ["steps", "split"]),
    ("mha/problem.toml", "heads = true", "heads = 1", ["heads", "1"]),
    ("mha/problem.toml", '["MultiHeadAttention"]', "[1]", ["names", "1"]),
    ("mha/problem.toml", 'zh = "从零手撕多头注意力"', 'zh = " "', ["zh", "' '"]),
    ("mha/problem.toml", 'zh = "从零手撕多头注意力"\n', "", ["'zh'"]),
    ("mha/problem.toml", "[title]", "[titel]", ["'title'"]),
    ("mha/problem.toml", "[code]", "[cod]", ["'code'"]),
    ("mha/problem.toml", "difficulty = 3", "difficulty = ", ["TOML", "line 5"]),
    ("attention-shapes/problem.toml", 'answer = "B"', 'answer = "E"', ["answer", "'E'"]),
    ("transformer-idea/problem.toml", "[model]", "[modle]", ["'model'"]),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), BROKEN_FOLDERS)
def test_a_broken_folder_is_named_by_file_and_field(
    root: Path, file: str, old: str, new: str, said: list[str]
) -> None:
    edit(root / "problems" / file, old, new)
    with pytest.raises(DrillError) as caught:
        load_catalog(root).questions()
    assert caught.value.exit_code == BROKEN
    for lang in ("en", "zh"):
        sentence = caught.value.say(lang)
        assert str(root / "problems" / file) in sentence
        assert [part for part in said if part not in sentence] == []


@pytest.mark.parametrize("name", ["statement.zh.md", "statement.en.md"])
def test_a_statement_must_be_there_in_both_languages(root: Path, name: str) -> None:
    (root / "problems" / "sdpa" / name).unlink()
    with pytest.raises(DrillError) as caught:
        load_catalog(root).problem("sdpa")
    assert str(root / "problems" / "sdpa" / name) in caught.value.say("en")


def test_a_file_in_another_encoding_is_named(root: Path) -> None:
    path = root / "problems" / "sdpa" / "statement.zh.md"
    path.write_bytes("缩放点积注意力".encode("gb18030"))
    with pytest.raises(DrillError) as caught:
        load_catalog(root).problem("sdpa")
    assert str(path) in caught.value.say("zh")
    assert "UTF-8" in caught.value.say("zh")


def test_a_broken_folder_does_not_stop_the_others(root: Path) -> None:
    edit(root / "problems" / "mha" / "problem.toml", 'kind = "code"', 'kind = "cod"')
    assert load_catalog(root).problem("sdpa").id == "sdpa"


def test_the_listed_mistakes_are_read_only_when_asked_for(root: Path) -> None:
    path = root / "problems" / "mha" / "problem.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[[mistakes]]\ncode = \n", encoding="utf-8")
    catalog = load_catalog(root)
    problem = catalog.problem("mha")
    assert len(problem.hints) == 3
    assert catalog.problems
    with pytest.raises(DrillError) as caught:
        catalog.mistakes(problem)
    assert str(path) in caught.value.say("en")


def test_what_is_left_of_a_removed_problem_is_no_problem(root: Path) -> None:
    (root / "problems" / "gone" / "__pycache__").mkdir(parents=True)
    assert "gone" not in [problem.id for problem in load_catalog(root).problems]


def test_missing_solution_and_missing_content_are_said(root: Path, tmp_path: Path) -> None:
    (root / "solutions" / "mha.py").unlink()
    catalog = load_catalog(root)
    with pytest.raises(DrillError) as caught:
        catalog.solutions(catalog.problem("mha"))
    assert "mha" in caught.value.say("en")
    with pytest.raises(DrillError) as caught:
        load_catalog(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere" / "problems") in caught.value.say("zh")


BANK = """
[[questions]]
id = "scale-why"
kind = "number"
difficulty = 2
source = "interview-sheet"
answer = "8"

[questions.title]
en = "The divisor"
zh = "除数"

[questions.prompt]
en = "D = 256, H = 4: what are the scores divided by?"
zh = "D = 256，H = 4：分数除以几？"

[questions.why]
en = "d = 64 and its square root is 8."
zh = "d = 64，平方根是 8。"
"""


def test_the_question_bank_is_read_after_the_folders(root: Path) -> None:
    bank = root / "problems" / "questions"
    bank.mkdir(exist_ok=True)
    (bank / "scale.toml").write_text(BANK, encoding="utf-8")
    questions = load_catalog(root).questions()
    assert [question.id for question in questions][:2] == ["attention-shapes", "transformer-idea"]
    (last,) = (question for question in questions if question.id == "scale-why")
    assert (last.id, last.kind, last.answer, last.steps) == ("scale-why", "number", "8", ("scale",))
    assert last.prompt.zh == "D = 256，H = 4：分数除以几？"
    assert [problem.id for problem in load_catalog(root).problems] == [
        problem.id for problem in SHIPPED.problems
    ]


def test_each_folder_is_read_once(root: Path) -> None:
    catalog = Catalog(root)
    assert catalog.problem("mha") is catalog.problem("mha")
    assert catalog.problems[5] is catalog.problem("mha")
