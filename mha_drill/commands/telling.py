"""The commands that tell: `explain`, `hint`, `solution`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mha_drill.commands.base import LangOption, app, language, open_store


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
    (card,) = cards([wanted], [] if wanted.code else catalog.outlines())[:1]
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
