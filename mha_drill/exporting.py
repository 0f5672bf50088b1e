"""`export` as a sentence: every question in the format asked for, written. Called by `commands.keeping`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from mha_drill.catalog import Catalog
from mha_drill.errors import UsageError
from mha_drill.quiz.card import Card
from mha_drill.writing import write_whole

Format = Literal["json", "anki"]
FORMATS: Final[tuple[Format, ...]] = ("json", "anki")
MARK: Final = b"mha-drill"
OTHER_NAMES: Final[dict[str, Format]] = {"apkg": "anki"}


def read_format(name: str) -> Format:
    """Return the format meant; UsageError for what is none."""
    plain = name.strip().casefold()
    for known in FORMATS:
        if plain == known or OTHER_NAMES.get(plain) == known:
            return known
    close = get_close_matches(plain, FORMATS)
    known_names = ", ".join(FORMATS)
    if close:
        raise UsageError("progress.unknown-format-close", name=name, close=close[0], known=known_names)
    raise UsageError("progress.unknown-format", name=name, known=known_names)


def may_replace(path: Path) -> bool:
    """Tell whether a file is an export of ours: our JSON, or a package with our name in its comment."""
    with path.open("rb") as file:
        start = file.read(200)
    if start.startswith(b"PK"):
        from zipfile import BadZipFile, ZipFile

        try:
            with ZipFile(path) as archive:
                return archive.comment == MARK
        except BadZipFile:
            return False
    return b'"mha-drill questions"' in start


def export_to(kind: Format, path: Path | None, catalog: Catalog, stock: Sequence[Card]) -> int:
    """Write everything to `path`, to standard output where there is none; return how many questions."""
    from mha_drill.export.questions import as_data, questions

    if kind == "anki":
        from mha_drill.export.anki import package

        asked = [question for question, _ in questions(stock)]
        count, content = len(asked), package(asked, MARK)
    else:
        data = as_data(catalog, stock)
        count = len(data["questions"]) + len(data["problems"])
        content = (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()
    if path is None or str(path) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_whole(path, content, may_replace=may_replace)
    return count
