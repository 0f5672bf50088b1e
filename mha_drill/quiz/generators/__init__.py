"""Questions that are made when they are asked, with sizes never seen before; `quiz.deck` deals them.

One module a family: what it draws and how the answer is computed, without torch; its words lie beside it in a
file of the same name. `tests/test_generators.py` holds every family against torch on hundreds of draws. To add
one: a module here with `GENERATORS`, its `.toml`, its name in `FAMILIES`, a check in that test.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Final

from mha_drill.quiz.generators.base import Generator

FAMILIES: Final = (
    "shapes", "views", "prints", "heads", "linear", "vectors", "masks", "einsum", "counts", "costs", "lines",
    "positions", "online",
)  # fmt: skip


@cache
def all_generators() -> tuple[Generator, ...]:
    """Return every generator, family by family."""
    modules = [import_module(f"{__name__}.{family}") for family in FAMILIES]
    return tuple(generator for module in modules for generator in module.GENERATORS)
