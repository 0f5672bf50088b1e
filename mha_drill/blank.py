"""The blank skeleton of a code problem, written where the learner wants it; called by `new` and the quiz."""

from __future__ import annotations

from pathlib import Path

from mha_drill.catalog import Catalog, file_stem
from mha_drill.errors import UsageError
from mha_drill.records import Problem


def blank_name(problem: Problem) -> str:
    """Return the file name a blank of the problem has: `my_<id>.py`."""
    return f"my_{file_stem(problem)}.py"


def write_blank(catalog: Catalog, problem: Problem, out: Path | None = None, *, force: bool = False) -> Path:
    """Write the problem's skeleton to `out`, else to `my_<id>.py` right here, and return where.

    A file that is there already is left as it is unless `force`; that, and every place that cannot be
    written to, is a UsageError.
    """
    skeleton = catalog.skeleton(problem)
    path = out or Path(blank_name(problem))
    try:
        if path.is_dir():
            raise UsageError("catalog.target-is-folder", path=path, file=path / blank_name(problem))
        if path.exists() and not path.is_file():
            raise UsageError("catalog.not-a-file", path=path)
        if not path.parent.is_dir():
            raise UsageError("catalog.no-folder", folder=path.parent, file=path.name)
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(skeleton)
    except FileExistsError:
        raise UsageError("catalog.file-exists", path=path) from None
    except PermissionError:
        raise UsageError("catalog.no-permission", path=path) from None
    except OSError as error:
        raise UsageError("catalog.cannot-write", path=path, why=error.strerror or error) from None
    return path
