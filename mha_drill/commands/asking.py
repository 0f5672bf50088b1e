"""The commands that ask: `quiz`."""

from __future__ import annotations

from typing import Annotated

import typer

from mha_drill.commands.base import LangOption, app, language, open_store


@app.command()
def quiz(
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="Only choice, short, number, order, spot or code.")
    ] = "",
    topic: Annotated[
        str,
        typer.Option(
            "--topic", metavar="STEP", help="Only about this step, or this topic, such as rope or kv-cache."
        ),
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
    due: Annotated[bool, typer.Option("--due", help="Only what is due today.")] = False,
    lang: LangOption = "",
) -> int:
    """Be asked: shapes, short answers, and the blank skeleton to fill in."""
    from mha_drill.quiz.asking import ASKERS
    from mha_drill.quiz.deck import Wish, deal
    from mha_drill.sitting import sit, whole_stock

    speak = language(lang)
    wish = Wish(kind, topic, count, seed)
    stock = whole_stock()
    store = open_store(speak)
    deck = deal(stock, wish, store.latest(), ASKERS)
    if due:
        import time

        from mha_drill.errors import PASSED
        from mha_drill.quiz.deck import fitting
        from mha_drill.reviewing import todays
        from mha_drill.ui.console import make_console
        from mha_drill.ui.review import print_none_fits, print_nothing_due

        plan = todays(store, stock, time.time()).plan
        deck = fitting(plan.cards, wish)
        if not deck:
            say = print_none_fits if plan.cards else print_nothing_due
            say(make_console(), plan, speak)
            return PASSED
    return sit(deck, store, speak)
