"""A question on the screen: where the session stands, what is asked, its pieces, its keys; and its answer.

Called by `ui.quiz`. A line of code is broken like prose where the terminal is narrow, under its own number.
"""

from __future__ import annotations

import re
from typing import Final

from rich.console import Console
from rich.text import Text as Line

from mha_drill.quiz.card import Card
from mha_drill.quiz.choice import letters
from mha_drill.quiz.order import in_place
from mha_drill.records import Lang, Question
from mha_drill.ui.code import bare, fold
from mha_drill.ui.console import print_prose
from mha_drill.ui.markdown import inline, print_markdown
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word

KEY_GAP: Final = "   "
LEAST_CODE: Final = 8
_CODE: Final = re.compile(r"`([^`]+)`")


def print_card(console: Console, card: Card, place: str, lang: Lang) -> None:
    """Print the head, the question or the statement, and its pieces. place: where the session stands."""
    steps = word("quiz.comma", lang).join(word(f"quiz.step-{step}", lang) for step in card.steps)
    title = card.title.say(lang)
    print_prose(console, Line.assemble((f"{place} ", "muted"), (title, "title")))
    kind = word(f"quiz.kind-{card.kind}", lang)
    print_prose(console, Line.assemble((kind, "muted"), (" · " + steps if steps else "", "step")))
    console.print()
    if card.question:
        print_markdown(console, card.question.prompt.say(lang))
        _print_pieces(console, card.question, lang)
    elif card.problem:
        print_markdown(console, card.problem.statement.say(lang))


def print_keys(console: Console, card: Card, lang: Lang) -> None:
    """Print every key the card takes, and what it does; a line ends between two keys only."""
    enter = word("quiz.key-enter", lang)
    said: list[tuple[str, str]] = [*_answering(card, lang)]
    if card.kind == "short":
        said += [(enter, "key-end-answer"), ("e", "key-editor")]
    if card.kind == "code":
        said.append((enter, "key-check"))
    said += [("?", "key-hint"), ("s", "key-skip"), ("q", "key-stop")]
    console.print()
    line = Line()
    for key, meaning in said:
        item = Line.assemble((key, "key"), (f" {word(f'quiz.{meaning}', lang)}", "muted"))
        if line and line.cell_len + len(KEY_GAP) + item.cell_len > console.width:
            print_prose(console, line)
            line = Line()
        line.append(KEY_GAP if line else "").append_text(item)
    print_prose(console, line)


def print_answer(console: Console, question: Question, given: str, score: float, lang: Lang) -> None:
    """Print whether what was given is right, and what is."""
    if score >= 1.0:
        right = word(f"quiz.right-{question.kind}", lang, given=given, unit=_unit(question, lang))
        print_prose(console, Line(f"{PASS_SIGN} {right}", style="pass"), hanging=2)
    else:
        values = {"given": given, "answer": _answer(question, lang), "unit": _unit(question, lang)}
        wrong = word(f"quiz.wrong-{question.kind}", lang, **values)
        print_prose(console, Line(f"{MISTAKE_SIGN} {wrong}", style="mistake"), hanging=2)
    if question.kind == "order":
        _print_order(console, question, given, lang)
    elif question.kind == "spot":
        print_prose(console, word("quiz.spot-fix", lang), indent=2)
        _print_code(console, question.fix.strip(), Line(" " * 4), "reference")


def _answering(card: Card, lang: Lang) -> list[tuple[str, str]]:
    question = card.question
    if question is None or question.kind == "short":
        return []
    if question.kind == "number":
        shape = question.answer.startswith("(")
        return [("(2, 3)", "key-shape") if shape else (word("quiz.digits", lang), "key-letters")]
    if question.kind == "order":
        return [(" ".join(reversed(letters(question)[:3])) + " …", "key-order")]
    last = str(len(question.code.splitlines())) if question.kind == "spot" else letters(question)[-1:]
    return [(f"1-{last}", "key-line") if question.kind == "spot" else (f"A-{last}", "key-letters")]


def _print_pieces(console: Console, question: Question, lang: Lang) -> None:
    """Print the options, the lines to be put in order, or the block with a wrong line."""
    if question.options or question.code:
        console.print()
    for letter, option in zip(letters(question), question.options, strict=True):
        _print_piece(console, option.say(lang), Line.assemble("  ", (f"{letter}  ", "key")))
    lines = question.code.splitlines()
    width = len(str(len(lines)))
    for number, line in enumerate(lines, start=1):
        _print_code(console, line, Line.assemble("  ", (f"{number:>{width}}  ", "key")))


def _print_order(console: Console, question: Question, given: str, lang: Lang) -> None:
    """Print the lines in the right order; those from the first wrong one on are marked."""
    good = in_place(question, given)
    for at, letter in enumerate(question.answer):
        said = question.options[letters(question).index(letter)].say(lang)
        sign = (f"{PASS_SIGN} ", "pass") if at < good else (f"{MISTAKE_SIGN} ", "mistake")
        _print_piece(console, said, Line.assemble("  ", sign, (f"{letter}  ", "key")))


def _print_piece(console: Console, said: str, before: Line) -> None:
    """Print an option or a line to be put in order, what stands before it on its first line only."""
    if code := _CODE.fullmatch(said):
        _print_code(console, code[1], before)
        return
    margin = before.cell_len
    print_prose(console, (before + inline(said))[2:], indent=2, hanging=margin - 2)


def _print_code(console: Console, line: str, before: Line, style: str = "code") -> None:
    """Print a line of code, broken where a reader of Python would break it."""
    margin = before.cell_len
    for number, part in enumerate(fold(bare(line), max(console.width - margin, LEAST_CODE))):
        console.print((Line(" " * margin) if number else before) + Line(part, style=style), soft_wrap=True)


def _answer(question: Question, lang: Lang) -> str:
    if question.kind == "order":
        return " ".join(question.answer)
    if question.kind == "number" and question.answer.isdecimal() and len(question.answer) > 4:
        return f"{int(question.answer):,}"
    return question.answer.upper()


def _unit(question: Question, lang: Lang) -> str:
    return f" {question.unit.say(lang)}" if question.unit else ""
