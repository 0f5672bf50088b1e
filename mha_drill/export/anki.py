"""The questions as a package for Anki: two decks, one a language, tagged by step; made with genanki.

A note's identity is made of the question's id and the language, and the decks and the kind of note have fixed
numbers, so that importing a later package updates what is there and loses no review.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Final
from zipfile import ZipFile

import genanki
from markdown_it import MarkdownIt

from mha_drill.export.questions import answer_of
from mha_drill.quiz.order import shuffled
from mha_drill.records import LANGS, Lang, Question

MODEL: Final = 1_716_240_117
DECKS: Final[dict[Lang, tuple[int, str]]] = {
    "en": (1_716_240_118, "mha-drill::English"),
    "zh": (1_716_240_119, "mha-drill::中文"),
}
_FIELDS: Final = ("Id", "Title", "Question", "Answer", "Why")
_CSS: Final = """\
.card { font-family: sans-serif; font-size: 18px; text-align: left; max-width: 42em; margin: 1em auto; }
.title { color: #57606a; font-size: 14px; }
code, pre { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 16px; }
pre { overflow-x: auto; }
table { border-collapse: collapse; }
td, th { border: 1px solid #999; padding: 2px 8px; }
.nightMode .title { color: #9da7b1; }
"""


class _Note(genanki.Note):  # type: ignore[misc]
    """A note known by its first field alone, whatever else of it is mended later."""

    @property
    def guid(self) -> str:
        """What a later import finds it by."""
        return str(genanki.guid_for("mha-drill", self.fields[0]))


def package(questions: Iterable[Question], comment: bytes = b"") -> bytes:
    """Return the package as the bytes of an .apkg file, which is a zip with a comment."""
    model = genanki.Model(
        MODEL,
        "mha-drill",
        fields=[{"name": name} for name in _FIELDS],
        templates=[
            {
                "name": "mha-drill",
                "qfmt": '<div class="title">{{Title}}</div>{{Question}}',
                "afmt": "{{FrontSide}}<hr id=answer>{{Answer}}{{Why}}",
            }
        ],
        css=_CSS,
    )
    decks = {lang: genanki.Deck(*DECKS[lang]) for lang in LANGS}
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    for question in questions:
        for lang in LANGS:
            decks[lang].add_note(_note(model, question, lang, markdown))
    with tempfile.TemporaryDirectory(prefix="mha-drill-") as folder:
        path = Path(folder, "mha-drill.apkg")
        genanki.Package(list(decks.values())).write_to_file(str(path))
        with ZipFile(path, "a") as archive:
            archive.comment = comment
        return path.read_bytes()


def _note(model: genanki.Model, question: Question, lang: Lang, markdown: MarkdownIt) -> _Note:
    fields = [
        f"{question.id} {lang}",
        _escaped(question.title.say(lang)),
        markdown.render(_asked(question, lang)),
        markdown.render(answer_of(question, lang)),
        markdown.render(question.why.say(lang)),
    ]
    tags = [f"step::{step}" for step in question.steps] + [f"kind::{question.kind}", f"lang::{lang}"]
    return _Note(model=model, fields=fields, tags=tags)


def _asked(question: Question, lang: Lang) -> str:
    """Return the question as Markdown, with what is chosen from, put in order or looked through."""
    parts = [question.prompt.say(lang)]
    if question.kind == "choice":
        letters = (f"- **{chr(ord('A') + at)}** {each.say(lang)}" for at, each in enumerate(question.options))
        parts.append("\n".join(letters))
    if question.kind == "order":
        pieces = shuffled(question, Random(question.id), options=True).options
        shown = sorted(question.options, key=lambda piece: piece.en) if pieces == question.options else pieces
        parts.append("\n".join(f"- {piece.say(lang)}" for piece in shown))
    if question.code:
        numbered = (
            f"{at:>2}  {line}" for at, line in enumerate(question.code.strip("\n").split("\n"), start=1)
        )
        parts.append("```\n" + "\n".join(numbered) + "\n```")
    return "\n\n".join(parts)


def _escaped(text: str) -> str:
    from html import escape

    return escape(re.sub(r"[`*]", "", text), quote=False)
