"""Which attributes of the learner's instance are the maps of query, key, value and output. Judge side.

By what they are called where that is plain, else by whom the trace saw using them: a file that sends the key
through `q_linear` still has a `k_linear`, and the reference's line for the key is to say so. Used by `renaming`.
"""

from __future__ import annotations

import re

from mha_drill.judge.examination import Examination
from mha_drill.judge.sides import LETTERS

_BEFORE = r"(?:w|fc|to|lin|linear|proj|projection|project|mat|m|matrix|weights?|dense|layer)?"
_AFTER = r"(?:s|w|fc|lin|linear|projs?|projection|project|projector|map|matrix|weights?|dense|layer|net|in|heads?|vec)?"
_WORDS = {
    "q": r"q|query|queries",
    "k": r"k|key|keys",
    "v": r"v|val|vals|value|values",
    "o": r"o|out|output|final|combine|merge",
}
_LETTERS = {letter: re.compile(f"{_BEFORE}(?:{words}){_AFTER}") for letter, words in _WORDS.items()}
_CHINESE = {"查询": "q", "键": "k", "值": "v", "输出": "o"}


def letter_of(name: str) -> str | None:
    """Return `q`, `k`, `v` or `o` for a name that says one of them: `k_linear`, `W_key`, `fc_out`."""
    for word, letter in _CHINESE.items():
        if word in name:
            return letter
    bare = re.sub(r"[_\d]", "", name).lower()
    return next((letter for letter, pattern in _LETTERS.items() if pattern.fullmatch(bare)), None)


def owners(examination: Examination) -> dict[str, str]:
    """Return the attributes of the maps by letter; absent where maps are fused, one per head, or raw matrices."""
    tensors = examination.square.answer.get("tensors", {})
    linear = {
        owner
        for name, item in tensors.items()
        if (owner := _owner(name)) and name.endswith(".weight") and len(item["shape"]) == 2
    }
    used = _used(examination)
    found: dict[str, str] = {}
    for letter in (*LETTERS, "o"):
        own = used.get(letter)
        like = sorted(name for name in linear if letter_of(name) == letter)
        if own in linear and letter_of(str(own)) in (letter, None):
            found[letter] = str(own)
        elif len(like) == 1:
            found[letter] = like[0]
    names = list(found.values())
    return {letter: name for letter, name in found.items() if names.count(name) == 1}


def _owner(name: str) -> str:
    """Return `q_linear` of `q_linear.weight`; "" for what does not hang directly on the instance."""
    owner, _, _ = name.rpartition(".")
    return owner if owner.isidentifier() else ""


def _used(examination: Examination) -> dict[str, str]:
    """Return the attribute that each side, and the output, was seen to go through, where it is that side's alone."""
    assessment = examination.assessed(examination.square)
    if assessment is None or assessment.roles is None:
        return {}
    roles = assessment.roles
    weights = dict(zip(LETTERS, (roles.query.weights, roles.key.weights, roles.value.weights), strict=True))
    if assessment.tail is not None:
        weights["o"] = assessment.tail.weights
    paths = {letter: {name.rpartition(".")[0] for name in names} for letter, names in weights.items()}
    return {
        letter: next(iter(path))
        for letter, path in paths.items()
        if len(path) == 1 and sum(path <= other for other in paths.values()) == 1
    }


__all__ = ["letter_of", "owners"]
