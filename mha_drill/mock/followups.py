"""Questions about the code just written, asked and answered from the judge's own evidence: its lines and shapes.

The judge ran the file with B = 2, L = 5, H = 4 and its own width, and says for each step which line did it and
what shape came out. Each kind here turns that into one question; a kind without evidence asks nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from mha_drill.quiz.card import Card
from mha_drill.records import STEPS, Lang, Question, QuestionKind, Report, Step, StepRow, Text
from mha_drill.words import word

PREFIX: Final = "mock-"
SOURCE: Final = "mock"
BATCH, LENGTH, HEADS = 2, 5, 4
MORE_BATCH, LONGER, MORE_HEADS = 3, 9, 8


@dataclass(frozen=True, slots=True)
class Evidence:
    """One step of the learner's code as it ran. sure: it is the step it should be."""

    step: Step
    line: int
    code: str
    shape: tuple[int, ...]
    sure: bool


Kind = Callable[[list[Evidence], Random], "Question | None"]


def follow_ups(report: Report, random: Random) -> tuple[Card, ...]:
    """Return a card for every kind of question that the report has evidence for."""
    found = list(evidence(report))
    asked = [question for kind in KINDS if (question := kind(found, random)) is not None]
    return tuple(_card(question) for question in asked)


def evidence(report: Report) -> Iterator[Evidence]:
    """Return the steps of which the judge saw the learner's line and the shape after it."""
    for row in report.steps:
        if (side := row.yours) is not None and side.line is not None and side.shape:
            yield Evidence(row.step, side.line, _bare(side.code), side.shape, _sure(row, report))


def _sure(row: StepRow, report: Report) -> bool:
    return row.same and all(mistake.step != row.step for mistake in report.mistakes)


def _bare(code: str) -> str:
    """Return a line without its comment, which may tell the shape."""
    from mha_drill.recite.reference import without_comments

    try:
        return without_comments(code.strip())[0]
    except (SyntaxError, IndexError):
        return code.partition("#")[0].strip()
    except Exception as error:  # tokenize.TokenError: a line that goes on below
        if type(error).__name__ != "TokenError":
            raise
        return code.partition("#")[0].strip()


def _shape(found: list[Evidence], random: Random) -> Question | None:
    """What is the shape after your line?"""
    rows = [row for row in found if row.step in ("split", "score", "weigh", "merge", "project")]
    if not rows:
        return None
    row = random.choice(rows)
    return _made("shape", "number", row, _said(row.shape), sizes=_sizes(found))


def _changed(found: list[Evidence], random: Random) -> Question | None:
    """What does the shape become with another batch and another length?"""
    rows = [row for row in found if LENGTH in row.shape and row.shape[0] == BATCH]
    if not rows:
        return None
    row = random.choice(rows)
    other = tuple({BATCH: MORE_BATCH, LENGTH: LONGER}.get(size, size) for size in row.shape)
    return _made(
        "changed", "number", row, _said(other), batch=MORE_BATCH, length=LONGER, was=_said(row.shape)
    )


def _line(found: list[Evidence], random: Random) -> Question | None:
    """Which of your lines is this step?"""
    rows = [row for row in found if row.sure]
    if not rows:
        return None
    row = random.choice(rows)
    return _made("line", "number", row, str(row.line))


def _step(found: list[Evidence], random: Random) -> Question | None:
    """Which step is your line?"""
    lines = [row.line for row in found]
    rows = [row for row in found if row.sure and lines.count(row.line) == 1]
    if not rows:
        return None
    row = random.choice(rows)
    others = random.sample([step for step in STEPS if step != row.step], 3)
    options = [row.step, *others]
    random.shuffle(options)
    named = tuple(_both(f"quiz.step-{step}") for step in options)
    return _made("step", "choice", row, "ABCD"[options.index(row.step)], options=named)


def _count(found: list[Evidence], random: Random) -> Question | None:
    """How many numbers does the tensor after your line hold?"""
    rows = [row for row in found if row.step in ("score", "softmax", "split")]
    if not rows:
        return None
    row = random.choice(rows)
    return _made("count", "number", row, str(math.prod(row.shape)), sizes=_sizes(found))


