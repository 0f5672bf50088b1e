"""Every folder of `problems/` and every file of `solutions/`, proved by executing what they claim.

Content is data that nobody reads twice before it is shipped: so whatever can be wrong is looked for here.
`make check-content` runs this file alone.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
import runpy
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mha_drill.catalog import SOLUTION_ENDINGS, file_stem, load_catalog
from mha_drill.records import STEPS, Lang, Problem, Text
from mha_drill.words import room

CATALOG = load_catalog()
PROBLEMS = {problem.id: problem for problem in CATALOG.problems}
CODE = {problem.id: problem for problem in CATALOG.problems if problem.code}
QUESTIONS = {question.id: question for question in CATALOG.questions()}
ROOT = CATALOG.root
TERMS = tomllib.loads((ROOT / "mha_drill" / "words" / "terms.toml").read_text(encoding="utf-8"))
TOPICS = {path.stem for path in (ROOT / "mha_drill" / "explain" / "topics").glob("*.toml")}

CJK = re.compile(r"[\u4e00-\u9fff]")
HALF_WIDTH_BESIDE_CJK = re.compile(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?!\d)")

# The contract's codes that a running file can earn; the loading codes have submissions of their own.
CODES = """
    shared-projection shared-across-heads missing-projection swapped-inputs unregistered-parameters
    split-without-transpose cross-length hard-coded-shape key-not-transposed missing-scale wrong-scale
    scale-after-softmax mask-missing mask-inverted mask-off-by-one mask-after-softmax mask-fill-value
    unexpected-mask missing-softmax softmax-axis unstable-softmax dropout-in-eval dropout-missing
    weigh-wrong-tensor merge-without-transpose non-contiguous-view heads-not-concatenated
    missing-output-projection extra-residual extra-normalization wrong-output-shape batch-mixing
    detached-graph mutates-input builtin-used nondeterministic nan-output wrong-gradient wrong-output-type
    wrong-value
"""
KEYS = {"id", "kind", "order", "steps", "difficulty", "source", "title"}
KIND_KEYS = {
    "code": KEYS | {"code", "hints", "mistakes"},
    "choice": KEYS | {"topic", "answer", "options", "why"},
    "short": KEYS | {"topic", "points", "model", "why"},
}

every_problem = pytest.mark.parametrize("name", PROBLEMS)
every_code_problem = pytest.mark.parametrize("name", CODE)
every_edit = pytest.mark.parametrize(
    ("name", "number"), [(name, at) for name in CODE for at in range(len(CATALOG.mistakes(CODE[name])))]
)


def solution_of(problem: Problem) -> str:
    return CATALOG.solutions(problem)[0].read_text(encoding="utf-8")


def texts_of(problem: Problem) -> Iterator[tuple[str, Text]]:
    """Yield every text of a folder that is shown, by a name; wordings are the learner's words, not ours."""
    yield "title", problem.title
    yield "statement", problem.statement
    for at, hint in enumerate(problem.hints):
        yield f"hint {at + 1}", hint
    if question := QUESTIONS.get(problem.id):
        yield "why", question.why
        yield from ((f"option {at}", option) for at, option in enumerate(question.options))
        yield from ((f"point {point.id}", point.say) for point in question.points)
        if question.model:
            yield "model", question.model


def prose(text: str) -> str:
    """Return a text without its code."""
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)


# --- what lies where ---------------------------------------------------------------------------------------


@every_problem
def test_a_folder_holds_its_files_and_no_stray_one(name: str) -> None:
    problem = PROBLEMS[name]
    expected = {"problem.toml", "statement.en.md", "statement.zh.md"}
    if problem.code:
        expected |= {"skeleton.py", CATALOG.tests(problem).name}
    assert {path.name for path in problem.folder.iterdir()} - {"__pycache__"} == expected


