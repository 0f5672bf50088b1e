"""The door of the program: runs the commands and turns whatever happens into an exit code and one sentence.

Called by `cli.main` and nobody else. No traceback ever reaches the screen: one that is our own fault is
kept in a file, and the sentence names it.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
import typer

from mha_drill.errors import BROKEN, INTERRUPTED, PASSED, USAGE, DrillError, UsageError
from mha_drill.records import Lang

NAME: Final = "mha-drill"
_EXTRA: Final = re.compile(r"unexpected extra arguments? \((.*)\)")
READER_GONE: Final = 141  # as a shell reports a program whose reader went away (128 + SIGPIPE)


class Commands(typer.core.TyperGroup):
    """The commands; what ends one early is told apart here, before Click makes an exit code of it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None
        except BrokenPipeError:
            raise ReaderGone from None


class Interrupted(Exception):
    """Ctrl-C."""


class ReaderGone(Exception):
    """Nobody reads what is printed any more."""


def run(app: typer.Typer, language: Callable[[str], Lang]) -> int:
    """Run the command that the arguments name, and return the exit code."""
    _mend_streams()
    lang = _asked_language(sys.argv[1:], language)
    if lang == "zh" and not _holds(sys.stdout, "中"):
        _say(_word("cli.no-chinese", "en", encoding=sys.stdout.encoding))
    try:
        code = _invoke(app, lang)
        sys.stdout.flush()
    except (Interrupted, KeyboardInterrupt):
        _say("\n" + _word("cli.interrupted", lang))
        code = INTERRUPTED
    except (ReaderGone, BrokenPipeError):
        code = READER_GONE
    except click.ClickException as error:
        code = _usage(error, lang)
    except DrillError as error:
        _say(error.say(lang))
        code = error.exit_code
    except Exception as error:
        _say(_broken(error, lang))
        code = BROKEN
    _let_go()
    return code


def _mend_streams() -> None:
    """Give a closed stream a place to go, and let none stumble over what it cannot hold."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  (for good)
        with suppress(AttributeError, ValueError):
            getattr(sys, name).reconfigure(errors="replace")


def _holds(stream: Any, sign: str) -> bool:
    """Tell whether a stream can write this sign."""
    try:
        sign.encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _invoke(app: typer.Typer, lang: Lang) -> int:
    command = typer.main.get_command(_needed(app))
    if {"--help", "-h"} & set(sys.argv) or not sys.argv[1:]:
        from mha_drill.ui.help import speak

        command = speak(command, lang)
    code = command(prog_name=NAME, standalone_mode=False)
    return code if isinstance(code, int) else PASSED


def _needed(app: typer.Typer) -> typer.Typer:
    """Return the application with no more than the one command that comes first, where one does: building all takes
    longer than many a command."""
    for each in app.registered_commands:
        name = each.name or getattr(each.callback, "__name__", "")
        if sys.argv[1:2] == [name]:
            app.registered_commands, app.registered_groups = [each], []
            break
    return app


def _asked_language(arguments: Sequence[str], language: Callable[[str], Lang]) -> Lang:
    """Return the language that errors are said in, read off the arguments before anything can go wrong."""
    asked = ""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if argument.startswith("--lang="):
            asked = argument.partition("=")[2]
        elif before == "--lang":
            asked = argument
    try:
        return language(asked)
    except UsageError:
        return language("")


def _usage(error: click.ClickException, lang: Lang) -> int:
    """Say in one line what is wrong with the arguments."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        typer.echo(context.get_help())
        return PASSED
    help_line = f"{context.command_path if context else NAME} --help"
    _say(_usage_sentence(error, context, help_line, lang))
    return USAGE


def _usage_sentence(error: click.ClickException, context: Any, help_line: str, lang: Lang) -> str:
    """Return the sentence for what Click found; its own English words where it has none of ours."""
    from difflib import get_close_matches

    if option := getattr(error, "option_name", ""):
        if isinstance(error, click.BadOptionUsage):
            return _word("cli.option-usage", lang, name=option, help=help_line)
        known = [name for each in context.command.params for name in each.opts] if context else []
        if close := get_close_matches(option, known, n=2):
            return _word(
                "cli.no-such-option-close", lang, name=option, close=", ".join(close), help=help_line
            )
        return _word("cli.no-such-option", lang, name=option, help=help_line)
    param = getattr(error, "param", None)
    named = _parameter_name(param) if param else ""
    if isinstance(error, click.MissingParameter) and named:
        return _word("cli.missing", lang, name=named, help=help_line)
    if isinstance(error, click.BadParameter) and param and param.type.name == "integer":
        return _word("cli.not-a-number", lang, name=named, help=help_line)
    if isinstance(error, click.BadParameter) and named:
        return _word("cli.bad-value", lang, name=named, reason=error.message, help=help_line)
    commands = getattr(context.command, "commands", {}) if context else {}
    if commands:
        name = str(getattr(error, "command_name", "")) or _first_word(sys.argv[1:])
        if close := get_close_matches(name, list(commands)):
            return _word("cli.no-such-command-close", lang, name=name, close=", ".join(close))
        return _word("cli.no-such-command", lang, name=name, known=", ".join(commands))
    if extra := _EXTRA.search(error.format_message()):
        return _word("cli.too-many", lang, extra=extra[1], help=help_line)
    return _word("cli.usage", lang, reason=error.format_message(), help=help_line)


def _parameter_name(param: click.Parameter) -> str:
    option = param.param_type_name == "option"
    return str(param.opts[0] if option else param.human_readable_name)


def _first_word(arguments: Sequence[str]) -> str:
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def _broken(error: Exception, lang: Lang) -> str:
    """Keep the traceback in a file; return the sentence that names it."""
    place = _kept(error, os.environ)
    name = type(error).__name__
    if place is None:
        return _word("cli.broken-unkept", lang, name=name, reason=error)
    return _word("cli.broken", lang, name=name, path=place)


def _kept(error: Exception, environ: Mapping[str, str]) -> Path | None:
    import platform
    import tempfile
    import traceback

    from mha_drill import __version__
    from mha_drill.progress.folder import data_folder

    told = "".join(traceback.format_exception(error))
    about = f"{NAME} {__version__}, Python {platform.python_version()}, {platform.platform()}"
    text = f"{about}\n{sys.argv[1:]}\n\n{told}"
    for folder in (data_folder(environ), Path(tempfile.gettempdir())):
        path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", errors="replace")
            return path
    return None


def _word(key: str, lang: Lang, **values: object) -> str:
    from mha_drill.words import word

    return word(key, lang, **values)


def _say(sentence: str) -> None:
    """Print one line on standard error, whatever the names in it hold."""
    before = "\n" if sentence.startswith("\n") else ""
    line = " ".join(sentence.split())
    with suppress(OSError):
        print(before + "".join(sign if sign.isprintable() else "?" for sign in line), file=sys.stderr)  # noqa: T201


def _let_go() -> None:
    """Let the interpreter end without a word about a reader that went away."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
