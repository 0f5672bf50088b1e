"""The quiz: what is dealt, how answers are read, and whole sessions through pipes and terminals."""

from __future__ import annotations

import re
import stat
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from driving import ANSI, Terminal, drill
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mha_drill.blank import write_blank
from mha_drill.catalog import load_catalog
from mha_drill.errors import DrillError, UsageError
from mha_drill.progress import Store
from mha_drill.quiz.asking import ASKERS, read_mark
from mha_drill.quiz.card import LATER, SUBJECTS, Card
from mha_drill.quiz.choice import read_choice
from mha_drill.quiz.deck import Wish, cards, deal
from mha_drill.quiz.generators import all_generators
from mha_drill.quiz.marking import Marking
from mha_drill.quiz.screen import Summary
from mha_drill.quiz.session import Desk, ask_all
from mha_drill.records import Attempt, Question, Report, Text
from mha_drill.sitting import whole_stock

CATALOG = load_catalog()
STOCK = cards(CATALOG.problems, CATALOG.outlines(), all_generators())
FOLDERS = tuple(card for card in STOCK if card.order < LATER)
BY_ITEM = {card.item: card for card in STOCK}
SHAPES = next(question for question in CATALOG.questions() if question.id == "attention-shapes")
PUNCTUATION = st.sampled_from(["", ".", "。", " ", "  ", ")", "、", "\t"])


def attempt(item: str, at: float, score: float) -> Attempt:
    return Attempt(item, "choice", (), at, score, "", 1.0)


# --- dealing


def dealt(wish: Wish, *latest: Attempt, stock: Sequence[Card] = STOCK) -> list[str]:
    return [card.item for card in deal(stock, wish, {each.item: each for each in latest}, ASKERS)]


def test_the_first_session_begins_with_the_two_first_questions_and_ends_with_code() -> None:
    for _ in range(20):
        deck = deal(STOCK, Wish(), {}, ASKERS)
        assert [card.item for card in deck[:2]] == ["attention-shapes", "transformer-idea"]
        assert deck[-1].item == "sdpa"
        assert {card.difficulty for card in deck[:-1]} == {1}
        assert len(deck) == 10
    assert len({tuple(dealt(Wish())) for _ in range(5)}) > 1


@pytest.mark.parametrize(("count", "code"), [(1, 0), (5, 0), (6, 1), (10, 1), (11, 2), (40, 4)])
def test_code_problems_are_few_among_the_others(count: int, code: int) -> None:
    deck = deal(STOCK, Wish(count=count), {}, ASKERS)
    assert [card.kind == "code" for card in deck] == [False] * (count - code) + [True] * code


def test_what_is_not_right_comes_before_what_is_and_the_oldest_first() -> None:
    right = [attempt("attention-shapes", 5.0, 1.0), attempt("transformer-idea", 4.0, 1.0)]
    wrong = [attempt("sdpa", 7.0, 0.0), attempt("mha", 6.0, 0.5)]
    code = [card for card in FOLDERS if card.kind == "code"]
    assert dealt(Wish(), *right, *wrong, stock=code)[-2:] == ["mha", "sdpa"]
    others = [card for card in FOLDERS if card.kind != "code"]
    assert dealt(Wish(), *right, *wrong, stock=others) == ["transformer-idea", "attention-shapes"]


def test_a_seed_repeats_a_session_whatever_was_answered() -> None:
    def asked(seed: int, *latest: Attempt) -> list[tuple[str, Question | None]]:
        deck = deal(STOCK, Wish(seed=seed, count=12), {each.item: each for each in latest}, ASKERS)
        return [(card.item, card.question) for card in deck]

    first = asked(7)
    assert asked(7, attempt(first[0][0], 1.0, 1.0)) == first
    assert all(asked(seed) != first for seed in range(5))


def test_without_a_seed_sizes_are_new_each_time() -> None:
    def prompts() -> set[str]:
        deck = deal(STOCK, Wish(kind="number", count=100), {}, ASKERS)
        return {card.question.prompt.en for card in deck if card.question and card.draw}

    assert len(prompts() | prompts()) > len(prompts())


def test_a_long_session_is_filled_with_what_never_repeats() -> None:
    deck = deal(STOCK, Wish(kind="number", topic="scale", count=30), {}, ASKERS)
    assert len(deck) == 30
    written = [card.item for card in deck if not card.draw]
    assert len(set(written)) == len(written)
    drawn = [card.question for card in deck if card.draw]
    assert len(set(drawn)) > len({card.item for card in deck if card.draw})