def test_there_is_nothing_beside_the_folders_and_the_solutions() -> None:
    folders = {path.name for path in (ROOT / "problems").iterdir()} - {"__pycache__", "questions"}
    assert folders == set(PROBLEMS)
    solutions = {path.name for path in (ROOT / "solutions").iterdir()} - {"__pycache__"}
    listed = {path.name for problem in CODE.values() for path in CATALOG.solutions(problem)}
    assert solutions == listed
    assert {f"{file_stem(problem)}{SOLUTION_ENDINGS[0]}.py" for problem in CODE.values()} <= solutions


@every_problem
def test_problem_toml_says_what_is_read_and_nothing_else(name: str) -> None:
    problem = PROBLEMS[name]
    data = tomllib.loads((problem.folder / "problem.toml").read_text(encoding="utf-8"))
    assert set(data) <= KIND_KEYS[problem.kind]
    assert set(data) | {"topic"} >= KIND_KEYS[problem.kind]
    for field in ("title", "why", "model"):
        assert set(data.get(field, {"en", "zh"})) == {"en", "zh"}
    for row in data.get("hints", []) + data.get("options", []):
        assert set(row) == {"en", "zh"}
    for row in data.get("mistakes", []):
        assert set(row) == {"code", "old", "new"}
    for row in data.get("points", []):
        assert set(row) == {"id", "say", "wordings_en", "wordings_zh"}


def test_the_ids_are_file_names_and_the_order_to_learn_is_one() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in PROBLEMS)
    orders = [problem.order for problem in CATALOG.problems]
    assert len(set(orders)) == len(orders)
    difficulties = [problem.difficulty for problem in CATALOG.problems]
    assert set(difficulties) == {1, 2, 3}
    assert difficulties == sorted(difficulties)


@every_problem
def test_steps_stand_in_the_order_they_happen(name: str) -> None:
    steps = PROBLEMS[name].steps
    assert list(steps) == [step for step in STEPS if step in steps]


# --- both languages ----------------------------------------------------------------------------------------


@every_problem
def test_every_text_is_there_in_both_languages(name: str) -> None:
    for what, text in texts_of(PROBLEMS[name]):
        assert text.en.strip(), what
        assert text.zh.strip(), what
        assert not CJK.search(text.en), what
        assert not re.search(r"[\u3000-\u303f\uff00-\uffef]", text.en), what
        if not what.startswith("option"):
            assert len(CJK.findall(prose(text.zh))) >= 4, what
        assert not HALF_WIDTH_BESIDE_CJK.search(prose(text.zh)), (
            what,
            HALF_WIDTH_BESIDE_CJK.search(prose(text.zh)),
        )


@every_problem
def test_both_languages_hold_the_same_code(name: str) -> None:
    """A name or a shape that stands in one language and not in the other was forgotten in it."""
    for what, text in texts_of(PROBLEMS[name]):
        for pattern in (r"```\n.*?```", r"(?<!`)`[^`\n]+`(?!`)", r"\([A-Z], [^()]*\)|\[[A-Z], [^\[\]]*\]"):
            found = [sorted(re.findall(pattern, text.say(lang), re.DOTALL)) for lang in ("en", "zh")]
            assert found[0] == found[1], what


@every_problem
def test_the_chinese_keeps_to_the_term_list(name: str) -> None:
    for what, text in texts_of(PROBLEMS[name]):
        english, chinese = prose(text.en), prose(text.zh)
        for term in TERMS.values():
            for wrong in term.get("wrong_zh", ()):
                assert wrong not in chinese, (what, f"{wrong} for {term['zh']}")
            if term.get("always") and re.search(rf"\b{re.escape(term['en'])}s?\b", english, re.IGNORECASE):
                assert term["zh"] in text.zh, (what, term["en"], term["zh"])


def test_the_term_list_has_both_languages_and_contradicts_itself_nowhere() -> None:
    accepted = {term["zh"] for term in TERMS.values()}
    for name, term in TERMS.items():
        assert set(term) <= {"en", "zh", "wrong_zh", "always"}, name
        assert term["en"], name
        assert term["zh"], name
        for wrong in term.get("wrong_zh", ()):
            assert not any(wrong in right for right in accepted), (name, wrong)


