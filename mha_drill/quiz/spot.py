"""Reading which line of a block was meant as the wrong one; called by `quiz.asking`."""

from __future__ import annotations

import re
import unicodedata

from mha_drill.records import Question

_NUMBER = re.compile(r"(?:line|row|l|第|行)?\s*#?\s*(\d{1,3})\s*行?[.。:]?")


def read_line(question: Question, typed: str) -> int | None:
    """Return the line meant, counted from 1: by its number (`3`, `line 3`, `第3行`) or by its text."""
    plain = unicodedata.normalize("NFKC", typed).strip().casefold()
    lines = question.code.splitlines()
    if found := _NUMBER.fullmatch(plain):
        number = int(found[1])
        return number if 1 <= number <= len(lines) else None
    squeezed = "".join(plain.split())
    named = [at for at, line in enumerate(lines, start=1) if "".join(line.casefold().split()) == squeezed]
    return named[0] if squeezed and len(named) == 1 else None
