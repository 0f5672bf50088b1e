"""The commands that judge: `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mha_drill.commands.base import LangOption, app, language, open_store


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
