"""Conformal calibration: which level of its own a model must be asked for to cover what is wanted.

On validation origins each demand has a level: the lowest quantile of its forecast that covers it.
The level to ask for, to cover 0.95 of a segment, is the 0.95 quantile of those. Asking for another
level keeps the shape that the model gave each product, and works where most demands are 0.

Source: Kuleshov, Fenner and Ermon (2018), Accurate uncertainties for deep learning using calibrated
regression; split conformal prediction with the predicted level as score, per group.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from shopkeeper.inventory import spread

# Segments with fewer demands borrow from all: a tail needs a tail's worth of data.
LEAST = 300
SHRINK = 200.0
LOWEST, HIGHEST = 0.002, 0.9995


def asked_levels(
    actual: np.ndarray,
    quantiles: np.ndarray,
    segment: np.ndarray,
    levels: np.ndarray,
    segments: int,
) -> np.ndarray:
    """Return (segments, q) the levels to ask for, shrunk towards those of all series.

    actual (r,), quantiles (r, q) at ``levels``, segment (r,) its code.
    """
    found = np.tile(levels, (segments, 1))
    if not len(actual):
        return found
    own = covering(actual, quantiles, levels)
    every = np.quantile(own, levels, method="higher")
    found[:] = every
    for code in range(segments):
        rows = segment == code
        count = int(rows.sum())
        if count >= LEAST:
            share = count / (count + SHRINK)
            mine = np.quantile(own[rows], levels, method="higher")
            found[code] = share * mine + (1 - share) * every
    return np.asarray(np.clip(found, LOWEST, HIGHEST))


def covering(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return (r,) the lowest level whose quantile covers each demand; linear in the normal score.

    >>> levels, forecast = np.array([0.25, 0.5, 0.75]), np.array([[2.0, 4.0, 6.0]])
    >>> [float(covering(np.array([y]), forecast, levels)[0].round(3)) for y in (1, 4, 5, 9)]
    [0.002, 0.5, 0.632, 1.0]
    """
    score = ndtri(levels)
    place = (quantiles < actual[:, None] - 1e-9).sum(axis=1)
    rows = np.arange(len(actual))
    low, high = np.clip(place - 1, 0, len(levels) - 1), np.clip(place, 0, len(levels) - 1)
    gap = quantiles[rows, high] - quantiles[rows, low]
    share = np.where(gap > 0, (actual - quantiles[rows, low]) / np.where(gap > 0, gap, 1), 0.0)
    inside = ndtr(score[low] + share * (score[high] - score[low]))
    found: np.ndarray = np.where(
        place == 0, LOWEST, np.where(place == len(levels), HIGHEST, inside)
    )
    return found


def apply(
    quantiles: np.ndarray, segment: np.ndarray, asked: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """Return calibrated quantiles (n, q): never negative, never crossing."""
    moved = np.empty_like(quantiles)
    for code in np.unique(segment).tolist():
        rows = segment == code
        moved[rows] = spread.at_levels(levels, quantiles[rows], asked[code])
    return np.maximum.accumulate(np.maximum(moved, 0), axis=1)


def coverage(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return (q,) the share of rows at or below each quantile."""
    return (actual[:, None] <= quantiles + 1e-9).mean(axis=0)
