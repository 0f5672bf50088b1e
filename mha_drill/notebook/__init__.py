"""`check` in a notebook: `from mha_drill import check; check(MultiHeadAttention)`.

The sources of the cells run so far are what is judged, in the same isolation as a file; nothing of the live
object crosses over. Outside of a notebook, the file that the class was defined in is judged.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from mha_drill.errors import DrillError, UsageError
from mha_drill.judge.sources import Source, read_source
from mha_drill.notebook.cells import Cell, joined
from mha_drill.records import Lang, Report

TIME_LIMIT: Final = 10.0


class Verdict:
    """A report that shows itself: as HTML in a notebook, as text elsewhere."""

    def __init__(self, report: Report, source: Source, lang: Lang, cells: tuple[Cell, ...] = ()) -> None:
        self.report = report
        self.passed = report.verdict == "pass"
        self._source, self._lang, self._cells = source, lang, cells

    def _repr_html_(self) -> str:
        from mha_drill.ui.notebook import report_html

        return report_html(self.report, self._source.text, self._cells, self._lang)

    def __repr__(self) -> str:
        from mha_drill.ui.notebook import report_text

        return report_text(self.report, self._source.text, self._cells, self._lang)


def check(
    answer: object = None, problem: str = "", *, lang: str = "", time_limit: float = TIME_LIMIT
) -> Verdict:
    """Judge a class or a function of this notebook, and return the report, which shows itself.

    answer: the class or function, or an object of the class; all that was defined when it is left out.
    problem: which problem it answers; found out when left out. Raises ValueError for what cannot be judged.
    """
    from mha_drill.commands.base import language

    try:
        speak = language(lang)
    except UsageError as error:
        raise ValueError(error.say("en")) from None
    try:
        source, cells, name = _source_of(answer)
        from mha_drill.judge.client import open_judge

        with open_judge() as judge:
            report = judge.check(source, problem or None, class_name=name, lang=speak, time_limit=time_limit)
    except UsageError as error:
        raise ValueError(error.say(speak)) from None
    except DrillError as error:
        raise RuntimeError(error.say(speak)) from None
    _record(report, speak)
    return Verdict(report, source, speak, cells)


def _source_of(answer: object) -> tuple[Source, tuple[Cell, ...], str | None]:
    """Return what is to be judged, the cells it is made of, and the name of the answer in it."""
    named = answer if inspect.isclass(answer) or inspect.isfunction(answer) else type(answer)
    if answer is None:
        name, module = None, "__main__"
    else:
        name, module = str(named.__name__), str(named.__module__)
    cells = _cells()
    if module == "__main__" and cells is not None:
        text, kept = joined(cells, name)
        if not kept:
            raise UsageError("notebook.not-defined", name=name or "-")
        return Source("notebook", str(Path.cwd() / "notebook.py"), text), kept, name
    if answer is None:
        raise UsageError("notebook.no-notebook")
    try:
        path = inspect.getsourcefile(named)
    except TypeError:
        path = None
    if path is None or not Path(path).is_file():
        raise UsageError("notebook.no-source", name=name)
    return read_source(Path(path)), (), name


def _cells() -> list[str] | None:
    """Return the cells run so far, this one included, as they were written; None where there is no notebook."""
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return None
    return [str(cell) for cell in shell.history_manager.input_hist_raw]


def _record(report: Report, lang: Lang) -> None:
    """Keep the attempt, as `check` on the command line does."""
    from mha_drill.catalog import load_catalog
    from mha_drill.progress import Store, of_report, store_path

    def warn(trouble: DrillError) -> None:
        print(trouble.say(lang), file=sys.stderr)  # noqa: T201

    attempt = of_report(report, load_catalog().problem(report.problem).steps, time.time())
    if attempt is not None:
        store = Store(store_path(os.environ), warn)
        store.record(attempt)
        store.close()
