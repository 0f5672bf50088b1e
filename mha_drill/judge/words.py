"""Findings in words: the title, the why and the fix of every mistake, in both languages.

Called by the judge for the report and for what hidden tests say; it needs no torch. The words are data: the
codes' in `attention/mistakes.toml`, those of exceptions and odd characters in `words/stories.toml`.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mha_drill.judge.findings import Finding
from mha_drill.records import Lang, Text

LONGEST_DETAIL = 200
OTHERWISE = "*"
_FULL_WIDTH, _TO_ASCII = range(0xFF01, 0xFF5F), 0xFEE0
_QUOTES = ('"', "'")


@dataclass(frozen=True, slots=True)
class MistakeWords:
    """What is said of one code.

    variants: what the title adds in brackets, by the finding's variant. fixes: what to write instead, for those
    variants that want something else.
    """

    code: str
    step: str
    topic: str
    title: Text
    why: Text
    fix: Text
    variants: dict[str, Text]
    fixes: dict[str, Text]


@dataclass(frozen=True, slots=True)
class Story:
    """What an exception's message means: a sentence that takes the pattern's named groups."""

    pattern: re.Pattern[str]
    text: Text
    topic: str


def _table(room: str, name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parents[1] / room / name).read_text(encoding="utf-8"))


@cache
def all_words() -> dict[str, MistakeWords]:
    """Return the words of every code of the contract."""
    return {
        code: MistakeWords(
            code,
            entry["step"],
            entry["topic"],
            Text(**entry["title"]),
            Text(**entry["why"]),
            Text(**entry["fix"]),
            {name: Text(**text) for name, text in entry.get("variants", {}).items()},
            {name: Text(**text) for name, text in entry.get("fixes", {}).items()},
        )
        for code, entry in _table("attention", "mistakes.toml").items()
    }


def mistake_words(code: str) -> MistakeWords:
    """Return the words of a code; KeyError where the contract has no such code."""
    return all_words()[code]


@cache
def _stories_file() -> dict[str, Any]:
    return _table("words", "stories.toml")


@cache
def stories() -> tuple[Story, ...]:
    """Return the known exceptions, in the order to try them."""
    return tuple(
        Story(re.compile(entry["regex"]), Text(entry["en"], entry["zh"]), entry.get("topic", ""))
        for entry in _stories_file()["stories"]
    )


def story_of(detail: str, lang: Lang) -> str:
    """Return in plain words what an exception's message says, its numbers in it; "" for an unknown one."""
    story = _story(detail)
    found = story.pattern.search(detail) if story else None
    if story is None or found is None:
        return ""
    values: dict[str, object] = dict(found.groupdict())
    if shape := found.groupdict().get("shape"):
        values["product"] = math.prod(int(size) for size in re.findall(r"\d+", shape))
    return story.text.say(lang).format(**values)


def _story(detail: str) -> Story | None:
    """Return the first story that fits a message."""
    return next((story for story in stories() if story.pattern.search(detail)), None)


def title_of(finding: Finding, lang: Lang) -> str:
    """Return the mistake in one line: its title and, where that tells more, its variant or the exception."""
    words = mistake_words(finding.code)
    title, phrase = words.title.say(lang), words.variants.get(finding.variant or finding.step)
    added = phrase.say(lang) if phrase else _own_words(finding, words, lang)
    if not added:
        return title
    if words.step == "load" and phrase is None:
        return f"{title}：{added}" if lang == "zh" else f"{title}: {added}"
    return f"{title}（{added}）" if lang == "zh" else f"{title} ({added})"


def why_of(finding: Finding, lang: Lang) -> str:
    """Return why it is wrong: first what the exception says, where there was one, then what that does."""
    why = mistake_words(finding.code).why.say(lang)
    told = _character_of(finding, lang) or story_of(finding.detail, lang)
    return (told if lang == "zh" else f"{told} ") + why if told else why


