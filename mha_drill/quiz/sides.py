"""Things set beside each other: what is said of one of them is not said of the other; asked by `quiz.reading`.

"With -inf the row becomes nan" and "with -1e9 it becomes nan" have the same concepts, but one is wrong. A clause
stands on the sides it names; one that names none goes on with those of the clause before it.
"""

from __future__ import annotations

from typing import Final

# Of these one is spoken of until the other is named ...
SUBJECTS: Final = (
    frozenset({"encoder", "decoder"}),
    frozenset({"infinity", "finite"}),
    frozenset({"evaluation", "training"}),
    frozenset({"padding", "causal"}),
    frozenset({"mqa", "gqa"}),
    frozenset({"inference", "training"}),
)
# ... and these are only what their own clause says.
OPPOSITES: Final = (
    frozenset({"fewer", "more"}),
    frozenset({"query", "key", "value"}),
    frozenset({"future", "past"}),
    frozenset({"single", "some"}),
    frozenset({"share", "different"}),
    frozenset({"linear", "quadratic"}),
    frozenset({"nan", "uniform", "zero"}),
    frozenset({"view", "reshape"}),
    frozenset({"copy", "shares", "raises"}),
)

Sides = frozenset[str]


def named(names: set[str]) -> Sides:
    """Return the sides among the names of concepts."""
    return frozenset(name for pair in (*SUBJECTS, *OPPOSITES) for name in pair & names)


def carried(before: Sides, now: Sides) -> Sides:
    """Return the sides of a clause that names `now`, after one that stood on `before`."""
    kept = (pair & before for pair in SUBJECTS if not pair & now)
    return now.union(*kept)


def completed(own: Sides, point: Sides) -> Sides:
    """Return the sides of a wording: its own, and where it names none, the one its point speaks of."""
    pairs = (*SUBJECTS, *OPPOSITES)
    kept = (pair & point for pair in pairs if not pair & own and len(pair & point) == 1)
    return own.union(*kept)


def opposed(wanted: Sides, found: Sides) -> bool:
    """Tell whether what was found stands only on the other side of a pair."""
    return any(
        len(pair & wanted) == 1 and pair & found and not pair & wanted & found
        for pair in (*SUBJECTS, *OPPOSITES)
    )
