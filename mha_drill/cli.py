"""The door: gathers the commands and runs the one that the arguments name. Nothing else is decided here."""

from __future__ import annotations

from typing import Annotated

import typer

from mha_drill import __version__
from mha_drill.commands import asking, judging, keeping, returning, telling
from mha_drill.commands.base import LangOption, app, language
from mha_drill.entry import run

__all__ = ["LangOption", "app", "asking", "judging", "keeping", "main", "returning", "telling"]


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
