"""Reciting: a line that means the same is right whatever its letters, and one that does not is taken apart."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from driving import Terminal, drill
from hypothesis import given, settings
from hypothesis import strategies as st

from mha_drill.catalog import load_catalog
from mha_drill.progress import Store
from mha_drill.recite import blanks
from mha_drill.recite.matching import Recitation, Verdict
from mha_drill.recite.reference import Reference, read_reference
from mha_drill.recite.session import level_after
from mha_drill.recite.statements import Unreadable, read_line
from mha_drill.records import STEPS, Attempt

CATALOG = load_catalog()
PROBLEMS = [problem for problem in CATALOG.problems if problem.kind == "code"]
CODE = {problem.id: CATALOG.solution(problem) for problem in PROBLEMS}
MHA = read_reference(CODE["mha"])


def lines_of(source: str) -> list[str]:
    return [" " * line.indent + line.text for line in read_reference(source).lines]


def recited(reference: Reference, lines: list[str]) -> tuple[Recitation, list[Verdict]]:
    recitation = Recitation(reference)
    return recitation, [recitation.offer(line) for line in lines]


def upto(start: str, reference: Reference = MHA) -> Recitation:
    """A recitation whose next line is the one that begins so."""
    recitation = Recitation(reference)
    for line in reference.lines:
        if line.text.startswith(start):
            break
        assert recitation.offer(line.text).outcome == "right", line.text
    return recitation


# --- the same in other words

# For a piece of the reference, other ways to write it that come to the same.
SPELLINGS = {
    "torch.matmul(q, k.transpose(-2, -1))": [
        "q @ k.transpose(-2, -1)", "q.matmul(k.transpose(-1, -2))", "torch.matmul(input=q, other=k.mT)",
        "torch.matmul(q, k.transpose(2, 3))", "q @ k.permute(0, 1, 3, 2)", "q @ k.swapaxes(-1, -2)",
        "torch.matmul(q, other=torch.transpose(k, dim0=-2, dim1=-1))",
    ],
    "scores / math.sqrt(d)": [
        "scores / d ** 0.5", "scores * d ** -0.5", "scores * (1 / math.sqrt(d))", "(1.0 / math.sqrt(d)) * scores",
        "scores / math.sqrt(self.d_k)", "scores.div(d ** 0.5)", "torch.div(scores, math.sqrt(d))",
        "scores / (d ** (1 / 2))",
    ],
    "scores = scores / math.sqrt(d)": ["scores /= math.sqrt(d)"],
    "scores.masked_fill(~mask, torch.finfo(scores.dtype).min)": [
        "scores.masked_fill(mask == 0, float('-inf'))", "scores.masked_fill(mask.logical_not(), -1e9)",
        "torch.masked_fill(scores, ~mask, -math.inf)", "torch.where(mask, scores, -1e9)",
        "scores.masked_fill(mask == False, -torch.inf)",
    ],
    "if mask is not None:": ["if mask != None:", "if not mask is None:", "if not (mask == None):"],
    "torch.softmax(scores, dim=-1)": [
        "scores.softmax(-1)", "scores.softmax(dim=3)", "torch.softmax(scores, axis=-1)",
        "nn.functional.softmax(scores, dim=-1)", "torch.softmax(input=scores, dim=-1)", "nn.Softmax(dim=-1)(scores)",
    ],
    "torch.matmul(weights, v)": ["weights @ v", "weights.matmul(v)", "torch.matmul(weights, other=v)"],
    "q.view(B, L, H, d).transpose(1, 2)": [
        "q.reshape(B, L, H, d).transpose(2, 1)", "q.view(B, -1, H, d).permute(0, 2, 1, 3)",
        "q.view((B, L, H, d)).transpose(-3, -2)", "q.contiguous().view(B, L, self.num_heads, self.d_k).swapaxes(1, 2)",
        "torch.reshape(q, (B, L, H, -1)).transpose(1, 2)", "q.view(query.size(0), query.size(1), H, d).transpose(1, 2)",
    ],
    "y.transpose(1, 2).contiguous().view(B, L, D)": [
        "y.transpose(1, 2).reshape(B, L, D)", "y.permute(0, 2, 1, 3).reshape(B, -1, D)",
        "y.transpose(1, 2).flatten(2)",
        "torch.transpose(y, 1, 2).contiguous().view(B, L, -1)",
    ],
    "nn.Linear(d_model, d_model)": [
        "nn.Linear(in_features=d_model, out_features=d_model)", "torch.nn.Linear(d_model, d_model, bias=True)",
        "nn.Linear(d_model, out_features=d_model)",
    ],
    "nn.Dropout(dropout)": ["nn.Dropout(p=dropout)", "torch.nn.Dropout(dropout, inplace=False)"],
    "super().__init__()": ["super(MultiHeadAttention, self).__init__()", "nn.Module.__init__(self)"],
    "d_model // num_heads": ["int(d_model / num_heads)"],
    "query.shape": [
        "query.size()", "query.size(0), query.size(1), query.size(2)", "query.shape[0], query.size(1), query.shape[2]",
    ],
    "key.size(1)": ["key.shape[1]", "key.size(dim=1)", ],
    ', "d_model must be a multiple of num_heads"': ["", ", 'no'"],
    "query, key, value, mask=None):": [
        "query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask=None) -> torch.Tensor:",
        "query, key, value, mask: 'torch.Tensor | None' = None):",
    ],
}  # fmt: skip
RENAMED = {
    "query": "x_q", "key": "x_k", "value": "x_v", "mask": "allowed", "scores": "att", "weights": "probs", "y": "out",
    "q_proj": "w_q", "k_proj": "w_k", "v_proj": "w_v", "o_proj": "to_out", "num_heads": "n_head", "d_k": "head_dim",
    "d_model": "width", "MultiHeadAttention": "MHA", "B": "batch", "L": "n", "D": "channels", "S": "m", "q": "qs",
}  # fmt: skip


@st.composite
def rewritten(draw: st.DrawFn) -> str:
    """Return the reference in other words and other names, its free lines in another order."""
    source = "\n".join(lines_of(CODE["mha"]))
    for piece in SPELLINGS:
        assert piece in source, piece
    for piece, others in draw(st.permutations(list(SPELLINGS.items()))):
        source = source.replace(piece, draw(st.sampled_from([piece, *others])))
    for name in draw(st.sets(st.sampled_from(sorted(RENAMED)))):
        source = re.sub(rf"(?<![\w']){name}\b", RENAMED[name], source)
    lines = source.splitlines()
    free = [at for at, line in enumerate(lines) if "nn.Linear" in line]
    order = draw(st.permutations(free))
    moved = dict(zip(free, (lines[at] for at in order), strict=True))
    return "\n".join(moved.get(at, line) for at, line in enumerate(lines))


@settings(max_examples=60)
@given(rewritten())
def test_the_reference_in_other_words_is_right(source: str) -> None:
    recitation, verdicts = recited(MHA, source.splitlines())
    wrong = [
        (line, verdict)
        for line, verdict in zip(source.splitlines(), verdicts, strict=True)
        if verdict.outcome != "right"
    ]
    assert not wrong
    assert recitation.next is None


@settings(max_examples=10)
@given(rewritten())
def test_and_it_comes_to_the_same_numbers(source: str) -> None:
    made = {}
    for code in (CODE["mha"], source):
        space: dict[str, object] = {}
        exec(code, space)
        (kind,) = (
            each for each in space.values() if isinstance(each, type) and issubclass(each, torch.nn.Module)
        )
        torch.manual_seed(0)
        layer = kind(24, 4)  # type: ignore[call-arg]
        named = dict(layer.named_parameters())
        with torch.no_grad():
            for name in sorted(named, key=lambda name: (_role(name), name)):
                torch.nn.init.normal_(named[name])
        inputs = [
            torch.randn(2, length, 24, generator=torch.Generator().manual_seed(length))
            for length in (5, 7, 7)
        ]
        inputs[2] = inputs[2] + 1
        made[code] = layer.eval()(*inputs, torch.ones(5, 7).tril() == 1)
    one, other = (made[CODE["mha"]], made[source])
    torch.testing.assert_close(one, other)


def _role(name: str) -> int:
    return next(
        at
        for at, part in enumerate(("q", "k", "v", "o"))
        if part in re.sub(r"_proj|w_|to_|ut|\..*", "", name)
    )


def test_the_lines_of_every_solution_recite_it() -> None:
    for code in CODE.values():
        recitation, verdicts = recited(read_reference(code), lines_of(code))
        assert {verdict.outcome for verdict in verdicts} == {"right"}
        assert recitation.next is None


@pytest.mark.parametrize(
    "typed",
    [
        ["q = self.q_proj(query).view(B, L, H, d).transpose(1, 2)"],
        ["v = self.v_proj(value)", "q = self.q_proj(query)", "q = q.view(B, L, H, d).transpose(1, 2)"],
        ["k = self.k_proj(key)", "k = k.view(B, S, H, d)", "k = k.transpose(1, 2)"],
        ["q = self.q_proj(query); k = self.k_proj(key); v = self.v_proj(value)"],
    ],
)
def test_lines_may_be_joined_spread_and_in_another_order(typed: list[str]) -> None:
    recitation = upto("q = self.q_proj")
    for line in typed:
        assert recitation.offer(line).outcome in ("right", "part"), line


def test_a_whole_answer_in_another_style_is_right() -> None:
    typed = """
        import math
        import torch
        import torch.nn as nn
        class Attention(nn.Module):
        def __init__(self, dim, heads=8, p=0.1):
        super().__init__()
        self.h, self.dk = heads, dim // heads
    """.split("\n")[1:-2]
    recitation, verdicts = recited(MHA, typed)
    assert [verdict.outcome for verdict in verdicts] == ["right"] * 6
    for line in (
        "self.h = heads", "self.dk = dim // heads", "self.out = nn.Linear(dim, dim)", "self.kk = nn.Linear(dim, dim)",
        "self.qq = nn.Linear(dim, dim)", "self.vv = nn.Linear(dim, dim)", "self.drop = nn.Dropout(p)",
        "def forward(self, q, k, v, mask=None):", "b, n, c = q.shape",
        "q = self.qq(q).view(b, n, self.h, self.dk).transpose(1, 2)",
        "k = self.kk(k).view(b, -1, self.h, self.dk).transpose(1, 2)",
        "v = self.vv(v).view(b, -1, self.h, self.dk).transpose(1, 2)",
        "att = (q @ k.transpose(-2, -1)) / math.sqrt(self.dk)",
        "if mask is not None: att = att.masked_fill(mask == 0, -1e9)",
        "att = self.drop(att.softmax(dim=-1))", "y = (att @ v).transpose(1, 2).reshape(b, n, c)", "return self.out(y)",
    ):  # fmt: skip
        verdict = recitation.offer(line)
        assert verdict.outcome == "right", (line, verdict)
    assert recitation.next is None


# --- what breaks the meaning

BROKEN = [
    ("q = self.q_proj", "q = self.k_proj(query)", "project", "other-name"),
    ("q = self.q_proj", "q = self.q_proj(key)", "project", "other-name"),
    ("q = q.view", "q = q.view(B, H, L, d).transpose(1, 2)", "split", "other-name"),
    ("q = q.view", "q = q.view(B, L, H, d).transpose(1, 3)", "split", "axis"),
    ("q = q.view", "q = q.view(B, L, D).transpose(1, 2)", "split", "count"),
    ("k = k.view", "k = k.view(B, L, H, d).transpose(1, 2)", "split", "other-name"),
    ("scores = torch", "scores = torch.matmul(q, k)", "score", "missing"),
    ("scores = torch", "scores = torch.matmul(k, q.transpose(-2, -1))", "score", "other-name"),
    ("scores = torch", "scores = q * k.transpose(-2, -1)", "score", "other"),
    ("scores = torch", "scores = torch.matmul(q, k.transpose(1, 2))", "score", "axis"),
    ("scores = scores / ", "scores = scores / d", "scale", "missing"),
    ("scores = scores / ", "scores = scores * math.sqrt(d)", "scale", "operator"),
    ("scores = scores / ", "scores = scores / math.sqrt(D)", "scale", "other-name"),
    ("scores = scores / ", "scores = math.sqrt(d) / scores", "scale", "other"),
    ("    scores = scores.masked", "scores = scores.masked_fill(mask, -1e9)", "mask", "inverted"),
    ("    scores = scores.masked", "scores = scores.masked_fill(~mask, 0.0)", "mask", "fill"),
    ("    scores = scores.masked", "scores = scores.masked_fill(~mask, 1e9)", "mask", "fill"),
    ("if mask", "if mask is None:", "mask", "operator"),
    ("weights = torch", "weights = torch.softmax(scores, dim=-2)", "softmax", "axis"),
    ("weights = torch", "weights = torch.sigmoid(scores)", "softmax", "other"),
    ("y = torch", "y = torch.matmul(weights, k)", "weigh", "other-name"),
    ("y = y.transpose", "y = y.transpose(1, 2).view(B, L, D)", "merge", "contiguous"),
    ("y = y.transpose", "y = y.contiguous().view(B, L, D)", "merge", "missing"),
    ("y = y.transpose", "y = y.reshape(B, L, D)", "merge", "missing"),
    ("return", "return y", "output", "missing"),
    ("return", "return self.q_proj(y)", "output", "other-name"),
    ("return", "return self.o_proj(self.dropout(y))", "output", "extra"),
    ("self.d_k", "self.d_k = d_model / num_heads", "split", "operator"),
    ("self.q_proj = ", "self.q_proj = nn.Linear(d_model, num_heads)", "project", "other-name"),
    ("self.q_proj = ", "self.q_proj = nn.Linear(d_model, d_model, bias=False)", "project", "more"),
    ("S = key", "S = key.size(0)", "split", "axis"),
    ("def forward", "def forward(self, query, key, value):", "", "fewer"),
    ("def forward", "def attend(self, query, key, value, mask=None):", "", "function-name"),
]  # fmt: skip


@pytest.mark.parametrize(("start", "typed", "step", "reason"), BROKEN)
def test_a_line_that_means_something_else_is_taken_apart(
    start: str, typed: str, step: str, reason: str
) -> None:
    recitation = upto(start.strip())
    verdict = recitation.offer(typed)
    assert verdict.outcome == "wrong"
    assert verdict.line is not None
    assert verdict.difference is not None
    assert (verdict.line.step, verdict.difference.reason) == (step, reason)
    assert recitation.offer(recitation.next.text if recitation.next else "").outcome == "right", (
        "nothing is kept of it"
    )


LISTED = [(problem.id, at, edit) for problem in PROBLEMS for at, edit in enumerate(CATALOG.mistakes(problem))]


@pytest.mark.parametrize(("problem", "at", "edit"), LISTED, ids=lambda each: getattr(each, "code", str(each)))
def test_no_listed_mistake_passes_for_the_reference(problem: str, at: int, edit: object) -> None:
    wrong = CODE[problem].replace(edit.old.strip("\n"), edit.new.strip("\n"), 1)  # type: ignore[attr-defined]
    assert wrong != CODE[problem]
    recitation = Recitation(read_reference(CODE[problem]))
    for line in lines_of(wrong):
        if recitation.offer(line).outcome not in ("right", "part"):
            return
    assert recitation.next is not None


@settings(max_examples=80)
@given(st.data())
def test_swapping_two_names_or_numbers_in_a_line_breaks_it(data: st.DataObject) -> None:
    """Where two tokens exchanged make another tree, the line is refused (but where order is free)."""
    line = data.draw(
        st.sampled_from([line for line in MHA.lines if line.step and line.statement.kind == "assign"])
    )
    tokens = [
        found
        for found in re.finditer(r"\b[A-Za-z_]\w*\b|\d+", line.text)
        if found.start() > line.text.find("=")
    ]
    one, other = data.draw(st.tuples(st.sampled_from(tokens), st.sampled_from(tokens)))
    if one.start() >= other.start() or one[0] == other[0]:
        return
    text = line.text
    typed = text[: one.start()] + other[0] + text[one.end() : other.start()] + one[0] + text[other.end() :]
    recitation = upto(line.text)
    try:
        verdict = recitation.offer(typed, line)
    except Unreadable:
        return
    alike = {"transpose(2, 1)", "transpose(-1, -2)", "B, L", "H, d"}
    if verdict.outcome == "right":
        assert any(part in typed for part in alike), typed


def test_a_line_that_comes_later_or_is_written_already_is_told_apart() -> None:
    recitation = upto("scores = torch")
    assert recitation.offer("weights = torch.softmax(scores, dim=-1)").outcome == "later"
    assert recitation.offer("q = self.q_proj(query)").outcome == "again"


@pytest.mark.parametrize("typed", ["q = (", "q == = 3", "\x00", "def", "q = " + "(" * 300, "x\\"])
def test_what_python_cannot_read_is_said(typed: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        upto("q = self").offer(typed)
    assert unreadable.value.reason


@given(st.text(max_size=60))
def test_nothing_typed_breaks_a_recitation(typed: str) -> None:
    recitation = upto("q = self")
    try:
        verdict = recitation.offer(typed)
    except Unreadable:
        return
    assert verdict.outcome in ("text", "part", "wrong", "later", "again", "right")


def test_reading_is_quiet_about_stray_backslashes() -> None:
    assert read_line(r"x = '\d'")[0].kind == "assign"


# --- steps and blanks


def test_every_line_of_every_solution_is_filed_under_its_step() -> None:
    framed = {"import", "class", "def"}
    for name, code in CODE.items():
        reference = read_reference(code)
        for line in reference.lines:
            assert line.step in ("", *STEPS)
            bare = line.statement.kind in framed or line.statement.value.kind == "super-init"
            assert bool(line.step) != bare, (name, line.text)
        problem = CATALOG.problem(name)
        found = {line.step for line in reference.lines if line.step}
        assert found >= set(problem.steps) - {"split", "output"}, name


def test_more_is_blanked_at_each_level() -> None:
    for code in CODE.values():
        reference = read_reference(code)
        shown = []
        for level in range(1, blanks.LEVELS + 1):
            seen = 0
            for line in reference.lines:
                text = (
                    line.text
                    if not blanks.asked(line, level)
                    else blanks.template(line, line.text, level, "x")
                )
                assert blanks.asked(line, level) <= (text != line.text), (level, line.text)
                seen += len(text.replace(blanks.BLANK, ""))
            shown.append(seen)
        assert shown == sorted(set(shown), reverse=True)
        assert shown[-1] == 0


def test_a_blank_filled_as_the_reference_has_it_is_right() -> None:
    recitation = Recitation(MHA)
    for line in MHA.lines:
        for level in (1, 2):
            shown = blanks.template(line, line.text, level, "mha")
            if blanks.BLANK in shown and not line.frame:
                pattern = re.escape(shown).replace(re.escape(blanks.BLANK), "(.+?)") + "$"
                found = re.match(pattern, line.text)
                assert found, shown
                if level == 1 or " " not in found[1]:
                    meant = blanks.filled(shown, " ".join(found.groups()))
                    assert line.text in meant
        assert recitation.offer(line.text, line).outcome == "right"


def test_the_level_rises_when_nearly_all_was_right() -> None:
    def kept(answer: str) -> Attempt:
        return Attempt("recite-mha", "recite", (), 1.0, 1.0, answer, 1.0)

    assert level_after(()) == 1
    assert level_after((kept("level 1 next 1"), kept("level 1 next 2"))) == 2
    assert level_after((kept("nonsense"),)) == 1


# --- the command


def whole(level: int, problem: str = "sdpa") -> str:
    lines = read_reference(CODE[problem]).lines
    return "".join(line.text + "\n" for line in lines if blanks.asked(line, level))


def test_a_recitation_through_a_pipe_rises_level_by_level(tmp_path: Path, own_record: Path) -> None:
    for level in (1, 2, 3, 4, 4):
        done = drill("recite", "sdpa", typed=whole(level), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"Level {level} of 4" in done.stdout
        assert "✗" not in done.stdout
    kept = Store(own_record / "progress.sqlite3").attempts("recite-sdpa")
    assert [attempt.score for attempt in kept] == [1.0] * 5
    assert json.loads(drill("status", "--json").stdout)["by_step"]["scale"]["strength"] == 1.0


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_wrong_line_is_answered_by_its_step_and_the_mistake(
    tmp_path: Path, own_record: Path, lang: str
) -> None:
    lines = whole(3).splitlines()
    at = next(at for at, line in enumerate(lines) if "sqrt" in line)
    typed = "\n".join([*lines[:at], "scores = scores * math.sqrt(self.d_k)", "?", "?", *lines[at:]]) + "\n"
    done = drill("recite", "sdpa", "--level", "3", "--lang", lang, typed=typed, cwd=tmp_path)
    assert done.returncode == 0
    shown = " ".join(done.stdout.split())
    assert ("Step scale:" if lang == "en" else "“缩放”") in shown
    assert ("wrong factor" if lang == "en" else "缩放系数不对") in shown
    assert "scores = scores /" in done.stdout
    (kept,) = Store(own_record / "progress.sqlite3").attempts()
    assert kept.missed == ("scale",)
    assert 0.5 < kept.score < 1.0


def test_a_stuck_learner_gets_token_after_token_and_then_the_line(tmp_path: Path) -> None:
    done = drill("recite", "sdpa", "--level", "3", typed="?\n?\n?\n?\n?\ns\nq\n", cwd=tmp_path)
    first = read_reference(CODE["sdpa"]).lines[4].text
    assert first == "self.d_k = d_k"
    for begun in ("self …", "self. …", "self.d_k …", "self.d_k = …", "self.d_k = d_k\n"):
        assert begun in done.stdout
    assert "1 shown" in done.stdout


def test_the_end_of_input_sums_up_and_what_was_written_is_kept(tmp_path: Path, own_record: Path) -> None:
    done = drill("recite", "sdpa", "--level", "3", typed="self.d_k = d_k\n", cwd=tmp_path)
    assert done.returncode == 0
    assert "1 right at once" in done.stdout
    assert Store(own_record / "progress.sqlite3").attempts()[0].score == 1.0
    assert "Level 3 of 4" in drill("recite", "sdpa", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "arguments", [["nope"], ["attention-shapes"], ["mha", "--level", "9"], ["mha", "--level", "x"]]
)
def test_bad_usage(tmp_path: Path, arguments: list[str]) -> None:
    done = drill("recite", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_ctrl_c_ends_it_with_a_summary(tmp_path: Path) -> None:
    terminal = Terminal("recite", "sdpa", cwd=tmp_path)
    terminal.prompt()
    terminal.press_ctrl_c()
    shown, code = terminal.end()
    assert code == 130
    assert "Traceback" not in shown


def test_a_long_line_is_broken_between_words() -> None:
    done = drill("recite", "mha", COLUMNS="60")
    assert '\n              "d_model must be a multiple of num_heads"\n' in done.stdout
    assert all(len(line) <= 60 for line in done.stdout.splitlines())
