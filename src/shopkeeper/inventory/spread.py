"""Distributions held as quantiles: from a few levels to many, between horizons, mixed, drawn.

A distribution is (q,) rising levels and (…, q) quantiles, never negative. Between levels the
quantile is linear in the normal score of the level, which draws tails as a normal would.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from shopkeeper.inventory.schema import LEVELS, Demand


def at_levels(heads: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return (n, levels) from (n, heads); beyond the ends with the slope of the last two.

    >>> at_levels(np.array([0.1, 0.5, 0.9]), np.array([[0.0, 4.0, 9.0]]), np.array([0.5])).tolist()
    [[4.0]]
    """
    score, wanted = ndtri(heads), ndtri(levels)
    place = np.clip(np.searchsorted(score, wanted) - 1, 0, len(score) - 2)
    share = (wanted - score[place]) / (score[place + 1] - score[place])
    low, high = quantiles[:, place], quantiles[:, place + 1]
    return np.maximum.accumulate(np.maximum(low + share * (high - low), 0), axis=1)


def over(demand: Demand, periods: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return (quantiles (n, q), mean (n,)) of demand over ``periods``, which need not be whole.

    Linear between the horizons of the belief and towards 0 units at 0 periods; beyond the
    longest, the mean goes on at its last rate and the spread around it grows with the root.
    """
    asked = np.broadcast_to(np.asarray(periods, dtype=float), (len(demand.mean),))
    known = np.concatenate([[0.0], demand.horizons.astype(float)])
    nothing = np.zeros((len(demand.mean), 1, len(demand.levels)))
    quantiles = np.concatenate([nothing, demand.quantiles], axis=1)
    mean = np.concatenate([np.zeros((len(demand.mean), 1)), demand.mean], axis=1)
    rows = np.arange(len(asked))
    inside = np.clip(asked, 0, known[-1])
    place = np.clip(np.searchsorted(known, inside, side="right") - 1, 0, len(known) - 2)
    share = (inside - known[place]) / (known[place + 1] - known[place])
    q = quantiles[rows, place] * (1 - share[:, None]) + quantiles[rows, place + 1] * share[:, None]
    m = mean[rows, place] * (1 - share) + mean[rows, place + 1] * share
    beyond = np.maximum(asked / known[-1], 1.0)
    # In proportion for what is expected, by the root for what is not.
    q = np.maximum(m[:, None] * beyond[:, None] + (q - m[:, None]) * np.sqrt(beyond)[:, None], 0)
    return np.maximum.accumulate(q, axis=1), m * beyond


def draws(
    levels: np.ndarray, quantiles: np.ndarray, size: int, *, offset: float = 0.5
) -> np.ndarray:
    """Return (n, size) values at evenly spaced probabilities: a sample without luck."""
    probability = (np.arange(size) + offset) / size
    return at_levels(levels, quantiles, np.clip(probability, 1e-4, 1 - 1e-4))


def mixture(parts: np.ndarray, weight: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return (n, q) quantiles of a mixture of sampled distributions.

    parts (n, k, s): s equally likely values of each of k parts; weight (n, k) sums to 1.
    """
    n, k, size = parts.shape
    values = parts.reshape(n, k * size)
    share = np.repeat(weight / size, size, axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    total = np.cumsum(np.take_along_axis(share, order, axis=1), axis=1)
    found = np.empty((n, len(levels)))
    for place, level in enumerate(levels.tolist()):
        at = np.minimum((total < level - 1e-12).sum(axis=1), k * size - 1)
        found[:, place] = values[np.arange(n), at]
    return found


def probability_above(levels: np.ndarray, quantiles: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Return (n,) the probability that a value is above ``amount`` (n,).

    >>> probability_above(np.array([0.1, 0.5, 0.9]), np.array([[0.0, 4.0, 8.0]]),
    ...     np.array([4.0])).round(3).tolist()
    [0.5]
    """
    fine = np.concatenate([np.linspace(0.005, 0.995, 199), [0.998, 0.999, 0.9995]])
    dense = at_levels(levels, quantiles, fine)
    below = (dense <= amount[:, None] + 1e-9).sum(axis=1)
    edges = np.concatenate([[0.0], fine])
    return 1 - edges[below]


def expected_short(levels: np.ndarray, quantiles: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Return (n,) expected units above ``amount`` (n,): what would not be served."""
    values = draws(levels, quantiles, 400)
    short: np.ndarray = np.maximum(values - amount[:, None], 0).mean(axis=1)
    return short


def tidy(quantiles: np.ndarray) -> np.ndarray:
    """Return quantiles (n, h, q) that are not negative and rise with the level and the horizon."""
    found = np.maximum(quantiles, 0)
    found = np.maximum.accumulate(found, axis=2)
    return np.maximum.accumulate(found, axis=1)


def standard_levels() -> np.ndarray:
    """Return the levels at which beliefs are carried."""
    return np.array(LEVELS)
