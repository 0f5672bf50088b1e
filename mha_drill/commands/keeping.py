"""The commands for the learner's own things, and for what there is: `new`, `list`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mha_drill.commands.base import LangOption, app, language


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
