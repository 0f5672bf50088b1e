"""One line that says what is being waited for, on a terminal only, and gone when it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from mha_drill.ui.console import fit


@contextmanager
def waiting(console: Console, sentence: str) -> Iterator[None]:
    """Show `sentence` for as long as the block lasts; `console` writes to standard error."""
    if not console.file.isatty() or console.is_dumb_terminal:
        yield
        return
    console.file.write(fit(sentence, console.width - 1))
    console.file.flush()
    try:
        yield
    finally:
        console.file.write("\r\x1b[2K")
        console.file.flush()
