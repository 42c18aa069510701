"""Exact nearest items by inner product: score all vectors, keep the best k.

For factor models on large catalogues. One matrix-vector product reads every vector once, so
memory bandwidth is the floor; no index, no approximation.
"""

from __future__ import annotations

import numpy as np


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
    if k < len(scores):
        # The k-th score is a border; all rows on it join, so that ties fall by row, not by luck.
        border = scores[np.argpartition(scores, -k)[-k:]].min()
        rows = np.flatnonzero(scores >= border)
    else:
        rows = np.arange(len(scores))
    rows = rows[np.lexsort((rows, -scores[rows]))][:k]
    return rows, scores[rows]