def fix_of(finding: Finding, lang: Lang) -> str:
    """Return what to write instead."""
    if finding.code == "syntax-error" and (odd := _odd_character("", None, finding.detail)):
        return _about(odd, "fix", lang)
    if finding.code == "crash" and (story := _story(finding.detail)) and not story.topic:
        return str(_stories_file()["mend"][lang])
    words = mistake_words(finding.code)
    return words.fixes.get(finding.variant, words.fix).say(lang)


def topic_of(finding: Finding) -> str:
    """Return the topic that explains it: a known exception's own, else the code's; "" for none."""
    if finding.step == "load" and (story := _story(finding.detail)):
        return story.topic
    return mistake_words(finding.code).topic


def name_character(source_line: str, column: int | None, message: str, lang: Lang) -> str:
    """Return a sentence that names the odd character behind a syntax error and what to type; "" for none.

    column is Python's, counted from 1. message is the error's; alone it is enough where it gives the code
    point. A string that is never closed is blamed on the first curly or full-width quote behind its start.
    """
    odd = _odd_character(source_line, column, message)
    if odd is None:
        return ""
    naming = _stories_file()["naming"]
    said = _about(odd, "name", lang)
    if column and (place := source_line.find(odd, column - 1) + 1):
        return str(naming["where"][lang]).format(column=place) + said
    return said[0].upper() + said[1:]


def _character_of(finding: Finding, lang: Lang) -> str:
    return name_character("", None, finding.detail, lang) if finding.code == "syntax-error" else ""


def _own_words(finding: Finding, words: MistakeWords, lang: Lang) -> str:
    """Return what the file itself adds to the title: the error it raises or names of its own; "" for none."""
    if words.step == "load" and finding.detail:
        odd = _odd_character("", None, finding.detail) if finding.code == "syntax-error" else None
        named = _about(odd, "name", lang) if odd else " ".join(finding.detail.split())
        shown = named if len(named) <= LONGEST_DETAIL else named[: LONGEST_DETAIL - 1] + "…"
        return shown.rstrip(".。")
    other = words.variants.get(OTHERWISE)
    if other is None or not (finding.variant or finding.shapes):
        return ""
    shapes = ", ".join(str(shape) for shape in finding.shapes)
    return other.say(lang).format(variant=_own_names(finding.variant, lang), shapes=shapes)


def _own_names(variant: str, lang: Lang) -> str:
    """Return a variant made of the learner's own names, as a learner would read them."""
    line = str(_stories_file()["naming"]["line"][lang])
    bare = re.sub(r"\binput:", "", variant)
    return re.sub(r" \(line (\d+)\)", lambda found: line.format(line=found[1]), bare)


def _odd_character(source_line: str, column: int | None, message: str) -> str | None:
    """Return the character that Python stumbled over, or None where it is none."""
    if found := re.search(r"\bU\+([0-9A-F]{4,6})\b", message):
        return chr(int(found[1], 16))
    start = max((column or 1) - 1, 0)
    if "unterminated" in message:
        return next((item for item in source_line[start:] if _meant(item) in _QUOTES), None)
    at = source_line[start : start + 1]
    return at if at and (_meant(at) or _invisible(at)) else None


def _meant(character: str) -> str:
    """Return the ASCII that a look-alike stands for, "" where it is none."""
    if ord(character) in _FULL_WIDTH:
        return chr(ord(character) - _TO_ASCII)
    return str(_stories_file()["characters"].get(character, ""))


def _invisible(character: str) -> dict[str, str]:
    found: dict[str, str] = _stories_file()["invisible"].get(f"{ord(character):04X}", {})
    return found


def _about(character: str, what: str, lang: Lang) -> str:
    """Return the sentence `what`, `name` or `fix`, for a character."""
    meant, invisible = _meant(character), _invisible(character)
    if meant:
        kind = "replaced"
    elif invisible:
        kind = "space" if invisible["wanted"] else "deleted"
    else:
        kind = "unknown" if character.isprintable() else "hidden"
    sentence = str(_stories_file()["naming"][kind][what][lang])
    shown = {"found": _ticked(character), "wanted": _ticked(meant), "name": invisible.get(lang, "")}
    return sentence.format(code=f"{ord(character):04X}", **shown)


def _ticked(text: str) -> str:
    return text if "`" in text else f"`{text}`"
