"""Reading a number or a shape as people type them; called by `quiz.asking`.

`1,024`, `1 024`, `2^10`, `32*32`, `１０２４` and `1024 MiB` (where the question counts in MiB) are one number;
`(2, 8, 5)`, `[2,8,5]`, `torch.Size([2, 8, 5])`, `2 x 8 x 5` and `2，8，5` are one shape.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from math import isqrt, sqrt
from typing import Final

from mha_drill.records import Question

Numbers = tuple[Fraction, ...]

LONGEST: Final = 200
LARGEST_POWER: Final = 64
LARGEST: Final = Fraction(10**30)
_BRACKETS: Final = "()[]{}【】"
_GROUPED: Final = re.compile(r"(?<![\d.])\d{1,3}(?:[,_' ]\d{3})+(?![\d,])")
_TOKEN: Final = re.compile(r"\s*(\d+(?:\.\d*)?(?:e[+-]?\d{1,3})?|\.\d+|\*\*|sqrt|[-+*/^()])")
_WORD: Final = re.compile(r"(.*?[\d.)])\s*([^\W\d_]+)\.?", re.DOTALL)
_LEAD: Final = re.compile(r"^(?:.*=|[≈~]|answer:?|答案:?|是)", re.DOTALL)
_COUNTED: Final = {
    "bytes",
    "byte",
    "b",
    "flops",
    "flop",
    "parameters",
    "params",
    "个",
    "个参数",
    "次",
    "字节",
    "维",
    "heads",
}


def expected(question: Question) -> Numbers:
    """Return the answer of a question of the kind `number`."""
    numbers = _several(question.answer) if is_shape(question) else _one(question.answer)
    if numbers is None:
        raise ValueError(f"{question.id} has no number as its answer: {question.answer}")
    return numbers


def is_shape(question: Question) -> bool:
    """Tell whether several numbers are asked for."""
    return question.answer.startswith("(")


def read_numbers(question: Question, typed: str) -> Numbers | None:
    """Return what was typed as the kind of answer asked for, None when it is none."""
    if len(typed) > LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", typed).strip().casefold()
    if is_shape(question):
        return _several(plain)
    return _one(_without_unit(question, plain))


def is_right(question: Question, numbers: Numbers) -> bool:
    """Tell whether these are the numbers asked for, each to as many decimals as the answer has."""
    wanted = expected(question)
    slack = Fraction(0)
    if not is_shape(question) and "." in question.answer:
        slack = Fraction(1, 2 * 10 ** len(question.answer.partition(".")[2]))
    return len(numbers) == len(wanted) and all(
        abs(one - two) <= slack for one, two in zip(numbers, wanted, strict=True)
    )


def _without_unit(question: Question, plain: str) -> str:
    found = _WORD.fullmatch(plain)
    if not found:
        return plain
    units = {unit.casefold() for unit in (question.unit.en, question.unit.zh)} if question.unit else _COUNTED
    return found[1] if found[2] in units else plain


def _several(plain: str) -> Numbers | None:
    plain = plain.removeprefix("torch.").removeprefix("size").removeprefix("shape").strip(" :=")
    for bracket in _BRACKETS:
        plain = plain.replace(bracket, " ")
    parts = [part for part in re.split(r"\s*[,、;x×]\s*|\s+", plain.strip()) if part]
    numbers = [_one(part) for part in parts]
    if len(parts) < 2 or any(number is None for number in numbers):
        return None
    return tuple(number[0] for number in numbers if number)


def _one(plain: str) -> Numbers | None:
    """Return the number a text stands for, sums and products worked out."""
    plain = _LEAD.sub("", plain.strip()).strip()
    if len(plain) == 1 and not plain.isascii() and unicodedata.category(plain) == "Lo":
        spelled = unicodedata.numeric(plain, None)
        return (Fraction(spelled),) if spelled is not None else None
    if plain.endswith("%"):
        whole = _one(plain[:-1])
        return (whole[0] / 100,) if whole else None
    plain = _GROUPED.sub(lambda found: re.sub(r"\D", "", found[0]), plain)
    plain = plain.replace("×", "*").replace("·", "*").replace("÷", "/").replace("−", "-").replace("√", "sqrt")
    plain = re.sub(r"(?<=[\d)])\s*x\s*(?=[\d(])", "*", plain)
    tokens = _TOKEN.findall(plain)
    if not tokens or "".join(tokens) != "".join(plain.split()):
        return None
    try:
        value = _Sum(tokens).value()
    except (ArithmeticError, ValueError, IndexError, RecursionError):
        return None
    return (value,)


class _Sum:
    """A sum worked out from its tokens; raises where they are none, or are too large."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def value(self) -> Fraction:
        """Return the value of all tokens."""
        value = self._added()
        if self.at != len(self.tokens):
            raise ValueError(self.tokens[self.at])
        return value

    def _next(self, *wanted: str) -> str:
        """Return the next token when it is one of those wanted, else an empty text."""
        if self.at < len(self.tokens) and self.tokens[self.at] in wanted:
            self.at += 1
            return self.tokens[self.at - 1]
        return ""

    def _added(self) -> Fraction:
        value = self._multiplied()
        while sign := self._next("+", "-"):
            term = self._multiplied()
            value = value + term if sign == "+" else value - term
        return value

    def _multiplied(self) -> Fraction:
        value = self._signed()
        while sign := self._next("*", "/"):
            factor = self._signed()
            value = value * factor if sign == "*" else value / factor
            if abs(value) > LARGEST:
                raise OverflowError
        return value

    def _signed(self) -> Fraction:
        if sign := self._next("+", "-"):
            return self._signed() * (-1 if sign == "-" else 1)
        base = self._atom()
        if not self._next("^", "**"):
            return base
        power = self._signed()
        if power.denominator != 1 or abs(power) > LARGEST_POWER or abs(base) > LARGEST:
            raise OverflowError
        value = base ** int(power)
        if abs(value) > LARGEST:
            raise OverflowError
        return Fraction(value)

    def _atom(self) -> Fraction:
        if self._next("sqrt"):
            return _root(self._atom())
        if self._next("("):
            value = self._added()
            if not self._next(")"):
                raise ValueError("(")
            return value
        token = self.tokens[self.at]
        self.at += 1
        value = Fraction(token)
        if abs(value) > LARGEST:
            raise OverflowError
        return value


def _root(value: Fraction) -> Fraction:
    whole = Fraction(isqrt(value.numerator), isqrt(value.denominator))
    return whole if whole * whole == value else Fraction(sqrt(value))
