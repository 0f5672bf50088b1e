"""Numbers, orders and wrong lines: how they are read, and sessions of every kind in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from driving import ANSI, Terminal, drill
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mha_drill.catalog import load_catalog
from mha_drill.progress import Store
from mha_drill.quiz.asking import ASKERS
from mha_drill.quiz.card import Card
from mha_drill.quiz.choice import letters, read_choice
from mha_drill.quiz.deck import Wish, cards, deal
from mha_drill.quiz.generators import all_generators
from mha_drill.quiz.hints import standing_hints
from mha_drill.quiz.numbers import LONGEST, expected, is_right, is_shape, read_numbers
from mha_drill.quiz.order import in_place, read_order, shuffled
from mha_drill.quiz.spot import read_line
from mha_drill.records import LANGS, Question, Text

CATALOG = load_catalog()
STOCK = cards(CATALOG.problems, CATALOG.outlines(), all_generators())
SAME = Text("x", "x")


def question(kind: str, **fields: Any) -> Question:
    return Question("q", kind, ("score",), 1, "interviews", SAME, SAME, SAME, **fields)  # type: ignore[arg-type]


def number(answer: str, unit: str = "") -> Question:
    return question("number", answer=answer, unit=Text(unit, unit) if unit else None)


# --- numbers


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "1024",
            "1,024",
            "1 024",
            "1_024",
            "1'024",
            "１０２４",
            "１，０２４",
            " 1024. ",
            "2^10",
            "2**10",
            "32*32",
        ),
        *(
            "32 x 32",
            "32 × 32",
            "4·256",
            "(8+24)*32",
            "2048/2",
            "1.024e3",
            "= 1024",
            "32*32 = 1024",
            "1024.0",
        ),
        *(
            "+1024",
            "sqrt(1048576)",
            "√1048576",
            "1024 bytes",
            "1024字节",
            "1024 个参数",
            "答案：1024",
            "≈1024",
        ),
    ],
)
def test_one_number_however_it_is_spelled(typed: str) -> None:
    read = read_numbers(number("1024"), typed)
    assert read is not None, typed
    assert is_right(number("1024"), read)


@pytest.mark.parametrize(
    "typed",
    ["", "x", "about", "1,02", "10,24", "1024 MiB", "1 2", "(1, 2)", "2^", "2^1000", "9" * 99, "1/0", "-"],
)
def test_what_is_no_number_is_asked_again(typed: str) -> None:
    assert read_numbers(number("1024"), typed) is None


@pytest.mark.parametrize("typed", ["1023", "-1024", "1024.5", "2^9", "0"])
def test_another_number_is_wrong(typed: str) -> None:
    read = read_numbers(number("1024"), typed)
    assert read is not None
    assert not is_right(number("1024"), read)


@pytest.mark.parametrize("typed", ["96", "96 MiB", "96mib", "９６ MiB"])
def test_a_unit_may_be_said(typed: str) -> None:
    read = read_numbers(number("96", "MiB"), typed)
    assert read is not None
    assert is_right(number("96", "MiB"), read)
    assert read_numbers(number("96", "MiB"), "96 KiB") is None


@pytest.mark.parametrize(
    ("typed", "right"),
    [("0.33", True), ("1/3", True), ("33%", True), (".333", True), ("0.34", False)],
)
def test_as_many_decimals_as_the_answer_has(typed: str, right: bool) -> None:
    read = read_numbers(number("0.33"), typed)
    assert read is not None
    assert is_right(number("0.33"), read) is (typed != "0.34")


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "(2, 8, 5, 64)",
            "2,8,5,64",
            "[2, 8, 5, 64]",
            "{2,8,5,64}",
            "（2，8，5，64）",
            "【2、8、5、64】",
            "2 8 5 64",
        ),
        *("torch.Size([2, 8, 5, 64])", "2 x 8 x 5 x 64", "2×8×5×64", "(2, 8, 5, 8*8)", "shape: (2,8,5,64)"),
    ],
)
def test_one_shape_however_it_is_spelled(typed: str) -> None:
    asked = number("(2, 8, 5, 64)")
    read = read_numbers(asked, typed)
    assert read is not None, typed
    assert is_right(asked, read)


@pytest.mark.parametrize("typed", ["", "64", "(2)", "B, H, L, d", "(2, 8, five, 64)", "[[2, 8"])
def test_what_is_no_shape_is_asked_again(typed: str) -> None:
    read = read_numbers(number("(2, 8, 5, 64)"), typed)
    assert read is None or len(read) == 2


def test_a_shape_with_an_axis_less_is_wrong_and_not_asked_again() -> None:
    asked = number("(2, 8, 5, 64)")
    read = read_numbers(asked, "(2, 5, 64)")
    assert read is not None
    assert not is_right(asked, read)


@given(
    st.text() | st.text("0123456789.,+-*/^()eE xX%√ ", max_size=60), st.sampled_from(["7", "0.5", "(2, 3)"])
)
def test_anything_typed_is_a_number_or_none(typed: str, answer: str) -> None:
    read = read_numbers(number(answer), typed)
    assert read is None or all(abs(each) < 10**40 for each in read)


@given(st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=5))
def test_every_way_to_write_it_comes_back(values: list[int]) -> None:
    answer = str(values[0]) if len(values) == 1 else str(tuple(values))
    asked = number(answer)
    assert is_shape(asked) is (len(values) > 1)
    assert expected(asked) == tuple(values)
    for typed in (answer, answer.replace(" ", ""), answer.replace("(", "[").replace(")", "]")):
        assert read_numbers(asked, typed) == tuple(values)
    if len(values) == 1:
        assert read_numbers(asked, f"{values[0]:,}") == tuple(values)


def test_an_answer_of_ten_thousand_characters_is_no_number() -> None:
    assert read_numbers(number("7"), "7" * 10_000) is None
    assert read_numbers(number("7"), "(" * LONGEST) is None


# --- orders

LINES = tuple(Text(f"line {name}", f"第{name}行") for name in "pqrst")
ORDER = question("order", options=LINES)


@given(st.integers())
def test_a_shuffle_keeps_every_line_and_tells_the_way_back(seed: int) -> None:
    shown = shuffled(ORDER, Random(seed), options=False)
    assert sorted(shown.options, key=str) == sorted(LINES, key=str)
    assert shown.options != LINES
    assert tuple(shown.options[letters(shown).index(letter)] for letter in shown.answer) == LINES


@given(st.permutations("ABCDE"), st.sampled_from(["", " ", ", ", "，", " > ", "->", "、"]), st.booleans())
def test_an_order_however_it_is_typed(order: list[str], between: str, lower: bool) -> None:
    typed = between.join(order)
    assert read_order(ORDER, typed.lower() if lower else typed) == "".join(order)
    assert read_order(ORDER, between.join(str("ABCDE".index(each) + 1) for each in order)) == "".join(order)


@given(st.text() | st.text("ABCDE12345 ,", max_size=12))
def test_what_names_not_each_line_once_is_asked_again(typed: str) -> None:
    read = read_order(ORDER, typed)
    assert read is None or sorted(read) == list("ABCDE")


def test_how_far_an_order_is_right() -> None:
    shown = question("order", options=LINES, answer="CABED")
    assert [in_place(shown, order) for order in ("CABED", "CABDE", "ABCDE", "CBAED")] == [5, 3, 0, 1]


# --- lines

SPOT = question("spot", code="q = 1\n    k = 2\nv = 3\nq = 1", answer="2", fix="    k = q")


@pytest.mark.parametrize(
    "typed", ["2", " 2. ", "２", "line 2", "Line 2.", "第2行", "第 2 行", "2行", "k = 2", "K=2"]
)
def test_a_line_by_its_number_or_its_text(typed: str) -> None:
    assert read_line(SPOT, typed) == 2


@pytest.mark.parametrize("typed", ["", "0", "5", "two", "q = 1", "k", "2 3", "-2"])
def test_what_names_no_line_is_asked_again(typed: str) -> None:
    assert read_line(SPOT, typed) is None


@given(st.text())
def test_anything_typed_is_a_line_or_none(typed: str) -> None:
    assert read_line(SPOT, typed) in (None, 1, 2, 3, 4)


# --- hints that nobody wrote


@pytest.mark.parametrize("lang", LANGS)
def test_standing_hints_do_not_give_it_away(lang: Any) -> None:
    shown = question("order", options=LINES, answer="CABED")
    assert [re.findall("[A-E]", hint.say(lang)[-10:]) for hint in standing_hints(shown)][:1] == [["C"]]
    assert not any("2" in hint.say(lang) for hint in standing_hints(SPOT))
    (size,) = standing_hints(number("1024"))
    assert "256" in size.say(lang)
    assert "4,096" in size.say(lang)
    (axes,) = standing_hints(number("(2, 8, 5, 64)"))
    assert "4" in axes.say(lang)
    assert standing_hints(number("-3")) != standing_hints(number("3"))
    assert standing_hints(number("0"))


# --- options that moved


def test_a_choice_that_moved_is_still_answered_by_its_text() -> None:
    card = next(card for card in STOCK if card.item == "attention-shapes")
    for seed in range(20):
        moved = card.dealt(str(seed), mixed=True).question
        assert moved is not None
        right = moved.options[letters(moved).index(moved.answer)]
        assert read_choice(moved, right.zh) == moved.answer


# --- whole sessions


def dealt(kind: str, seed: int, count: int) -> list[Card]:
    return list(deal(STOCK, Wish(kind, "", count, seed), {}, ASKERS))


def answer(card: Card, *, right: bool) -> str:
    asked = card.question
    assert asked is not None
    if asked.kind == "number":
        return asked.answer if right else asked.answer.replace("(", "(9, ") if is_shape(asked) else "-77"
    if asked.kind == "order":
        return asked.answer if right else asked.answer[::-1]
    if asked.kind == "spot":
        return asked.answer if right else str(int(asked.answer) % 3 + 1)
    return asked.answer if right else next(each for each in letters(asked) if each != asked.answer)


RIGHT = {"en": "Right: ", "zh": "正确："}
KEYS = {"en": ("? hint", "s skip", "q stop"), "zh": ("? 提示", "s 跳过", "q 结束")}


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", ["choice", "number", "order", "spot"])
def test_a_session_of_each_kind_on_a_terminal(tmp_path: Path, own_record: Path, kind: str, lang: str) -> None:
    first, second = dealt(kind, 3, 2)
    terminal = Terminal("quiz", "--kind", kind, "--seed", "3", "--count", "2", "--lang", lang, cwd=tmp_path)
    shown = terminal.prompt().replace("\u00a0", " ")
    assert "(1/2)" in shown
    assert all(key in shown for key in KEYS[lang])
    terminal.type("nonsense")
    terminal.prompt()
    terminal.type("?")
    assert ("Hint 1" if lang == "en" else "提示 1") in terminal.prompt()
    terminal.type(answer(first, right=True))
    shown = terminal.prompt()
    assert RIGHT[lang] in shown
    assert "(2/2)" in shown
    terminal.type(answer(second, right=False))
    shown = terminal.prompt()
    assert ("again 1/1" if lang == "en" else "重答 1/1") in shown
    terminal.type(answer(second.again(), right=True))
    shown, code = terminal.end()
    assert code == 0
    assert RIGHT[lang] in shown
    assert ("Answered 2 of 2: 1 right, 0 partly, 1 wrong." if lang == "en" else "答对 1") in shown
    assert "█" in shown
    scores = [each.score for each in Store(own_record / "progress.sqlite3").attempts()]
    assert scores == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("lang", LANGS)
def test_every_question_fits_a_terminal_of_forty_columns(tmp_path: Path, lang: str) -> None:
    typed = "?\ns\n" * 60
    arguments = ("quiz", "--count", "60", "--seed", "5", "--lang", lang)
    done = drill(*arguments, typed=typed, cwd=tmp_path, COLUMNS="40")
    assert done.returncode == 0
    assert done.stderr == ""
    wide = [line for line in done.stdout.splitlines() if cell_len(line) > 40 and not line.startswith("    ")]
    table = re.compile(r".*\S {2,}\S|─")  # a table of a statement is as wide as it is
    assert [line for line in wide if not table.match(line)] == []


def test_a_session_in_a_pipe_has_no_colour_and_says_everything(tmp_path: Path) -> None:
    deck = dealt("", 11, 20)
    typed = []
    for card in deck[:-2]:
        typed += ["A sentence.", "", ""] if card.kind == "short" else [answer(card, right=True)]
    lines = "\n".join(typed) + "\n"
    done = drill("quiz", "--seed", "11", "--count", "20", typed=lines, cwd=tmp_path, NO_COLOR="1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    said = done.stdout.count("✓ Right")
    assert said >= sum(card.kind != "short" for card in deck[:-2])


@pytest.mark.parametrize("kind", ["number", "order", "spot", "choice"])
def test_ten_thousand_characters_are_asked_again(tmp_path: Path, kind: str) -> None:
    typed = "7" * 10_000 + "\n" + "x " * 5_000 + "\nq\n"
    done = drill("quiz", "--kind", kind, "--count", "1", "--seed", "3", typed=typed, cwd=tmp_path)
    assert done.returncode == 0
    assert "Nothing was answered." in done.stdout
    assert done.stdout.count("lease ") + done.stdout.count("That is no number") >= 2


@pytest.mark.parametrize("lang", LANGS)
def test_the_steps_line_up_at_the_end(tmp_path: Path, lang: str) -> None:
    deck = dealt("choice", 2, 12)
    typed = "\n".join(answer(card, right=True) for card in deck) + "\n"
    arguments = ("quiz", "--kind", "choice", "--seed", "2", "--count", "12", "--lang", lang)
    done = drill(*arguments, typed=typed, cwd=tmp_path)
    bars = [line for line in ANSI.sub("", done.stdout).splitlines() if re.search("[█░]{10}", line)]
    assert len(bars) >= 3
    assert len({cell_len(re.split("[█░]", line)[0]) for line in bars}) == 1
    assert "mha-drill explain" not in done.stdout


def test_what_went_wrong_is_what_to_read(tmp_path: Path) -> None:
    deck = dealt("number", 4, 3)
    typed = "\n".join(answer(card, right=False) for card in deck) + "\n"
    done = drill("quiz", "--kind", "number", "--seed", "4", "--count", "3", typed=typed, cwd=tmp_path)
    assert {card.topic for card in deck} == set(re.findall(r"mha-drill explain (\S+)", done.stdout))


def test_a_seed_repeats_what_is_shown(tmp_path: Path) -> None:
    shown = [
        drill("quiz", "--seed", "8", "--count", "5", typed="s\n" * 5, cwd=tmp_path).stdout for _ in range(2)
    ]
    assert shown[0] == shown[1]


def test_a_key_typed_into_an_answer_is_told_of(tmp_path: Path) -> None:
    done = drill("quiz", "--kind", "short", "--count", "1", typed="a thought\nq\n\nq\n", cwd=tmp_path)
    assert "'q' is a line of your answer now; an empty line ends the answer" in " ".join(done.stdout.split())
    assert done.returncode == 0


# --- a paste


def test_of_several_lines_pasted_at_once_the_first_is_the_answer() -> None:
    terminal = Terminal("quiz", "--kind", "number", "--count", "2", "--seed", "5")
    terminal.prompt()
    terminal.type("no number\r7\r8\rq")
    shown = terminal.prompt()
    assert "Several lines came at once" in shown
    assert "no number to me" in shown
    assert "Not 7" not in shown
    terminal.type("q")
    shown, code = terminal.end()
    assert "Nothing was answered." in shown
    assert code == 0


def test_an_answer_pasted_in_paragraphs_stays_one_answer() -> None:
    terminal = Terminal("quiz", "--kind", "short", "--topic", "dropout", "--count", "1", "--seed", "5")
    terminal.prompt()
    terminal.type("It acts on the weights, after the softmax.\r\rIt is turned off in evaluation.")
    terminal.prompts(3)
    terminal.type("")
    shown = terminal.prompt()
    assert "By this count 2 of 4" in shown
    terminal.type("q")
    terminal.end()
