"""Whether a sentence says something, or only names things; asked by `quiz.reading`.

A list of keywords earns no mark: what has a verb, a formula or enough small words between its names is a sentence.
Clauses come in as lists of words and signs.
"""

from __future__ import annotations

from typing import Final

from mha_drill.quiz.concepts import Unit, lexicon

_LEAST_SENTENCE: Final = 6
_LEAST_FUNCTION_WORDS: Final = 2
_LONG_CHINESE_CLAUSE: Final = 9
_LEAST_LIST: Final = 4
_LONGEST_LISTED: Final = 5
_WIDE_IN_A_WORD: Final = 2
_EQUATES: Final = frozenset("=→⇒≈<>≤≥∝&")  # a formula says something, "a -> b" and O(...) too


def says(clauses: list[list[Unit]]) -> bool:
    """Tell whether a sentence says something."""
    return any(_predicates(words) for words in clauses) and not _enumerates(clauses)


def has_verb(words: list[Unit]) -> bool:
    """Tell whether there is a verb among the words; one that could be a noun is one after a plural."""
    known = lexicon("verbs")
    inside = 0  # the end of a noun that a verb's letters are part of: 取 in 提取
    for at in range(len(words)):
        found = known.find(words, at)
        if found is None or at < inside:
            continue
        name, length = found
        if name == "noun":
            inside = at + length
        elif name == "verb" or (at and words[at - 1].text.endswith("s")):
            return True
    return False


def _is_example(words: list[Unit], at: int) -> bool:
    found = lexicon("ideas").find(words, at)
    return found is not None and found[0] == "example"


def _predicates(words: list[Unit]) -> bool:
    """Tell whether a clause says something (an example is), where a list of keywords only names things."""
    if has_verb(words) or any(_equates(words, at) or _is_example(words, at) for at in range(len(words))):
        return True
    empty = lexicon("empty")
    functions = sum(1 for at, unit in enumerate(words) if unit.word and empty.find(words, at))
    if functions >= _LEAST_FUNCTION_WORDS and len(words) >= _LEAST_SENTENCE:
        return True
    longest = run = end = 0
    for unit in words:
        run = (run if unit.start == end else 0) + 1 if unit.wide else 0
        longest, end = max(longest, run), unit.end
    return longest >= _LONG_CHINESE_CLAUSE


def _equates(words: list[Unit], at: int) -> bool:
    """Tell whether a formula says something here: a sign between two sides, or O(...), not the o of W_o."""
    if words[at].text == "o":
        return not (at and words[at - 1].text in "_/")
    return words[at].text in _EQUATES


def _enumerates(clauses: list[list[Unit]]) -> bool:
    """Tell whether a sentence only lists things: many pieces, and each of them short."""
    lengths = [
        sum(1 if unit.wide else _WIDE_IN_A_WORD for unit in piece if unit.wide or unit.word)
        for piece in _pieces(clauses)
    ]
    return len(lengths) >= _LEAST_LIST and max(lengths) <= _LONGEST_LISTED


def remarks(clauses: list[list[Unit]]) -> bool:
    """Tell whether what stands beside sentences says something too, though it has no verb."""
    pieces = _pieces(clauses)
    return len(pieces) == 1 or (sum(map(len, pieces)) >= _LEAST_SENTENCE and not _enumerates(clauses))


def _pieces(clauses: list[list[Unit]]) -> list[list[Unit]]:
    """Return what stands between the commas of a sentence, the Chinese ones of lists too."""
    pieces: list[list[Unit]] = []
    for words in clauses:
        pieces.append([])
        for unit in words:
            if unit.text == "、":
                pieces.append([])
            else:
                pieces[-1].append(unit)
    return [piece for piece in pieces if piece]
