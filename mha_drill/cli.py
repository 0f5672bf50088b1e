"""The commands: arguments in, exit code out, no logic.

Each body reads as a sentence and imports what it needs when it runs, so that `--help` stays cheap and no
command but the judge's own processes ever imports torch.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mha_drill import __version__
from mha_drill.entry import Commands, run

if TYPE_CHECKING:
    from mha_drill.errors import DrillError
    from mha_drill.progress import Store
    from mha_drill.records import Lang, Report

app = typer.Typer(
    name="mha-drill",
    cls=Commands,
    help="Drill the attention interview: be asked, be judged, be told the exact mistake.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LangOption = Annotated[str, typer.Option("--lang", help="en or zh; the locale decides when not given.")]


def language(asked: str) -> Lang:
    """Return the language asked for, else the locale's; anything but en and zh is a usage error."""
    from mha_drill.errors import UsageError

    if asked:
        wanted = asked.lower().replace("_", "-").split("-")[0]
        if wanted in ("en", "zh"):
            return "zh" if wanted == "zh" else "en"
        raise UsageError("cli.unknown-language", name=asked)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def open_store(lang: Lang) -> Store:
    """Return the learner's record; what is wrong with it is said on standard error, and nothing stops."""
    from mha_drill.progress import Store, store_path

    def warn(trouble: DrillError) -> None:
        typer.echo(trouble.say(lang), err=True)

    return Store(store_path(os.environ), warn)


def main() -> int:
    """Run the command that the arguments name; return the exit code of the contract."""
    return run(app, language)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"mha-drill {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version and leave."),
    ] = False,
) -> None:
    """Drill the attention interview: be asked, be judged, be told the exact mistake."""


@app.command()
def new(
    problem: Annotated[str, typer.Argument(help="Which problem; `mha-drill list` shows them.")] = "mha",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file, not to my_<problem>.py.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there already.")] = False,
    lang: LangOption = "",
) -> None:
    """Write the blank skeleton of a code problem."""
    from mha_drill.blank import write_blank
    from mha_drill.catalog import load_catalog

    speak = language(lang)
    catalog = load_catalog()
    wanted = catalog.problem(problem)
    path = write_blank(catalog, wanted, out, force=force)

    from mha_drill.ui.blank import print_blank
    from mha_drill.ui.console import make_console

    print_blank(make_console(), wanted, path, speak)


@app.command(name="list")
def list_problems(lang: LangOption = "") -> None:
    """Show every problem, in the order to learn them."""
    from mha_drill.catalog import load_catalog
    from mha_drill.ui.console import make_console
    from mha_drill.ui.list import print_list

    print_list(make_console(), load_catalog().problems, language(lang))


@app.command()
def quiz(
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="Only choice, short or code.")] = "",
    topic: Annotated[str, typer.Option("--topic", metavar="STEP", help="Only what is about this step.")] = "",
    count: Annotated[int, typer.Option("--count", metavar="N", help="How many to be asked.")] = 10,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Repeat a session.")] = None,
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
    stock = cards(catalog.problems, catalog.questions())
    store = open_store(speak)
    deck = deal(stock, wish, store.latest(), ASKERS)
    screen = QuizScreen(make_console(), speak, Lines())
    blank = partial(write_blank, catalog)
    desk = Desk(screen, time.time, store, Path.cwd(), blank, check)
    summary = ask_all(deck, desk, ASKERS)
    return INTERRUPTED if summary.ending == "interrupted" else PASSED


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
    cold: Annotated[bool, typer.Option("--cold", hidden=True, help="Leave no judge behind.")] = False,
    lang: LangOption = "",
) -> int:
    """Judge your code against hidden tests, and name the mistake."""
    from mha_drill.checking import CheckWish, check_files

    speak = language(lang)
    wish = CheckWish(problem or None, class_name or None, diff, json, verbose, time_limit, speak)
    return check_files(files, wish, lambda attempt: open_store(speak).record(attempt))


@app.command()
def hint(
    problem: Annotated[str, typer.Argument(help="Which problem; `mha-drill list` shows them.")],
    lang: LangOption = "",
) -> None:
    """Show one hint more for a problem, each time: the idea, the structure, the line."""
    from mha_drill.catalog import load_catalog
    from mha_drill.quiz.deck import cards
    from mha_drill.ui.console import make_console
    from mha_drill.ui.hint import print_hint

    speak = language(lang)
    catalog = load_catalog()
    wanted = catalog.problem(problem)
    (card,) = cards([wanted], [] if wanted.code else catalog.questions())[:1]
    level = open_store(speak).raise_hint_level(wanted.id)
    print_hint(make_console(), card, level, speak)


@app.command()
def explain(
    topic: Annotated[str, typer.Argument(help="Which idea; without one, all are listed.")] = "",
    shape: Annotated[str, typer.Option("--shape", metavar="B,L,D", help="The sizes to draw.")] = "",
    heads: Annotated[str, typer.Option("--heads", metavar="H", help="The number of heads to draw.")] = "",
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the pictures to this file too.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page to this file too.")] = None,
    lang: LangOption = "",
) -> None:
    """Show one idea of attention, drawn with your own sizes; or list them all."""
    from mha_drill.explain.library import need_topic, topic_named, topics
    from mha_drill.explain.sizes import read_sizes

    speak = language(lang)
    sizes = read_sizes(shape, heads)
    if not topic:
        need_topic(svg, html)
        from mha_drill.ui.console import make_console
        from mha_drill.ui.explain import print_topics

        print_topics(make_console(), topics(), speak)
        return
    wanted = topic_named(topic)

    from mha_drill.ui.console import make_console
    from mha_drill.ui.explain import print_topic, save_topic

    save_topic(wanted, sizes, speak, svg=svg, html=html)
    print_topic(make_console(), wanted, sizes, speak, saved=(svg, html))


@app.command()
def solution(
    problem: Annotated[str, typer.Argument(help="Which problem; `mha-drill list` shows them.")],
    numpy: Annotated[bool, typer.Option("--numpy", help="The one in numpy, where there is one.")] = False,
    lang: LangOption = "",
) -> None:
    """Print the reference solution of a code problem: plain code, when not on a terminal."""
    from mha_drill.catalog import load_catalog

    language(lang)
    catalog = load_catalog()
    code = catalog.solution(catalog.problem(problem), numpy=numpy)
    if not sys.stdout.isatty():
        typer.echo(code, nl=False)
        return
    from mha_drill.ui.console import make_console
    from mha_drill.ui.solution import print_solution

    print_solution(make_console(), code)