def test_options_stand_elsewhere_when_a_question_comes_back() -> None:
    def shown(*latest: Attempt) -> tuple[Text, ...]:
        (card,) = deal([BY_ITEM[SHAPES.id]], Wish(), {each.item: each for each in latest}, ASKERS)
        assert card.question is not None
        right = card.question.options["ABCD".index(card.question.answer)]
        assert right == SHAPES.options["ABCD".index(SHAPES.answer)]
        return card.question.options

    assert shown() == SHAPES.options
    assert shown(attempt(SHAPES.id, 1.0, 1.0)) != SHAPES.options


def test_nothing_is_read_before_it_is_looked_at() -> None:
    deck = deal(STOCK, Wish(count=100), {}, ASKERS)
    assert not any("question" in vars(card) for card in [*STOCK, *deck])


def test_what_an_outline_says_is_what_is_read() -> None:
    questions = CATALOG.questions()
    assert [outline.read() for outline in CATALOG.outlines()] == list(questions)
    for outline, question in zip(CATALOG.outlines(), questions, strict=True):
        for name in ("id", "kind", "steps", "difficulty", "topic"):
            assert getattr(outline, name) == getattr(question, name), question.id


@given(
    kind=st.sampled_from(["", *ASKERS]),
    topic=st.sampled_from(["", *{step for card in STOCK for step in card.steps}, "view", "cost"]),
    count=st.integers(1, 60),
    seed=st.none() | st.integers(),
)
def test_everything_dealt_was_asked_for(kind: str, topic: str, count: int, seed: int | None) -> None:
    def fits(card: Card) -> bool:
        return kind in ("", card.kind) and (not topic or topic in (*card.steps, card.topic))

    fitting = [card for card in STOCK if fits(card)]
    try:
        deck = deal(STOCK, Wish(kind, topic, count, seed), {}, ASKERS)
    except UsageError:
        assert not fitting
        return
    endless = any(card.draw for card in fitting)
    assert len(deck) == (count if endless else min(count, len(fitting)))
    assert len({(card.item, card.seed) for card in deck}) == len(deck)
    assert all(map(fits, deck))


@pytest.mark.parametrize(
    ("wish", "key"),
    [
        (Wish(kind="riddle"), "quiz.unknown-kind"),
        (Wish(kind="chioce"), "quiz.unknown-kind-close"),
        (Wish(topic="zzz"), "quiz.unknown-topic"),
        (Wish(topic="masks"), "quiz.unknown-topic-close"),
        (Wish(topic="contigous"), "quiz.unknown-topic-close"),
        (Wish(kind="code", topic="contiguous"), "quiz.none-of-topic"),
        (Wish(count=0), "quiz.bad-count"),
        (Wish(count=-3), "quiz.bad-count"),
        (Wish(count=10**9), "quiz.bad-count"),
    ],
)
def test_what_cannot_be_asked_is_said(wish: Wish, key: str) -> None:
    with pytest.raises(UsageError) as raised:
        deal(STOCK, wish, {}, ASKERS)
    assert raised.value.key == key
    for lang in ("en", "zh"):
        assert "{" not in raised.value.say(lang)  # type: ignore[arg-type]


def test_a_kind_of_which_there_is_nothing_is_said() -> None:
    with pytest.raises(UsageError) as raised:
        deal(FOLDERS, Wish(kind="number"), {}, ASKERS)
    assert raised.value.key == "quiz.none-of-kind"


def test_every_card_has_a_hint_and_a_title() -> None:
    assert all(card.hints and card.title.en for card in STOCK)
    assert {card.kind for card in STOCK} == set(ASKERS)


def test_the_hints_for_a_choice_never_strike_out_the_answer() -> None:
    card = BY_ITEM[SHAPES.id]
    assert len(card.hints) == len(SHAPES.options) - 2
    for hint in card.hints:
        assert not re.search(rf"\b{SHAPES.answer}\b", hint.en)
        assert SHAPES.answer not in hint.zh


# --- reading a choice


@given(number=st.integers(0, 3), before=PUNCTUATION, after=PUNCTUATION, upper=st.booleans())
def test_a_letter_answers_however_it_is_dressed(number: int, before: str, after: str, upper: bool) -> None:
    letter = "ABCD"[number]
    assert read_choice(SHAPES, before + (letter if upper else letter.lower()) + after) == letter


