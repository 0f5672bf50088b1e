"From styles to samples: every right variant, every single mistake, and pairs of mistakes which stay apart."

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from .base import Fault, Sample, Style, changed_lines, swap
from .pairs import PAIRS_A_STYLE, may_pair


def right_samples(style: Style) -> Iterator[Sample]:
    """The base file and its variants; a variant which is only called otherwise is no other file."""
    seen = set()
    for variant in style.names():
        if style.text(variant) in seen:
            continue
        seen.add(style.text(variant))
        name = f"{style.name}/{variant}"
        yield Sample(name, style.name, style.problem, style.text(variant), held_out=style.held_out)


def wrong_samples(style: Style) -> Iterator[Sample]:
    """The singles, then the pairs."""
    for number, fault in enumerate(style.faults):
        yield single(style, number, fault)
    yield from pair_samples(style)


def single(style: Style, number: int, fault: Fault) -> Sample:
    """One mistake in one file."""
    right = style.text(fault.on)
    wrong = swap(right, fault.edits)
    name = f"{style.name}/{number:02d}-{fault.code}"
    lines = () if fault.code == "class-not-found" else changed_lines(right, wrong, fault.at)
    also = tuple(frozenset(item.split("+")) for item in namings(style, fault))
    return Sample(name, style.name, style.problem, wrong, (fault.code,), lines, also, style.held_out)


def namings(style: Style, fault: Fault) -> tuple[str, ...]:
    """The other true namings. Where k and v come from one input, weights @ k is also v made by k's map."""
    if (
        fault.code == "weigh-wrong-tensor"
        and style.problem != "sdpa"
        and style.driven(fault.on).inputs != "qkv"
    ):
        return (*fault.also, "shared-projection")
    return fault.also


def both(style: Style, first: Fault, second: Fault) -> str | None:
    """The text with both mistakes in it, or None where the edits get in each other's way."""
    right = style.text(first.on)
    try:
        one_way = swap(swap(right, first.edits), second.edits)
        other_way = swap(swap(right, second.edits), first.edits)
    except ValueError:
        return None
    return one_way if one_way == other_way else None


def pair_samples(style: Style, every: bool = False) -> Iterator[Sample]:
    """Pairs of mistakes; not all, but those whose codes were seen least in this style, in a fixed order."""
    seen: dict[str, int] = {}
    possible = []
    for (i, first), (j, second) in combinations(enumerate(style.faults), 2):
        name = f"{style.name}/{i:02d}-{first.code}+{j:02d}-{second.code}"
        if may_pair(first, second, style.driven(first.on).keep):
            possible.append((name, first, second))
    made = 0
    while possible and (every or made < PAIRS_A_STYLE):
        possible.sort(key=lambda item: (seen.get(item[1].code, 0) + seen.get(item[2].code, 0), item[0]))
        name, first, second = possible.pop(0)
        source = both(style, first, second)
        if source is None:
            continue
        made += 1
        for fault in (first, second):
            seen[fault.code] = seen.get(fault.code, 0) + 1
        lines = changed_lines(style.text(first.on), source, (*first.at, *second.at))
        if bool(first.at) != bool(second.at):
            lines = changed_lines(style.text(first.on), source, ())
        yield Sample(
            name,
            style.name,
            style.problem,
            source,
            (first.code, second.code),
            lines,
            acceptable_pairs(style, first, second),
            style.held_out,
        )


def acceptable_pairs(style: Style, first: Fault, second: Fault) -> tuple[frozenset[str], ...]:
    """Every combination of the two mistakes' other namings, the main one left out."""
    ways = [
        [{fault.code}, *(set(item.split("+")) for item in namings(style, fault))] for fault in (first, second)
    ]
    found = {frozenset(a | b) for a in ways[0] for b in ways[1]} - {frozenset((first.code, second.code))}
    return tuple(sorted(found, key=sorted))
