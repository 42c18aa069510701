"""Which rows teach and which rows judge: by time, or each subject's last rows.

All splits are masks over rows that stand in order of time, ties in the order they arrived.
"""

from __future__ import annotations

import numpy as np


def before(at_us: np.ndarray, cut_us: int) -> np.ndarray:
    """Return the mask of rows strictly before the cut: training; the rest is the future.

    >>> before(np.array([1, 2, 3]), 3).tolist()
    [True, True, False]
    """
    return np.asarray(at_us) < cut_us


def places_from_end(subject: np.ndarray) -> np.ndarray:
    """Return for each row how many later rows its subject has: 0 marks the last one.

    >>> places_from_end(np.array([7, 8, 7, 7])).tolist()
    [2, 0, 1, 0]
    """
    subject = np.asarray(subject)
    order = np.argsort(subject, kind="stable")
    sorted_subject = subject[order]
    n = len(order)
    places = np.zeros(n, dtype=np.int64)
    if n == 0:
        return places
    ends = np.flatnonzero(np.append(sorted_subject[1:] != sorted_subject[:-1], True))
    end_of = ends[np.searchsorted(ends, np.arange(n))]
    places[order] = end_of - np.arange(n)
    return places


def last_out(subject: np.ndarray, *, hold: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return (training mask, target mask) where each subject's ``hold``-th row from the end is it.

    ``hold=1`` is the test split; ``hold=2`` the validation split, which never sees the last
    row. A subject whose every row would be held out stays in training whole.

    >>> train, target = last_out(np.array([1, 1, 1, 2]))
    >>> train.tolist(), target.tolist()
    ([True, True, False, True], [False, False, True, False])
    """
    subject = np.asarray(subject)
    places = places_from_end(subject)
    _, code, counts = np.unique(subject, return_inverse=True, return_counts=True)
    long_enough = counts[code] > hold
    train = (places >= hold) | (~long_enough & (places >= hold - 1))
    target = (places == hold - 1) & long_enough
    return train, target
