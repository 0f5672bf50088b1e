"""The screens of `explain`: the list of topics, and one topic with its text, its code and its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mha_drill.explain.library import ANY, Code, Drawing, Prose, Topic, text
from mha_drill.explain.sizes import Sizes
from mha_drill.records import Lang
from mha_drill.ui.console import PROSE_WIDTH, print_prose
from mha_drill.ui.listing import COMMENT, print_code
from mha_drill.ui.markdown import inline, print_markdown
from mha_drill.words import word

CODE_INDENT = 4


def print_topics(console: Console, topics: tuple[Topic, ...], lang: Lang) -> None:
    """Print every topic under its step, one line each."""
    print_prose(console, word("explain.list-title", lang), style="title")
    whole = word("explain.list-whole", lang)
    steps = max(cell_len(whole if topic.step == ANY else topic.step) for topic in topics) + 2
    names = max(len(topic.name) for topic in topics) + 2
    before = ""
    for topic in topics:
        step = whole if topic.step == ANY else topic.step
        if topic.step != before:
            console.print()
        shown = "" if topic.step == before else step
        before = topic.step
        line = Text.assemble(
            (shown + " " * (steps - cell_len(shown)), "step"),
            (topic.name.ljust(names), "key"),
            topic.line.say(lang),
        )
        print_prose(console, line, hanging=steps + names if console.width >= 60 else CODE_INDENT)
    console.print()
    print_prose(console, word("explain.list-next", lang), style="muted")


def print_topic(
    console: Console,
    topic: Topic,
    sizes: Sizes,
    lang: Lang,
    *,
    pictures_only: bool = False,
    saved: Sequence[Path | None] = (),
) -> None:
    """Print a topic drawn for `sizes`: all of it, or its title and its pictures alone.

    saved: the files that it was written to already; they are named at the end.
    """
    sizes = sizes.on(console.width)
    print_prose(console, topic.title.say(lang), style="title")
    print_prose(console, sizes_line(sizes, lang), style="muted")
    if 1 in (sizes.length, sizes.heads, sizes.head_width):
        print_prose(console, word("explain.size-one", lang), style="warning")
    for part in text(topic.name, lang):
        match part:
            case Drawing():
                console.print()
                print_prose(console, inline(part.caption, "caption"))
                _print_picture(console, part.name, sizes, lang)
            case Prose() if not pictures_only:
                console.print()
                print_markdown(console, part.source)
            case Code() if not pictures_only:
                console.print()
                _print_code(console, part)
    if topic.related and not pictures_only:
        console.print()
        names = " | ".join(topic.related)
        print_prose(console, word("explain.see-also", lang, names=names), style="muted", hanging=4)
    print_saved(console, saved, lang)


def print_saved(console: Console, saved: Sequence[Path | None], lang: Lang) -> None:
    """Print which files were written."""
    for path in saved:
        if path is not None:
            print_prose(console, word("explain.saved", lang, path=path), style="pass")


def save_topic(topic: Topic, sizes: Sizes, lang: Lang, *, svg: Path | None, html: Path | None) -> None:
    """Write a topic's pictures as SVG, its whole page as HTML, where asked. Raises UsageError."""
    if svg is None and html is None:
        return
    from mha_drill.ui.export import check_target, save

    targets = [(path, kind) for path, kind in ((svg, "svg"), (html, "html")) if path is not None]
    for path, kind in targets:
        check_target(path, kind)
    for path, kind in targets:
        draw = partial(_draw, topic, sizes, lang, kind == "svg")
        save(path, kind, f"mha-drill explain {topic.name}", lang, draw)


def _draw(topic: Topic, sizes: Sizes, lang: Lang, pictures_only: bool, console: Console) -> None:
    print_topic(console, topic, sizes, lang, pictures_only=pictures_only)


def sizes_line(sizes: Sizes, lang: Lang) -> str:
    """Return the sizes drawn for, in words."""
    return word(
        "explain.sizes", lang, batch=sizes.batch, length=sizes.length, width=sizes.width,
        heads=sizes.heads, head_width=sizes.head_width,
    )  # fmt: skip


def _print_picture(console: Console, name: str, sizes: Sizes, lang: Lang) -> None:
    """Print one picture; what draws it is loaded after the first lines are on the screen."""
    from mha_drill.explain.pictures import PICTURES
    from mha_drill.ui.pictures import print_picture

    print_picture(console, PICTURES[name](sizes), sizes, lang)


def _print_code(console: Console, code: Code) -> None:
    """Print lines of code, what they give in one column where the page is wide enough."""
    lines = [source.partition("  # ")[::2] for source in code.lines]
    column = max((len(statement.rstrip()) for statement, result in lines if result), default=0)
    room = min(console.width, PROSE_WIDTH) - CODE_INDENT
    if column + max(len(result) for _, result in lines) + len(COMMENT) > room:
        column = 0
    for statement, result in lines:
        print_code(console, statement.rstrip(), indent=CODE_INDENT, result=result, column=column)
