"""Right and wrong attention files by many hands, to measure the judge with; prove.py proves each of them.

`held_out` styles are for the final measurement: do not read them, nor their failures, while tuning.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import held_out as _held_out
from . import open_styles as _open_styles
from .base import Sample, Style
from .build import right_samples, wrong_samples

__all__ = ["Sample", "right_files", "styles", "wrong_files"]


def styles(held_out: bool | None = None) -> list[Style]:
    """The styles: the open half, the held-out half, or (None) all."""
    for style in _held_out.STYLES:
        style.held_out = True
    chosen = [] if held_out else list(_open_styles.STYLES)
    return chosen if held_out is False else [*chosen, *_held_out.STYLES]


def right_files(held_out: bool | None = None) -> Iterator[Sample]:
    """Files which are right and must pass."""
    for style in styles(held_out):
        yield from right_samples(style)


def wrong_files(held_out: bool | None = None) -> Iterator[Sample]:
    """Files with one or two mistakes, which must fail and be named."""
    for style in styles(held_out):
        yield from wrong_samples(style)
