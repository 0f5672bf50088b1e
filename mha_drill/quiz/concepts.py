"""The words of a short answer as concepts, in both languages; data in `concepts.toml`.

Used by `quiz.reading`. `self-attention`, `自注意力机制` and `intra attention` are one concept. A word that is
in no list stays what it is: an English word by its stem, Chinese by its pairs of characters.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WIDE: Final = ("\u2e80", "\u9fff")
_HYPHENS: Final = "-\u2010\u2011"
_SPELLED: Final = {"√": "sqrt ", "*": "·"}  # one spelling of formulas
_SHORTEST_TYPO: Final = 5
_LONG_WORD: Final = 10


@dataclass(frozen=True, slots=True)
class Unit:
    """One word, Chinese character or sign of the text, with where it stands in the text as typed."""

    text: str
    start: int
    end: int

    @property
    def wide(self) -> bool:
        """Tell whether it is a Chinese character."""
        return _WIDE[0] <= self.text[:1] <= _WIDE[1] and self.text.isalpha()

    @property
    def word(self) -> bool:
        """Tell whether it is a word or a number of another script."""
        return self.text[:1].isalnum() and not self.wide


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every phrase of the lists, by its first word's first letter or its first character."""

    english: dict[str, list[tuple[tuple[str, ...], str]]]
    chinese: dict[str, list[tuple[str, str]]]
    whole: frozenset[str]

    def find(self, units: list[Unit], at: int) -> tuple[str, int] | None:
        """Return the concept that the longest phrase at `at` stands for, and how many units it takes."""
        first = units[at]
        if first.wide:
            run = "".join(unit.text if unit.wide else " " for unit in units[at : at + 12])
            for phrase, name in self.chinese.get(first.text, ()):
                if run.startswith(phrase):
                    return name, len(phrase)
        if first.word or first.wide:
            for words, name in self.english.get(first.text[0], ()):
                if not _fits(words[0], first.text) or len(words) > len(units) - at:
                    continue
                if all(
                    _fits(word, unit.text)
                    for word, unit in zip(words, units[at : at + len(words)], strict=True)
                ):
                    return name, len(words)
        return None

    def typo(self, word: str) -> str | None:
        """Return the known word that `word` is a slip of the fingers for, None when it is none."""
        if len(word) < _SHORTEST_TYPO or not word.isascii():
            return None
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extractOne

        slips = 2 if len(word) >= _LONG_WORD else 1
        near = [known for known in self.whole if known[0] == word[0] and len(known) >= _SHORTEST_TYPO]
        best = extractOne(word.removesuffix("s"), near, scorer=OSA.distance, score_cutoff=slips)
        return str(best[0]) if best else None


def _fits(pattern: str, word: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern


@cache
def lexicon(*sections: str) -> Lexicon:
    """Return the lists of the sections named, longest phrases first."""
    english: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    chinese: dict[str, list[tuple[str, str]]] = {}
    for section in sections:
        for name, phrases in _lists()[section].items():
            for phrase in phrases["en"]:
                words = tuple(phrase.split())
                english.setdefault(words[0][0], []).append((words, name))
            for phrase in phrases["zh"]:
                chinese.setdefault(phrase[0], []).append((phrase, name))
    for entries in english.values():
        entries.sort(key=lambda entry: (len(entry[0]), len(entry[0][0].rstrip("*"))), reverse=True)
    for runs in chinese.values():
        runs.sort(key=lambda run: len(run[0]), reverse=True)
    phrases_known = [words for entries in english.values() for words, _ in entries]
    whole = frozenset(word.rstrip("*") for words in phrases_known for word in words)
    return Lexicon(english, chinese, whole)


@cache
def ideas() -> frozenset[str]:
    """Return the names of the concepts."""
    return frozenset(_lists()["ideas"])


@cache
def _lists() -> dict[str, dict[str, dict[str, list[str]]]]:
    return tomllib.loads(Path(__file__).with_name("concepts.toml").read_text(encoding="utf-8"))


def units(text: str) -> list[Unit]:
    """Return the words, Chinese characters and signs of a text, in one width and case."""
    plain: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        folded = character if character.isascii() else unicodedata.normalize("NFKC", character)
        folded = _SPELLED.get(folded, folded.casefold())
        plain.append(folded)
        origin.extend([index] * len(folded))
    return list(_cut("".join(plain), origin))


def _cut(plain: str, origin: list[int]) -> Iterator[Unit]:
    at = 0
    while at < len(plain):
        if _WIDE[0] <= plain[at] <= _WIDE[1]:
            yield Unit(plain[at], origin[at], origin[at] + 1)
            at += 1
        elif found := _WORD.match(plain, at):
            word = found.group()
            cut = next((i for i, sign in enumerate(word) if _WIDE[0] <= sign <= _WIDE[1]), len(word))
            end = at + cut
            yield Unit(word[:cut].replace("'", "").replace("’", ""), origin[at], origin[end - 1] + 1)
            at = end
        else:
            joins = (
                plain[at] in _HYPHENS and plain[at - 1 : at].isalnum() and plain[at + 1 : at + 2].isalnum()
            )
            if not joins and (plain[at] == "\n" or not plain[at].isspace()):
                yield Unit(plain[at], origin[at], origin[at] + 1)
            at += 1


def stem(word: str) -> str:
    """Return an English word without its usual endings."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(("ss", "us", "is")):
            return word[: -len(ending)] + instead
    return word
