"""What of a line is blanked at which level, the learner's own names in it, and its next token for who is stuck."""

from __future__ import annotations

import io
import random
import re
import tokenize
from contextlib import suppress
from typing import Final

from mha_drill.recite.names import State
from mha_drill.recite.reference import Line

LEVELS: Final = 4
TOKENS, RIGHT_SIDES, LINES, EVERYTHING = range(1, LEVELS + 1)
BLANK: Final = "____"
_DULL: Final = frozenset("()[]{},.:=") | {"self", "torch", "nn", "return", "if", "assert"}


def asked(line: Line, level: int) -> bool:
    """Tell whether a line is asked for at a level, or given."""
    return level == EVERYTHING or not line.frame


def own_names(line: Line, state: State) -> str:
    """Return a line of the reference with the names the learner has given to things."""
    made: list[str] = []
    before: list[str] = ["", ""]
    at = 0
    for token in _tokens(line.text):
        text = token.string
        if token.type == tokenize.NAME and before[-1] != ".":
            text = state.said(line.scope, text) if _is_variable(line, text) else text
        elif token.type == tokenize.NAME and before[-2:] == ["self", "."]:
            text = state.said(line.scope, f"self.{text}")
        made.append(line.text[at : token.start[1]] + text)
        at = token.end[1]
        before.append(token.string)
    return "".join(made) + line.text[at:]


def _is_variable(line: Line, name: str) -> bool:
    known = line.statement.reads() | line.statement.writes()
    return line.statement.kind not in ("import", "class", "def") and name in known


def template(line: Line, text: str, level: int, seed: str) -> str:
    """Return what is shown of a line that is asked for: `text` with its blanks, nothing where all is blank."""
    if level == TOKENS:
        return _some_blanked(text, random.Random(f"{seed} {line.at}"))
    if level == RIGHT_SIDES:
        head = re.match(r"(return|if|assert)\b|[^=(]*?[^=!<>]=(?!=)", text)
        ending = ":" if text.endswith(":") else ""
        return f"{head[0]} {BLANK}{ending}" if head else BLANK
    return ""


def filled(shown: str, typed: str) -> tuple[str, ...]:
    """Return the whole lines that a typed answer may be meant as: itself, or what goes into the blanks."""
    blanks = shown.count(BLANK)
    if not blanks:
        return (typed,)
    pieces = [typed.strip()] if blanks == 1 else re.split(r"\s*[\s,;]\s*", typed.strip())
    if len(pieces) != blanks:
        return (typed,)
    line = shown
    for piece in pieces:
        line = line.replace(BLANK, piece.rstrip(":") if shown.endswith(":") else piece, 1)
    return (line, typed)


def _some_blanked(text: str, chance: random.Random) -> str:
    """Return the text with one or two telling tokens blanked."""
    telling = [
        token
        for token in _tokens(text)
        if token.string not in _DULL and token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP)
    ]
    start = text.find("=") + 1 if re.match(r"[^=(]*=(?!=)", text) else 0
    telling = [token for token in telling if token.start[1] >= start] or telling
    chosen = chance.sample(telling, min(1 + (len(telling) > 4), len(telling)))
    for token in sorted(chosen, key=lambda token: -token.start[1]):
        text = text[: token.start[1]] + BLANK + text[token.end[1] :]
    return text


def beginning(text: str, count: int) -> str:
    """Return the first tokens of a line."""
    tokens = _tokens(text)[:count]
    return text[: tokens[-1].end[1]] if tokens else ""


def shared(text: str, typed: str) -> int:
    """Return how many tokens a typed line and the right one begin with alike."""
    count = 0
    for one, other in zip(_tokens(text), _tokens(typed), strict=False):
        if one.string != other.string:
            break
        count += 1
    return count


def length(text: str) -> int:
    """Return how many tokens a line has."""
    return len(_tokens(text))


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    dull = (tokenize.NEWLINE, tokenize.NL, tokenize.COMMENT, tokenize.INDENT)
    found: list[tokenize.TokenInfo] = []
    with suppress(tokenize.TokenError, SyntaxError):
        found.extend(tokenize.generate_tokens(io.StringIO(text.strip()).readline))
    return [token for token in found if token.string and token.type not in dull]
