"""A fixed slice of the open half of the corpus: right files pass, wrong ones fail and are named.

The whole of it, and the half that nobody tunes to, are measured by benchmarks/judge_accuracy.py.
"""

from __future__ import annotations

import pytest
from benchmarks.judge_accuracy import LIMITED, Judge, Said, samples

# Every so-manieth right file, and every so-manieth with one mistake; what waits for a limit is left to the benchmark.
RIGHT_STEP, SINGLE_STEP = 8, 12


@pytest.fixture(scope="module")
def said() -> list[Said]:
    """What the judge says of the slice."""
    files = samples(held_out=False)
    right = [sample for sample in files if not sample.codes]
    singles = [sample for sample in files if len(sample.codes) == 1 and not LIMITED & set(sample.codes)]
    with Judge() as judge:
        return [judge.say(sample) for sample in (*right[::RIGHT_STEP], *singles[::SINGLE_STEP])]


def test_the_slice_is_worth_measuring(said: list[Said]) -> None:
    wrong = [item.sample for item in said if item.sample.codes]
    assert len(said) - len(wrong) >= 15
    assert len(wrong) >= 40
    assert len({sample.codes for sample in wrong}) >= 20
    assert len({item.sample.style for item in said}) >= 15
    assert not any(item.sample.held_out for item in said)


def test_the_judge_never_breaks(said: list[Said]) -> None:
    assert [(item.sample.name, item.broke) for item in said if item.broke] == []


def test_every_right_file_is_accepted(said: list[Said]) -> None:
    right = [item for item in said if not item.sample.codes]
    assert [(item.sample.name, item.findings) for item in right if not item.passes] == []


def test_every_wrong_file_is_rejected(said: list[Said]) -> None:
    wrong = [item for item in said if item.sample.codes]
    assert [item.sample.name for item in wrong if item.passes] == []


def test_almost_every_mistake_is_named(said: list[Said]) -> None:
    wrong = [item for item in said if item.sample.codes]
    missed = [(item.sample.name, item.findings) for item in wrong if not item.named]
    assert len(missed) <= 0.05 * len(wrong), missed


def test_no_code_is_said_that_is_not_true(said: list[Said]) -> None:
    assert [(item.sample.name, sorted(item.falsely)) for item in said if item.falsely] == []
