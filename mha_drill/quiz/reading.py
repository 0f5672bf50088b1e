"""A short answer read clause by clause: which concepts it speaks of, and whether it affirms or denies them.

Called by `quiz.marking`, for answers and for the wordings they are compared with. A concept has a *sign*: 1
when an odd number of things turn it round: a negation before it ("does not remove the need for ..." are
two), a complaint in its clause ("the problem of ..."), or an older way as the one spoken of ("RNNs ...").
So "RNNs cannot run in parallel" and "Transformers run in parallel" agree, and "不能并行" disagrees with both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from mha_drill.quiz.concepts import Unit, lexicon, stem, units
from mha_drill.quiz.sides import Sides, carried, named, opposed
from mha_drill.quiz.telling import has_verb, remarks, says

RIVALS: Final = frozenset({"recurrence", "convolution", "rival"})
SELVES: Final = frozenset({"transformer", "attention", "self-attention", "multi-head", "self", "both"})
_SENTENCE_ENDS: Final = ".!?。;…"
_CLAUSE_ENDS: Final = ",:()[]{}\n—–|"
_RELATIVE: Final = frozenset({"which", "who", "that"})
_NEAR: Final = 2
_OPPOSITE: Final = "un-"  # "un-overfitting" is the concept "overfitting" turned round
_EMPTY_CHARACTERS: Final = "的了是在对把被也就将会中上下个这那其与和及或等从为以于着过地得有能可使让"


@dataclass(frozen=True, slots=True)
class Token:
    """One concept or word of an answer, with its place in the text as typed.

    told: it stands in a sentence, not in a bare list of keywords. sentence: which one, counted from 0.
    turned: something in its clause turns it round, if only to turn it round again. doubted: what is said of it is
    denied after it ("bandwidth is not the limit"). sides: `quiz.sides`.
    """

    name: str
    sign: int
    start: int
    end: int
    sentence: int
    told: bool
    turned: bool
    doubted: bool = False
    sides: Sides = frozenset()


@dataclass(slots=True)
class _Clause:
    """What stands between two boundaries, as (name, kind, start, end); boundary: what it comes after."""

    pieces: list[tuple[str, str, int, int]] = field(default_factory=list)
    boundary: str = ""
    words: list[Unit] = field(default_factory=list)


def read(text: str, *, rivals: bool = True) -> list[Token]:
    """Return the tokens of a text. `told` is False for those in a bare list of keywords.

    rivals: the question sets attention beside older ways, so what is said of those is the other way about.
    Elsewhere a "kernel" is a piece of code and turns nothing round.
    """
    tokens: list[Token] = []
    sentences = _sentences(units(text))
    words = [[clause.words for clause in sentence] for sentence in sentences]
    saying = [says(clauses) for clauses in words]
    for number, sentence in enumerate(sentences):
        told = saying[number] or (any(saying) and remarks(words[number]))
        subject = 0
        outside: list[int] = []
        sides: Sides = frozenset()
        for clause in sentence:
            if clause.boundary == "(":
                outside.append(subject)
            elif clause.boundary == ")" and outside:
                subject = outside.pop()
            elif clause.boundary == ":":
                subject = 0
            elif clause.boundary in _RELATIVE:
                subject = int(rivals and any(token.name in RIVALS for token in tokens[-_NEAR:]))
            first = len(tokens)
            subject = _signed(clause, subject, (number, told), tokens, rivals=rivals)
            names = {name for name, *_ in clause.pieces}
            sides = carried(sides, named(names))
            doubt = _doubt(clause)
            tokens[first:] = [
                replace(token, sides=sides, doubted=token.start < doubt) for token in tokens[first:]
            ]
    return tokens


def _doubt(clause: _Clause) -> int:
    """Return where a clause denies what it says of what stands before, 0 when it does not."""
    known = lexicon("denials")
    for at, unit in enumerate(clause.words):
        if known.find(clause.words, at):
            return unit.start
    return 0


def _sentences(parts: list[Unit]) -> list[list[_Clause]]:
    known = lexicon("signs", "ideas")
    sentences: list[list[_Clause]] = [[_Clause()]]
    at = 0
    while at < len(parts):
        unit = parts[at]
        clause = sentences[-1][-1]
        found = known.find(parts, at)
        if found is None and unit.word and not lexicon("verbs", "empty").find([unit], 0):
            meant = known.typo(unit.text)
            found = known.find([Unit(meant, unit.start, unit.end)], 0) if meant else None
        if found is None:
            if unit.wide or unit.word:
                clause.pieces.append((unit.text, "wide" if unit.wide else "word", unit.start, unit.end))
                clause.words.append(unit)
            elif _ends_sentence(parts, at):
                sentences.append([_Clause()])
            elif unit.text in _CLAUSE_ENDS:
                sentences[-1].append(_Clause(boundary=unit.text))
            else:
                clause.words.append(unit)
            at += 1
            continue
        name, length = found
        taken = parts[at : at + length]
        if name == "not" and _supposes(clause, unit, parts[at + length :]):
            clause.pieces.append(("neutral", "sign", unit.start, taken[-1].end))
        elif name == "turn" or (name == "and" and _turns(clause, parts[at + length :])):
            sentences[-1].append(_Clause(boundary=unit.text))
        else:
            clause.pieces.append((name, "sign" if _is_sign(name) else "idea", unit.start, taken[-1].end))
        sentences[-1][-1].words.extend(taken)
        at += length
    return sentences


def _ends_sentence(parts: list[Unit], at: int) -> bool:
    """Tell whether the sign at `at` ends a sentence: a line's end does only before a list's next item."""
    sign = parts[at].text
    following = parts[at + 1] if at + 1 < len(parts) else None
    if sign == ".":
        return following is None or not following.word or following.start > parts[at].end
    if sign == "\n":
        return following is None or following.text in "\n-*•·#" or following.text.isdecimal()
    return sign in _SENTENCE_ENDS


def _is_sign(name: str) -> bool:
    return name in {"not", "bad", "cure", "neutral", "unlike", "rival", "self", "and"}


def _supposes(clause: _Clause, unit: Unit, following: list[Unit]) -> bool:
    """Tell whether a clause begins with "without the mask ...": what would happen then is no denial.

    "Without recurrence ..." says how it works, and stays one.
    """
    if unit.text != "without" or any(name != "and" for name, *_ in clause.pieces):
        return False
    known = lexicon("signs", "ideas")
    found = [known.find(following, at) for at in range(min(len(following), _NEAR + 1))]
    return not any(each and each[0] in RIVALS for each in found)


def _turns(clause: _Clause, following: list[Unit]) -> bool:
    """Tell whether an "and" begins a clause: it has a verb, and either somebody new or a denial before it."""
    end = next((at for at, unit in enumerate(following) if not (unit.word or unit.wide)), len(following))
    following = following[:end]
    if not (has_verb(following) or any(unit.text.endswith(("ises", "izes")) for unit in following)):
        return False
    found = lexicon("signs", "ideas").find(following, 0)
    denied = any(name == "not" for name, *_ in clause.pieces) or any(
        lexicon("denials").find(following, at) for at in range(min(len(following), _NEAR + 1))
    )
    spoken = named({name for name, *_ in clause.pieces})
    aside = {
        each[0] for at in range(min(len(following), _NEAR)) if (each := lexicon("ideas").find(following, at))
    }
    return denied or opposed(spoken, named(aside)) or (found is not None and found[0] in RIVALS | SELVES)


def _signed(
    clause: _Clause, subject: int, sentence: tuple[int, bool], tokens: list[Token], *, rivals: bool
) -> int:
    """Append the clause's tokens with their signs; return whether an older way is spoken of after it.

    subject: whether an older way is spoken of before it. sentence: its number, and whether it is told.
    """
    names = [name for name, *_ in clause.pieces]
    cured = _cured(names)
    complaint = int("bad" in names and "cure" not in names)
    fixed = False
    negations = 0
    run: list[Unit] = []

    def add(name: str, start: int, end: int, turns: int) -> None:
        if name.startswith(_OPPOSITE):
            name, turns = name.removeprefix(_OPPOSITE), turns + 1
        tokens.append(Token(name, turns % 2, start, end, *sentence, turns > 0))

    for at, (name, kind, start, end) in enumerate([*clause.pieces, ("", "end", 0, 0)]):
        if kind == "wide":
            run.append(Unit(name, start, end))
            continue
        for pair in _pairs(run):
            add(*pair, negations + complaint + subject)
        run = []
        beside = "unlike" in names[max(at - _NEAR - 1, 0) : at]
        if name == "not" and at not in cured:
            negations += 1
        elif name in SELVES:
            subject, fixed = 0, True
        elif rivals and name in RIVALS and not (fixed or negations or beside or "cure" in names[:at]):
            subject, fixed = 1, True
        if kind == "idea" and name in RIVALS:
            if not beside:
                add(name, start, end, negations)
        elif kind == "idea":
            add(name, start, end, negations + complaint + subject)
        elif kind == "word" and not lexicon("empty").find([Unit(name, start, end)], 0):
            add(stem(name), start, end, negations + complaint + subject)
    return subject


def _cured(names: list[str]) -> set[int]:
    """Return which negations are what is overcome ("overcomes the inability of RNNs to ..."), and none."""
    if "cure" not in names:
        return set()
    cure = names.index("cure")
    after = names[cure:]
    if "bad" not in after and not RIVALS & set(after):
        return set()
    return {cure + offset for offset, name in enumerate(after) if name == "not"}


def _pairs(run: list[Unit]) -> list[tuple[str, int, int]]:
    """Return Chinese characters that no list knows as pairs, leaving out what carries nothing."""
    empty = lexicon("empty")
    kept: list[list[Unit]] = [[]]
    at = 0
    while at < len(run):
        found = empty.find(run, at)
        if found or run[at].text in _EMPTY_CHARACTERS:
            kept.append([])
        else:
            kept[-1].append(run[at])
        at += found[1] if found else 1
    alone = [(part[0].text, part[0].start, part[0].end) for part in kept if len(part) == 1]
    return alone + [(one.text + two.text, one.start, two.end) for part in kept for one, two in pairwise(part)]
