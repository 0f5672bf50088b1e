"""Comparing numbers up to a harmless order of channels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mha_drill.judge.matching import TOLERANCE, affine, close, difference, order_of

SEEDS = st.integers(0, 2**31)


@given(SEEDS, st.integers(2, 9), st.integers(1, 12))
def test_any_order_of_channels_is_found(seed: int, tokens: int, channels: int) -> None:
    random = np.random.default_rng(seed)
    expected = random.standard_normal((tokens, channels))
    order = random.permutation(channels)
    found = order_of(expected, expected[:, order])
    assert found is not None
    assert np.array_equal(expected[:, order][:, found], expected)


@given(SEEDS, st.integers(3, 9), st.integers(2, 12))
def test_one_wrong_number_is_no_order(seed: int, tokens: int, channels: int) -> None:
    random = np.random.default_rng(seed)
    expected = random.standard_normal((tokens, channels))
    wrong = expected[:, random.permutation(channels)].copy()
    wrong[-1, -1] += 0.01
    assert order_of(expected, wrong) is None


def test_closeness_is_relative_to_the_larger_numbers_and_takes_nan_for_nan() -> None:
    large = np.array([1e6, 1.0])
    assert close(large, large + 1.0)
    assert not close(large / 1e6, large / 1e6 + 1e-5)
    assert close(np.array([np.nan, np.inf, -np.inf]), np.array([np.nan, np.inf, -np.inf]))
    assert not close(np.array([np.nan, 1.0]), np.array([1.0, 1.0]))
    assert not close(np.array([np.inf]), np.array([-np.inf]))
    assert not close(np.zeros((2, 3)), np.zeros((3, 2)))
    assert difference(np.zeros(0), np.zeros(0)) == 0.0
    assert 6e-8 < TOLERANCE < 1e-5


@given(SEEDS)
def test_an_affine_map_is_told_from_another_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = random.standard_normal((20, 4))
    targets = columns @ random.standard_normal((4, 5)) + random.standard_normal(5)
    residual, rank = affine(columns, targets)
    assert residual < 1e-9
    assert rank == 4
    assert affine(columns, targets + np.tanh(columns[:, :1]) * columns[:, 1:2])[0] > 1e-3
    assert affine(columns[:5], targets[:5]) == (float("inf"), 0)
