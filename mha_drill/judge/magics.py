"""A cell of a notebook as Python: what is IPython's alone is commented out, every line stays where it was.

Called by `judge.sources` for `check notebook.ipynb`, and by `notebook.cells` for `check` in a notebook.
"""

from __future__ import annotations

import ast
import re
import warnings

CODE_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")
MAGIC = re.compile(r"\s*[%!?]|[^#'\"]*=\s*[%!]|.*\?\s*$")
"""A line that is no Python but IPython's: `%pip`, `!ls`, `files = !ls`, `A?`."""


def plain(cell: str) -> str:
    """Return a cell with its magics commented out: all of it, where it is one in another language."""
    lines = cell.replace("\r\n", "\n").split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    other = first.startswith("%%") and not first.startswith(CODE_MAGICS)
    lines = [f"# {line}" if other or line.lstrip().startswith("%%") else line for line in lines]
    if statements("\n".join(lines)) is None:  # else a line that looks like a magic is a part of a text
        lines = [f"# {line}" if MAGIC.match(line) else line for line in lines]
    return "\n".join(lines)


def statements(text: str) -> list[ast.stmt] | None:
    """Return the statements of a cell; None where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