@pytest.mark.parametrize(
    "typed", ["Ｂ", "(B)", "（b）", "B)", "option b", "答案：B", "选B", "我选 b。", "`B`"]
)
def test_usual_ways_to_write_a_letter(typed: str) -> None:
    assert read_choice(SHAPES, typed) == "B"


@given(st.data())
def test_an_options_text_answers_in_either_language(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 3))
    text = data.draw(st.sampled_from([SHAPES.options[number].en, SHAPES.options[number].zh]))
    spaced = "".join(
        sign + data.draw(st.sampled_from(["", "", " "])) if sign in ", ，：[]" else sign for sign in text
    )
    letter = "ABCD"[number]
    for typed in (spaced, spaced.upper(), f"{letter}. {spaced}", f"({letter}) {spaced}"):
        assert read_choice(SHAPES, typed) == letter


def test_a_letter_with_another_options_text_is_neither() -> None:
    assert read_choice(SHAPES, f"A. {SHAPES.options[1].en}") is None


@given(st.text())
def test_anything_else_is_no_answer_and_no_crash(typed: str) -> None:
    assert read_choice(SHAPES, typed) in (None, *"ABCD")


@pytest.mark.parametrize("typed", ["", " ", "E", "AB", "A B", "[N, L, D]", "b is wrong", "1", "?", "输出"])
def test_near_misses_are_asked_again(typed: str) -> None:
    assert read_choice(SHAPES, typed) is None


# --- reading a mark


@pytest.mark.parametrize(
    ("typed", "mark"),
    [
        ("", 0.5),
        ("y", 0.5),
        ("是", 0.5),
        ("0", 0.0),
        ("8", 1.0),
        ("4", 0.5),
        ("2.0", 0.25),
        ("3/4", 0.75),
        ("６", 0.75),
        ("25%", 0.25),
        ("4分", 0.5),
        ("9", None),
        ("-1", None),
        ("nan", None),
        ("4/0", None),
        ("no", None),
        ("1e400", None),
    ],
)
def test_the_learners_own_mark(typed: str, mark: float | None) -> None:
    assert read_mark(typed, 0.5, 8) == mark


@given(st.text(max_size=30), st.floats(0, 1))
def test_a_mark_is_between_nothing_and_everything(typed: str, computed: float) -> None:
    mark = read_mark(typed, computed, 5)
    assert mark is None or 0.0 <= mark <= 1.0


# --- a session with everything handed in


class Script:
    """A screen that types what it is told to, and keeps what it was shown."""

    def __init__(self, *typed: str | type[BaseException]) -> None:
        self.typed = list(typed)
        self.shown: list[str] = []
        self.summary: Summary | None = None

    def read(self, prompt: str = "> ") -> str:
        line = self.typed.pop(0) if self.typed else EOFError
        if isinstance(line, str):
            return line
        raise line

    def say(self, key: str, **values: object) -> None:
        self.shown.append(key)

    def trouble(self, error: DrillError) -> None:
        self.shown.append(error.key)

    def show_card(self, card: Card, place: int, total: int, *, again: bool = False) -> None:
        self.shown.append(f"{'again ' if again else ''}{place}/{total} {card.item}")

    def show_file(self, card: Card, path: Path, fresh: bool) -> None:
        self.shown.append(f"file {path.name} {fresh}")

    def more(self) -> bool:
        return False

    def drop(self) -> bool:
        return False

    def show_hint(self, hint: Text, level: int, levels: int) -> None:
        self.shown.append(f"hint {level}/{levels}")

    def show_answer(self, question: Question, given: str, score: float) -> None:
        self.shown.append(f"{question.kind} {given} {score:g}")

    def show_marking(self, question: Question, marking: Marking) -> None:
        self.shown.append(f"marked {marking.said}")

    def show_mark(self, question: Question, score: float) -> None:
        self.shown.append(f"mark {score}")

    def show_report(self, report: Report) -> None:
        self.shown.append(f"report {report.verdict}")

    def edit(self, lines: Sequence[str], question: Question) -> list[str] | None:
        self.shown.append(f"edit {list(lines)}")
        return [*lines, "All positions are computed in parallel."]

    def show_again(self, count: int) -> None:
        self.shown.append(f"again {count}")

    def show_summary(self, summary: Summary) -> None:
        self.summary = summary


