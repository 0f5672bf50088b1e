"""The screen of `check`: what a learner reads of a report, at every width, in both languages, without colour."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mha_drill.records import Lang, Mistake, Report, StepRow, StepSide, TestResult
from mha_drill.ui.check import clean, render_diff, render_report, render_summary
from mha_drill.ui.code import crop, fold
from mha_drill.ui.console import make_console
from mha_drill.words import word

LONG = "        attention_scores = torch.matmul(query_heads, key_heads.transpose(-2, -1)) / math.sqrt(self.d_model)"
SOURCE = f"""import torch
class Attention(nn.Module):
    def forward(self, q, k, v):
        q = self.q_linear(q)
        k = self.q_linear(k)
        v = self.q_linear(v)
{LONG}  # 缩放
\tprint("\x1b[2J")
        return torch.softmax(attention_scores, dim=-1) @ v
"""
REFERENCE = {
    "project": ("q = self.q_proj(query)  # (B, L, D)", (2, 5, 24)),
    "split": ("q = q.view(B, L, H, d).transpose(1, 2)", (2, 4, 5, 6)),
    "score": ("scores = torch.matmul(q, k.transpose(-2, -1))", (2, 4, 5, 5)),
    "scale": ("scores = scores / math.sqrt(d)", (2, 4, 5, 5)),
    "mask": ("scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)", (2, 4, 5, 5)),
    "softmax": ("weights = torch.softmax(scores, dim=-1)", (2, 4, 5, 5)),
    "dropout": ("weights = self.dropout(weights)", (2, 4, 5, 5)),
    "weigh": ("y = torch.matmul(weights, v)", (2, 4, 5, 6)),
    "merge": ("y = y.transpose(1, 2).contiguous().view(B, L, D)", (2, 5, 24)),
    "output": ("return self.o_proj(y)", (2, 5, 24)),
}
YOURS = {"project": 5, "score": 7, "scale": 7, "softmax": 9, "weigh": 9}
SHARED = {
    "en": ("One map serves two projections ({})", "Both have the same weights.", ("query and key", "query and value")),
    "zh": ("两个投影共用了同一个线性层（{}）", "两个投影的权重完全相同。", ("查询和键", "查询和值")),
}  # fmt: skip


def steps(*wrong: str) -> tuple[StepRow, ...]:
    lines = SOURCE.splitlines()
    rows = []
    for number, (step, (code, shape)) in enumerate(REFERENCE.items(), 40):
        at = YOURS.get(step)
        yours = StepSide(at, lines[at - 1].strip(), (2, 5, 24) if step == "split" else shape) if at else None
        rows.append(StepRow(step, yours, StepSide(number, code, shape), step not in wrong))  # type: ignore[arg-type]
    return tuple(rows)


def hidden_tests(lang: Lang) -> tuple[TestResult, ...]:
    title, _, (variant, _) = SHARED[lang]
    sizes = "q (2, 5, 24), k (2, 5, 24), v (2, 5, 24); heads 4"
    said = word(
        "check.differs",
        lang,
        place="[0, 1, :2]",
        expected="[0.0302, 0.2834]",
        actual="[1.5, -0.25]",
        sizes=sizes,
    )
    crash = [
        word("check.raised", lang, line=7, error="RuntimeError: bad shape", sizes=f"q (2, {n}, 24)")
        for n in (5, 7)
    ]
    found = word("check.found", lang, line=5, title=title.format(variant))
    return (
        TestResult("load-runs", "load", "The file runs.", "passed", "", 1.0),
        TestResult("construct-made", "construct", "The class can be made.", "passed", "", 1.0),
        TestResult("shape-a", "shape", "The shape is the query's.", "failed", crash[0], 1.0),
        TestResult("shape-b", "shape", "Another length works.", "failed", crash[1], 1.0),
        TestResult("value-a", "value", "The values are right.", "failed", said, 1.0),
        TestResult("value-b", "value", "Each projection is its own.", "failed", found, 1.0),
        TestResult("value-c", "value", "It goes on.", "skipped", "not reached", 1.0),
        TestResult("backward-a", "backward", "Gradients flow.", "skipped", "no gradients here", 1.0),
    )


def failing(lang: Lang = "en") -> Report:
    title, why, variants = SHARED[lang]
    shared = [
        Mistake("shared-projection", "project", line, f"{name} = self.q_linear({name})", REFERENCE["project"][0],
                title.format(variant), why, "`k = self.k_proj(k)`.", "linear-maps-that-nobody-explains", True)
        for line, name, variant in zip((5, 6), "kv", variants, strict=True)
    ]  # fmt: skip
    scale = Mistake("wrong-scale", "scale", 7, LONG.strip(), REFERENCE["scale"][0], "Wrongly scaled", "Too flat.",
                    "`scores / math.sqrt(d)`.", "view", False)  # fmt: skip
    return Report(
        "my file.py", "mha", "fail", hidden_tests(lang), (*shared, scale), ("`k_linear` is never used.",),
        steps("project", "scale", "output"), 0.41, 0.3, why=word("check.why-asked", lang), bound=("made with (24, 4)",),
    )  # fmt: skip


def passing(lang: Lang = "en") -> Report:
    passed = tuple(replace(test, outcome="passed", message="") for test in hidden_tests(lang))
    return replace(failing(lang), verdict="pass", tests=passed, mistakes=(), steps=steps(), why="")


def screen(report: Report, lang: Lang = "en", width: int = 80, source: str = SOURCE, **kinds: bool) -> str:
    paper = io.StringIO()
    render_report(make_console(paper, width=width, environ={}), report, lang, source=source, **kinds)
    return paper.getvalue()


def part(shown: str, heading: str) -> str:
    return shown.partition(heading)[2].partition("\n\n")[0]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [40, 60, 80, 99, 100, 120, 200])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_the_page_and_none_ends_in_spaces(
    lang: Lang, width: int, verbose: bool
) -> None:
    for report in (failing(lang), passing(lang)):
        for line in screen(report, lang, width, verbose=verbose).splitlines():
            assert cell_len(line) <= width, line
            assert line == line.rstrip()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_verdict_comes_first_and_needs_no_colour(lang: Lang) -> None:
    first = screen(failing(lang), lang).splitlines()[0]
    assert first.startswith(f"✗ {word('check.verdict-fail', lang)}  my file.py")
    assert word("check.count-mistakes", lang, count=3) in first
    assert screen(passing(lang), lang).startswith(f"✓ {word('check.verdict-pass', lang)}  my file.py\n")
    assert "\x1b" not in screen(failing(lang), lang)


def test_the_groups_are_counted_and_say_why_they_were_not_run() -> None:
    lines = screen(failing()).splitlines()
    assert lines[2].split("   ") == [
        "  ✓ load 1", "✓ construct 1", "✗ shape 0/2", "✗ value 0/3", "– backward",
    ]  # fmt: skip
    assert lines[3] == "  skipped: no gradients here"
    assert "✓ value 1 (1 skipped)" in screen(
        replace(failing(), tests=(failing().tests[6], replace(failing().tests[6], outcome="passed")))
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_two_mistakes_of_one_code_share_a_panel_that_says_it_once(lang: Lang) -> None:
    shown = screen(failing(lang), lang)
    title, why, variants = SHARED[lang]
    assert shown.count(why) == 1
    panel = shown.partition("shared-projection ─")[2].partition("wrong-scale")[0]
    assert f"✗ {title[:-4]}".rstrip() in panel
    rows = [line for line in panel.splitlines() if "│" in line]
    assert [row.split("│")[0].split() for row in rows] == [
        ["4"], ["›", "5"], [], ["›", "6"], [], ["7"], [word("check.reference-line", lang)],
    ]  # fmt: skip
    assert [row.split("│ ")[1] for row in (rows[2], rows[4])] == [f"✗ {variant}" for variant in variants]
    assert rows[6].endswith("│ q = self.q_proj(query)")
    assert len({cell_len(row.split("│")[0]) for row in rows}) == 1


def test_mistakes_that_say_different_things_stand_apart() -> None:
    report = failing()
    other = replace(report.mistakes[1], explanation="Another reason.")
    shown = screen(replace(report, mistakes=(report.mistakes[0], other)))
    assert shown.count("shared-projection ─") == 2
    assert "query and key)" in shown
    assert "query and value)" in shown


def test_the_mistaken_line_is_never_cut() -> None:
    for width in (40, 80, 120):
        panel = screen(failing(), width=width).partition("wrong-scale")[2].partition("Hidden tests")[0]
        rows = panel.splitlines()
        start = next(at for at, row in enumerate(rows) if "›" in row)
        code = rows[start].split("│ ")[1]
        for row in rows[start + 1 :]:
            if row.split("│")[0].strip():
                break
            code += row.split("│ ")[1]
        assert re.sub(r"\s", "", code) == re.sub(r"\s", "", LONG)


def test_only_topics_that_exist_are_offered() -> None:
    shown = screen(failing())
    assert "mha-drill explain view" in shown
    assert "linear-maps-that-nobody-explains" not in shown


def test_proof_is_claimed_only_where_there_is_one() -> None:
    assert screen(failing()).count(word("check.proved", "en")) == 1


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_failed_test_shows_expected_above_what_came(lang: Lang) -> None:
    shown = part(screen(failing(lang), lang), word("check.failing-tests", lang)).splitlines()
    at = next(number for number, line in enumerate(shown) if "The values are right." in line)
    expected, actual, sizes = shown[at + 1 : at + 4]
    assert expected.split(maxsplit=1) == [word("check.expected", lang), "[0.0302, 0.2834]  [0, 1, :2]"]
    assert actual.split(maxsplit=1) == [word("check.actual", lang), "[1.5, -0.25]"]
    assert "q (2, 5, 24), k (2, 5, 24)" in sizes
    assert cell_len(expected[: expected.index("[")]) == cell_len(actual[: actual.index("[")])


def test_the_same_exception_is_told_once_and_the_rest_counted() -> None:
    shown = part(screen(failing()), "Hidden tests that failed")
    assert shown.count("line 7 raised RuntimeError: bad shape") == 1
    assert "... and one more; --verbose shows it." in shown
    assert screen(failing(), verbose=True).count("line 7 raised RuntimeError: bad shape") == 2
    assert "Each projection is its own.  (mistake 1)" in shown


def test_a_file_that_does_not_load_says_it_once() -> None:
    story = Mistake(
        "syntax-error", "load", 4, "q = （", "", "Python cannot read the file", "Why.", "Fix.", "", False
    )
    test = TestResult(
        "load-runs", "load", "The file runs.", "failed", "line 4: Python cannot read the file", 1.0
    )
    report = replace(failing(), mistakes=(story,), tests=(test,), steps=())
    shown = screen(report)
    assert shown.count("Python cannot read the file") == 1
    assert "The file runs." not in shown
    assert "The file runs." in screen(report, verbose=True)


def test_the_walk_at_80_columns_puts_one_line_below_the_other() -> None:
    walk = part(screen(failing()), word("check.walk-below", "en")).splitlines()
    assert walk[0] == "  B=2 L=S=5 D=24 H=4 d=6"
    assert [line.split()[1] for line in walk[1:] if line[0] != " "] == list(REFERENCE)
    assert [line.split()[1] for line in walk[1:] if line[0] == "✗"] == ["project", "scale", "output"]
    scale = [line for line in walk if "math.sqrt" in line]
    assert "/ math.sqrt(self.d_model)" in scale[0]
    assert scale[1].split() == ["43", "scores", "=", "scores", "/", "math.sqrt(d)", "(2,", "4,", "5,", "5)"]
    assert all(line.endswith(")") for line in scale[1:])


def test_the_walk_at_120_columns_stands_side_by_side() -> None:
    walk = part(screen(failing(), width=120), word("check.walk", "en")).splitlines()
    softmax = next(line for line in walk if "softmax" in line)
    assert "torch.softmax(attention_scores, dim=-1)" in softmax
    assert "weights = torch.softmax(scores, dim=-1)" in softmax
    assert softmax.count("(2, 4, 5, 5)") == 1
    heads = [line.index(line.split()[2]) for line in walk[2:] if line[0] in "✓✗"]
    assert len(set(heads)) == 1


def test_a_shape_that_differs_is_shown_on_both_sides() -> None:
    rows = list(steps("split"))
    rows[1] = replace(rows[1], yours=StepSide(4, "q = self.q_linear(q)", (2, 5, 24)))
    for width in (80, 120):
        shown = screen(replace(failing(), steps=tuple(rows)), width=width)
        split = re.search(r"✗ split.*\n.*", shown)
        assert split
        assert "(2, 5, 24)" in split[0]
        assert "(2, 4, 5, 6)" in split[0]


def test_a_step_without_a_line_says_which_kind_of_absence_it_is() -> None:
    report = failing()
    gone = replace(report.mistakes[2], code="missing-output-projection", step="output")
    walk = screen(replace(report, mistakes=(*report.mistakes, gone)))
    assert re.search(r"✗ output +– nothing in your file does this", walk)
    assert re.search(r"– mask +– no line of its own", walk)
    placed = replace(gone, code="extra-residual", yours="return y + q", line=9)
    assert re.search(r"✗ output +9 return y \+ q", screen(replace(report, mistakes=(placed,))))


def test_a_passing_file_is_not_walked_unless_asked() -> None:
    assert word("check.walk-below", "en") not in screen(passing())
    assert word("check.walk-below", "en") in screen(passing(), verbose=True)
    assert "made with (24, 4)" in screen(passing(), verbose=True)


def test_what_to_do_next_can_be_typed_as_it_stands() -> None:
    assert "mha-drill check 'my file.py' --problem mha\n" in screen(failing())
    shown = screen(passing())
    assert "mha-drill check 'my file.py' --diff" in shown
    assert "--force" not in shown, "the file that just passed must not be written over"


def test_nothing_in_a_file_moves_the_cursor() -> None:
    nasty = "\x1b[2J\x07\u202e"
    report = failing()
    mistakes = tuple(
        replace(each, title=nasty, explanation=nasty, fix=nasty, line=8) for each in report.mistakes
    )
    rows = tuple(replace(row, yours=StepSide(8, nasty, None)) for row in report.steps)
    tests = tuple(replace(test, message=nasty) for test in report.tests)
    bad = replace(
        report,
        file=nasty,
        mistakes=mistakes,
        steps=rows,
        tests=tests,
        notes=(nasty,),
        bound=(nasty,),
        why=nasty,
    )
    for width in (40, 80, 120):
        shown = screen(bad, width=width, verbose=True)
        assert not set(shown) & set(nasty[0] + "\x07\u202e")
        assert r"\x1b[2J" in shown


def test_without_the_source_the_line_itself_is_shown() -> None:
    shown = screen(failing(), source="")
    assert re.search(r"› +5 │ k = self.q_linear\(k\)", shown)


def test_the_diff_wraps_and_says_which_side_is_whose(tmp_path: Path) -> None:
    solution = tmp_path / "mha.py"
    solution.write_text("import torch\nclass Attention(nn.Module):\n    pass\n")
    paper = io.StringIO()
    render_diff(make_console(paper, width=70, environ={}), SOURCE, "mine.py", solution, "en")
    shown = paper.getvalue()
    assert "- yours, + the reference" in shown
    assert "-     def forward(self, q, k, v):" in shown
    assert "+     pass" in shown
    assert all(cell_len(line) <= 70 for line in shown.splitlines())
    assert "\x1b" not in shown


def test_the_summary_counts() -> None:
    paper = io.StringIO()
    render_summary(make_console(paper, environ={}), 1, 3, "en")
    assert paper.getvalue() == "1 of 3 files pass.\n"


CODE = st.text(st.sampled_from("ab_.,()[]'\"# =+/头"), max_size=200)


@given(CODE, st.integers(16, 90))
def test_a_folded_line_keeps_every_sign_of_its_code(line: str, width: int) -> None:
    line = line.strip()
    parts = fold(line, width)
    assert all(cell_len(part) <= width for part in parts)
    if not parts[-1].endswith("…"):
        whole = "".join(parts).replace(" ", "")
        assert line.replace(" ", "").startswith(whole)
        assert "#" in line or line.replace(" ", "") == whole


@given(CODE, st.integers(4, 90))
def test_a_cropped_line_fits_and_keeps_what_tells(line: str, width: int) -> None:
    assert cell_len(crop(line, width)) <= width
    assert cell_len(crop(line, width, re.compile(r"a\("))) <= width


def test_cropping_keeps_the_telling_part() -> None:
    assert crop(LONG.strip(), 40, re.compile(r"/ math.sqrt")).endswith("/ math.sqrt(self.d_model)")
    assert crop("x = f(a)  # why", 12) == "x = f(a)"
    assert crop("x = '# no comment' + y", 12) == "x = '# no c…"


@given(st.text())
def test_clean_text_is_printable(text: str) -> None:
    assert all(sign == "\n" or sign.isprintable() for sign in clean(text))


def test_the_walk_shows_the_line_of_the_mistake_not_its_right_neighbour() -> None:
    report = failing()
    rows = list(report.steps)
    rows[0] = replace(rows[0], yours=StepSide(4, "q = self.q_linear(q)", (2, 5, 24)))
    assert re.search(r"✗ project +5 k = self.q_linear\(k\)", screen(replace(report, steps=tuple(rows))))
    assert "4 q = self.q_linear(q)" in screen(replace(report, mistakes=(), steps=tuple(rows)))


def test_a_long_list_of_failed_tests_is_cut_short() -> None:
    many = tuple(
        TestResult(f"value-{n}", "value", f"Fact {n}.", "failed", f"It is {n}.", 1.0) for n in range(9)
    )
    shown = part(screen(replace(failing(), tests=many)), "Hidden tests that failed")
    assert re.findall(r"✗ Fact (\d)", shown) == ["0", "1", "2"]
    assert "... and 6 more; --verbose shows them." in shown
    assert screen(replace(failing(), tests=many), verbose=True).count("It is") == 9
