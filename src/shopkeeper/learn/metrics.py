"""Ranking metrics as plain functions: one value per subject first, mean and interval after.

``hits`` (n_subjects, depth) says whether the item at each rank was a target, best rank first.
``targets`` (n_subjects,) counts each subject's targets; subjects without one must be left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def ndcg_at(hits: np.ndarray, targets: np.ndarray, k: int) -> np.ndarray:
    """Return DCG over the best DCG possible with min(k, targets) hits.

    >>> ndcg_at(np.array([[False, True]]), np.array([1]), 2).round(4).tolist()
    [0.6309]
    """
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.minimum(targets, k) - 1]
    depth = min(k, hits.shape[1])
    return (hits[:, :depth] * discount[:depth]).sum(axis=1) / ideal


def recall_at(hits: np.ndarray, targets: np.ndarray, k: int) -> np.ndarray:
    """Return hits in the first k over all targets of the subject."""
    return hits[:, :k].sum(axis=1) / targets


def mrr_at(hits: np.ndarray, k: int) -> np.ndarray:
    """Return 1 / rank of the first hit in the first k, 0 without one."""
    first = hits[:, :k].argmax(axis=1)
    return np.where(hits[:, :k].any(axis=1), 1 / (first + 1), 0.0)


def coverage_at(ranked: np.ndarray, n_items: int, k: int) -> float:
    """Return the share of the catalogue that stands in anybody's first k; -1 is no item."""
    shown = np.unique(ranked[:, :k])
    return float((shown >= 0).sum() / max(n_items, 1))


def novelty_at(ranked: np.ndarray, buyers: np.ndarray, n_users: int, k: int) -> np.ndarray:
    """Return the mean surprise of the first k per subject, in bits: -log2(share of buyers).

    One buyer is added to each item, so that an item nobody bought is finite.
    """
    surprise = -np.log2((buyers + 1) / (n_users + 1))
    shown = ranked[:, :k]
    total = np.where(shown >= 0, surprise[shown], 0).sum(axis=1)
    return total / np.maximum((shown >= 0).sum(axis=1), 1)


def bootstrap(
    values: np.ndarray, rng: np.random.Generator, *, draws: int = 1000
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean when subjects are drawn again.

    Pass differences of two models' values per subject for a paired comparison.
    """
    n = len(values)
    if n == 0:
        return float("nan"), float("nan")
    means = np.concatenate([values[rows].mean(axis=1) for rows in _drawn(n, draws, rng)])
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def bootstrap_ratio(
    top: np.ndarray, bottom: np.ndarray, rng: np.random.Generator, *, draws: int = 1000
) -> tuple[float, float]:
    """Return the 95 % interval of sum(top) / sum(bottom) when subjects are drawn again."""
    n = len(top)
    if n == 0 or not bottom.sum():
        return float("nan"), float("nan")
    found = [
        top[rows].sum(axis=1) / np.maximum(bottom[rows].sum(axis=1), 1e-12)
        for rows in _drawn(n, draws, rng)
    ]
    low, high = np.percentile(np.concatenate(found), [2.5, 97.5])
    return float(low), float(high)


def _drawn(n: int, draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield (some draws, n) rows drawn with replacement, about 8 MB at a time."""
    size = max(1, 2_000_000 // n)
    for first in range(0, draws, size):
        yield rng.integers(0, n, size=(min(size, draws - first), n), dtype=np.int32)
