"""New products: what their neighbours sold when they were new, updated by what is seen so far.

Neighbours share category, price and words of the title. Their rates give a gamma prior; the
few periods that the product has lived turn it into a posterior, and demand into a negative
binomial. Before the first sale it is the neighbours alone.

Source: gamma-Poisson empirical Bayes; Carlin and Louis, Bayesian Methods for Data Analysis, ch. 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models.local import negative_binomial

NEIGHBOURS = 30
CURVE = 13  # periods over which a launch differs from what comes after
_FEWEST = 5


def curve(prepared: Prepared) -> np.ndarray:
    """Return (CURVE,) demand at each age of a product over its later level; 1 without launches.

    From series that began inside the panel and lived long enough to have a later level.
    """
    t = prepared.periods
    rows = np.flatnonzero((prepared.first > 0) & (prepared.first + 2 * CURVE <= t))
    if len(rows) < _FEWEST:
        return np.ones(CURVE)
    start = prepared.first[rows]
    later = prepared.sum[rows, start + 2 * CURVE] - prepared.sum[rows, start + CURVE]
    found = np.ones(CURVE)
    for age in range(CURVE):
        found[age] = prepared.units[rows, start + age].sum() / max(later.sum() / CURVE, 1e-9)
    # Few launches say little: half of the curve is theirs at 20, nearly all at 200.
    share = len(rows) / (len(rows) + 20)
    result: np.ndarray = share * np.clip(found, 0.1, 10) + (1 - share)
    return result


def prior(
    prepared: Prepared, asked: np.ndarray, new: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (mean, variance) of neighbours' rates per period for the series ``asked`` (rows).

    ``new``: rows that are nobody's neighbour; None: those asked. Without any grown neighbour: the
    mean of the whole shop; without any at all, 0.
    """
    panel, t = prepared.panel, prepared.periods
    grown = np.flatnonzero(t - prepared.first >= 2 * _FEWEST)
    grown = np.setdiff1d(grown, asked if new is None else new)
    if not len(grown):
        return np.zeros(len(asked)), np.zeros(len(asked))
    rate = prepared.scale(t)[grown]
    price = _price(prepared)
    mean, spread = np.empty(len(asked)), np.empty(len(asked))
    words = [_words(panel.titles, row) for row in grown.tolist()] if len(panel.titles) else []
    category = np.asarray(panel.category, dtype=str) if len(panel.category) else None
    for place, row in enumerate(asked.tolist()):
        near = np.zeros(len(grown))
        if category is not None:
            near += 2.0 * (category[grown] == category[row])
        if price is not None and np.isfinite(price[row]):
            away = np.abs(np.log(np.maximum(price[grown], 1)) - np.log(max(price[row], 1)))
            near += np.exp(-np.nan_to_num(away, nan=9.0))
        if words:
            mine = _words(panel.titles, row)
            near += [len(mine & other) / max(len(mine | other), 1) for other in words]
        best = np.argsort(-near, kind="stable")[:NEIGHBOURS]
        mean[place] = rate[best].mean()
        spread[place] = rate[best].var()
    return mean, spread


def belief(
    prepared: Prepared,
    asked: np.ndarray,
    horizons: Sequence[int],
    levels: np.ndarray,
    *,
    new: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (quantiles (m, h, q), mean (m, h)) of cumulative demand of new series."""
    t = prepared.periods
    shape = curve(prepared)
    mean, spread = prior(prepared, asked, new)
    mean, spread = np.maximum(mean, 1e-6), np.maximum(spread, 1e-6)
    age = np.maximum(t - prepared.first[asked], 0)
    lived = np.array([shape[: min(a, CURVE)].sum() + max(a - CURVE, 0) for a in age.tolist()])
    seen = prepared.sum[asked, t]
    top, bottom = mean**2 / spread + seen, mean / spread + lived
    quantiles = np.empty((len(asked), len(horizons), len(levels)))
    means = np.empty((len(asked), len(horizons)))
    for place, horizon in enumerate(horizons):
        reach = np.array(
            [
                sum(shape[i] if i < CURVE else 1.0 for i in range(a, a + horizon))
                for a in age.tolist()
            ]
        )
        # Poisson demand at a gamma rate: mean m, variance m + m^2 / shape.
        means[:, place] = reach * top / bottom
        variance = means[:, place] + means[:, place] ** 2 / top
        quantiles[:, place] = negative_binomial(means[:, place], variance, levels)
    return quantiles, means


def _price(prepared: Prepared) -> np.ndarray | None:
    price = prepared.panel.price_minor
    if price is None:
        return None
    known = np.isfinite(price)
    last = price.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    found: np.ndarray = np.where(known.any(axis=1), price[np.arange(len(price)), last], np.nan)
    return found


def _words(titles: Sequence[str], row: int) -> frozenset[str]:
    return frozenset((titles[row] or "").lower().split())
