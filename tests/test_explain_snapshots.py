"""Every topic as it is printed, at 60, 80 and 120 columns, in both languages: read the difference, then accept it.

    make test ARGS='tests/test_explain_snapshots.py --update-snapshots'

writes what is printed now into `tests/snapshots/explain/<columns>/`.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mha_drill.explain.library import topic_named, topics
from mha_drill.explain.sizes import Sizes
from mha_drill.records import LANGS, Lang
from mha_drill.ui.console import make_console
from mha_drill.ui.explain import print_topic, print_topics

FOLDER = Path(__file__).parent / "snapshots" / "explain"
WIDTHS = (60, 80, 120)
TOPICS = tuple(topic.name for topic in topics())
LARGE = ("view", "split", "merge", "mask", "attention", "shapes")
"""The topics whose pictures are drawn in part where the sizes are large; kept for such sizes too."""


def printed(name: str, sizes: Sizes, lang: Lang, width: int) -> str:
    file = io.StringIO()
    console = make_console(file, width=width, environ={})
    if name == "topics":
        print_topics(console, topics(), lang)
    else:
        print_topic(console, topic_named(name), sizes, lang, pictures_only=sizes != Sizes())
    return file.getvalue()


CASES = [(name, Sizes(), "") for name in ("topics", *TOPICS)] + [
    (name, Sizes(2, 12, 768, 12), ".large") for name in LARGE
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("name", "sizes", "end"), CASES, ids=[f"{name}{end}" for name, _, end in CASES])
def test_the_page_is_the_one_that_was_looked_at(
    name: str, sizes: Sizes, end: str, lang: Lang, width: int, request: pytest.FixtureRequest
) -> None:
    path = FOLDER / str(width) / f"{name}{end}.{lang}.txt"
    page = printed(name, sizes, lang, width)
    if request.config.getoption("--update-snapshots"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    assert path.is_file(), "no snapshot yet: look at the page, then --update-snapshots"
    assert page == path.read_text(encoding="utf-8")


def test_no_snapshot_is_left_over() -> None:
    wanted = {
        FOLDER / str(width) / f"{name}{end}.{lang}.txt"
        for name, _, end in CASES
        for lang in LANGS
        for width in WIDTHS
    }
    assert set(FOLDER.rglob("*.*")) == wanted