def test_the_words_of_the_catalogue_take_the_same_values_in_both_languages() -> None:
    for key, text in room("catalog").items():
        assert set(re.findall(r"{(\w+)", text.en)) == set(re.findall(r"{(\w+)", text.zh)), key
        assert CJK.search(text.zh), key


# --- statements, hints, skeletons ---------------------------------------------------------------------------


@every_code_problem
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_statement_is_short_and_names_what_the_skeleton_takes(name: str, lang: Lang) -> None:
    statement = CODE[name].statement.say(lang)
    assert 15 <= len(statement.split("\n")) <= 40
    tree = ast.parse(CATALOG.skeleton(CODE[name]))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    asked = functions.get("__init__") or functions["split_heads"]
    for argument in asked.args.args:
        if argument.arg != "self":
            assert f"`{argument.arg}`" in statement or f"{argument.arg})" in statement, argument.arg


@pytest.mark.parametrize(
    ("name", "lang", "said"),
    [
        (
            "mha",
            "en",
            ["longer or shorter than the query", "`x`", "optional", "Left open", "`forward(q, k, v)`"],
        ),
        ("mha", "zh", ["可能比查询长，也可能比查询短", "`x`", "可选", "不作限定", "`forward(q, k, v)`"]),
        ("sdpa", "en", ["numpy", "docstring", "(N, L, S)", "function", "after the softmax"]),
        ("sdpa", "zh", ["numpy", "文档字符串", "(N, L, S)", "函数", "softmax 之后"]),
        ("single-head", "en", ["output projection", "optional", "`x`", "longer or shorter than the query"]),
        ("single-head", "zh", ["输出投影", "可有可无", "`x`", "可能比查询长，也可能比查询短"]),
        ("causal-mha", "en", ["0 to i", "`forward(x)`", "`torch.tril`", "`torch.finfo(dtype).min`", "−inf"]),
        ("causal-mha", "zh", ["0 到 i", "`forward(x)`", "`torch.tril`", "`torch.finfo(dtype).min`", "−inf"]),
        ("split-merge", "en", ["(B, T, C)", "(B, n_head, T, d)", "equals `x`"]),
        ("split-merge", "zh", ["(B, T, C)", "(B, n_head, T, d)", "等于 `x`"]),
    ],
)
def test_a_statement_says_what_the_judge_holds_to(name: str, lang: Lang, said: list[str]) -> None:
    statement = CODE[name].statement.say(lang)
    assert [part for part in said if part not in statement] == []
    if CODE[name].code.form == "attention":
        for builtin in ("F.scaled_dot_product_attention", "nn.MultiheadAttention"):
            assert f"`{builtin}`" in statement


@every_code_problem
def test_there_are_three_hints_and_the_last_one_is_code(name: str) -> None:
    hints = CODE[name].hints
    assert len(hints) == 3
    for lang in ("en", "zh"):
        said = [hint.say(lang) for hint in hints]
        assert ["```" in hint for hint in said] == [False, False, True]
        (code,) = re.findall(r"```\n(.*?)```", said[2], re.DOTALL)
        ast.parse(code)
        assert len(code.splitlines()) >= 2


@every_code_problem
def test_a_skeleton_names_its_problem_and_is_blank(name: str) -> None:
    problem = CODE[name]
    source = CATALOG.skeleton(problem)
    assert source.startswith(f"# mha-drill: {name}\n")
    assert "\t" not in source
    names = runpy.run_path(str(problem.folder / "skeleton.py"))
    assert problem.code is not None
    for asked in problem.code.names:
        assert asked in names
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        last = function.body[-1]
        assert isinstance(last, ast.Raise), function.name
        assert ast.unparse(last) == "raise NotImplementedError", function.name
        assert ast.get_docstring(function), function.name


