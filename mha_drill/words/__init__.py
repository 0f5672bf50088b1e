"""Every sentence the program says itself, in both languages: data in the `.toml` files beside this one.

`word("quiz.no-questions", lang, topic="mask")` reads the table `[no-questions]` of `quiz.toml`, which has
`en` and `zh`, and fills its `{topic}`. One file a room. A test proves that both languages are there and
that both take the same values.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from mha_drill.records import Lang, Text

FOLDER = Path(__file__).parent


@cache
def room(name: str) -> dict[str, Text]:
    """Return the sentences of one room, by key."""
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return {key: Text(**texts) for key, texts in data.items()}


def text(key: str) -> Text:
    """Return the sentence named `room.key`, unfilled, in both languages."""
    name, _, rest = key.partition(".")
    return room(name)[rest]


def word(key: str, lang: Lang, **values: object) -> str:
    """Return the sentence named `room.key` in `lang`, with `values` filled in."""
    sentence = text(key).say(lang)
    return sentence.format(**values) if values else sentence
