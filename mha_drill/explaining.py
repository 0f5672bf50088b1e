"""`explain` as a sentence: find the topic, read the sizes or have the file judged, keep the picture, show or play it.

Called by `commands.telling`. A file is run by the judge, in processes of its own; here no torch is ever loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mha_drill.errors import PASSED, DrillError, UsageError
from mha_drill.explain.library import need_topic, topic_named, topics
from mha_drill.explain.sizes import Sizes, read_sizes
from mha_drill.records import Lang, Report


@dataclass(frozen=True, slots=True)
class ExplainWish:
    """What `explain` was asked: a topic or "", sizes as typed, a file of the learner's, and what to make of it."""

    topic: str
    shape: str
    heads: str
    file: Path | None
    svg: Path | None
    html: Path | None
    play: bool
    lang: Lang


def explain(wish: ExplainWish) -> int:
    """Do what was asked and return the exit code. Raises UsageError."""
    if wish.file is not None:
        return _explain_file(wish, wish.file)
    sizes = read_sizes(wish.shape, wish.heads)
    if not wish.topic and not wish.play:
        need_topic(wish.svg, wish.html)
        from mha_drill.ui.console import make_console
        from mha_drill.ui.explain import print_topics

        print_topics(make_console(), topics(), wish.lang)
        return PASSED
    wanted = topic_named(wish.topic or "shapes")

    from mha_drill.ui.console import make_console
    from mha_drill.ui.explain import print_saved, print_topic, save_topic

    save_topic(wanted, sizes, wish.lang, svg=wish.svg, html=wish.html)
    if wish.play and _played(wanted.title.say(wish.lang), sizes, wish.lang, topic=wanted.name):
        print_saved(make_console(), (wish.svg, wish.html), wish.lang)
        return PASSED
    print_topic(make_console(), wanted, sizes, wish.lang, saved=(wish.svg, wish.html))
    return PASSED


def _explain_file(wish: ExplainWish, file: Path) -> int:
    """Draw the learner's own file from what the judge saw of it."""
    for option, given in (("--shape", wish.shape), ("--heads", wish.heads)):
        if given:
            raise UsageError("explain.file-and-sizes", option=option)
    topic = topic_named(wish.topic).name if wish.topic else ""
    targets = [(path, kind) for path, kind in ((wish.svg, "svg"), (wish.html, "html")) if path]
    if targets:
        from mha_drill.ui.export import check_target

        for path, kind in targets:
            check_target(path, kind)
    report = _judged(file, wish.lang)

    from mha_drill.ui.console import make_console
    from mha_drill.ui.explain import print_saved
    from mha_drill.ui.live import print_live

    for path, kind in targets:
        from mha_drill.ui.export import save

        draw: Callable[..., None] = partial(print_live, report=report, lang=wish.lang, topic=topic)
        save(path, kind, f"mha-drill explain --file {file.name}", wish.lang, draw)
    console = make_console()
    if not (wish.play and _played(file.name, None, wish.lang, report=report)):
        print_live(console, report, wish.lang, topic)
    print_saved(console, (wish.svg, wish.html), wish.lang)
    return PASSED


def _judged(file: Path, lang: Lang) -> Report:
    from mha_drill.judge.client import check_file
    from mha_drill.ui.console import make_console
    from mha_drill.ui.waiting import waiting
    from mha_drill.words import word

    with waiting(make_console(stderr=True), word("explain.file-running", lang, file=file.name)):
        report = check_file(file, lang=lang)
    if report.verdict == "error":
        raise DrillError("explain.file-unjudged", file=file, reason=report.why)
    return report


def _played(
    title: str, sizes: Sizes | None, lang: Lang, *, topic: str = "", report: Report | None = None
) -> bool:
    """Play the slides; False where there is nobody to press a key."""
    from mha_drill.ui.console import make_console
    from mha_drill.ui.fullscreen import can_play

    console = make_console()
    if not can_play(console):
        return False
    from mha_drill.explain.tour import own_tour, topic_tour
    from mha_drill.ui.play import play

    if report is not None:
        from mha_drill.explain.live import sizes_of

        sizes = sizes_of(report)
        shown = own_tour(report, lang, console.width)
    else:
        shown = topic_tour(topic, (sizes or Sizes()).on(console.width), lang)
    play(console, title, shown, sizes or Sizes(), lang)
    return True
