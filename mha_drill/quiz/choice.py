"""Reading what was typed as an answer to a multiple-choice question; called by `quiz.asking`."""

from __future__ import annotations

import re
import unicodedata

from mha_drill.records import Question

_LEAD = re.compile(r"^(?:option|answer|选项|答案|我选|选)?(?:is|是|为)?[:=]?")
_SIGNS = re.compile(r"[\s.,;:!。、，；：！·'\"“”‘’`*]+")


def letters(question: Question) -> str:
    """Return the letters of the options, `ABCD` for four."""
    return "".join(chr(ord("A") + number) for number in range(len(question.options)))


def read_choice(question: Question, typed: str) -> str | None:
    """Return the letter of the option meant, None when what was typed names none or more than one.

    A letter in any case, bare or dressed (`b`, `B.`, `(B)`, `答案：B`), an option's text in either language,
    or both together where they agree. Spaces, case, full-width forms and punctuation do not matter.
    """
    plain = _plain(typed)
    if not plain:
        return None
    known = letters(question)
    pairs = zip(known, question.options, strict=True)
    texts = {letter: {_plain(option.en), _plain(option.zh)} for letter, option in pairs}
    bare = _LEAD.sub("", plain).lstrip("()")
    letter, text = bare[:1].upper(), bare[1:].lstrip(")")
    named = [each for each in known if plain in texts[each]]
    if not named and letter in texts and (not text or text in texts[letter]):
        named = [letter]
    return named[0] if len(named) == 1 else None


def _plain(text: str) -> str:
    """Return what two spellings of one answer have in common."""
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold())