def session(
    folder: Path,
    items: Iterable[str],
    *typed: str | type[BaseException],
    reports: Sequence[Report | BaseException] = (),
) -> tuple[Script, Summary, tuple[Attempt, ...]]:
    screen = Script(*typed)
    store = Store(folder / "store" / "progress.sqlite3")
    ticks = iter(range(1000, 100_000, 10))
    waiting = list(reports)

    def check(path: Path, problem: str) -> Report:
        answer = waiting.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    desk = Desk(
        screen,
        lambda: float(next(ticks)),
        store,
        folder,
        lambda problem, path: write_blank(CATALOG, problem, path),
        check,
    )
    deck = [BY_ITEM[item].dealt("7", mixed=False) for item in items]
    summary = ask_all(deck, desk, ASKERS)
    assert screen.summary == summary
    return screen, summary, store.attempts()


def report(verdict: str) -> Report:
    return Report("my_mha.py", "mha", verdict, (), (), (), (), 1.0, 0.5)  # type: ignore[arg-type]


def test_a_right_answer_is_kept_with_its_time(tmp_path: Path) -> None:
    screen, summary, (kept,) = session(tmp_path, [SHAPES.id], "nonsense", "", "b")
    assert screen.shown == ["1/1 attention-shapes", "quiz.not-an-option", "quiz.not-an-option", "choice B 1"]
    assert (kept.item, kept.kind, kept.score, kept.answer, kept.hints) == (SHAPES.id, "choice", 1.0, "B", 0)
    assert kept.seconds > 0
    assert summary.ending == "finished"


def test_a_wrong_answer_is_kept_as_wrong_and_asked_again(tmp_path: Path) -> None:
    screen, summary, kept = session(tmp_path, [SHAPES.id, "gen-head-width"], "A", "x", "1", "s")
    assert [(each.item, each.score, each.answer) for each in kept] == [
        (SHAPES.id, 0.0, "A"),
        ("gen-head-width", 0.0, "1"),
    ]
    assert [result.again for result in summary.results] == [None, None]
    assert (
        screen.shown[-5:]
        == [
            "again 2",
            f"again 1/2 {SHAPES.id}",
            "quiz.skipped",
            "again 2/2 gen-head-width",
        ][-5:]
        or screen.shown[-4] == "again 2"
    )
    assert summary.ending == "end-of-input"


def test_the_second_try_is_kept_beside_the_first(tmp_path: Path) -> None:
    card = BY_ITEM[SHAPES.id].dealt("7", mixed=False).again()
    assert card.question is not None
    assert card.question.options != SHAPES.options
    _, summary, kept = session(tmp_path, [SHAPES.id], "A", card.question.answer)
    assert [each.score for each in kept] == [0.0, 1.0]
    (result,) = summary.results
    assert (result.score, result.again, result.right) == (0.0, 1.0, False)
    assert summary.ending == "finished"


def test_a_generated_question_comes_back_with_other_sizes() -> None:
    card = BY_ITEM["gen-linear-numbers"].dealt("7", mixed=False)
    assert card.question is not None
    assert card.again().question != card.question
    assert card.again().item == card.item


def test_what_is_drawn_is_kept_under_the_step_it_was_about(tmp_path: Path) -> None:
    card = BY_ITEM["gen-spot-line"].dealt("7", mixed=False)
    assert card.question is not None
    _, _, (kept, *_) = session(tmp_path, ["gen-spot-line"], card.question.answer)
    assert (kept.kind, kept.score, kept.steps) == ("spot", 1.0, card.question.steps)
    assert len(kept.steps) == 1


def test_hints_are_counted_and_cost_no_answer(tmp_path: Path) -> None:
    screen, _, (kept,) = session(tmp_path, [SHAPES.id], "?", "？", "?", "B")
    assert screen.shown[1:4] == ["hint 1/2", "hint 2/2", "hint 2/2"]
    assert (kept.hints, kept.score) == (2, 1.0)


def test_skipping_keeps_nothing_and_goes_on(tmp_path: Path) -> None:
    screen, summary, kept = session(tmp_path, [SHAPES.id, "transformer-idea"], "S", "s")
    assert kept == ()
    assert [card.item for card in summary.skipped] == [SHAPES.id, "transformer-idea"]
    assert screen.shown[-1] == "quiz.skipped"


@pytest.mark.parametrize(("key", "ending"), [("q", "stopped"), ("Q", "stopped")])
def test_stopping_ends_it_there(tmp_path: Path, key: str, ending: str) -> None:
    _, summary, kept = session(tmp_path, [SHAPES.id, "transformer-idea"], "b", key)
    assert summary.ending == ending
    assert [each.item for each in kept] == [SHAPES.id]


