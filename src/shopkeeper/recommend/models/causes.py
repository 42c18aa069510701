"""Which items of a history gave most to each candidate, from the shares of all sources."""

from __future__ import annotations

import numpy as np

from shopkeeper.recommend.schema import Features

MOST_CAUSES = 3


def strongest(
    features: Features, shares: np.ndarray, known: np.ndarray
) -> dict[int, list[tuple[int, float]]]:
    """Return candidate -> [(history or page item, share)], strongest first.

    Parameters
    ----------
    shares
        (history rows, candidates): what each row of the subject's history, then of the page or
        cart, adds to each candidate's score.
    known
        (candidates,) rows of ``features.item_ids``.
    """
    context = np.asarray(features.context, dtype=np.int64)
    past = features.history.item if len(shares) > len(context) else context[:0]
    item = np.concatenate([past, context]).astype(np.int64)
    distinct, of_row = np.unique(item, return_inverse=True)
    # Rows of one item stand together after sorting: reduceat is add.at without its price.
    order = np.argsort(of_row, kind="stable")
    opens = np.searchsorted(of_row[order], np.arange(len(distinct)))
    summed = np.add.reduceat(shares[order], opens, axis=0)
    best = _largest(summed)
    who = distinct[best].T.tolist()
    gave = np.take_along_axis(summed, best, axis=0).T.tolist()
    return {
        candidate: [(i, share) for i, share in zip(*pair, strict=True) if share > 0]
        for candidate, *pair in zip(known.tolist(), who, gave, strict=True)
    }


def ratio(share: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Return share / raw, 0 where a source is silent."""
    return np.divide(share, raw, out=np.zeros_like(share), where=raw > 0)


def _largest(values: np.ndarray) -> np.ndarray:
    """Return the rows of the MOST_CAUSES largest of each column, largest first; ties by row."""
    left = values.copy()
    columns = np.arange(values.shape[1])
    best = []
    for _ in range(min(MOST_CAUSES, len(values))):
        row = left.argmax(axis=0)
        best.append(row)
        left[row, columns] = -np.inf
    return np.stack(best)
