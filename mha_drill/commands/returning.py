"""The commands for coming back another day: `review`, `recite`, `mock`, `status`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from mha_drill.commands.base import LangOption, app, language, open_store


@app.command()
def review(
    interview: Annotated[
        str, typer.Option("--interview", metavar="DATE", help="The day of your interview; none forgets it.")
    ] = "",
    count: Annotated[int, typer.Option("--count", metavar="N", help="At most so many.")] = 0,
    lang: LangOption = "",
) -> int:
    """Be asked what is due today: again on the day you would have forgotten."""
    from random import Random

    from mha_drill.errors import PASSED
    from mha_drill.progress.days import day_of
    from mha_drill.quiz.deck import with_new_numbers
    from mha_drill.reviewing import later_today, read_interview, set_interview, todays
    from mha_drill.sitting import sit, whole_stock
    from mha_drill.ui.console import make_console
    from mha_drill.ui.review import print_interview, print_next, print_nothing_due

    speak = language(lang)
    now = time.time()
    named = read_interview(interview, day_of(now)) if interview else None
    store = open_store(speak)
    console = make_console()
    if interview:
        set_interview(store, named, now)
        print_interview(console, named, speak)
    stock = whole_stock()
    today = todays(store, stock, now)
    deck = with_new_numbers(today.plan.cards[: count or None], Random())
    if not deck:
        print_nothing_due(console, today.plan, speak)
        return PASSED
    code = sit(deck, store, speak)
    print_next(console, later_today(today, store, stock, time.time()), speak)
    return code


@app.command()
def recite(
    problem: Annotated[str, typer.Argument(help="Which problem; `mha-drill list` shows them.")] = "mha",
    level: Annotated[int, typer.Option("--level", metavar="N", help="1 to 4, how much is blank.")] = 0,
    lang: LangOption = "",
) -> int:
    """Write a reference from memory, line by line, with more of it blank each time."""
    from mha_drill.catalog import load_catalog
    from mha_drill.errors import INTERRUPTED, PASSED, UsageError
    from mha_drill.recite.blanks import LEVELS
    from mha_drill.recite.reference import read_reference
    from mha_drill.recite.session import item_of, level_after
    from mha_drill.recite.session import recite as ask_lines
    from mha_drill.ui.console import make_console
    from mha_drill.ui.reading import Lines
    from mha_drill.ui.recite import ReciteScreen

    speak = language(lang)
    if level and not 1 <= level <= LEVELS:
        raise UsageError("recite.bad-level", level=level)
    catalog = load_catalog()
    wanted = catalog.problem(problem)
    reference = read_reference(catalog.solution(wanted))
    store = open_store(speak)
    level = level or level_after(store.attempts(item_of(wanted.id)))
    screen = ReciteScreen(make_console(), speak, Lines())
    result = ask_lines(wanted.id, wanted.title.say(speak), reference, level, screen, time.time, store)
    return INTERRUPTED if result.ending == "interrupted" else PASSED


@app.command()
def mock(
    minutes: Annotated[float, typer.Option("--minutes", metavar="N", help="How long it takes.")] = 30.0,
    problem: Annotated[str, typer.Option("--problem", metavar="ID", help="What to write code for.")] = "",
    html: Annotated[Path | None, typer.Option("--html", help="Write the sheet to this file too.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Repeat an interview.")] = None,
    lang: LangOption = "",
) -> int:
    """Hold a mock interview against the clock: shapes, words, code, and questions about your code."""
    from mha_drill.errors import INTERRUPTED, PASSED
    from mha_drill.interviewing import MockWish, interviewed, read_minutes, read_problem

    speak = language(lang)
    wish = MockWish(read_minutes(minutes), read_problem(problem), html, seed, speak)
    ending = interviewed(wish, lambda: open_store(speak), time.time)
    return INTERRUPTED if ending == "interrupted" else PASSED


@app.command()
def status(
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    lang: LangOption = "",
) -> None:
    """See where you stand: by step, what is due, your streak, your weakest step."""
    from contextlib import suppress

    from mha_drill.progress.sheets import from_json
    from mha_drill.progress.status import status as reckoned
    from mha_drill.reviewing import todays
    from mha_drill.sitting import whole_stock

    speak = language(lang)
    store = open_store(speak)
    stock = whole_stock()
    today = todays(store, stock, time.time())
    sheets = []
    for text in store.mocks():
        with suppress(ValueError):
            sheets.append(from_json(text))
    found = reckoned(today.history, today.plan, stock, sheets, today.day, today.interview)
    if json:
        from mha_drill.ui.status_json import status_line

        typer.echo(status_line(found))
        return

    from mha_drill.ui.console import make_console
    from mha_drill.ui.status import print_status

    print_status(make_console(), found, speak)
