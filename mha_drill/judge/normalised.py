"""Normalisation written by hand, told by the numbers: layer norm and RMS norm, with any gain and shift. Judge side."""

from __future__ import annotations

import numpy as np

# The small number under the root moves a normalised value by about 1e-5.
LOOSE = 1e-3
LEAST_ROWS = 4


def normalised(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether `after` is `before` normalised row by row, both (tokens, channels), and not merely scaled."""
    if before.shape != after.shape or before.ndim != 2 or len(before) < LEAST_ROWS:
        return False
    if not (np.isfinite(before).all() and np.isfinite(after).all()) or _fits(before, after):
        return False
    centred = before - before.mean(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        layer = centred / centred.std(-1, keepdims=True)
        root = before / np.sqrt((before**2).mean(-1, keepdims=True))
    return any(np.isfinite(rows).all() and _fits(rows, after) for rows in (layer, root))


def _fits(columns: np.ndarray, targets: np.ndarray) -> bool:
    """Whether each column of the one is the other's, times a gain and plus a shift of its own."""
    centred, wanted = columns - columns.mean(0), targets - targets.mean(0)
    square = (centred**2).sum(0)
    gain = (centred * wanted).sum(0) / np.where(square > 0, square, 1.0)
    gap = np.abs(wanted - gain * centred).max()
    return bool(gap <= LOOSE * max(np.abs(wanted).max(), 1e-12))