@every_code_problem
def test_the_solution_fills_in_the_skeleton(name: str) -> None:
    """The same names and the same arguments, in the same order, with the same defaults."""

    def signatures(source: str) -> dict[str, str]:
        tree = ast.parse(source)
        return {
            node.name: ast.unparse(node.args) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }

    for path in CATALOG.solutions(CODE[name]):
        source = path.read_text(encoding="utf-8")
        assert source.startswith(f"# mha-drill: {name}\n")
        assert source.isascii()
        assert signatures(source) == signatures(CATALOG.skeleton(CODE[name]))


# --- listed mistakes ----------------------------------------------------------------------------------------


@every_edit
def test_a_listed_mistake_is_one_edit_that_still_parses(name: str, number: int) -> None:
    edit = CATALOG.mistakes(CODE[name])[number]
    source = solution_of(CODE[name])
    assert edit.code in CODES.split()
    assert source.count(edit.old) == 1
    edited = source.replace(edit.old, edit.new)
    ast.parse(edited)
    assert ast.dump(ast.parse(edited)) != ast.dump(ast.parse(source))


@every_code_problem
def test_no_mistake_is_listed_twice(name: str) -> None:
    edits = CATALOG.mistakes(CODE[name])
    assert len({(edit.old, edit.new) for edit in edits}) == len(edits) >= 5


# --- the solutions are right --------------------------------------------------------------------------------
# An attention written as plain loops over numbers: slow, and with nothing in common with what it judges.

Vector = list[float]
Matrix = list[Vector]


def apply(linear: torch.nn.Linear, rows: Matrix) -> Matrix:
    weight, bias = linear.weight.tolist(), linear.bias.tolist()
    return [
        [sum(w * x for w, x in zip(line, row, strict=True)) + b for line, b in zip(weight, bias, strict=True)]
        for row in rows
    ]


def attend(
    query: Matrix, key: Matrix, value: Matrix, allowed: Callable[[int, int], bool] = lambda _i, _j: True
) -> tuple[Matrix, Matrix]:
    """One head of one sample: query (L, d), key and value (S, d) give (L, d) and the weights (L, S)."""
    output, weights = [], []
    for i, asked in enumerate(query):
        powers = []
        for j, offered in enumerate(key):
            dot = 0.0
            for a, b in zip(asked, offered, strict=True):
                dot += a * b
            powers.append(math.exp(dot / math.sqrt(len(asked))) if allowed(i, j) else 0.0)
        weights.append([power / sum(powers) for power in powers])
        output.append(
            [sum(weights[i][j] * value[j][c] for j in range(len(key))) for c in range(len(value[0]))]
        )
    return output, weights


def attend_in_heads(
    module: Any,
    query: Matrix,
    key: Matrix,
    value: Matrix,
    heads: int,
    allowed: Callable[[int, int, int], bool],
) -> Matrix:
    """One sample through the maps of `module`; head h has the channels h*d to h*d + d - 1."""
    query, key, value = apply(module.q_proj, query), apply(module.k_proj, key), apply(module.v_proj, value)
    width = len(query[0]) // heads
    joined: Matrix = [[] for _ in query]
    for head in range(heads):

        def channels(rows: Matrix, head: int = head) -> Matrix:
            return [row[head * width : head * width + width] for row in rows]

        def allowed_here(i: int, j: int, head: int = head) -> bool:
            return allowed(head, i, j)

        seen, _ = attend(channels(query), channels(key), channels(value), allowed_here)
        joined = [[*row, *more] for row, more in zip(joined, seen, strict=True)]
    return apply(module.o_proj, joined)


def made(name: str, *arguments: object, **named: object) -> Any:
    """Return the class of a solution, constructed in double precision and left in eval mode."""
    problem = CODE[name]
    assert problem.code is not None
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        made_class = runpy.run_path(str(CATALOG.solutions(problem)[0]))[problem.code.names[0]]
        built = made_class(*arguments, **named)
    finally:
        torch.set_default_dtype(kept)
    return built.eval() if isinstance(built, torch.nn.Module) else built


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(found: torch.Tensor | np.ndarray, expected: Any) -> bool:
    return np.allclose(
        np.asarray(found.detach() if torch.is_tensor(found) else found), expected, rtol=0, atol=1e-12
    )


