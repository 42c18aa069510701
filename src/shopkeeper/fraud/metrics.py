"""How good scores are at finding fraud, as plain functions of labels and scores.

``weight`` (n,) counts rows more or less often, for intervals by drawing customers again. Equal
scores count half, as in the usual definitions.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.base.clock import DAY_US

DRAWS = 200


def auc_roc(label: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the chance that a fraud scores above a good payment.

    >>> auc_roc(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.8, 0.7]))
    0.75
    """
    good, bad = _steps(label, score, weight)
    if good.sum() == 0 or bad.sum() == 0:
        return float("nan")
    below = np.cumsum(good[::-1])[::-1] - good
    return float((bad * (below + good / 2)).sum() / (bad.sum() * good.sum()))


def average_precision(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None
) -> float:
    """Return the mean precision over the frauds, in order of score.

    >>> round(average_precision(np.array([0, 1, 0, 1]), np.array([0.1, 0.9, 0.8, 0.7])), 4)
    0.8333
    """
    good, bad = _steps(label, score, weight)
    if bad.sum() == 0:
        return float("nan")
    caught, all_ = np.cumsum(bad), np.cumsum(bad + good)
    precision = np.divide(caught, all_, out=np.zeros(len(bad)), where=all_ > 0)
    return float((bad * precision).sum() / bad.sum())


def tpr_at_fpr(label: np.ndarray, score: np.ndarray, fpr: float = 0.05) -> float:
    """Return the share of frauds found while at most ``fpr`` of good payments are stopped."""
    good, bad = _steps(label, score, None)
    if bad.sum() == 0 or good.sum() == 0:
        return float("nan")
    allowed = np.cumsum(good) <= fpr * good.sum()
    return float(bad[allowed].sum() / bad.sum())


def card_precision(
    at_us: np.ndarray, customer: np.ndarray, label: np.ndarray, score: np.ndarray, k: int = 100
) -> np.ndarray:
    """Return per day the share of frauds among the k customers with the largest score.

    A customer whose fraud was found on an earlier day is left out from then on, as in the
    Fraud Detection Handbook, chapter 4.
    """
    found: set[int] = set()
    per_day = []
    day = at_us // DAY_US
    for one in np.unique(day):
        mine = np.flatnonzero(day == one)
        mine = mine[~np.isin(customer[mine], list(found))]
        people, place = np.unique(customer[mine], return_inverse=True)
        most = np.full(len(people), -np.inf)
        np.maximum.at(most, place, score[mine])
        bad = np.bincount(place, label[mine], len(people)) > 0
        top = np.argsort(-most, kind="stable")[:k]
        per_day.append(bad[top].sum() / k)
        found.update(people[top][bad[top]].tolist())
    return np.array(per_day)


def drawn(
    label: np.ndarray, score: np.ndarray, customer: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return (DRAWS, 2) AUC and average precision, customers drawn again with replacement."""
    order = np.argsort(-score, kind="stable")  # once: sorting what is sorted costs little
    label, score = label[order], score[order]
    people, place = np.unique(customer[order], return_inverse=True)
    chance = np.full(len(people), 1 / len(people))
    found = np.empty((DRAWS, 2))
    for row in found:
        weight = rng.multinomial(len(people), chance)[place]
        row[:] = auc_roc(label, score, weight), average_precision(label, score, weight)
    return found


def _steps(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (good, bad) weight per distinct score, best score first."""
    order = np.argsort(-score, kind="stable")
    weight = np.ones(len(label)) if weight is None else weight.astype(np.float64)
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    bad = np.diff(np.cumsum(weight[order] * label[order])[ends], prepend=0.0)
    good = np.diff(np.cumsum(weight[order] * (1 - label[order]))[ends], prepend=0.0)
    return good, bad
