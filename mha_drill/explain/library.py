"""The topics read from `topics/`, for the `explain` command.

A topic is three files: `<name>.toml` (step, place in the list, title, one line, related topics) and its text,
`<name>.en.md` and `<name>.zh.md`. A text is little Markdown; a fence is code that a test executes, and a line
`![caption](name)` is the picture `name` of `pictures.py`. Adding a topic is adding these three files.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mha_drill.errors import UsageError
from mha_drill.records import STEPS, Lang, Text

ANY = "any"
"""The step of a topic about all ten."""


@dataclass(frozen=True, slots=True)
class Topic:
    """The head of a topic: where it is listed and what it is about; `text` reads its body."""

    name: str
    step: str
    order: int
    title: Text
    line: Text
    related: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs and lists, in the Markdown that `mha_drill/ui/markdown.py` prints."""

    source: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of Python on B, L, S, D, H, d and `x`, each with what it gives after ` # `."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture by its name, and its caption."""

    name: str
    caption: str


Part = Prose | Code | Drawing

_FOLDER = Path(__file__).parent / "topics"
_SPECIAL = re.compile(
    r"^```[a-z]*\n(?P<code>.*?)^```$|^!\[(?P<caption>[^\]]*)\]\((?P<name>[\w-]+)\)$", re.MULTILINE | re.DOTALL
)


@cache
def topics() -> tuple[Topic, ...]:
    """Return every topic, in the order to learn them: the ones about all ten steps, then step by step."""
    found = [
        _read(entry.name.removesuffix(".toml")) for entry in _FOLDER.iterdir() if entry.name.endswith(".toml")
    ]
    order = (ANY, *STEPS)
    return tuple(sorted(found, key=lambda topic: (order.index(topic.step), topic.order, topic.name)))


def topic_named(name: str) -> Topic:
    """Return one topic. Raises UsageError with the nearest names where there is none."""
    if re.fullmatch(r"[a-z-]{1,40}", name) and (_FOLDER / f"{name}.toml").is_file():
        return _read(name)
    from difflib import get_close_matches

    near = get_close_matches(name.lower().strip(), [known.name for known in topics()], n=2, cutoff=0.5)
    if near:
        raise UsageError("explain.unknown-topic-near", name=name, near=" / ".join(near))
    raise UsageError("explain.unknown-topic", name=name)


def need_topic(svg: Path | None, html: Path | None) -> None:
    """Raise UsageError where a file is asked for and no topic is named."""
    for option, path in (("--svg", svg), ("--html", html)):
        if path is not None:
            raise UsageError("explain.topic-missing", option=option, path=path)


def text(name: str, lang: Lang) -> tuple[Part, ...]:
    """Return the body of a topic in one language, in the order to show it."""
    source = (_FOLDER / f"{name}.{lang}.md").read_text(encoding="utf-8")
    parts: list[Part] = []
    end = 0
    for found in _SPECIAL.finditer(source):
        parts.append(Prose(source[end : found.start()].strip("\n")))
        if found["name"]:
            parts.append(Drawing(found["name"], found["caption"]))
        else:
            parts.append(Code(tuple(found["code"].splitlines())))
        end = found.end()
    parts.append(Prose(source[end:].strip("\n")))
    return tuple(part for part in parts if part != Prose(""))


def _read(name: str) -> Topic:
    data = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Topic(
        name, data["step"], data["order"], Text(**data["title"]), Text(**data["line"]), tuple(data["related"])
    )
