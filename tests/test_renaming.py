"""The reference in the learner's names: the same program, read in another's words, at the side that is wrong."""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mha_drill.catalog import load_catalog
from mha_drill.judge.candidates import Definition
from mha_drill.judge.client import JudgeClient, open_judge
from mha_drill.judge.evidence import Case
from mha_drill.judge.examination import Examination
from mha_drill.judge.host import Runner, Template
from mha_drill.judge.identifiers import ATTRIBUTE, names_of, rename, settle
from mha_drill.judge.reference import reference_steps, renamed_reference
from mha_drill.judge.renaming import mapping_for
from mha_drill.judge.ruling import Ruling, load, pick
from mha_drill.judge.sources import Source
from mha_drill.judge.trying import bind
from mha_drill.records import Problem, Report
from tests.benchmarks.corpus import right_files

CATALOG = load_catalog()
HERE = Path(__file__).parent
PROBLEMS = {
    problem.id: problem
    for problem in CATALOG.problems
    if problem.code is not None and problem.code.form == "attention"
}
SOLUTIONS = {
    path.stem: path.read_text() for problem in PROBLEMS.values() for path in CATALOG.solutions(problem)
}
SEEDS = {
    "sheet_first": "sdpa", "sheet_joined": "mha", "sheet_memorised": "mha", "sheet_multi_head": "mha",
    "sheet_single_head": "single-head", "article_class": "mha",
}  # fmt: skip
# Names, signatures and layouts as far apart as the corpus has them.
STYLES = (
    "annotated", "function", "hf-bert", "keyword-only", "lecture-heads", "lucidrains", "mingpt", "numpy-sdpa",
    "query-chunks", "raschka", "raw-parameters", "tf-port", "timm-vit",
)  # fmt: skip
CORPUS = {
    sample.name: sample
    for sample in right_files(held_out=False)
    if sample.name in {f"{style}/base" for style in STYLES} and sample.problem in PROBLEMS
}
FILES = [
    *(
        pytest.param(problem, (HERE / "seeds" / f"{name}.py").read_text(), id=name)
        for name, problem in SEEDS.items()
    ),
    *(
        pytest.param(problem.id, path.read_text(), id=path.stem)
        for problem in PROBLEMS.values()
        for path in CATALOG.solutions(problem)
    ),
    *(pytest.param(sample.problem, sample.source, id=name) for name, sample in CORPUS.items()),
]


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeClient]:
    """One judge for all."""
    with open_judge() as client:
        yield client


@pytest.fixture(scope="module")
def template() -> Iterator[Template]:
    """Where runners come from."""
    found = Template()
    yield found
    found.close()


@dataclass(frozen=True)
class Renamed:
    """A reference solution before and after, and the names given."""

    before: str
    after: str
    mapping: dict[str, str]


def renamed(template: Template, problem: Problem, text: str) -> Renamed:
    """Return the reference of a problem in the names of a submission."""
    runner = Runner(template, "/nowhere/answer.py", text, 10.0)
    try:
        loaded = load(runner)
        assert not isinstance(loaded, Ruling)
        definitions = [item for item in map(Definition.read, loaded["definitions"]) if item is not None]
        assert problem.code is not None
        examination = Examination(Case(runner, problem.code, loaded=loaded))
        assert bind(examination, pick(definitions, problem, None)[:1])
        solution = CATALOG.solutions(problem)[0]
        steps, before = reference_steps(problem, solution), solution.read_text()
        return Renamed(
            before, renamed_reference(solution, examination, steps), mapping_for(examination, before, steps)
        )
    finally:
        runner.close()


def judged(judge: JudgeClient, text: str, problem: str | None = None) -> Report:
    return judge.check(Source("answer.py", "/nowhere/answer.py", text), problem)


def comments(source: str) -> list[tuple[int, str]]:
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return [(token.start[0], token.string) for token in found if token.type == tokenize.COMMENT]


def shape(source: str) -> list[str]:
    """Return the lines without what can be renamed: their indents, spaces and signs."""
    return [re.sub(r"[^\W\d]\w*", "", line) for line in source.splitlines()]


# --- the reference in a learner's names


