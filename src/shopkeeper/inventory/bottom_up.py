"""Expected demand of categories, locations and everything: sums of the products' own.

Bottom-up, so that a planner who adds up a category finds the figure that is told for it. Only what
is expected adds; quantiles of a total are not sums of quantiles, and none are told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def summed(values: np.ndarray, labels: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Return (distinct labels in order, sums (g, …) of the rows with each label).

    >>> summed(np.array([1.0, 2.0, 4.0]), ["tea", "mugs", "tea"])
    (['mugs', 'tea'], array([2., 5.]))
    """
    distinct, place = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    found = np.zeros((len(distinct), *values.shape[1:]))
    np.add.at(found, place, values)
    return distinct.tolist(), found


def error(mean: np.ndarray, actual: np.ndarray, labels: Sequence[str]) -> float:
    """Return the absolute error of sums by label over all demand (WAPE of the totals).

    >>> error(np.array([3.0, 1.0, 5.0]), np.array([1.0, 3.0, 6.0]), ["tea", "tea", "mugs"])
    0.1
    """
    _, gap = summed(mean - actual, labels)
    return float(np.abs(gap).sum() / max(float(actual.sum()), 1e-12))
