"""The screen of a learner's own file drawn: `explain --file`, and the pictures that `watch` shows at a key.

`print_live(paper, report, lang)` is all a caller needs. Raises `explain.live.NothingToDraw`, one sentence, for a
file of which no step ran.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from mha_drill.explain.figures import Equations
from mha_drill.explain.library import Drawing, text
from mha_drill.explain.live import Live, OwnPicture, live
from mha_drill.explain.sizes import Sizes
from mha_drill.records import Lang, Report
from mha_drill.ui.check_layout import prose
from mha_drill.ui.check_walk import print_walk
from mha_drill.ui.code import clean
from mha_drill.ui.console import print_prose
from mha_drill.ui.explain import sizes_line
from mha_drill.ui.markdown import inline
from mha_drill.ui.pictures import print_picture
from mha_drill.ui.theme import MISTAKE_SIGN, PASS_SIGN
from mha_drill.words import word


def print_live(console: Console, report: Report, lang: Lang, topic: str = "") -> None:
    """Print a file's walk beside the reference's, where it parts from it, and the pictures of its own lines.

    topic: which idea to draw; the mistake's, or the split and the merge, when not given.
    """
    drawn = live(report, topic, console.width)
    name = clean(Path(report.file).name)
    print_prose(console, word("explain.file-title", lang, file=name), style="title")
    print_prose(console, word("explain.file-judged", lang, problem=report.problem), style="muted")
    print_walk(console, report, lang)
    console.print()
    _print_parting(console, drawn, lang)
    for own in drawn.own:
        _print_own(console, own, drawn.sizes or Sizes(), lang)
    if drawn.topic:
        _print_idea(console, drawn, lang)
    console.print()
    names = topic or drawn.topic or (drawn.mistake.topic if drawn.mistake else "") or "view"
    print_prose(console, word("explain.file-next", lang, topic=names), style="muted", hanging=4)


def _print_parting(console: Console, drawn: Live, lang: Lang) -> None:
    """Print where the file parts from the reference, or that it does not."""
    if drawn.mistake is None and drawn.parted is None:
        print_prose(console, f"{PASS_SIGN} {word('explain.file-same', lang)}", style="pass", hanging=2)
        return
    mistake, parted = drawn.mistake, drawn.parted
    step = parted.step if parted else ""
    title = mistake.title if mistake else ""
    line = mistake.line if mistake else parted.yours.line if parted and parted.yours else None
    key = f"file-parts{'-line' if line else ''}{'' if parted else '-nowhere'}"
    said = word(f"explain.{key}", lang, line=line, step=step, title=title)
    print_prose(console, Text(f"{MISTAKE_SIGN} ", style="mistake") + prose(said, "mistake"), hanging=2)


def _print_own(console: Console, own: OwnPicture, sizes: Sizes, lang: Lang) -> None:
    console.print()
    print_prose(console, own.say(lang), style="caption")
    print_picture(console, own.picture, sizes, lang)


def _print_idea(console: Console, drawn: Live, lang: Lang) -> None:
    """Print the pictures of the topic that explains it, for the sizes of the check."""
    from mha_drill.explain.pictures import PICTURES

    sizes = drawn.sizes or Sizes().on(console.width)
    parts = [part for part in text(drawn.topic, lang) if isinstance(part, Drawing)]
    pictures = [PICTURES[part.name](sizes) for part in parts]
    if any(not isinstance(picture, Equations) for picture in pictures):
        console.print()
        said = sizes_line(sizes, lang) if drawn.sizes else word("explain.file-no-heads", lang)
        print_prose(console, said, style="muted")
    for part, picture in zip(parts, pictures, strict=True):
        console.print()
        print_prose(console, inline(part.caption, "caption"))
        print_picture(console, picture, sizes, lang)
