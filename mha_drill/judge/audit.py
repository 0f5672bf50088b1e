"""A second look at what would pass: all that can be known without the runner's word. Judge side; for `ruling`.

A file can bend the runner that it shares a process with, but not what it is asked. It is asked with numbers and
sizes drawn for this one check, and its gradients are held against outputs that the reference has confirmed, at
weights that the judge has chosen. What answers all of that rightly computes attention.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

import numpy as np

from mha_drill.judge.ahead import Asked
from mha_drill.judge.bending import WRONG
from mha_drill.judge.care import Care, care_of
from mha_drill.judge.circumstances import Circumstances
from mha_drill.judge.elsewhere import half_precision
from mha_drill.judge.examination import Examination
from mha_drill.judge.findings import Finding
from mha_drill.judge.jointly import Jointly
from mha_drill.judge.masks import found_form
from mha_drill.judge.moving import bent_gradient, moved, slopes_of
from mha_drill.judge.observation import Wish
from mha_drill.judge.probes import MaskForm, Probe, allowed_for
from mha_drill.judge.regrading import bent_elsewhere, regraded, same_in_training
from mha_drill.judge.repeating import calls_again, changing, later, observed, patience

# Lengths that no probe has.
SHORTEST, LONGEST = 9, 14
# How much longer they are under a usual mask; how large the numbers are there, in powers of ten.
FURTHER = 12
SMALLEST, LARGEST = -2.0, 0.5
# How often the gradients are asked for of a file that is looked at for long.
OFTEN = 32
# Under a causal problem's mask a row may be left with no key: sizes are drawn again.
MOST_DRAWS = 12


def held_against(examination: Examination) -> Finding | None:
    """Return what is held against a submission with which nothing was wrong so far."""
    care = care_of(examination.case.runner.source)
    again, slopes = calls_again(examination, care), slopes_of(examination)
    masks = _masks(examination)
    drawn = [_fresh(examination, mask) for mask in masks]
    usual = [_usual(examination, mask) for mask in masks[1:]]
    others = [_veiled(examination, wish) for wish in drawn[1:]] if care is Care.LONG else []
    asked: list[Wish | Asked] = [*(wish for _, wish in again), *drawn, *usual, *others]
    if slopes is not None:
        asked += [moved(slopes), slopes.moved((), 0.0)]
    often = patience(examination, OFTEN)
    regrades = None if slopes is None else regraded(examination, drawn, care, often)
    beside = None
    if care > Care.USUAL and not (examination.binding.numpy and examination.spec.projections):
        beside = Circumstances(examination, drawn[0], regrades.losses[0] if regrades else None)
    jointly = Jointly(examination, drawn[-1], regrades.losses[-1] if regrades else None)
    asked += [*(regrades.wishes if regrades else ()), *jointly.asked(), *(beside.asked() if beside else ())]
    if half := half_precision(examination):
        asked.append(half)
    examination.case.foresee(asked)
    if (found := changing(examination, again)) is not None:
        return found
    likes = [(wish, _fresh(examination, wish.mask)) for wish in drawn]
    legible = [wish for wish in usual if observed(examination, wish).legible]
    likes += [(wish, _veiled(examination, wish)) for wish in (*legible, *others)]
    if not all(_agrees(examination, wish, like) for wish, like in likes):
        return WRONG
    if (found := bent_gradient(examination, slopes)) is not None:
        return found
    if regrades is not None and (found := bent_elsewhere(examination, drawn, regrades)) is not None:
        return found
    training = regrades is not None and same_in_training(examination, regrades)
    return jointly.held(training=training) or (None if beside is None else beside.held())


def _masks(examination: Examination) -> tuple[MaskForm | None, ...]:
    """Return without a mask and, where it takes one, with one."""
    found = found_form(examination)
    return (None,) if found is None else (None, found[0])


def _fresh(examination: Examination, mask: MaskForm | None) -> Wish:
    """Return a call on numbers and sizes that the file cannot know; without the mask where a row would see nothing."""
    # Of a slow file the smallest of these, which takes the least.
    larger = examination.quick
    for _ in range(MOST_DRAWS):
        length = SHORTEST + secrets.randbelow(LONGEST - SHORTEST + 1 if larger else 2)
        beside = 1 + secrets.randbelow(3) if examination.cross is not None else 0
        batch = 1 + secrets.randbelow(4 if larger else 1)
        seed, veil = secrets.randbits(31), secrets.randbits(31)
        probe = Probe("fresh", batch, length, length + beside, seed=seed, veil=veil)
        if mask is None or _all_see(examination, probe, mask):
            return Wish(probe, mask, examination.manner | {"clocks": later(1)})
    return Wish(probe, None, examination.manner | {"clocks": later(1)})


def _usual(examination: Examination, mask: MaskForm | None) -> Wish:
    """Return a call under a mask as it is used, longer and with smaller or larger numbers than any probe has."""
    wish = _fresh(examination, mask)
    if mask is None or wish.mask is None or not examination.quick:
        return wish
    length, beside = LONGEST + 1 + secrets.randbelow(FURTHER), wish.probe.key_length - wish.probe.query_length
    spread = 10 ** (SMALLEST + (LARGEST - SMALLEST) * secrets.randbelow(1000) / 1000)
    probe = replace(
        wish.probe,
        batch=2,
        query_length=length,
        key_length=length + beside,
        usual=True,
        spread=spread,
    )
    return replace(wish, probe=probe) if _all_see(examination, probe, mask) else wish


def _veiled(examination: Examination, wish: Wish) -> Wish:
    """Return a call of the same sizes under another mask: what was kept of the first would be wrong."""
    assert wish.mask is not None
    for _ in range(MOST_DRAWS):
        probe = replace(wish.probe, seed=secrets.randbits(31), veil=secrets.randbits(31))
        if _all_see(examination, probe, wish.mask):
            return replace(wish, probe=probe)
    return wish


def _all_see(examination: Examination, probe: Probe, mask: MaskForm) -> bool:
    """Whether every query may look somewhere, under the mask and the problem's own."""
    allowed = allowed_for(mask, probe)
    triangle = np.tril(np.ones(allowed.shape[-2:], dtype=bool))
    return bool((allowed & triangle if examination.spec.causal else allowed).any(-1).all())


def _agrees(examination: Examination, *alike: Wish) -> bool:
    """Whether a call is the reference's, or, for chance, another like it is."""
    return any(examination.agrees(observed(examination, wish)) for wish in alike)
