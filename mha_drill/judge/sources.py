"""The learner's file as text, or one sentence that says why not; read before anything starts. No torch."""

from __future__ import annotations

import difflib
import io
import json
import stat
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

from mha_drill.errors import UsageError

LARGEST = 2_000_000
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """A file to judge. shown: as the learner named it; path: where its siblings are found; text: its code."""

    shown: str
    path: str
    text: str


def read_source(path: Path) -> Source:
    """Return the source in `path` (`-` is standard input; a notebook is its code cells, in order).

    Raises UsageError for what is not there, not a file, too large or not text.
    """
    if str(path) == STANDARD_INPUT:
        return Source(
            STANDARD_INPUT, str(Path.cwd() / "standard_input.py"), _decoded(sys.stdin.buffer.read(), path)
        )
    try:
        status = path.stat()
    except FileNotFoundError:
        raise _not_found(path) from None
    except OSError as error:
        raise UsageError("check.unreadable", path=path, reason=error.strerror) from None
    if stat.S_ISDIR(status.st_mode):
        example = next(iter(sorted(path.glob("*.py"))), path / "my_mha.py")
        raise UsageError("check.is-folder", path=path, example=example)
    if not stat.S_ISREG(status.st_mode):
        raise UsageError("check.not-a-file", path=path)
    if status.st_size > LARGEST:
        raise UsageError("check.too-large", path=path, size=status.st_size, most=LARGEST)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError("check.unreadable", path=path, reason=error.strerror) from None
    text = _cells(data, path) if path.suffix == ".ipynb" else _decoded(data, path)
    return Source(str(path), str(path.resolve()), text)


def _not_found(path: Path) -> UsageError:
    try:
        names = [item.name for item in path.parent.iterdir() if item.suffix in (".py", ".ipynb")]
    except OSError:
        names = []
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    if close:
        return UsageError("check.no-file-close", path=path, close=path.parent / close[0])
    return UsageError("check.no-file", path=path)


def _decoded(data: bytes, path: Path) -> str:
    """Decode as Python would: a byte order mark, a coding line, else UTF-8."""
    encoding = "utf-8"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        raise UsageError("check.not-text", path=path, encoding=encoding) from None
    if "\0" in text:
        raise UsageError("check.not-text", path=path, encoding=encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _cells(data: bytes, path: Path) -> str:
    """Return the code cells of a notebook, one after the other, its magics commented out."""
    try:
        cells = json.loads(data)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise UsageError("check.not-a-notebook", path=path) from None
    from mha_drill.judge.magics import plain

    return "\n".join(line for cell in code for line in [*plain(cell).split("\n"), ""])
