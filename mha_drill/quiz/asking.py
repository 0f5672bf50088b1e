"""How each kind of card is asked: one function a kind, named in `ASKERS`; called by `quiz.session`."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from mha_drill.blank import blank_name
from mha_drill.errors import DrillError
from mha_drill.progress.attempts import of_report
from mha_drill.quiz.card import Card
from mha_drill.quiz.choice import letters, read_choice
from mha_drill.quiz.order import read_order
from mha_drill.quiz.session import EDIT_KEY, SKIP_KEY, STOP_KEY, Asker, Desk, Skipped, Stopped
from mha_drill.quiz.spot import read_line
from mha_drill.records import Question

_MARK = re.compile(r"(?P<given>\d+(?:\.\d+)?)\s*(?:(?:/|of|分?之?)\s*(?P<whole>\d+))?\s*(?P<unit>%|分|点)?")
ACCEPT: Final = frozenset({"", "y", "yes", "ok", "accept", "是", "好", "对", "接受", "同意"})


def ask_choice(card: Card, desk: Desk) -> None:
    """Ask until an option is named; keep it; show whether it was right, and why."""
    question = _question(card)
    while (letter := read_choice(question, desk.line(card))) is None:
        known = letters(question)
        desk.screen.say("quiz.not-an-option", first=known[:1], last=known[-1:])
    _keep(card, desk, question, letter, right=letter == question.answer.upper())


def ask_number(card: Card, desk: Desk) -> None:
    """Ask until a number, or a shape where one is asked for, is typed."""
    from mha_drill.quiz.numbers import is_right, is_shape, read_numbers

    question = _question(card)
    while (numbers := read_numbers(question, typed := desk.line(card))) is None:
        desk.screen.say("quiz.not-a-shape" if is_shape(question) else "quiz.not-a-number")
    _keep(card, desk, question, typed.strip(), right=is_right(question, numbers))


def ask_order(card: Card, desk: Desk) -> None:
    """Ask until every line is named once."""
    question = _question(card)
    while (order := read_order(question, desk.line(card))) is None:
        desk.screen.say("quiz.not-an-order", letters=" ".join(letters(question)))
    _keep(card, desk, question, order, right=order == question.answer)


def ask_spot(card: Card, desk: Desk) -> None:
    """Ask until a line is named."""
    question = _question(card)
    while (line := read_line(question, desk.line(card))) is None:
        desk.screen.say("quiz.not-a-line", last=len(question.code.splitlines()))
    _keep(card, desk, question, str(line), right=str(line) == question.answer)


def _keep(card: Card, desk: Desk, question: Question, given: str, *, right: bool) -> None:
    score = 1.0 if right else 0.0
    desk.keep(card, score, given)
    desk.screen.show_answer(question, given, score)


def ask_short(card: Card, desk: Desk) -> None:
    """Take an answer over several lines, mark it, keep it, and let the learner have the last word."""
    from mha_drill.quiz.marking import mark

    question = _question(card)
    answer = _written(card, desk, question)
    marking = mark(question.points, answer)
    number = desk.keep(card, marking.score, answer)
    desk.screen.show_marking(question, marking)
    whole = len(question.points)
    desk.screen.say("quiz.last-word", said=marking.said, whole=whole)
    score = marking.score
    try:
        score = _last_word(desk, score, whole)
        if score != marking.score:
            desk.revise(card, number, score)
    finally:
        desk.screen.show_mark(question, score)


def _last_word(desk: Desk, computed: float, whole: int) -> float:
    """Return the mark the learner says; raises Stopped for its key, and then the computed one stands."""
    while True:
        typed = desk.screen.read().strip()
        if typed.casefold() == STOP_KEY:
            raise Stopped
        if (own := read_mark(typed, computed, whole)) is not None:
            return own
        desk.screen.say("quiz.not-a-mark", typed=typed[:20], whole=whole)


def _written(card: Card, desk: Desk, question: Question) -> str:
    """Return a whole short answer: an empty line or the end of input ends it."""
    lines: list[str] = []
    while True:
        try:
            typed = desk.line(card, editing=True, begun=bool(lines))
        except EOFError:
            if not lines:
                raise
            break
        if typed == EDIT_KEY:
            edited = desk.screen.edit(lines, question)
            lines = lines if edited is None else edited
            if edited is not None and any(line.strip() for line in lines):
                break
            if edited is not None:
                desk.screen.say("quiz.nothing-written")
        elif typed.strip():
            if lines and typed.strip().casefold() in (SKIP_KEY, STOP_KEY):
                desk.screen.say("quiz.key-in-answer", typed=typed.strip())
            lines.extend(typed.splitlines())
        elif desk.screen.more():  # a gap between the paragraphs of a paste
            continue
        elif lines:
            break
        else:
            desk.screen.say("quiz.nothing-written")
    return "\n".join(lines).strip()


def read_mark(typed: str, computed: float, whole: int) -> float | None:
    """Return the mark meant, between 0 and 1: the computed one when accepted, None when it is no mark.

    `3`, `3/5`, `60%` and `2.5` are marks out of `whole` points.
    """
    plain = unicodedata.normalize("NFKC", typed).strip().casefold()
    if plain in ACCEPT:
        return computed
    found = _MARK.fullmatch(plain)
    if not found:
        return None
    out_of = float(found["whole"] or (100 if found["unit"] == "%" else whole))
    if not out_of or (found["whole"] and found["unit"] == "%"):
        return None
    mark = float(found["given"]) / out_of
    return mark if mark <= 1.0 else None


def ask_code(card: Card, desk: Desk) -> None:
    """Lay out the blank skeleton, and check it each time the learner comes back, until it passes."""
    if card.problem is None:
        raise Skipped
    path = desk.folder / blank_name(card.problem)
    fresh = not path.exists()
    try:
        if fresh:
            desk.write_blank(card.problem, path)
    except DrillError as error:
        desk.screen.trouble(error)
        raise Skipped from error
    desk.screen.show_file(card, path, fresh)
    while True:
        if desk.line(card).strip():
            desk.screen.say("quiz.press-enter")
            continue
        try:
            report = desk.check(path, card.item)
        except DrillError as error:
            desk.screen.trouble(error)
            continue
        if attempt := of_report(report, card.steps, desk.clock(), desk.hints_read):
            desk.keep_attempt(card, attempt)
        desk.screen.show_report(report)
        if report.verdict == "pass":
            return
        desk.screen.say("quiz.check-again")


def _question(card: Card) -> Question:
    if card.question is None:
        raise Skipped
    return card.question


ASKERS: Final[dict[str, Asker]] = {
    "choice": ask_choice,
    "short": ask_short,
    "number": ask_number,
    "order": ask_order,
    "spot": ask_spot,
    "code": ask_code,
}
