"""The commands for the learner's own things, and for what there is: `new`, `list`, `progress`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mha_drill.commands.base import LangOption, app, language, open_store


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


progress = typer.Typer(
    help="Take your record to another machine, and back.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip
app.add_typer(progress, name="progress")


@progress.command(name="export")
def progress_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; - is standard output.")],
    lang: LangOption = "",
) -> None:
    """Write all you have answered so far to a file."""
    from mha_drill.progress.portable import exported, is_export
    from mha_drill.writing import write_whole

    speak = language(lang)
    store = open_store(speak)
    text = exported(store)
    if str(file) == "-":
        typer.echo(text, nl=False)
        return
    write_whole(file, text.encode(), may_replace=is_export)

    from mha_drill.ui.console import make_console
    from mha_drill.ui.progress import print_exported

    print_exported(make_console(), file, len(store.attempts()), speak)


@progress.command(name="import")
def progress_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported file; - is standard input.")],
    lang: LangOption = "",
) -> None:
    """Bring an exported file in beside what is here, by time; twice does no harm."""
    from mha_drill.errors import DrillError
    from mha_drill.progress.portable import merge, read_export, read_file

    speak = language(lang)
    tables = read_export(read_file(file), file)
    store = open_store(speak)
    merged = merge(store, tables)
    if not store.recording:
        raise DrillError("progress.not-imported", path=file)

    from mha_drill.ui.console import make_console
    from mha_drill.ui.progress import print_imported

    print_imported(make_console(), merged, speak)


@app.command()
def export(
    format: Annotated[  # noqa: A002
        str, typer.Option("--format", metavar="FORMAT", help="json, or anki for a package of cards.")
    ] = "json",
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file; without it JSON goes to the screen.")
    ] = None,
    lang: LangOption = "",
) -> None:
    """Write every question with its answer and its why, in both languages."""
    from mha_drill.catalog import load_catalog
    from mha_drill.exporting import export_to, may_replace, read_format
    from mha_drill.sitting import whole_stock
    from mha_drill.writing import check_place

    speak = language(lang)
    kind = read_format(format)
    path = out or (Path("mha-drill.apkg") if kind == "anki" else None)
    if path is not None and str(path) != "-":
        check_place(path, may_replace)
    count = export_to(kind, path, load_catalog(), whole_stock())
    if path is not None and str(path) != "-":
        from mha_drill.ui.console import make_console
        from mha_drill.ui.progress import print_questions_exported

        print_questions_exported(make_console(), path, kind, count, speak)
