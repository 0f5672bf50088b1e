"""All there is to ask, and one sitting at the terminal with some of it; called by `quiz`, `review` and `status`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mha_drill.blank import write_blank
from mha_drill.catalog import load_catalog
from mha_drill.errors import INTERRUPTED, PASSED
from mha_drill.progress import Store
from mha_drill.quiz.asking import ASKERS
from mha_drill.quiz.card import Card
from mha_drill.quiz.deck import cards
from mha_drill.quiz.generators import all_generators
from mha_drill.quiz.session import Desk, ask_all
from mha_drill.records import Lang, Report
from mha_drill.ui.console import make_console
from mha_drill.ui.quiz import QuizScreen
from mha_drill.ui.reading import Lines


def whole_stock() -> tuple[Card, ...]:
    """Return a card for everything that can be asked, in the order to learn it."""
    catalog = load_catalog()
    return cards(catalog.problems, catalog.outlines(), all_generators())


def sit(deck: Sequence[Card], store: Store, lang: Lang) -> int:
    """Ask every card of the deck on the terminal; return the exit code."""

    def check(path: Path, problem: str) -> Report:
        from mha_drill.judge.client import check_file

        return check_file(path, problem, lang=lang)

    screen = QuizScreen(make_console(), lang, Lines())
    desk = Desk(screen, time.time, store, Path.cwd(), partial(write_blank, load_catalog()), check)
    summary = ask_all(deck, desk, ASKERS)
    return INTERRUPTED if summary.ending == "interrupted" else PASSED
