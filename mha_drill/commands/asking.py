"""The commands that ask: `quiz`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mha_drill.commands.base import LangOption, app, language, open_store

if TYPE_CHECKING:
    from mha_drill.records import Report


@app.command()
def quiz(
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="Only choice, short, number, order, spot or code.")
    ] = "",
    topic: Annotated[
        str, typer.Option("--topic", metavar="STEP", help="Only about this step, or this topic.")
    ] = "",
    count: Annotated[
        int,
        typer.Option(
            "--count", metavar="N", show_default=False, help="How many to be asked: 10, if not said."
        ),
    ] = 10,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="A number that repeats a session.")
    ] = None,
    due: Annotated[bool, typer.Option("--due", hidden=True, help="Only what is not right yet.")] = False,
    lang: LangOption = "",
) -> int:
    """Be asked: shapes, short answers, and the blank skeleton to fill in."""
    import time

    from mha_drill.blank import write_blank
    from mha_drill.catalog import load_catalog
    from mha_drill.errors import INTERRUPTED, PASSED
    from mha_drill.quiz.asking import ASKERS
    from mha_drill.quiz.deck import Wish, cards, deal
    from mha_drill.quiz.generators import all_generators
    from mha_drill.quiz.session import Desk, ask_all
    from mha_drill.ui.console import make_console
    from mha_drill.ui.quiz import QuizScreen
    from mha_drill.ui.reading import Lines

    def check(path: Path, problem: str) -> Report:
        from mha_drill.judge.client import check_file

        return check_file(path, problem, lang=speak)

    speak = language(lang)
    wish = Wish(kind, topic, count, seed, due)
    catalog = load_catalog()
    stock = cards(catalog.problems, catalog.outlines(), all_generators())
    store = open_store(speak)
    deck = deal(stock, wish, store.latest(), ASKERS)
    screen = QuizScreen(make_console(), speak, Lines())
    blank = partial(write_blank, catalog)
    desk = Desk(screen, time.time, store, Path.cwd(), blank, check)
    summary = ask_all(deck, desk, ASKERS)
    return INTERRUPTED if summary.ending == "interrupted" else PASSED
