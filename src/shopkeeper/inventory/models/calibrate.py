"""Conformal correction: move each quantile so that, in its segment, it covers what it says.

Residuals of validation origins are divided by the scale of their series and pooled per segment;
the correction of level q is the q-quantile of (demand - predicted quantile). One-sided, because
an order level is.

Source: Romano, Patterson and Candès (2019), Conformalized quantile regression, one-sided form.
"""

from __future__ import annotations

import numpy as np

# Segments with fewer residuals borrow from all: a tail needs a tail's worth of data.
LEAST = 300
SHRINK = 200.0


def corrections(
    actual: np.ndarray,
    quantiles: np.ndarray,
    norm: np.ndarray,
    segment: np.ndarray,
    levels: np.ndarray,
    segments: int,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Return (segments, q) corrections in scaled units, shrunk towards that of all series.

    actual (r,), quantiles (r, q), norm (r,) the scale of each row, segment (r,) its code.
    """
    errors = (actual[:, None] - quantiles) / norm[:, None]
    weights = np.ones(len(actual)) if weight is None else weight
    every = _weighted(errors, levels, weights)
    found = np.tile(every, (segments, 1))
    for code in range(segments):
        rows = segment == code
        count = int(rows.sum())
        if count >= LEAST:
            own = _weighted(errors[rows], levels, weights[rows])
            share = count / (count + SHRINK)
            found[code] = share * own + (1 - share) * every
    return found


def apply(
    quantiles: np.ndarray, norm: np.ndarray, segment: np.ndarray, corrections: np.ndarray
) -> np.ndarray:
    """Return corrected quantiles (n, q): never negative, never crossing."""
    moved = np.maximum(quantiles + corrections[segment] * norm[:, None], 0)
    return np.maximum.accumulate(moved, axis=1)


def coverage(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return (q,) the share of rows at or below each quantile."""
    return (actual[:, None] <= quantiles + 1e-9).mean(axis=0)


def _weighted(errors: np.ndarray, levels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if not len(errors):
        return np.zeros(len(levels))
    found = np.empty(len(levels))
    for place, level in enumerate(levels.tolist()):
        order = np.argsort(errors[:, place], kind="stable")
        total = np.cumsum(weights[order])
        at = np.searchsorted(total, level * total[-1])
        found[place] = errors[order[min(at, len(order) - 1)], place]
    return found
