"""Pictures taken apart into slides, for `explain --play`: each shows one thing more than the one before it.

A slide is a smaller picture of the same kind, so that whatever draws pictures draws slides. A copy is shown piece by
piece: the piece that is read, and where it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mha_drill.explain.figures import (
    Address,
    Comparison,
    Equations,
    Film,
    Grids,
    Mergings,
    Picture,
    Side,
    Stage,
    Strip,
    Walk,
)
from mha_drill.explain.strides import Shape
from mha_drill.records import Step


@dataclass(frozen=True, slots=True)
class Stop:
    """One of the ten steps on a tour: the line that does it, the shape after it, and the right line where it is not.

    line: its number in the learner's file, None where it is ours. wrong: here the file parts from the reference.
    """

    step: Step
    code: str
    shape: Shape
    line: int | None = None
    wrong: bool = False
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Slide:
    """A picture so far. caption: what the whole picture is called. done: a line of code is done here."""

    caption: str
    picture: Picture
    done: bool = True
    stop: Stop | None = None


def slides(caption: str, picture: Picture, stop: Stop | None = None) -> tuple[Slide, ...]:
    """Return a picture's slides, the last of them showing all that there is to see."""
    return tuple(Slide(caption, part, done, stop) for part, done in _parts(picture))


def _parts(picture: Picture) -> Iterator[tuple[Picture, bool]]:
    match picture:
        case Film():
            yield from _film(picture)
        case Comparison():
            rows = sum(len(rows) for _, rows in picture.wrong.groups)
            for filled in range(rows + 1):
                side: Side = replace(picture.wrong, filled=filled if filled < rows else None)
                yield replace(picture, wrong=side), filled in (0, rows)
        case Equations():
            for count in range(1, len(picture.lines) + 1):
                yield Equations(picture.lines[:count]), True
        case Mergings():
            for count in range(1, len(picture.tensors) + 1):
                yield Mergings(picture.tensors[:count]), True
        case Walk():
            for count in range(1, len(picture.rows) + 1):
                yield Walk(picture.rows[:count]), True
        case Address() | Grids():
            yield picture, True


def _film(film: Film) -> Iterator[tuple[Film, bool]]:
    """Yield each stage beside the one before it; a copy, and a new order of reading, piece by piece."""
    before: tuple[Stage, ...] = ()
    for number, stage in enumerate(film.stages, start=1):
        parts: list[tuple[Stage, ...]] = [(*before, stage)]
        if stage.fate == "copied" and before:
            parts = list(_copying(before[0], stage))
        elif stage.reading is not None:
            parts = [(part,) for part in _reading(stage)]
        for part in parts:
            yield replace(film, stages=part, first=number + 1 - len(part)), part is parts[-1]
        before = (stage,) if stage.fate != "raises" else before


def _reading(stage: Stage) -> Iterator[Stage]:
    """Yield a stage with ever more of its reading, from nothing; the piece read last is marked in memory."""
    assert stage.reading is not None
    yield replace(stage, reading=replace(stage.reading, written=0))
    for at, block in enumerate(stage.reading.blocks):
        memory = replace(stage.memory, marked=_place(stage.memory, block.numbers))
        yield replace(stage, memory=memory, reading=replace(stage.reading, written=at + 1, marked=at))


def _copying(source: Stage, copy: Stage) -> Iterator[tuple[Stage, ...]]:
    """Yield both stages with ever more of the copy written, from nothing; the piece at hand is marked in both."""
    source = replace(source, reading=None)
    yield source, replace(copy, memory=replace(copy.memory, written=0))
    for at, block in enumerate(copy.memory.blocks):
        memory = replace(source.memory, marked=_place(source.memory, block.numbers))
        yield (
            replace(source, memory=memory),
            replace(copy, memory=replace(copy.memory, written=at + 1, marked=at)),
        )


def _place(strip: Strip, numbers: tuple[int | None, ...]) -> int:
    return [block.numbers for block in strip.blocks].index(numbers)
