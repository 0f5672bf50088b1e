"""The help texts in the language asked for, Chinese laid out in its two columns a character. Used by `entry`.

Typer knows one help text a command and an option, in English, where it is defined. Their Chinese stands in
`words/help.toml` by the same names; a test proves that none is missing and that the English is the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from rich.cells import cell_len
from rich.text import Text as Line

from mha_drill.records import Lang
from mha_drill.ui.wrapping import wrap
from mha_drill.words import room, word

WIDEST_TERM = 30
_STANDING = {"lang", "version", "install_completion", "show_completion", "_click_default_help"}
"""Options that say the same under every command."""


class EnglishFormatter(click.HelpFormatter):
    """Click's help, without the backslashes that Typer writes for Rich, and without its second list of arguments."""

    muted = False

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        columns = shutil.get_terminal_size().columns
        super().__init__(indent_increment, width or max(min(columns, max_width or 80) - 2, 20))

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Write a section; Click has written the arguments already when Typer writes them again."""
        if name == "Arguments":
            self.muted = True
            yield
            self.muted = False
        else:
            with super().section(name):
                yield

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = WIDEST_TERM, col_spacing: int = 2
    ) -> None:
        """Write terms, each with what it means beside it."""
        if not self.muted:
            self.write_terms(
                [(term, meaning.replace("\\[", "[")) for term, meaning in rows], col_max, col_spacing
            )

    def write_terms(self, rows: list[tuple[str, str]], col_max: int, col_spacing: int) -> None:
        """Write the terms of one section."""
        super().write_dl(rows, col_max, col_spacing)


class ChineseFormatter(EnglishFormatter):
    """Help with Chinese headings, broken where Chinese may be broken."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line of usage."""
        super().write_usage(prog, args, prefix=word("help.usage", "zh"))

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        known = room("help").get(f"heading-{heading.lower().split()[-1]}")
        super().write_heading(known.zh if known else heading)

    def write_text(self, text: str) -> None:
        """Write a paragraph."""
        room_left = max(self.width - self.current_indent, 8)
        for line in wrap(Line(" ".join(text.split())), room_left):
            self.write(f"{'':>{self.current_indent}}{line.plain}\n")

    def write_terms(self, rows: list[tuple[str, str]], col_max: int, col_spacing: int) -> None:
        """Write the terms of one section, wide characters in two columns."""
        column = min(max((cell_len(term) for term, _ in rows), default=0), col_max) + col_spacing
        for term, meaning in rows:
            said = meaning.replace("[required]", word("help.required", "zh"))
            said = said.replace("[default: ", word("help.default", "zh"))
            lines = wrap(Line(said), max(self.width - self.current_indent - column, 8))
            self.write(f"{'':>{self.current_indent}}{term}")
            beside = cell_len(term) <= column - col_spacing
            self.write(
                " " * (column - cell_len(term)) if beside else f"\n{'':>{self.current_indent + column}}"
            )
            self.write(f"\n{'':>{self.current_indent + column}}".join(line.plain for line in lines) + "\n")


class EnglishContext(click.Context):
    """A context that lays its help out in English."""

    formatter_class = EnglishFormatter


class ChineseContext(click.Context):
    """A context that lays its help out in Chinese."""

    formatter_class = ChineseFormatter


def texts(command: click.Command, name: str = "drill") -> Iterator[tuple[str, str]]:
    """Yield the key and the English of every help text of a command and of those below it.

    The English of an argument is empty: Typer loses it with this Click, and `words/help.toml` has it alone.
    """
    yield (name, command.help or "")
    for key, param in _params(command, name):
        yield key, str(getattr(param, "help", None) or "")
    for below, child in getattr(command, "commands", {}).items():
        yield from texts(child, below if name == "drill" else f"{name}-{below}")


def speak(command: click.Command, lang: Lang, name: str = "drill") -> click.Command:
    """Return the command with its help texts, and those of the commands below it, in `lang`."""
    said = room("help")
    command.context_class = ChineseContext if lang == "zh" else EnglishContext
    if text := said.get(name):
        command.help = command.short_help = text.say(lang)
    for key, param in _params(command, name):
        if text := said.get(key):
            param.help = text.say(lang)
    for below, child in getattr(command, "commands", {}).items():
        speak(child, lang, below if name == "drill" else f"{name}-{below}")
    return command


def _params(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
    for param in command.get_params(click.Context(command, help_option_names=["-h", "--help"])):
        owner = "option" if param.name in _STANDING else name
        yield f"{owner}-{(param.name or '').strip('_')}".replace("_", "-"), param
