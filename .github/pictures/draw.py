"""Draw the README's pictures: the real commands, run on a terminal, saved as the program saves a screen.

Run by `make pictures`, from the checkout. What is shown is what the commands print, below the line that was
typed; a long screen is cut where it says so.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pexpect
from rich.console import Console
from rich.style import Style
from rich.text import Text

from mha_drill.catalog import load_catalog
from mha_drill.ui.export import COLUMNS, ON_PAPER, save
from mha_drill.ui.theme import CELLS, THEME

HERE = Path(__file__).resolve().parent
PROMPT = "> "
GROUNDS = {ground.number: ON_PAPER.styles[cell] for cell in CELLS if (ground := THEME.styles[cell].bgcolor)}
WRONG = "shared-projection"


def screen(folder: Path, arguments: Sequence[str], answers: Sequence[str] = ()) -> str:
    """Return all that one command prints on a terminal when it is answered like this, colours included."""
    environment = dict(
        os.environ, MHA_DRILL_HOME=str(folder / "record"), MHA_DRILL_WARM="0", TERM="xterm-256color",
        LANG="C.UTF-8", PYTHONPATH=str(HERE.parent.parent),
    )  # fmt: skip
    for name in ("NO_COLOR", "COLUMNS", "LINES", "LC_ALL", "LC_MESSAGES"):
        environment.pop(name, None)
    terminal = pexpect.spawn(
        sys.executable, ["-m", "mha_drill", *arguments],
        cwd=str(folder), env=environment, dimensions=(200, COLUMNS), encoding="utf-8", timeout=120,
    )  # fmt: skip
    shown = ""
    for answer in answers:
        terminal.expect_exact(PROMPT)
        shown += terminal.before + terminal.after
        terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    return shown + terminal.before


def draw(name: str, arguments: Sequence[str], shown: str, until: str = "") -> None:
    """Save one picture, of the screen up to the heading `until`."""
    text = Text.from_ansi(shown.replace("\r\n", "\n").strip("\n"))
    for at, span in enumerate(text.spans):
        ground = span.style.bgcolor if isinstance(span.style, Style) else None
        if ground and ground.number in GROUNDS:
            text.spans[at] = span._replace(style=GROUNDS[ground.number])
    if until:
        text = text[: text.plain.index(until)]
        text.rstrip()
        text.append("\n\n...", "muted")

    def on(console: Console) -> None:
        console.print(Text.assemble(("$ ", "muted"), (" ".join(["mha-drill", *arguments]), "strong")))
        console.print(text)

    save(HERE / f"{name}.svg", "svg", "mha-drill", "en", on)


def main() -> None:
    """Draw all three."""
    catalog = load_catalog()
    problem = catalog.problem("mha")
    edit = next(edit for edit in catalog.mistakes(problem) if edit.code == WRONG)
    solution = catalog.solutions(problem)[0].read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "my_mha.py").write_text(solution.replace(edit.old, edit.new), encoding="utf-8")
        quiz = ["quiz", "--kind", "choice", "--count", "1"]
        draw("quiz", quiz, screen(folder, quiz, ["A"]))
        check = ["check", "my_mha.py"]
        draw("check", check, screen(folder, check))
        explain = ["explain", "view"]
        draw("explain", explain, screen(folder, explain), until="The mistake that raises nothing")


if __name__ == "__main__":
    main()