sizes = st.tuples(*[st.integers(1, top) for top in (3, 5, 6, 4)])
seeds = st.integers(0, 2**31)
few = settings(max_examples=15)


@few
@given(sizes, seeds, st.sampled_from(SOLUTION_ENDINGS))
def test_sdpa_agrees_with_plain_loops(size: tuple[int, int, int, int], seed: int, ending: str) -> None:
    batch, length, key_length, width = size
    query = draw(seed, batch, length, width)
    key, value = draw(seed + 1, batch, key_length, width), draw(seed + 2, batch, key_length, width)
    (path,) = (path for path in CATALOG.solutions(CODE["sdpa"]) if path.stem == f"sdpa{ending}")
    attention = runpy.run_path(str(path))["ScaledDotProductAttention"](width)
    given_ = [part.numpy() for part in (query, key, value)] if ending else [query, key, value]
    output, weights = attention(*given_)
    assert type(output) is type(weights) is type(given_[0])
    expected = [attend(*rows) for rows in zip(query.tolist(), key.tolist(), value.tolist(), strict=True)]
    assert close(output, [pair[0] for pair in expected])
    assert close(weights, [pair[1] for pair in expected])


@pytest.mark.parametrize("ending", SOLUTION_ENDINGS)
def test_sdpa_does_not_overflow(ending: str) -> None:
    (path,) = (path for path in CATALOG.solutions(CODE["sdpa"]) if path.stem == f"sdpa{ending}")
    big = torch.tensor([[[1e4, 0.0], [0.0, 1e4]]], dtype=torch.float64)
    given_ = big.numpy() if ending else big
    _, weights = runpy.run_path(str(path))["ScaledDotProductAttention"](2)(given_, given_, given_)
    assert close(weights, [[[1.0, 0.0], [0.0, 1.0]]])


@few
@given(sizes, seeds)
def test_single_head_agrees_with_plain_loops(size: tuple[int, int, int, int], seed: int) -> None:
    batch, length, key_length, width = size
    module = made("single-head", width)
    query = draw(seed, batch, length, width)
    key, value = draw(seed + 1, batch, key_length, width), draw(seed + 2, batch, key_length, width)
    expected = [
        attend(apply(module.q_proj, q), apply(module.k_proj, k), apply(module.v_proj, v))[0]
        for q, k, v in zip(query.tolist(), key.tolist(), value.tolist(), strict=True)
    ]
    assert close(module(query, key, value), expected)


@few
@given(sizes, st.sampled_from([1, 2, 4]), seeds, st.sampled_from(["none", "every head", "each head"]))
def test_mha_agrees_with_plain_loops(
    size: tuple[int, int, int, int], heads: int, seed: int, masked: str
) -> None:
    batch, length, key_length, head_width = size
    width = heads * head_width
    module = made("mha", width, heads)
    query = draw(seed, batch, length, width)
    key, value = draw(seed + 1, batch, key_length, width), draw(seed + 2, batch, key_length, width)
    mask = None
    if masked != "none":
        mask = draw(seed + 3, batch, heads if masked == "each head" else 1, length, key_length) > 0
        mask[..., seed % key_length] = True  # a row that may look nowhere has no right answer
    full = None if mask is None else mask.expand(batch, heads, length, key_length).tolist()

    def allowed(sample: int) -> Callable[[int, int, int], bool]:
        return lambda head, i, j: full is None or full[sample][head][i][j]

    rows = zip(query.tolist(), key.tolist(), value.tolist(), strict=True)
    expected = [attend_in_heads(module, *parts, heads, allowed(sample)) for sample, parts in enumerate(rows)]
    assert close(module(query, key, value, mask), expected)


