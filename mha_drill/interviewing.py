"""`mock` as a sentence: draw the interview, hold it, keep its sheet, write it out. Called by `commands.returning`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from mha_drill.blank import write_blank
from mha_drill.catalog import load_catalog
from mha_drill.errors import UsageError
from mha_drill.mock.interview import Tools, Witness, blank_in_folder, hold
from mha_drill.mock.plan import plan
from mha_drill.progress import Store
from mha_drill.progress.sheets import Sheet, as_json
from mha_drill.quiz.session import Desk
from mha_drill.records import Lang, Report
from mha_drill.sitting import whole_stock
from mha_drill.ui.console import make_console, print_command, print_prose
from mha_drill.ui.mock import MockScreen, save_sheet
from mha_drill.ui.reading import Lines
from mha_drill.words import word

LONGEST = 240.0


@dataclass(frozen=True, slots=True)
class MockWish:
    """What the learner asked for. problem: "" is any."""

    minutes: float
    problem: str
    html: Path | None
    seed: int | None
    lang: Lang


def read_minutes(minutes: float) -> float:
    """Return the minutes asked for; UsageError for none, or for more than a day of interviews takes."""
    if not 1 <= minutes <= LONGEST:
        raise UsageError("mock.bad-minutes", minutes=f"{minutes:g}")
    return minutes


def read_problem(name: str) -> str:
    """Return the id of the code problem asked for, "" for any."""
    if not name:
        return ""
    problem = load_catalog().problem(name)
    if problem.code is None:
        raise UsageError("mock.not-code", name=problem.id)
    return problem.id


def interviewed(wish: MockWish, open_store: Callable[[], Store], clock: Callable[[], float]) -> str:
    """Hold the interview, and return how it ended."""

    def check(path: Path, problem: str) -> Report:
        from mha_drill.judge.client import check_file

        return check_file(path, problem, lang=wish.lang)

    if wish.html is not None:
        from mha_drill.ui.export import check_target

        check_target(wish.html, "html")
    random = Random(wish.seed)
    drawn = plan(whole_stock(), random, wish.problem)
    store = open_store()
    console = make_console()
    began, limit = clock(), wish.minutes * 60
    screen = MockScreen(console, wish.lang, Lines(), clock, began + limit)
    witness = Witness(store)
    folder = Path.cwd() / time.strftime("mock-%Y%m%d-%H%M%S", time.localtime(began))
    write = blank_in_folder(partial(write_blank, load_catalog()))
    desk = Desk(screen, clock, witness, folder, write, check)
    mark = os.urandom(16).hex()
    sheet = Sheet(mark, began, limit, 0.0, drawn.code.item, "", "interrupted")
    tools = Tools(desk, witness, lambda made: store.keep_mock(mark, began, as_json(made)), random, wish.lang)
    sheet = hold(drawn, sheet, screen, tools)
    if store.recording:
        print_command(console, word("mock.kept", wish.lang, command="{command}"), "mha-drill status")
    if wish.html is not None:
        save_sheet(wish.html, sheet, wish.lang)
        print_prose(console, word("mock.saved", wish.lang, path=wish.html))
    return sheet.ending
