"""A screen written to a file for notes: SVG or HTML, by Rich's own export, with no font to fetch.

Rich draws both for narrow characters; here the wide ones (Chinese) are given their two columns, so that what
lines up on the terminal lines up in the file. Called by commands that take `--svg` or `--html`.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.theme import Theme

from mha_drill.errors import UsageError
from mha_drill.ui.theme import CELLS, STYLES

FONTS: Final = (
    "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', "
    "'Noto Sans Mono CJK SC', 'Microsoft YaHei', 'PingFang SC', monospace"
)
COLUMNS: Final = 84
CHARACTER: Final = 20
"""Height of a character in an SVG, as Rich has it."""
ASPECT: Final = 0.602
"""Width of a column by the height of the font, as in the fonts above."""

PAPER: Final = TerminalTheme(
    (255, 255, 255),
    (36, 41, 47),
    [(36, 41, 47), (179, 38, 30), (26, 115, 50), (145, 90, 0), (3, 81, 160),
     (150, 40, 130), (15, 110, 130), (110, 119, 129)],
)  # fmt: skip
PASTEL: Final = ("#9fdcec", "#f6cf85", "#e3b5e6", "#abdfa9", "#b4c6f7", "#f5b5ae")
ON_PAPER: Final = Theme(
    {**STYLES, **{cell: f"#24292f on {ground}" for cell, ground in zip(CELLS, PASTEL, strict=True)}}
)
"""The screen's styles, with the cells' grounds light enough to print."""

_SVG: Final = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: FONTS; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONTS", FONTS)

_HTML: Final = """\
<!DOCTYPE html>
<html lang="LANG">
<head>
<meta charset="UTF-8">
<title>TITLE</title>
<style>
{stylesheet}
body {{ color: {foreground}; background-color: {background}; }}
pre {{ font-family: FONTS; line-height: 1.3; }}
.wide {{ display: inline-block; }}
</style>
</head>
<body>
<pre><code style="font-family:inherit">{code}</code></pre>
</body>
</html>
""".replace("FONTS", FONTS)

_WIDE: Final = re.compile(r"[\u1100-\U0010ffff]+")
_RUN: Final = re.compile(r"[\u1100-\U0010ffff]|(?:[^\s\u1100-\U0010ffff]|\s(?=[^\s\u1100-\U0010ffff]))+|\s")
"""One character that another font may have to draw, or words with single spaces between them, or a space."""
_TEXT: Final = re.compile(
    r'<text class="(?P<kind>[^"]*)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)" textLength=[^>]*>'
    r"(?P<text>[^<]*)</text>"
)


def check_target(path: Path, kind: str) -> None:
    """Raise UsageError where `path` is a folder, or a file of another kind that writing would destroy."""
    try:
        folder, there = path.is_dir(), path.exists()
    except OSError as error:  # a name that is too long
        raise UsageError("explain.target-fails", path=path, reason=error.strerror) from None
    if folder:
        raise UsageError("explain.target-is-folder", path=path, example=path / f"view.{kind}")
    if there and path.suffix.lower() not in (f".{kind}", f".{kind}"[:4]):
        raise UsageError("explain.target-is-other", path=path, kind=kind.upper())


def save(path: Path, kind: str, title: str, lang: str, draw: Callable[[Console], None]) -> None:
    """Write what `draw` prints to `path` as "svg" or "html", whole or not at all. Raises UsageError."""
    check_target(path, kind)
    console = Console(
        file=io.StringIO(), record=True, width=COLUMNS, theme=ON_PAPER, markup=False, highlight=False,
        emoji=False, force_terminal=True, color_system="truecolor", legacy_windows=False, _environ={},
    )  # fmt: skip
    draw(console)
    _write(path, svg(console, title) if kind == "svg" else html(console, title, lang))


def svg(console: Console, title: str) -> str:
    """Return what a recording console printed as an SVG picture."""
    drawn = console.export_svg(
        title=title, theme=PAPER, code_format=_SVG, font_aspect_ratio=ASPECT, unique_id="drill"
    )
    return _TEXT.sub(_respaced, drawn)


def html(console: Console, title: str, lang: str) -> str:
    """Return what a recording console printed as a page of its own."""
    page = _HTML.replace("TITLE", escape(title).replace("{", "{{").replace("}", "}}"))
    page = page.replace("LANG", "zh-CN" if lang == "zh" else "en")
    drawn = console.export_html(theme=PAPER, code_format=page)
    before, start, rest = drawn.partition("<pre>")
    return before + start + re.sub(r">([^<]+)<", _widened, rest)


def _respaced(found: re.Match[str]) -> str:
    """Return one SVG text as runs of narrow and single wide characters, each at its own column.

    A wide glyph is as wide as the font is high, a little less than its two columns: it stands in the middle.
    """
    x = float(found["x"])
    runs = []
    for run in _RUN.findall(unescape(found["text"]).replace("\xa0", " ")):
        columns = cell_len(run)
        width = columns * CHARACTER * ASPECT
        if run[0] > "\u1100":
            place = x + (width - CHARACTER) / 2 if columns == 2 else x
            runs.append(f'<text class="{found["kind"]}" x="{place:g}" y="{found["y"]}">{escape(run)}</text>')
        elif not run.isspace():
            start = CHARACTER * ASPECT * (len(run) - len(run.lstrip()))
            shown = escape(run.strip()).replace(" ", "&#160;")
            runs.append(
                f'<text class="{found["kind"]}" x="{x + start:g}" y="{found["y"]}" '
                f'textLength="{width - start:g}">{shown}</text>'
            )
        x += width
    return "".join(runs)


def _widened(found: re.Match[str]) -> str:
    """Return the text between two tags with each wide run in a box of its columns."""

    def boxed(run: re.Match[str]) -> str:
        columns = cell_len(run[0])
        if columns == len(run[0]):
            return run[0]
        return f'<span class="wide" style="width:{columns}ch">{run[0]}</span>'

    return ">" + _WIDE.sub(boxed, found[1]) + "<"


def _write(path: Path, content: str) -> None:
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UsageError("explain.target-fails", path=path, reason=error.strerror) from error
