"""The walk of the file that `watch` has just judged, on its screen at a key: drawn whole, or played step by step.

Called by `ui.watch`, which owns the terminal; here a verdict becomes lines, and keys move through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from rich.console import Console

from mha_drill.errors import DrillError
from mha_drill.explain.slides import Slide
from mha_drill.records import Lang, Report
from mha_drill.ui.code import clean
from mha_drill.ui.console import captured, print_prose

Way = Literal["drawn", "played"]
WAYS: dict[str, Way] = {"e": "drawn", "p": "played"}
"""Which key opens which; the same key closes it again."""


class OwnWalk:
    """The walk of one report, while it is open."""

    def __init__(self, console: Console, report: Report, way: Way, lang: Lang) -> None:
        self.way = way
        self._console, self._report, self._lang = console, report, lang
        self._slides: Sequence[Slide] = ()
        self._at = 0
        self._drawn: tuple[int, list[str]] = (0, [])

    def press(self, key: str) -> None:
        """Go to another step, where the walk is played and the key leads to one."""
        if self.way == "played":
            from mha_drill.ui.play import move

            with suppress(DrillError):
                self._at = move(self._steps(), self._at, key)

    def lines(self, height: int) -> list[str]:
        """Return what to show; a played walk fills the height, a drawn one may be longer."""
        try:
            return self._slide(height) if self.way == "played" else self._page()
        except DrillError as error:
            said = clean(error.say(self._lang))
            return captured(self._console, lambda: print_prose(self._console, said, style="warning"))

    def _page(self) -> list[str]:
        console = self._console
        if self._drawn[0] != console.width:
            from mha_drill.ui.live import print_live

            lines = captured(console, lambda: print_live(console, self._report, self._lang))
            self._drawn = console.width, lines
        return self._drawn[1]

    def _steps(self) -> Sequence[Slide]:
        if not self._slides:
            from mha_drill.explain.tour import own_tour

            self._slides = own_tour(self._report, self._lang, self._console.width)
        return self._slides

    def _slide(self, height: int) -> list[str]:
        from mha_drill.explain.live import sizes_of
        from mha_drill.explain.sizes import Sizes
        from mha_drill.ui.play import page

        title, sizes = clean(Path(self._report.file).name), sizes_of(self._report) or Sizes()
        return page(
            self._console,
            title,
            self._steps(),
            self._at,
            sizes,
            self._lang,
            height=height,
            keys="watch.play-keys",
        )
