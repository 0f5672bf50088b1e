"""The ten steps as one walk of slides, `explain --play`: each step's line, its shape and a picture of what it does.

Without a file it is the reference's walk for the sizes asked for; with a Report it is the learner's own, with their
lines and the pictures made of them.
"""

from __future__ import annotations

from dataclasses import replace

from mha_drill.explain.figures import Film, Picture
from mha_drill.explain.library import Drawing, text
from mha_drill.explain.live import live
from mha_drill.explain.pictures import PICTURES
from mha_drill.explain.retracing import statement
from mha_drill.explain.sizes import COLUMNS, Sizes
from mha_drill.explain.slides import Slide, Stop, slides
from mha_drill.explain.tables import walk
from mha_drill.records import Lang, Report, Step

DRAWN: dict[Step, tuple[str, str]] = {
    "project": ("linear", "projected"),
    "split": ("split", "split"),
    "score": ("score", "scores"),
    "scale": ("scale", "saturated"),
    "mask": ("mask", "causal"),
    "softmax": ("softmax", "normalised"),
    "dropout": ("dropout", "dropped"),
    "weigh": ("weigh", "weighed"),
    "merge": ("merge", "merge"),
    "output": ("output", "mixed-heads"),
}
"""The topic and the picture of each step."""


def tour(sizes: Sizes, lang: Lang) -> tuple[Slide, ...]:
    """Return the reference's walk."""
    found: list[Slide] = []
    for row in walk(sizes).rows:
        step: Step = row.step  # type: ignore[assignment]
        caption, picture = _picture(step, sizes, lang)
        found += slides(caption, picture, Stop(step, row.code, row.shape))
    return tuple(found)


def topic_tour(topic: str, sizes: Sizes, lang: Lang) -> tuple[Slide, ...]:
    """Return the pictures of one topic one after the other; of `shapes`, the whole walk."""
    if topic == "shapes":
        return tour(sizes, lang)
    drawings = [part for part in text(topic, lang) if isinstance(part, Drawing)]
    return tuple(slide for part in drawings for slide in slides(part.caption, PICTURES[part.name](sizes)))


def own_tour(report: Report, lang: Lang, columns: int = COLUMNS) -> tuple[Slide, ...]:
    """Return the walk of a learner's file, of the steps that were seen. Raises NothingToDraw."""
    drawn = live(report, "view", columns)
    sizes = drawn.sizes or Sizes().on(columns)
    own = {each.step: each for each in drawn.own}
    found: list[Slide] = []
    for row in report.steps:
        side = row.yours or (row.reference if not row.same else None)
        if side is None:
            continue
        caption, picture = _picture(row.step, sizes, lang)
        if mine := own.get(row.step):
            caption, picture = mine.say(lang), mine.picture
        stop = Stop(
            row.step,
            statement(row.yours.code) if row.yours else "",
            side.shape or (),
            row.yours.line if row.yours else None,
            not row.same,
            statement(row.reference.code) if row.reference and not row.same else "",
        )
        found += slides(caption, picture, stop)
    return tuple(found)


def _picture(step: Step, sizes: Sizes, lang: Lang) -> tuple[str, Picture]:
    topic, name = DRAWN[step]
    caption = next(
        part.caption for part in text(topic, lang) if isinstance(part, Drawing) and part.name == name
    )
    picture = PICTURES[name](sizes)
    if step == "split" and isinstance(picture, Film):  # the copy that ends the film is no part of the step
        picture = replace(picture, stages=picture.stages[:3])
    return caption, picture
