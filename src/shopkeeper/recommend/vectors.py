"""Exact nearest items by inner product: score all vectors, keep the best k.

For factor models on large catalogues. One matrix-vector product reads every vector once, so
memory bandwidth is the floor; no index, no approximation. Picking the best must not read the
scores more than once more: the best of each block of scores is found in one pass, and the k-th
best of those is a border that the k-th best item cannot lie below. (argpartition of a million
scores takes as long as computing them.)
"""

from __future__ import annotations

import numpy as np

BLOCK = 512


def top_items(vectors: np.ndarray, query: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, scores) of the k largest inner products, best first; ties by lower row.

    Parameters
    ----------
    vectors
        (n_items, d) float32, C order.
    query
        (d,) float32.
    k
        How many; fewer come back when there are fewer items.

    >>> rows, scores = top_items(np.eye(3, dtype=np.float32), np.array([1, 3, 2], np.float32), 2)
    >>> rows.tolist(), scores.tolist()
    ([1, 2], [3.0, 2.0])
    """
    scores = vectors @ query
    k = min(k, len(scores))
    if k == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows = np.flatnonzero(scores >= _border(scores, k))
    rows = rows[np.lexsort((rows, -scores[rows]))][:k]
    return rows, scores[rows]


def _border(scores: np.ndarray, k: int) -> np.float32:
    """Return a score that at least k items reach and few others do; all ties of the k-th do."""
    blocks = len(scores) // BLOCK
    if blocks < k:
        return np.float32(np.partition(scores, len(scores) - k)[len(scores) - k])
    best = scores[: blocks * BLOCK].reshape(blocks, BLOCK).max(axis=1)
    low = np.partition(best, blocks - k)[blocks - k]
    # Where a few blocks hold all the best, the border lets in more than k: cut once more, exactly.
    left = scores[scores >= low]
    return np.float32(np.partition(left, len(left) - k)[len(left) - k])