def _divisor(found: list[Evidence], _: Random) -> Question | None:
    """By what does your line divide?"""
    by_step = {row.step: row for row in found}
    scale, wide = by_step.get("scale"), by_step.get("split") or by_step.get("project") or by_step.get("weigh")
    if scale is None or wide is None or not scale.sure:
        return None
    depth = wide.shape[-1]
    return _made("divisor", "number", scale, f"{math.sqrt(depth):.2f}", sizes=_sizes(found), depth=depth)


def _axis(found: list[Evidence], random: Random) -> Question | None:
    """Along which axis do the numbers after your line sum to one?"""
    rows = [row for row in found if row.step == "softmax" and row.sure and len(row.shape) >= 3]
    if not rows:
        return None
    names = ["keys", "queries", "heads" if len(rows[0].shape) == 4 else "width", "batch"]
    random.shuffle(names)
    options = tuple(_both(f"mock.axis-{name}") for name in names)
    return _made("axis", "choice", rows[0], "ABCD"[names.index("keys")], options=options)


def _copy(found: list[Evidence], random: Random) -> Question | None:
    """What would happen at your line with a bare `view`?"""
    rows = [row for row in found if row.step == "merge" and row.sure]
    rows = [row for row in rows if ".contiguous()" in row.code or ".reshape(" in row.code]
    if not rows or "transpose" not in rows[0].code:
        return None
    names = ["raises", "mixes", "same", "slower"]
    random.shuffle(names)
    options = tuple(_both(f"mock.copy-{name}") for name in names)
    return _made("copy", "choice", rows[0], "ABCD"[names.index("raises")], options=options)


def _heads(found: list[Evidence], random: Random) -> Question | None:
    """What does the shape become with twice the heads, the width as it is?"""
    rows = [row for row in found if row.step in ("split", "score", "weigh") and len(row.shape) == 4]
    rows = [row for row in rows if row.shape[1] == HEADS]
    if not rows:
        return None
    row = random.choice(rows)
    depth = {row.step: row.shape[-1] for row in found}.get("split", 0)
    last = row.shape[-1] // 2 if row.step != "score" and depth else row.shape[-1]
    other = (row.shape[0], MORE_HEADS, row.shape[2], last)
    return _made("heads", "number", row, _said(other), was=_said(row.shape), heads=MORE_HEADS)


KINDS: Final[tuple[Kind, ...]] = (_shape, _line, _changed, _step, _divisor, _count, _axis, _heads, _copy)


def _made(
    name: str,
    kind: QuestionKind,
    row: Evidence,
    answer: str,
    options: tuple[Text, ...] = (),
    **values: object,
) -> Question:
    """Return the question of a kind about one row."""

    def said(part: str) -> Text:
        def filled(lang: Lang) -> str:
            step = word(f"quiz.step-{row.step}", lang)
            given = {
                "line": row.line,
                "code": row.code,
                "step": step,
                "answer": answer,
                "shape": _said(row.shape),
            }
            return word(f"mock.{name}-{part}", lang, **(given | values))

        return Text(filled("en"), filled("zh"))

    return Question(
        id=f"{PREFIX}{name}",
        kind=kind,
        steps=(row.step,),
        difficulty=2,
        source=SOURCE,
        title=said("title"),
        prompt=said("prompt"),
        why=said("why"),
        options=options,
        answer=answer,
    )


def _card(question: Question) -> Card:
    return Card(question.id, question.kind, question.steps, read=lambda: question)


def _both(key: str) -> Text:
    return Text(word(key, "en"), word(key, "zh"))


def _said(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _sizes(found: list[Evidence]) -> str:
    """Return the sizes the file was run with, as far as they show."""
    sizes = f"B = {BATCH}, L = {LENGTH}"
    widths = [row.shape[-1] for row in found if row.step in ("project", "merge", "output")]
    if any(len(row.shape) == 4 and row.shape[1] == HEADS for row in found):
        sizes += f", H = {HEADS}"
    widths = widths or [row.shape[-1] for row in found if row.step == "weigh"]
    return sizes + (f", D = {widths[0]}" if widths else "")
