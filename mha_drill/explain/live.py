"""What a learner's own file does, as pictures: made from the judge's Report alone, for `explain --file` and `watch`.

The judge's evidence is a line and a shape for each of the ten steps, and the mistakes. Reshaping lines are retraced
call by call; a line that reads tokens into heads stands beside the right one; any other mistake has the pictures
of its topic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mha_drill.errors import FAILED, DrillError
from mha_drill.explain.figures import Comparison, Picture
from mha_drill.explain.retracing import retrace, statement
from mha_drill.explain.sizes import COLUMNS, Sizes
from mha_drill.explain.tables import mixed, unmixed
from mha_drill.records import Lang, Mistake, Report, Step, StepRow
from mha_drill.words import word

LAYOUT_TOPICS = ("view", "reshape", "transpose", "contiguous", "strides", "split", "merge")
"""The topics about where numbers lie: for these the file's own split and merge are drawn."""


class NothingToDraw(DrillError):
    """The file fails before any step of it ran; the sentence says so."""

    exit_code = FAILED


@dataclass(frozen=True, slots=True)
class OwnPicture:
    """A picture of the file's own lines. key: the sentence above it; line, code: the line it is about."""

    key: str
    step: Step
    line: int | None
    picture: Picture

    def say(self, lang: Lang) -> str:
        """Return the sentence above it."""
        where = word("explain.line", lang, line=self.line) if self.line else self.step
        return word(f"explain.{self.key}", lang, where=where)


@dataclass(frozen=True, slots=True)
class Live:
    """One file's walk. parted: the first step that differs, and `mistake` what is wrong there.

    sizes: the ones of the check, None where the file has none to draw with. topic: whose pictures show the idea,
    "" where the file's own show it.
    """

    sizes: Sizes | None
    parted: StepRow | None
    mistake: Mistake | None
    own: tuple[OwnPicture, ...]
    topic: str


def live(report: Report, topic: str = "", columns: int = COLUMNS) -> Live:
    """Return what to draw of a report on a page, about `topic` where one is asked for. Raises NothingToDraw."""
    rows = {row.step: row for row in report.steps}
    if not any(row.yours for row in report.steps):
        raise _nothing(report)
    parted = next((row for row in report.steps if not row.same), None)
    mistake = _mistake(report, parted)
    sizes = found.on(columns) if (found := sizes_of(report)) else None
    own: list[OwnPicture] = []
    if sizes and parted and mistake and (compared := _compared(sizes, parted, mistake)):
        own.append(compared)
    if sizes:
        done = {each.step for each in own}
        films = [_film(sizes, rows, step) for step in _reshaping_steps(topic, parted) if step not in done]
        own.extend(film for film in films if film)
    idea = topic or (mistake.topic if mistake else "split" if sizes else "attention")
    return Live(sizes, parted, mistake, tuple(own), "" if own and topic in (*LAYOUT_TOPICS, "") else idea)


def _reshaping_steps(topic: str, parted: StepRow | None) -> tuple[Step, ...]:
    """Return which of the file's two reshapings to draw."""
    both: tuple[Step, ...] = ("split", "merge")
    if topic in LAYOUT_TOPICS:
        return tuple(step for step in both if step == topic) or both
    if topic:
        return ()
    return tuple(step for step in both if parted is None or step == parted.step)


def _nothing(report: Report) -> NothingToDraw:
    name = Path(report.file).name if report.file != "-" else report.file
    first = next(iter(report.mistakes), None)
    if first is None:
        return NothingToDraw("explain.file-no-steps", file=name, path=report.file, problem=report.problem)
    if first.line is None:
        return NothingToDraw("explain.file-nothing", file=name, path=report.file, title=first.title)
    return NothingToDraw(
        "explain.file-nothing-line", file=name, path=report.file, title=first.title, line=first.line
    )


def _mistake(report: Report, parted: StepRow | None) -> Mistake | None:
    """Return the mistake where the file parts; the first one where every step is the same."""
    there = [each for each in report.mistakes if parted and each.step == parted.step]
    return next(iter(there or report.mistakes), None)


def sizes_of(report: Report) -> Sizes | None:
    """Return the sizes of the check, read off the reference's own shapes; None without heads or a square call."""
    shapes = {row.step: row.reference.shape for row in report.steps if row.reference and row.reference.shape}
    split, output = shapes.get("split", ()), shapes.get("output", shapes.get("merge", ()))
    if len(split) != 4 or len(output) != 3 or output[-1] != split[1] * split[3]:
        return None
    return Sizes(batch=split[0], length=split[2], width=output[-1], heads=split[1])


def _compared(sizes: Sizes, parted: StepRow, mistake: Mistake) -> OwnPicture | None:
    """Return the file's line beside the reference's, where it reads the numbers in another order."""
    draw = {"split-without-transpose": mixed, "merge-without-transpose": unmixed}.get(mistake.code)
    if draw is None or parted.reference is None:
        return None
    picture: Comparison = draw(sizes)
    picture = replace(
        picture,
        right=replace(picture.right, code=statement(parted.reference.code)),
        wrong=replace(picture.wrong, code=statement(mistake.yours)),
    )
    return OwnPicture("file-compared", parted.step, mistake.line, picture)


def _film(sizes: Sizes, rows: dict[Step, StepRow], step: Step) -> OwnPicture | None:
    """Return the file's own split or merge as a film, where its line can be retraced."""
    before, row = rows["project" if step == "split" else "weigh"].yours, rows[step]
    if before is None or row.yours is None or row.yours.shape is None:
        return None
    axes = "BLD" if step == "split" else "BHLd"
    if before.shape != sizes.shape(axes):
        return None
    film = retrace(sizes, axes, statement(before.code), row.yours.code, row.yours.shape)
    if film is None or row.same == (film.stages[-1].fate == "raises"):
        return None
    return OwnPicture(f"file-{step}", step, row.yours.line, film)
