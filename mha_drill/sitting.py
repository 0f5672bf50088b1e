"""One sitting at the terminal with a deck of cards; called by `quiz` and `review`."""

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
from mha_drill.quiz.deck import Card
from mha_drill.quiz.session import Desk, ask_all
from mha_drill.records import Lang, Report
from mha_drill.ui.console import make_console
from mha_drill.ui.quiz import QuizScreen
from mha_drill.ui.reading import Lines


def sit(deck: Sequence[Card], store: Store, lang: Lang) -> int:
    """Ask every card of the deck on the terminal; return the exit code."""

    def check(path: Path, problem: str) -> Report:
        from mha_drill.judge.client import check_file

        return check_file(path, problem, lang=lang)

    screen = QuizScreen(make_console(), lang, Lines())
    desk = Desk(screen, time.time, store, Path.cwd(), partial(write_blank, load_catalog()), check)
    summary = ask_all(deck, desk, ASKERS)
    return INTERRUPTED if summary.ending == "interrupted" else PASSED