@pytest.mark.parametrize(("problem", "text"), FILES)
def test_the_renamed_reference_passes_its_own_problem(
    judge: JudgeClient, template: Template, problem: str, text: str
) -> None:
    got = renamed(template, PROBLEMS[problem], text)
    report = judged(judge, got.after, problem)
    assert [(test.id, test.message) for test in report.tests if test.outcome == "failed"] == []
    assert (report.verdict, report.mistakes) == ("pass", ())
    assert comments(got.after) == comments(got.before)
    folded = {"query", "key", "value"} & set(got.mapping) and len(set(got.mapping.values())) < len(
        got.mapping
    )
    for number, (one, two) in enumerate(zip(shape(got.before), shape(got.after), strict=True), 1):
        assert one == two or (folded and "def " in got.before.splitlines()[number - 1])


def test_a_solution_is_left_as_it_is_for_its_own_author(template: Template) -> None:
    for problem in PROBLEMS.values():
        source = CATALOG.solution(problem)
        assert renamed(template, problem, source).after == source


MEMORISED = (HERE / "seeds" / "sheet_multi_head.py").read_text()
OWN_WORDS = """
import math, torch
from torch import nn
class Attn(nn.Module):
    def __init__(self, n_embd, n_head, p_drop=0.0):
        super().__init__()
        self.n_head = n_head
        self.depth = n_embd // n_head
        self.W_query = nn.Linear(n_embd, n_embd)
        self.W_key = nn.Linear(n_embd, n_embd)
        self.W_value = nn.Linear(n_embd, n_embd)
        self.fc_out = nn.Linear(n_embd, n_embd)
        self.attn_drop = nn.Dropout(p_drop)
    def forward(self, x, context, attn_mask=None):
        bsz, tgt, dim = x.shape
        src = context.size(1)
        queries = self.W_query(x)
        keys = self.W_key(context)
        values = self.W_value(context)
        queries = queries.view(bsz, tgt, self.n_head, self.depth).transpose(1, 2)
        keys = keys.view(bsz, src, self.n_head, self.depth).transpose(1, 2)
        values = values.view(bsz, src, self.n_head, self.depth).transpose(1, 2)
        att = queries @ keys.transpose(-2, -1) / math.sqrt(self.depth)
        if attn_mask is not None:
            att = att.masked_fill(~attn_mask, -1e9)
        probs = torch.softmax(att, dim=-1)
        probs = self.attn_drop(probs)
        out = probs @ values
        out = out.transpose(1, 2).reshape(bsz, tgt, dim)
        return self.fc_out(out)
"""


def test_every_name_that_is_known_is_used(template: Template) -> None:
    assert renamed(template, PROBLEMS["mha"], OWN_WORDS).mapping == {
        "MultiHeadAttention": "Attn", "d_model": "n_embd", "num_heads": "n_head", "dropout": "p_drop",
        "query": "x", "key": "context", "value": "context", "mask": "attn_mask",
        "self.q_proj": "self.W_query", "self.k_proj": "self.W_key", "self.v_proj": "self.W_value",
        "self.o_proj": "self.fc_out", "self.dropout": "self.attn_drop", "self.num_heads": "self.n_head",
        "self.d_k": "self.depth", "q": "queries", "k": "keys", "v": "values", "scores": "att",
        "weights": "probs", "y": "out", "B": "bsz", "L": "tgt", "S": "src", "D": "dim",
    }  # fmt: skip


def test_one_input_is_one_parameter(template: Template) -> None:
    got = renamed(template, PROBLEMS["mha"], (HERE / "seeds" / "article_class.py").read_text())
    assert "def forward(self, x, mask=None):" in got.after
    assert "k = self.k_proj(x)  # (B, S, D)" in got.after
    assert "v = v.view(B, S, n_head, head_size).transpose(1, 2)" in got.after


FUSED = (
    OWN_WORDS.replace("self.W_query = nn.Linear(n_embd, n_embd)", "self.W = nn.Linear(n_embd, 3 * n_embd)")
    .replace(
        "queries = self.W_query(x)\n        keys = self.W_key(context)\n        values = self.W_value(context)",
        "queries, keys, values = self.W(x).chunk(3, dim=-1)",
    )
    .replace("src = context.size(1)", "src = tgt")
    .replace("x, context, attn_mask", "x, attn_mask")
)


def test_a_fused_projection_has_no_name_to_give(template: Template) -> None:
    text = re.sub(r"        self\.W_(key|value).*\n", "", FUSED)
    got = renamed(template, PROBLEMS["mha"], text)
    assert not {"self.q_proj", "self.k_proj", "self.v_proj"} & set(got.mapping)
    assert got.mapping["self.o_proj"] == "self.fc_out"


