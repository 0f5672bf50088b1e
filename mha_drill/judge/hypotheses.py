"""Name the mistake: put wrong steps into the reference until its numbers are the submission's. Judge side.

Singly, then in pairs, fewest first; what fits must fit on every probe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations

from mha_drill.attention.faults import all_faults
from mha_drill.attention.steps import Fault, walk_through
from mha_drill.judge.assessment import Assessment, flat
from mha_drill.judge.matching import order_of
from mha_drill.judge.measured import measure, narrowed

MOST_TRIALS = 4000
# Roles exchanged: the scores are then others from the start.
ROLES = frozenset({"query and key", "key and value"})


def explain(
    assessments: list[Assessment], *, separate: bool, causal_problem: bool, tolerance: float, most: int = 2
) -> tuple[Fault, ...]:
    """Return the fewest faults that reproduce every assessment's merged heads; empty when none do.

    The first assessment is searched, the others confirm.
    """
    first, *others = assessments
    assert first.material is not None
    faults = list(
        all_faults(
            heads=first.material.heads,
            separate=separate,
            masked=first.material.allowed is not None,
            causal_problem=causal_problem,
        )
    )

    def fits(combination: tuple[Fault, ...]) -> bool:
        return reproduces(first, combination, tolerance) and all(
            reproduces(other, combination, tolerance, lenient=True) for other in others
        )

    # One mistake before two that come to the same: exchanged roles, weighed the other way round, are an axis.
    single = _search(faults, (), range(1, 2), fits)
    if single:
        return _measured_fill(first, single)
    measured = False
    for base in ((), *((item,) for item in faults if _decides_early(item))):
        narrow = narrowed(first, faults, base)
        if narrow is not None:
            measured = True
            own, left = narrow
            known = (*own, *base)
            found = _search(left, known, range(0 if known else 1, most - len(base) + 1), fits)
            if found:
                return tuple(fault for fault in found if fault not in own)
    return () if measured else _search(faults, (), range(2, most + 1), fits)


def _decides_early(fault: Fault) -> bool:
    """Whether a fault changes which scores there are, or which are seen: measuring begins behind it."""
    return (
        fault.step == "split" or fault.variant in ROLES or fault.code in ("mask-inverted", "mask-off-by-one")
    )


def _measured_fill(assessment: Assessment, single: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Return a weak fill with the number that was measured: 1e-9 fits where 0 does."""
    fault = single[0]
    if fault.code != "mask-fill-value" or assessment.walk is None:
        return single
    fill = measure(assessment, assessment.walk).fill
    return single if fill is None else (replace(fault, variant=f"{fill:.3g}"),)


def _search(
    faults: list[Fault], base: tuple[Fault, ...], counts: range, fits: Callable[[tuple[Fault, ...]], bool]
) -> tuple[Fault, ...]:
    """Return the first combination that fits of `base` and so many faults beside it, the fewest first."""
    trials = 0
    for count in counts:
        for added in combinations(faults, count):
            combination = (*base, *added)
            if not _together(combination):
                continue
            trials += 1
            if trials > MOST_TRIALS:
                return ()
            if fits(combination):
                return combination
    return ()


def _together(faults: Iterable[Fault]) -> bool:
    """Whether faults replace different steps and belong to different ones."""
    replaced: set[str] = set()
    for fault in faults:
        if replaced & fault.replace.keys():
            return False
        replaced |= fault.replace.keys()
    steps = [fault.step for fault in faults]
    return len(set(steps)) == len(steps)


def reproduces(
    assessment: Assessment, faults: tuple[Fault, ...], tolerance: float, *, lenient: bool = False
) -> bool:
    """Whether the reference with these faults gives the submission's merged heads.

    lenient: where the submission raised on a probe, so must the faulty reference.
    """
    if assessment.material is None or assessment.tail is None:
        return lenient
    try:
        walk = walk_through(assessment.material, faults)
    except RuntimeError:
        return False
    merged = flat(walk["merge"])
    return (
        merged.shape == assessment.tail.merged.shape
        and order_of(merged, assessment.tail.merged, tolerance) is not None
    )
