"""The commands that judge: `check` and `watch`, and `judge` for the process that stays to do it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mha_drill.commands.base import LangOption, app, language, open_store
from mha_drill.entry import Commands

judge = typer.Typer(
    cls=Commands,
    help="The process that stays warm between checks.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(judge, name="judge")


@app.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Python files or notebooks; - is standard input.")
    ],
    problem: Annotated[
        str, typer.Option("--problem", metavar="ID", help="Which problem; found out when not given.")
    ] = "",
    class_name: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Which class or function is the answer.")
    ] = "",
    diff: Annotated[
        bool, typer.Option("--diff", help="Show the whole file beside the reference solution.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a file, one a line.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Every test, and how the file was called.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="S", help="Seconds for each call.")
    ] = 10.0,
    cold: Annotated[bool, typer.Option("--cold", help="Use no warm judge, and leave none behind.")] = False,
    lang: LangOption = "",
) -> int:
    """Judge your code against hidden tests, and name the mistake."""
    from mha_drill.checking import CheckWish, check_files

    speak = language(lang)
    wish = CheckWish(problem or None, class_name or None, diff, json, verbose, time_limit, speak, cold)
    return check_files(files, wish, lambda attempt: open_store(speak).record(attempt))


@app.command()
def watch(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Python file or notebook; it need not be there yet.")
    ],
    problem: Annotated[
        str, typer.Option("--problem", metavar="ID", help="Which problem; found out when not given.")
    ] = "",
    class_name: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Which class or function is the answer.")
    ] = "",
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="S", help="Seconds for each call.")
    ] = 10.0,
    lang: LangOption = "",
) -> int:
    """Judge your code again at every save, until q or Ctrl-C."""
    from mha_drill.checking import CheckWish
    from mha_drill.errors import PASSED
    from mha_drill.judge.client import open_judge
    from mha_drill.saving import Saves
    from mha_drill.ui.console import make_console
    from mha_drill.ui.watch import FullWatch, PlainWatch
    from mha_drill.watching import Watch, first_look

    speak = language(lang)
    first_look(file)
    wish = CheckWish(problem or None, class_name or None, False, False, False, time_limit, speak)
    console = make_console()
    whole = console.is_terminal and not console.is_dumb_terminal  # a dumb one cannot be drawn over
    screen = FullWatch(console, speak) if whole else PlainWatch(console, speak)
    try:
        with open_judge() as judges, Saves(file) as saves, screen:
            Watch(file, judges, wish, screen, lambda attempt: open_store(speak).record(attempt)).run(saves)
    except KeyboardInterrupt:
        pass
    return PASSED


@judge.command()
def status(lang: LangOption = "") -> None:
    """Say whether a warm judge is running, since when, and which layers of the sandbox are on."""
    import time

    from mha_drill.judge.sandbox import layers
    from mha_drill.judge.warm.doors import minutes_to_stay
    from mha_drill.judge.warm.roll import warm_judges
    from mha_drill.ui.console import make_console
    from mha_drill.ui.judge import render_judges, render_layers

    speak, console = language(lang), make_console()
    wanted = bool(minutes_to_stay(os.environ))
    render_judges(console, warm_judges(os.environ), time.time(), speak, wanted=wanted)
    render_layers(console, layers(), speak)


@judge.command()
def stop(lang: LangOption = "") -> None:
    """End the warm judge; the next check starts another."""
    from mha_drill.judge.warm.roll import stop_judges
    from mha_drill.ui.console import make_console
    from mha_drill.ui.judge import render_stopped

    render_stopped(make_console(), stop_judges(os.environ), language(lang))