INPUTS = ["b", "All positions are computed in parallel.", "", "7"]


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
@pytest.mark.parametrize("place", range(5))
def test_ending_at_any_prompt_keeps_what_was_answered(
    tmp_path: Path, end: type[BaseException], place: int
) -> None:
    items = [SHAPES.id, "transformer-idea", "mha"]
    _, summary, kept = session(tmp_path, items, *INPUTS[:place], end)
    assert summary.ending == ("interrupted" if end is KeyboardInterrupt else "end-of-input")
    scores = {each.item: each.score for each in kept}
    expected = {}
    if place >= 1:
        expected[SHAPES.id] = 1.0
    if place == 3 or (place == 2 and end is EOFError):
        expected["transformer-idea"] = 1 / 8
    if place >= 4:
        expected["transformer-idea"] = 7 / 8
    assert scores == expected
    assert [result.card.item for result in summary.results] == list(expected)


def test_a_short_answer_takes_lines_and_its_keys_only_before_it_is_begun(tmp_path: Path) -> None:
    typed = ["", "one line", "s", "q", "?", "last line", "", ""]
    screen, _, (kept,) = session(tmp_path, ["transformer-idea"], *typed)
    assert kept.answer == "one line\ns\nq\nlast line"
    told = ["quiz.nothing-written", "quiz.key-in-answer", "quiz.key-in-answer", "hint 1/1"]
    assert screen.shown[1:5] == told


def test_pasted_lines_are_one_answer(tmp_path: Path) -> None:
    _, _, (kept,) = session(tmp_path, ["transformer-idea"], "one\ntwo\nthree", "", "")
    assert kept.answer == "one\ntwo\nthree"


def test_the_editor_goes_on_from_what_was_typed(tmp_path: Path) -> None:
    screen, _, (kept,) = session(tmp_path, ["transformer-idea"], "begun", "e", "")
    assert "edit ['begun']" in screen.shown
    assert kept.answer == "begun\nAll positions are computed in parallel."
    assert kept.score == 1 / 8


@pytest.mark.parametrize(("own", "score"), [("", 1 / 8), ("0", 0.0), ("8", 1.0), ("2.5", 2.5 / 8)])
def test_the_learner_has_the_last_word(tmp_path: Path, own: str, score: float) -> None:
    typed = ["All positions are computed in parallel.", "", "nine", "99", own]
    screen, _, (kept,) = session(tmp_path, ["transformer-idea"], *typed)
    assert kept.score == pytest.approx(score)
    assert screen.shown.count("quiz.not-a-mark") == 2
    assert f"mark {kept.score}" in screen.shown[-3:]


def test_stopping_at_the_last_word_lets_the_count_stand(tmp_path: Path) -> None:
    _, summary, (kept,) = session(tmp_path, ["transformer-idea", SHAPES.id], "computed in parallel", "", "q")
    assert (kept.score, summary.ending) == (1 / 8, "stopped")


def test_a_code_problem_is_laid_out_checked_and_checked_again(tmp_path: Path) -> None:
    reports = [report("fail"), report("error"), DrillError("cli.interrupted"), report("pass")]
    screen, summary, kept = session(tmp_path, ["mha"], "", "", "done", "", "", reports=reports)
    blank = (tmp_path / "my_mha.py").read_text()
    assert blank == CATALOG.skeleton(CATALOG.problem("mha"))
    assert screen.shown == [
        "1/1 mha",
        "file my_mha.py True",
        *("report fail", "quiz.check-again"),
        *("report error", "quiz.check-again"),
        "quiz.press-enter",
        "cli.interrupted",
        "report pass",
    ]
    assert [(each.item, each.score) for each in kept] == [("mha", 0.0), ("mha", 1.0)]
    assert [result.score for result in summary.results] == [1.0]


def test_a_file_that_is_there_is_used_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "my_causal_mha.py").write_text("# mine\n")
    screen, _, _ = session(tmp_path, ["causal-mha"], "q")
    assert "file my_causal_mha.py False" in screen.shown
    assert (tmp_path / "my_causal_mha.py").read_text() == "# mine\n"


def test_a_folder_that_takes_no_file_passes_the_problem_over(tmp_path: Path) -> None:
    (tmp_path / "my_mha.py").symlink_to(tmp_path / "nowhere" / "at-all.py")
    screen, summary, kept = session(tmp_path, ["mha", SHAPES.id], "b")
    assert screen.shown[1].startswith("catalog.")
    assert [card.item for card in summary.skipped] == ["mha"]
    assert [each.item for each in kept] == [SHAPES.id]


