"""When a card comes back: FSRS by days, what a failed check does, the interview's date, clocks that jump."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mha_drill.progress.days import A_DAY, believed, day_of, streak
from mha_drill.progress.plan import NEW_A_DAY, plan
from mha_drill.progress.schedule import Schedule, schedule
from mha_drill.progress.sheets import Entry, Sheet
from mha_drill.progress.status import status
from mha_drill.records import Attempt

NOW = 1_795_000_000.0
TODAY = day_of(NOW)


def answer(
    item: str = "q",
    days: float = 0.0,
    score: float = 1.0,
    steps: str = "mask",
    kind: str = "choice",
    missed: str = "",
) -> Attempt:
    return Attempt(
        item, kind, tuple(steps.split()), NOW + days * A_DAY, score, "", 1.0, 0, tuple(missed.split())
    )


def check(days: float, score: float, item: str = "mha", missed: str = "") -> Attempt:
    return answer(item, days, score, "mask scale merge", "code", missed)


def days_to(made: Schedule, item: str = "q") -> int:
    return made.standings[item].day - TODAY


@dataclass(frozen=True)
class Card:
    item: str
    kind: str = "choice"
    steps: tuple[str, ...] = ("mask",)


# --- the grades


def test_the_better_the_answer_the_later_it_comes_back() -> None:
    wrong, partly, right = (days_to(schedule([answer(score=score)])) for score in (0.0, 0.5, 1.0))
    assert wrong == 1
    assert 1 <= partly < right
    assert right >= 2, "a first Good comes back in ten minutes with the library's learning steps"


def test_each_right_answer_on_its_day_puts_it_off_further() -> None:
    history: list[Attempt] = []
    gaps, at = [], 0
    for _ in range(5):
        history.append(answer(days=at))
        gaps.append(days_to(schedule(history)) - at)
        at += gaps[-1]
    assert gaps == sorted(set(gaps))
    history.append(answer(days=at, score=0.0))
    assert days_to(schedule(history)) - at < gaps[-1]


def test_what_is_no_card_is_not_scheduled() -> None:
    assert schedule([answer("recite-mha", kind="recite"), answer("mock", kind="mock")]).standings == {}


# --- code problems


def test_a_failed_check_brings_the_cards_of_its_steps_forward() -> None:
    history = [
        answer("masked", -1, steps="mask"),
        answer("merged", -1, steps="merge"),
        answer("both", -1, steps="split mask"),
        check(-1, 1.0, item="causal-mha"),
    ]
    before = schedule(history)
    after = schedule([*history, check(0, 0.0, missed="mask")])
    assert days_to(before, "masked") > 0
    assert [days_to(after, item) for item in ("masked", "both", "mha")] == [0, 0, 0]
    for item in ("merged", "causal-mha"):
        assert days_to(after, item) == days_to(before, item)


def test_what_was_brought_forward_goes_back_when_it_is_answered() -> None:
    history = [answer("masked", -1), check(-0.01, 0.0, missed="mask"), answer("masked", 0)]
    assert days_to(schedule(history), "masked") > 0


def test_a_failed_check_is_no_review_of_the_problem() -> None:
    history = [check(-3, 1.0), *(check(-0.01 * n, 0.0) for n in range(9, 1, -1)), check(0, 1.0)]
    assert days_to(schedule(history), "mha") == days_to(schedule([history[0], history[-1]]), "mha")


def test_the_first_pass_of_a_day_counts_as_a_review_and_no_further_one() -> None:
    once = schedule([check(0, 1.0)])
    assert days_to(once, "mha") >= 2
    again = schedule([check(0, 1.0), check(0.01, 1.0), check(0.02, 1.0)])
    assert days_to(again, "mha") == days_to(once, "mha")
    after_a_fail = schedule([check(0, 1.0), check(0.01, 0.0, missed="mask"), check(0.02, 1.0)])
    assert days_to(after_a_fail, "mha") == days_to(once, "mha")


def test_a_problem_begun_and_not_solved_is_due() -> None:
    assert days_to(schedule([check(-9, 0.0, missed="mask")]), "mha") == -9


# --- the interview


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.sampled_from([0.0, 0.5, 1.0])), min_size=1
    ),
    st.integers(1, 60),
)
def test_no_interval_goes_beyond_the_interview(answers: list[tuple[str, int, float]], interview: int) -> None:
    history = [answer(item, day, score) for item, day, score in sorted(answers, key=lambda each: each[1])]
    for standing in schedule(history, TODAY + interview).standings.values():
        if standing.last < TODAY + interview:
            assert standing.last < standing.due <= TODAY + interview
        if standing.last < TODAY + interview - 1:
            assert standing.due < TODAY + interview, "on the day itself it is too late"


def test_what_would_come_too_late_does_not_come_all_on_one_day() -> None:
    history = [answer(f"q{n}", day) for day in (0, 2, 13) for n in range(40)]
    due = {standing.due - TODAY for standing in schedule(history, TODAY + 30).standings.values()}
    assert due == {27, 28, 29}


# --- clocks


def test_an_answer_from_a_future_that_is_not_yet_is_asked_early() -> None:
    history = believed([answer("a", -2), answer("b", 4000), answer("c", 0)], NOW)
    made = schedule(history)
    assert all(days_to(made, item) <= days_to(schedule([answer(item)]), item) for item in "abc")
    assert [attempt.item for attempt in history] == ["a", "b", "c"]


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.floats(-5000, 5000), st.sampled_from([0.0, 0.5, 1.0])),
        max_size=30,
    )
)
def test_no_clock_puts_a_card_off_for_longer_than_if_it_were_answered_again_and_again_now(
    jumps: list[tuple[str, float, float]],
) -> None:
    history = believed([answer(item, days, score) for item, days, score in jumps], NOW)
    times = [attempt.at for attempt in history]
    assert times == sorted(times)
    assert all(0 <= at <= NOW + A_DAY for at in times)
    assert len(history) == len(jumps)
    schedule(history)


def test_days_begin_at_four_in_the_morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        evening = time.mktime((2026, 11, 24, 23, 50, 0, 0, 0, -1))
        assert day_of(evening) == day_of(evening + 3 * 3600) == date(2026, 11, 24).toordinal()
        assert day_of(evening + 5 * 3600) == day_of(evening) + 1
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_streak_is_not_broken_before_the_day_is_over() -> None:
    history = [answer(days=-day) for day in (1, 2, 3, 5)]
    assert streak(history, TODAY) == 3
    assert streak([*history, answer()], TODAY) == 4
    assert streak(history, TODAY + 1) == 0


# --- today's plan


def test_new_cards_come_at_a_steady_pace_and_those_of_a_failed_step_first() -> None:
    stock = [Card(f"m{n}", steps=("merge",)) for n in range(30)] + [Card("masked")]
    assert [card.item for card in plan(stock, schedule([]), TODAY).new] == [f"m{n}" for n in range(NEW_A_DAY)]
    after = plan(stock, schedule([check(0, 0.0, missed="mask")]), TODAY)
    assert after.new[0].item == "masked"
    assert len(after.new) == NEW_A_DAY - 1, "the problem begun today is one of today's"
    seen = plan(stock, schedule([answer(f"m{n}") for n in range(NEW_A_DAY)]), TODAY)
    assert (seen.new, seen.due, seen.waiting) == ((), (), 31 - NEW_A_DAY)


def test_new_cards_come_faster_when_the_interview_is_near() -> None:
    stock = [Card(f"m{n}") for n in range(60)]
    assert len(plan(stock, schedule([], TODAY + 4), TODAY).new) == 20
    half_way = schedule([answer(f"m{n}") for n in range(20)], TODAY + 4)
    assert plan(stock, half_way, TODAY).new == ()


def test_the_longest_due_comes_first_and_files_to_write_last() -> None:
    stock = [Card("late"), Card("mha", "code"), Card("later"), Card("new")]
    history = [check(-90, 0.0), answer("later", -50, 0.0), answer("late", -40, 0.0)]
    assert [card.item for card in plan(stock, schedule(history), TODAY).cards] == [
        "later",
        "late",
        "new",
        "mha",
    ]


def test_a_plan_tells_when_the_next_is_due() -> None:
    stock = [Card("a"), Card("b")]
    made = plan(stock, schedule([answer("a", score=0.0), answer("b", score=0.0)]), TODAY)
    assert (made.due, made.ahead) == ((), ((TODAY + 1, 2),))
    assert made.due_within(TODAY, 1) == 0
    assert made.due_within(TODAY, 2) == 2


# --- where one stands


def test_the_status_is_reckoned_by_step() -> None:
    history = [
        answer("m", -8, 0.0),
        answer("m", -1, 1.0),
        answer("s", -1, 0.5, "scale"),
        check(-0.02, 0.0, missed="mask"),
        check(-0.01, 1.0),
    ]
    stock = [
        Card("m"),
        Card("s", steps=("scale",)),
        Card("n"),
        Card("mha", "code", ("mask", "scale", "merge")),
    ]
    made = plan(stock, schedule(history), TODAY)
    entry = Entry("shapes", "?", (), None, "", "", 0.0)
    sheet = Sheet("x", NOW, 1800.0, 60.0, "mha", "pass", "finished", (entry, replace(entry, score=1.0)))
    found = status(history, made, stock, [sheet], TODAY, None)
    rows = {step.step: step for step in found.steps}
    assert (rows["mask"].attempts, rows["mask"].strength) == (4, 0.5)
    assert (rows["scale"].attempts, rows["scale"].strength) == (2, 0.75)
    assert (rows["merge"].attempts, rows["merge"].strength) == (1, 1.0)
    assert rows["softmax"].strength is None
    assert (rows["mask"].seen, rows["mask"].cards) == (2, 3)
    assert found.weakest == "mask"
    assert found.weeks == (0, 0, 0, 0, 0, 0, 1, 4)
    assert found.attempts == 5
    (best,) = found.best
    assert (best.problem, best.passes, best.quickest) == ("mha", 1, pytest.approx(0.01 * A_DAY))
    assert found.mocks[0].score == 0.5


def test_a_strength_forgets_what_is_ten_answers_ago() -> None:
    history = [answer(days=-20 + n, score=float(n >= 8)) for n in range(18)]
    (mask,) = (
        step
        for step in status(history, plan([], schedule([]), TODAY), [], [], TODAY, None).steps
        if step.seen or step.attempts
    )
    assert (mask.attempts, mask.strength) == (18, 1.0)