@few
@given(sizes, st.sampled_from([1, 2, 4]), seeds)
def test_causal_mha_agrees_with_plain_loops(size: tuple[int, int, int, int], heads: int, seed: int) -> None:
    batch, length, spare, head_width = size
    width = heads * head_width
    module = made("causal-mha", width, heads, length + spare - 1)
    x = draw(seed, batch, length, width)
    expected = [
        attend_in_heads(module, row, row, row, heads, lambda _head, i, j: j <= i) for row in x.tolist()
    ]
    assert close(module(x), expected)
    assert [name for name, _ in module.named_buffers()] == ["bias"]


@few
@given(sizes, st.booleans())
def test_split_and_merge_put_every_number_in_its_place(
    size: tuple[int, int, int, int], transposed: bool
) -> None:
    batch, length, heads, width = size
    functions = runpy.run_path(str(CATALOG.solutions(CODE["split-merge"])[0]))
    x = torch.arange(batch * length * heads * width).reshape(batch, length, heads * width)
    if transposed:  # the same numbers, laid out in another order in memory
        x = x.transpose(1, 2).contiguous().transpose(1, 2)
    cut = functions["split_heads"](x, heads)
    assert cut.shape == (batch, heads, length, width)
    for b, h, t, c in itertools.product(range(batch), range(heads), range(length), range(width)):
        assert cut[b, h, t, c] == x[b, t, h * width + c]
    assert torch.equal(functions["merge_heads"](cut), x)
    assert torch.equal(functions["merge_heads"](cut.contiguous()), x)


@pytest.mark.parametrize("name", ["mha", "causal-mha"])
def test_dropout_acts_in_training_only(name: str) -> None:
    more = (9,) if name == "causal-mha" else ()
    module = made(name, 8, 2, *more, dropout=0.5)
    x = draw(0, 2, 5, 8)
    inputs = (x,) if name == "causal-mha" else (x, x, x)
    assert torch.equal(module(*inputs), module(*inputs))
    module.train()
    torch.manual_seed(0)
    assert not torch.equal(module(*inputs), module(*inputs))
    still = made(name, 8, 2, *more).train()
    assert torch.equal(still(*inputs), still(*inputs))


@pytest.mark.parametrize("name", ["single-head", "mha", "causal-mha"])
def test_a_width_that_heads_do_not_divide_is_refused_and_every_parameter_gets_a_gradient(name: str) -> None:
    arguments = {"single-head": (8,), "mha": (8, 2), "causal-mha": (8, 2, 9)}[name]
    if len(arguments) > 1:
        with pytest.raises(AssertionError, match="multiple of num_heads"):
            made(name, 9, *arguments[1:])
    module = made(name, *arguments)
    x = draw(1, 2, 5, 8)
    output = module(x) if name == "causal-mha" else module(x, draw(2, 2, 7, 8), draw(3, 2, 7, 8))
    (output * draw(4, 2, 5, 8)).sum().backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad is not None, parameter_name
        # The bias of the key shifts every score of a row alike: its gradient is zero by mathematics.
        assert parameter_name == "k_proj.bias" or parameter.grad.abs().max() > 1e-9, parameter_name


# --- the shapes at the line ends are true -------------------------------------------------------------------

AXES = {"B": 2, "N": 2, "L": 5, "T": 5, "S": 7, "D": 24, "C": 24, "H": 4, "n_head": 4, "d": 6}


def shapes_written(path: Path) -> dict[int, tuple[int, ...]]:
    """Return the shape said at the end of each line of code, by line number."""
    said = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := re.search(r"\S.*  # (\([^()]*\))", line):
            said[number] = eval(found[1], {}, AXES)
    return said


