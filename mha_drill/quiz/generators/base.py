"""How a draw becomes a question: the words filled with what was drawn, the options shuffled.

Every family of `quiz.generators` is written in these nouns. The words of a generator are the tables of the
`.toml` beside its module that begin with its name; they are read when the first question of it is made.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from mha_drill.records import Lang, Question, QuestionKind, Step, Text

PREFIX: Final = "gen-"
SOURCE: Final = "generated"
WRONG_OPTIONS: Final = 3

Option = str | Text


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn, and what follows from it.

    values: what fills the words, each the same in both languages unless it is a `Text`.
    answer: of `number` the number or the tuple, of `spot` the line's number.
    right, wrong: of `choice`. lines: of `order`, in the right order. code, fix: of `spot`.
    steps: what this draw is about, where that is less than all the generator may be about.
    """

    values: Mapping[str, object]
    answer: str = ""
    right: Option = ""
    wrong: tuple[Option, ...] = ()
    lines: tuple[str, ...] = ()
    code: str = ""
    fix: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Generator:
    """One kind of question with fresh sizes each time. family: the module, and the file of its words.

    covers: the subjects that interviewers ask about, as the written questions name them.
    """

    family: str
    name: str
    kind: QuestionKind
    steps: tuple[Step, ...]
    topic: str
    difficulty: int
    draw: Callable[[Random], Draw] = field(repr=False)
    covers: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What attempts at its questions are kept under, whatever sizes they had."""
        return PREFIX + self.name

    @property
    def title(self) -> Text:
        """What its questions are called."""
        return _words(self.family)[self.name]["title"]

    def question(self, random: Random) -> Question:
        """Return a question with sizes of its own."""
        return self.made(self.draw(random), random)

    def made(self, draw: Draw, random: Random) -> Question:
        """Return the question of what was drawn."""
        words = _words(self.family)[self.name]

        def said(key: str) -> Text:
            return Text(*(words[key].say(lang).format_map(_in(draw.values, lang)) for lang in ("en", "zh")))

        options: tuple[Text, ...] = tuple(same(line) for line in draw.lines)
        answer = draw.answer
        if self.kind == "choice":
            mixed = [draw.right, *draw.wrong]
            random.shuffle(mixed)
            options = tuple(same(option) for option in mixed)
            answer = chr(ord("A") + mixed.index(draw.right))
        return Question(
            id=self.id,
            kind=self.kind,
            steps=draw.steps or self.steps,
            difficulty=self.difficulty,
            source=SOURCE,
            title=words["title"],
            prompt=said("prompt"),
            why=said("why"),
            options=options,
            answer=answer,
            topic=self.topic,
            hints=(said("hint"),),
            unit=words.get("unit"),
            code=draw.code,
            fix=draw.fix,
        )


def same(option: Option) -> Text:
    """Return what reads the same in both languages as a text."""
    return option if isinstance(option, Text) else Text(option, option)


def mistaken(right: Option, candidates: Iterable[Option], random: Random) -> tuple[Option, ...]:
    """Return three wrong options out of the candidates, the likeliest mistakes first, none of them right."""
    wrong = [option for option in dict.fromkeys(candidates) if option != right][:WRONG_OPTIONS]
    if len(wrong) < WRONG_OPTIONS:
        raise ValueError(f"only {len(wrong)} mistakes to choose from beside {right}")
    random.shuffle(wrong)
    return tuple(wrong)


def shape(*sizes: int) -> str:
    """Return sizes as torch prints a shape."""
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def phrase(family: str, name: str, **values: object) -> Text:
    """Return one of a family's `[phrases]`, filled: for options and values that are words."""
    text = _words(family)["phrases"][name]
    return Text(*(text.say(lang).format_map(_in(values, lang)) for lang in ("en", "zh")))


def _in(values: Mapping[str, object], lang: Lang) -> dict[str, object]:
    return {name: value.say(lang) if isinstance(value, Text) else value for name, value in values.items()}


@cache
def _words(family: str) -> dict[str, dict[str, Text]]:
    """Return the words of one family, by generator and by what they are for."""
    path = Path(__file__).with_name(f"{family}.toml")
    tables: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: {key: Text(text["en"].strip("\n"), text["zh"].strip("\n")) for key, text in table.items()}
        for name, table in tables.items()
    }