def test_a_failed_check_then_a_skip_counts_as_answered(tmp_path: Path) -> None:
    _, summary, _ = session(tmp_path, ["mha"], "", "s", reports=[report("fail")])
    assert summary.skipped == ()
    assert [result.score for result in summary.results] == [0.0]


def test_hints_for_a_problem_go_on_from_where_they_were(tmp_path: Path) -> None:
    Store(tmp_path / "store" / "progress.sqlite3").raise_hint_level("mha")
    screen, _, _ = session(tmp_path, ["mha"], "?", "?", "?", "q")
    assert [shown for shown in screen.shown if shown.startswith("hint")] == [
        "hint 2/3",
        "hint 3/3",
        "hint 3/3",
    ]


# --- the real command, through a pipe


@pytest.mark.parametrize(
    ("lang", "right", "why", "saved"),
    [
        ("en", "Right: B.", "Why", "Your answers are saved."),
        ("zh", "正确：B。", "为什么", "你的答案已保存。"),
    ],
)
def test_one_question_through_a_pipe(tmp_path: Path, lang: str, right: str, why: str, saved: str) -> None:
    done = drill("quiz", "--kind", "choice", "--count", "1", "--lang", lang, typed="B\n", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    for said in ("(1/1)", "> B", right, why, saved):
        assert said in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("locale", "said"), [("zh_CN.UTF-8", "正确"), ("xx_YY", "Right"), ("", "Right")])
def test_the_locale_decides_the_language(tmp_path: Path, locale: str, said: str) -> None:
    done = drill("quiz", "--kind", "choice", "--count", "1", typed="B\n", cwd=tmp_path, LANG=locale)
    assert said in done.stdout


