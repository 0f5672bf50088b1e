"""What every command shares: the application they register with, the language asked for, the learner's record."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from mha_drill.entry import Commands

if TYPE_CHECKING:
    from mha_drill.errors import DrillError
    from mha_drill.progress import Store
    from mha_drill.records import Lang

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