def shapes_seen(path: Path, call: Callable[[], object]) -> dict[int, tuple[int, ...]]:
    """Run `call` and return the shape of what each line of the file assigned or returned."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    targets = {
        node.lineno: ast.unparse(node.targets[0]) for node in ast.walk(tree) if isinstance(node, ast.Assign)
    }
    seen: dict[int, tuple[int, ...]] = {}
    previous: dict[FrameType, int] = {}

    def note(frame: FrameType, event: str, value: object) -> Any:
        if frame.f_code.co_filename != str(path):
            return None
        before = previous.get(frame)
        assigned = frame.f_locals.get(targets.get(before or 0, ""))
        if before is not None and hasattr(assigned, "shape"):
            seen[before] = tuple(assigned.shape)
        if event == "return" and hasattr(value, "shape"):
            seen[frame.f_lineno] = tuple(value.shape)  # type: ignore[attr-defined]
        previous[frame] = frame.f_lineno
        return note

    kept = sys.gettrace()
    sys.settrace(note)
    try:
        call()
    finally:
        sys.settrace(kept)
    return seen


@pytest.mark.parametrize(
    "path", [path for p in CODE.values() for path in CATALOG.solutions(p)], ids=lambda p: p.stem
)
def test_the_shapes_at_the_line_ends_are_true(path: Path) -> None:
    names = runpy.run_path(str(path))
    query, key, value = torch.rand(2, 5, 24), torch.rand(2, 7, 24), torch.rand(2, 7, 24)

    def call() -> object:
        if path.stem == "split_merge":
            return names["merge_heads"](names["split_heads"](query, 4))
        if path.stem == "causal_mha":
            return names["CausalSelfAttention"](24, 4, 9)(query)
        if path.stem == "mha":
            return names["MultiHeadAttention"](24, 4)(query, key, value, torch.ones(5, 7, dtype=torch.bool))
        if path.stem == "single_head":
            return names["SingleHeadAttention"](24)(query, key, value)
        parts = (query, key, value)
        numbers = [part.numpy() for part in parts] if path.stem == "sdpa_numpy" else parts
        return names["ScaledDotProductAttention"](24)(*numbers)

    said, seen = shapes_written(path), shapes_seen(path, call)
    assert len(said) >= 2
    assert {number: seen.get(number) for number in said} == said


# --- the two first questions --------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_answer_about_the_shapes_is_what_torch_gives(lang: Lang) -> None:
    question = QUESTIONS["attention-shapes"]
    n, length, width = 2, 5, 8
    q, k, v = torch.rand(3, n, length, width).unbind()
    weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(width), dim=-1)
    symbols = {n: "N", length: "L", width: "D"}
    shapes = [f"[{', '.join(symbols[size] for size in part.shape)}]" for part in (weights @ v, weights)]
    right = [re.findall(r"\[[^\]]*\]", option.say(lang)) == shapes for option in question.options]
    assert right == [letter == question.answer for letter in "ABCD"]


def test_the_short_answer_has_its_points_and_the_model_answer_has_them_all() -> None:
    question = QUESTIONS["transformer-idea"]
    assert len({point.id for point in question.points}) == len(question.points) == 8
    assert question.model
    for point in question.points:
        for wordings in (point.wordings_en, point.wordings_zh):
            assert len(set(wordings)) == len(wordings) >= 4, point.id
        assert all(CJK.search(said) or said.isascii() for said in point.wordings_zh), point.id
        assert not any(CJK.search(said) for said in point.wordings_en), point.id
    marks = {
        "self-attention": ("self-attention", "自注意力"),
        "replaces-recurrence": ("replaces recurrence and convolution", "取代循环和卷积"),
        "parts": ("encoder and a decoder", "编码器和解码器"),
        "parallel": ("in parallel", "并行"),
        "long-range": ("long-range dependencies", "长距离依赖"),
        "example": ("machine translation", "机器翻译"),
        "cnn-common": ("both extract features", "提取特征"),
        "cnn-local-global": ("local window", "局部窗口"),
    }
    assert set(marks) == {point.id for point in question.points}
    for english, chinese in marks.values():
        assert english in question.model.en
        assert chinese in question.model.zh


def test_a_topic_that_a_question_points_to_is_there() -> None:
    assert {question.topic for question in QUESTIONS.values()} - {""} <= TOPICS