def test_the_end_of_input_sums_up(tmp_path: Path) -> None:
    done = drill("quiz", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("Nothing was answered.")


def test_a_short_answer_through_a_pipe_without_a_last_word(tmp_path: Path, own_record: Path) -> None:
    answer = "RNN 不能并行，而 Transformer 的所有位置可以并行计算。"
    done = drill("quiz", "--kind", "short", "--lang", "zh", typed=answer, cwd=tmp_path)
    assert done.returncode == 0
    assert "得分：1/8。" in done.stdout
    (kept,) = Store(own_record / "progress.sqlite3").attempts()
    assert (kept.answer, kept.score) == (answer, 1 / 8)


def test_an_answer_of_ten_thousand_characters(tmp_path: Path, own_record: Path) -> None:
    answer = "positions in parallel " * 500
    done = drill("quiz", "--kind", "short", typed=answer + "\n\n8\n", cwd=tmp_path)
    assert done.returncode == 0
    (kept,) = Store(own_record / "progress.sqlite3").attempts()
    assert (len(kept.answer), kept.score) == (len(answer.strip()), 1.0)


def test_bytes_that_are_no_text_are_an_answer_like_any_other(tmp_path: Path) -> None:
    done = drill("quiz", "--kind", "short", typed=b"\xff\xfe\x00 parallel \xe4\xbd\n\n\n", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""


def test_a_second_session_asks_what_is_not_right_first(tmp_path: Path) -> None:
    drill("quiz", "--count", "1", typed="B\n", cwd=tmp_path)
    again = drill("quiz", "--count", "1", cwd=tmp_path)
    assert "short answer" in again.stdout


def test_a_code_problem_through_a_pipe_leaves_a_skeleton(tmp_path: Path) -> None:
    done = drill("quiz", "--kind", "code", "--topic", "project", "--count", "1", typed="?\nq\n", cwd=tmp_path)
    assert done.returncode == 0
    (blank,) = tmp_path.glob("my_*.py")
    assert blank.name in done.stdout
    assert "Hint 1 of 3" in done.stdout


def test_the_file_filled_in_meanwhile_is_judged(tmp_path: Path, own_record: Path) -> None:
    problem = CATALOG.problem("split-merge")
    (tmp_path / "my_split_merge.py").write_text(CATALOG.solution(problem))
    typed = "s\n" * [problem.id for problem in CATALOG.problems if problem.kind == "code"].index(
        "split-merge"
    )
    done = drill("quiz", "--kind", "code", typed=f"{typed}\nq\n", cwd=tmp_path)
    assert done.returncode == 0
    attempts = Store(own_record / "progress.sqlite3").attempts("split-merge")
    assert [each.score for each in attempts] == [1.0]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_line_is_wider_than_the_page(tmp_path: Path, width: int, lang: str) -> None:
    typed = "?\nx\nA\n自注意力并行 self-attention in parallel, RNN 不能并行\n\n8\ns\ns\ns\ns\ns\n"
    done = drill("quiz", "--lang", lang, typed=typed, cwd=tmp_path, COLUMNS=str(width))
    assert done.returncode == 0
    echoed = {f"> {line}" for line in typed.splitlines()}
    wide = [line for line in done.stdout.splitlines() if cell_len(line) > width and line not in echoed]
    code = re.compile(r" {4,}")
    assert [line for line in wide if not code.match(line)] == []
    starts = [line.lstrip()[:1] for line in done.stdout.splitlines()]
    assert not {"，", "。", "、", "）", "；", "："} & set(starts)


@pytest.mark.parametrize(
    "command", [["quiz"], ["list"], ["hint", "mha"], ["explain", "view"], ["solution", "mha"]]
)
def test_nothing_heavy_is_imported(tmp_path: Path, command: list[str]) -> None:
    done = drill(*command, cwd=tmp_path, python=("-X", "importtime"))
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "mha_drill.cli" in imported
    heavy = {"torch", "numpy", "pytest", "pydantic", "rapidfuzz", "rich.markdown", "asyncio", "logging"}
    assert heavy & imported == set()


# --- the real command, on a terminal


def test_a_whole_session_on_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal("quiz", "--count", "2", cwd=tmp_path)
    shown = terminal.prompt()
    for key in ("(1/2)", "A-D answer", "? hint", "s skip", "q stop"):
        assert key in shown.replace("\u00a0", " ")
    terminal.type("self-defence")
    assert "Please answer with a letter from A to D" in terminal.prompt()
    terminal.type("output: [n,l,d], ATTENTION score: [n,l,l]")
    shown = terminal.prompt().replace("\u00a0", " ")
    for said in ("Right: B.", "Why", "(2/2)", "e in your editor", "Enter on an empty line: done"):
        assert said in shown
    terminal.type("Self-attention takes the place of recurrence.")
    terminal.prompt()
    terminal.type("")
    shown = terminal.prompt()
    assert "By this count 1 of 8" in shown
    assert "Model answer" in shown
    terminal.type("7")
    shown, code = terminal.end()
    assert "Mark: 7 of 8." in shown
    assert "Answered 2 of 2: 1 right, 1 partly, 0 wrong." in shown
    assert code == 0
    assert "\x1b[1;32m" in terminal.raw


PLACES = ["the choice", "the short answer", "in the answer", "the last word", "the code problem"]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_at_each_prompt(tmp_path: Path, own_record: Path, place: str, lang: str) -> None:
    terminal = Terminal("quiz", "--count", "3", "--lang", lang, cwd=tmp_path)
    steps = ["B", "Computed in parallel over all positions.", "", "5"]
    for line in steps[: PLACES.index(place)]:
        terminal.prompt()
        terminal.type(line)
    terminal.prompt()
    terminal.press_ctrl_c()
    shown, code = terminal.end()
    assert code == 130
    assert "Traceback" not in shown
    assert ("saved" if lang == "en" else "已保存") in shown or place == "the choice"
    kept = [each.item for each in Store(own_record / "progress.sqlite3").attempts()]
    assert (
        kept
        == ["attention-shapes", "transformer-idea"][: {0: 0, 1: 1, 2: 1, 3: 2, 4: 2}[PLACES.index(place)]]
    )


def test_ctrl_d_ends_it_as_the_end_of_input(tmp_path: Path) -> None:
    terminal = Terminal("quiz", cwd=tmp_path)
    terminal.prompt()
    terminal.press_ctrl_d()
    shown, code = terminal.end()
    assert "Nothing was answered." in shown
    assert code == 0


def test_no_color_is_obeyed_on_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal("quiz", cwd=tmp_path, NO_COLOR="1")
    terminal.prompt()
    colours = re.findall(r"\x1b\[([0-9;]*)m", terminal.raw)
    assert not [
        codes
        for codes in colours
        for code in codes.split(";")
        if code[:1] in ("3", "4", "9") and len(code) > 1
    ]


def test_a_line_longer_than_a_terminal_takes(tmp_path: Path, own_record: Path) -> None:
    terminal = Terminal("quiz", "--kind", "short", "--count", "1", cwd=tmp_path)
    terminal.prompt()
    terminal.type("parallel " * 600)
    terminal.prompt()
    terminal.type("")
    terminal.prompt()
    terminal.type("")
    terminal.prompt()
    terminal.press_ctrl_d()
    terminal.end()
    (kept,) = Store(own_record / "progress.sqlite3").attempts()
    assert len(kept.answer) == len(("parallel " * 600).strip())


def editor(folder: Path, body: str) -> str:
    script = folder / "editor.py"
    script.write_text(f"#!{sys.executable}\nimport sys\npath = sys.argv[-1]\n{body}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return f"{sys.executable} '{script}' --wait"


def test_an_answer_in_ones_own_editor(tmp_path: Path, own_record: Path) -> None:
    body = "\n".join(
        [
            "text = open(path).read()",
            "assert 'core idea' in text",
            "open(path, 'w').write('It runs in parallel.\\n' + text)",
        ]
    )
    terminal = Terminal(
        "quiz", "--kind", "short", "--count", "1", cwd=tmp_path, EDITOR=editor(tmp_path, body)
    )
    terminal.prompt()
    terminal.type("Begun here.")
    terminal.prompt()
    terminal.type("e")
    assert "By this count 1 of 8" in terminal.prompt()
    terminal.type("8")
    assert terminal.end()[1] == 0
    (kept,) = Store(own_record / "progress.sqlite3").attempts()
    assert kept.answer == "It runs in parallel.\nBegun here."


@pytest.mark.parametrize(
    ("body", "said"),
    [("sys.exit(3)", "ended with code 3"), ("open(path, 'w').write('')", "Nothing is written yet")],
)
def test_an_editor_that_gives_nothing_loses_nothing(tmp_path: Path, body: str, said: str) -> None:
    terminal = Terminal("quiz", "--kind", "short", cwd=tmp_path, EDITOR=editor(tmp_path, body))
    terminal.prompt()
    terminal.type("e")
    assert said in terminal.prompt()
    terminal.type("computed in parallel")
    terminal.prompt()
    terminal.type("")
    assert "By this count 1 of 8" in terminal.prompt()
    terminal.press_ctrl_d()
    assert terminal.end()[1] == 0


def test_an_editor_that_is_not_there_is_said(tmp_path: Path) -> None:
    terminal = Terminal("quiz", "--kind", "short", cwd=tmp_path, EDITOR="no-such-editor")
    terminal.prompt()
    terminal.type("e")
    assert "no-such-editor" in terminal.prompt()
    terminal.press_ctrl_d()
    assert terminal.end()[1] == 0


def test_no_editor_in_a_pipe(tmp_path: Path) -> None:
    done = drill("quiz", "--kind", "short", typed="e\nparallel\n\n", cwd=tmp_path, EDITOR="true")
    assert "An editor needs a terminal" in done.stdout
    assert done.returncode == 0


# --- hint


def test_one_hint_more_each_time(tmp_path: Path) -> None:
    shown = [drill("hint", "causal_mha", cwd=tmp_path).stdout for _ in range(4)]
    problem = CATALOG.problem("causal-mha")
    for number, (page, name) in enumerate(zip(shown, ("idea", "structure", "line"), strict=False), start=1):
        assert f"hint {number} of 3 (the {name})" in page
    assert "mha-drill solution causal-mha" in shown[2]
    assert shown[3] == shown[2]
    assert "mha-drill solution" not in shown[0]
    assert len({hint.en for hint in problem.hints}) == 3


def test_hints_in_chinese_and_for_a_question(tmp_path: Path) -> None:
    assert "提示 1/3（思路）" in drill("hint", "mha", "--lang", "zh", cwd=tmp_path).stdout
    assert "It is not A." in drill("hint", "attention-shapes", cwd=tmp_path).stdout


def test_a_hint_for_nothing(tmp_path: Path) -> None:
    done = drill("hint", "mmha", cwd=tmp_path)
    assert done.returncode == 2
    assert "mha" in ANSI.sub("", done.stderr)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_interviewers_ask_most_can_be_asked_for_by_its_name(subject: str) -> None:
    deck = deal(whole_stock(), Wish(topic=subject, count=30, seed=1), {}, ASKERS)
    assert len(deck) >= 6
    assert all(card.about(subject) for card in deck)
    assert {card.kind for card in deck} >= {"choice", "number"}
    assert any(card.draw for card in deck)
