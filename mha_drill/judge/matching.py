"""Compare what the reference gives with what the submission has, up to harmless orders of channels. Judge side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

# In float64 two right ways of computing attention differ by 1e-12 or so; a wrong one by 1e-2. The seeds take a
# square root in float32, which costs 6e-8. Files that force float32 inside get the coarse tolerance.
TOLERANCE = 2e-6
COARSE = 2e-4
STAND_IN = 12345.678
# A fill above this lets large scores see past the mask; -1e4 is the mildest in the wild.
WEAKEST_FILL = -9e3


def close(expected: np.ndarray, actual: np.ndarray, tolerance: float = TOLERANCE) -> bool:
    """Whether two arrays of one shape agree, relative to the larger magnitude; NaN agrees with NaN."""
    return expected.shape == actual.shape and difference(expected, actual) <= tolerance


def difference(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the largest difference relative to the larger of the arrays' magnitudes (at least one)."""
    one, two = _finite(expected), _finite(actual)
    if one.size == 0:
        return 0.0
    largest = max(1.0, float(np.abs(one[one != STAND_IN]).max(initial=0.0)))
    return float(np.abs(one - two).max()) / largest


def _finite(array: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.asarray(array, dtype=np.float64), nan=STAND_IN, posinf=STAND_IN, neginf=-STAND_IN)


def order_of(expected: np.ndarray, actual: np.ndarray, tolerance: float = TOLERANCE) -> np.ndarray | None:
    """Return the order of `actual`'s columns that makes it `expected`, both (tokens, channels), or None.

    Columns are found by their first rows and proved on all.
    """
    if expected.shape != actual.shape:
        return None
    one, two = _finite(expected), _finite(actual)
    if close(one, two, tolerance):
        return np.arange(one.shape[1])
    row = next((index for index in range(len(one)) if (one[index] != STAND_IN).all()), 0)
    order = np.empty(one.shape[1], dtype=np.int64)
    order[np.argsort(one[row], kind="stable")] = np.argsort(two[row], kind="stable")
    return order if close(one, two[:, order], tolerance) else None


def nearest(gap: Callable[[float], float], grid: Sequence[float]) -> float:
    """Return the number with the smallest gap: the best of a grid spaced by ratios below 1.26, then narrowed down."""
    best = min(grid, key=gap)
    low, high = best / 1.26, best * 1.26
    for _ in range(80):
        third = (high - low) / 3
        low, high = (low, high - third) if gap(low + third) < gap(high - third) else (low + third, high)
    return (low + high) / 2


def affine(columns: np.ndarray, targets: np.ndarray) -> tuple[float, int]:
    """Fit targets (tokens, D) as an affine map of columns (tokens, C); return the worst residual and the rank."""
    residual, rank, _ = affine_map(columns, targets)
    return residual, rank


def affine_map(columns: np.ndarray, targets: np.ndarray) -> tuple[float, int, np.ndarray]:
    """Fit targets (tokens, D) as an affine map of columns (tokens, C); return residual, rank and the matrix (C, D).

    Only meaningful with more tokens than columns; the residual is infinite otherwise.
    """
    if (
        len(columns) <= columns.shape[1] + 2
        or not np.isfinite(columns).all()
        or not np.isfinite(targets).all()
    ):
        return float("inf"), 0, np.zeros((columns.shape[1], targets.shape[1]))
    design = np.concatenate([columns, np.ones((len(columns), 1))], axis=1)
    solution, *_ = np.linalg.lstsq(design, targets, rcond=None)
    residual = difference(targets, design @ solution)
    rank = int(np.linalg.matrix_rank(solution[:-1], tol=1e-6 * np.abs(solution).max()))
    return residual, rank, solution[:-1]