# --- the report


def sides(report: Report, step: str) -> tuple[str, str]:
    """Return the learner's and the reference's code of a row, without comments."""
    row = next(row for row in report.steps if row.step == step)
    return tuple(side.code.partition("  #")[0] if side else "" for side in (row.yours, row.reference))  # type: ignore[return-value]


def test_the_seed_is_shown_the_lines_for_key_and_value(judge: JudgeClient) -> None:
    report = judged(judge, MEMORISED)
    told = [
        (mistake.code, mistake.line, mistake.reference.partition("  #")[0]) for mistake in report.mistakes
    ]
    assert told == [
        ("shared-projection", 29, "k = self.k_linear(k)"),
        ("shared-projection", 30, "v = self.v_linear(v)"),
    ]
    yours, theirs = sides(report, "project")
    assert yours.startswith("k = self.q_linear(k)")
    assert theirs == "k = self.k_linear(k)"
    assert sides(report, "output")[1] == "return self.o_linear(output)"


@pytest.mark.parametrize(
    ("old", "new", "code", "reference"),
    [
        (
            "self.W_value(context)",
            "self.W_key(context)",
            "shared-projection",
            "values = self.W_value(context)",
        ),
        ("self.W_key(context)", "context", "missing-projection", "keys = self.W_key(context)"),
        ("self.W_value(context)", "self.W_value(x)", "swapped-inputs", "values = self.W_value(context)"),
        (
            "keys.view(bsz, src, self.n_head, self.depth).transpose(1, 2)",
            "keys.view(bsz, self.n_head, src, self.depth)",
            "split-without-transpose",
            "keys = keys.view(bsz, src, H, d).transpose(1, 2)",
        ),
    ],
)
def test_the_reference_line_is_that_of_the_wrong_side(
    judge: JudgeClient, old: str, new: str, code: str, reference: str
) -> None:
    assert OWN_WORDS.count(old) == 1
    report = judged(judge, OWN_WORDS.replace(old, new), "mha")
    mistake = next(mistake for mistake in report.mistakes if mistake.code == code)
    assert mistake.reference.partition("  #")[0] == reference
    yours, theirs = sides(report, mistake.step)
    assert theirs == reference
    assert yours in ("", mistake.yours)


def test_a_right_query_keeps_its_row(judge: JudgeClient) -> None:
    report = judged(judge, OWN_WORDS, "mha")
    assert sides(report, "project") == ("queries = self.W_query(x)", "queries = self.W_query(x)")
    assert sides(report, "dropout") == ("probs = self.attn_drop(probs)", "probs = self.attn_drop(probs)")


def test_a_file_that_never_ran_sees_the_reference_as_it_is(judge: JudgeClient) -> None:
    report = judged(judge, "def forward(:\n", "mha")
    assert sides(report, "project")[1] == "q = self.q_proj(query)"


# --- renaming as such


def keys_of(source: str) -> list[str]:
    names = names_of(source)
    every = (
        {ATTRIBUTE + name for name in names.attributes}
        | {node.id for node in ast.walk(names.tree) if isinstance(node, ast.Name)}
        | names.classes
        | {node.arg for node in ast.walk(names.tree) if isinstance(node, ast.arg)}
    )
    return sorted(every)


WORDS = st.from_regex(r"[a-zA-Zé查询键_][a-zA-Z0-9é查询键_]{0,6}", fullmatch=True)
STEMS = st.sampled_from(sorted(SOLUTIONS))


class Mapped(ast.NodeTransformer):
    """The tree with its names mapped, written apart from the one that `rename` proves itself by."""

    def __init__(self, mapping: dict[str, str]) -> None:
        self.mapping = mapping

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.mapping.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.mapping.get(node.arg, node.arg)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.name = self.mapping.get(node.name, node.name)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if ast.unparse(node.value) == "self":
            node.attr = self.mapping.get(f"self.{node.attr}", f"self.{node.attr}").removeprefix("self.")
        return node


@given(STEMS, st.data())
@settings(max_examples=30)
def test_renamed_apart_the_tree_is_the_same_but_for_the_names(stem: str, data: st.DataObject) -> None:
    source = SOLUTIONS[stem]
    known = [key for key in keys_of(source) if names_of(source).knows(key)]
    chosen = data.draw(st.lists(st.sampled_from(known), unique=True))
    words = data.draw(
        st.lists(
            WORDS.map(lambda word: f"new_{word}é"), unique=True, min_size=len(chosen), max_size=len(chosen)
        )
    )
    mapping = {
        key: (ATTRIBUTE if key.startswith(ATTRIBUTE) else "") + word
        for key, word in zip(chosen, words, strict=True)
    }
    after = rename(source, mapping)
    assert ast.dump(ast.parse(after)) == ast.dump(Mapped(mapping).visit(ast.parse(source)))
    assert comments(after) == comments(source)
    assert shape(after) == shape(source)
    back = {name: key for key, name in mapping.items()}
    assert rename(after, back) == source


def output_of(source: str, name: str) -> list[torch.Tensor]:
    """Run a solution, on one sequence for all its inputs, from the same weights."""
    space: dict[str, object] = {}
    exec(compile(source, "solution", "exec"), space)
    torch.manual_seed(0)
    sizes = [8, 2, 6][: 3 if "causal" in name else 2 if name == "mha" else 1]
    made = space[next(node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef))](*sizes)  # type: ignore[operator]
    function = next(
        node for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name in ("forward", "__call__")
    )  # fmt: skip
    count = len(function.args.args) - 1 - len(function.args.defaults)
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        result = made(*[x.numpy() if "numpy" in name else x] * count)
    return [torch.as_tensor(item) for item in (result if isinstance(result, tuple) else (result,))]


@given(STEMS, st.data())
@settings(max_examples=40)
def test_whatever_is_wished_what_is_granted_computes_the_same(stem: str, data: st.DataObject) -> None:
    """Also names of the source itself, keywords, builtins, and one name for several."""
    source = SOLUTIONS[stem]
    keys = keys_of(source)
    plain = [key for key in keys if not key.startswith(ATTRIBUTE)]
    pool = st.sampled_from(
        [*plain, "x", "context", "out", "input", "class", "max", "lambda", "self", "a b", ""]
    )
    wishes = [
        (
            key,
            (ATTRIBUTE if key.startswith(ATTRIBUTE) else "") + data.draw(pool),
            data.draw(st.integers(0, 4)),
        )
        for key in data.draw(st.lists(st.sampled_from(keys), max_size=12))
    ]
    granted = settle(source, wishes)
    assert all(
        not keyword.iskeyword(name.removeprefix(ATTRIBUTE))
        and not hasattr(builtins, name.removeprefix(ATTRIBUTE))
        for name in granted.values()
    )
    after = rename(source, granted)
    for one, two in zip(output_of(source, stem), output_of(after, stem), strict=True):
        assert torch.equal(one, two)


MHA = SOLUTIONS["mha"]


def test_names_that_follow_each_other_may_be_one() -> None:
    after = rename(MHA, {"query": "q", "key": "k", "value": "v", "weights": "scores"})
    assert "q = self.q_proj(q)" in after
    assert "scores = torch.softmax(scores, dim=-1)" in after


@pytest.mark.parametrize(
    "mapping",
    [
        {"q": "k"},  # both live at once
        {"key": "q"},  # the key is read after q begins
        {"num_heads": "d_model"},  # two sizes
        {"mask": "query"},  # only what is given without a default leaves a signature
        {"query": "x", "y": "B"},
        {"weights": "torch"},
        {"torch": "th"},
        {"MultiHeadAttention": "q"},
        {"self.q_proj": "self.k_proj"},
        {"self.q_proj": "self.forward"},
        {"self.q_proj": "q"},
        {"q": "lambda"},
        {"q": "sum"},
        {"nowhere": "there"},
    ],
    ids=str,
)
def test_what_would_be_another_program_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"one name for two|cannot be"):
        rename(MHA, mapping)


def test_a_loop_brings_names_round_again() -> None:
    source = "def f(a):\n    for _ in range(2):\n        b = a\n        c = b\n    return c\n"
    with pytest.raises(ValueError, match="one name for two"):
        rename(source, {"a": "c"})


def test_an_attribute_named_by_a_string_keeps_its_name() -> None:
    assert "self.bias" in SOLUTIONS["causal_mha"]
    with pytest.raises(ValueError, match=r"self\.bias"):
        rename(SOLUTIONS["causal_mha"], {"self.bias": "self.lower"})
