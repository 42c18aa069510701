"""Which item follows which, counted as it happens: the live part of item-to-item.

The directed pair count of the trained sequence model, kept up with every event:

    G[a, b] += 0.8^(distance - 1) * (1 forward, 0.5 backward) / log2(2 + m)

over pairs at most WINDOW places apart in one subject's sequence. m is the length of the
sequence when the later of the two arrived, so that one more event never changes old pairs.
Only pairs whose later event is at or after ``since_us`` count: the trained model knows the rest.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from shopkeeper.recommend.index import Column

WINDOW = 20
DISTANCE_DECAY = 0.8
BACKWARD = 0.5
HISTORY_DECAY = 0.6
HISTORY_ITEMS = 12
_WEIGHTS = DISTANCE_DECAY ** np.arange(WINDOW)


def contributions(
    item: np.ndarray, place: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (first, second, weight) of all pairs whose later entry is marked in ``counts``.

    ``item`` (n,) rows, sequences one behind the other; ``place`` (n,) position of each entry in
    its own sequence, from 0; ``counts`` (n,) bool.
    """
    firsts, seconds, weights = [], [], []
    later_all = np.flatnonzero(counts)
    for distance in range(1, WINDOW + 1):
        later = later_all[place[later_all] >= distance]
        earlier = later - distance
        differ = item[later] != item[earlier]
        later, earlier = later[differ], earlier[differ]
        weight = _WEIGHTS[distance - 1] / np.log2(3.0 + place[later])
        firsts += [item[earlier], item[later]]
        seconds += [item[later], item[earlier]]
        weights += [weight, BACKWARD * weight]
    return np.concatenate(firsts), np.concatenate(seconds), np.concatenate(weights)


class LivePairs:
    """Pair counts since ``since_us``: a sparse matrix from the start, and what changed after."""

    def __init__(self, since_us: int) -> None:
        self.since_us = since_us
        self._start = sparse.csr_array((0, 0))
        self._changed: dict[int, dict[int, float]] = {}
        self.seen = Column(np.float64, 0.0)  # (n_items,) events counted per item

    def fill(self, item: np.ndarray, place: np.ndarray, at_us: np.ndarray, size: int) -> None:
        """Load all sequences at once; arrays as in ``contributions``, one subject after another."""
        counts = at_us >= self.since_us
        first, second, weight = contributions(item, place, counts)
        self._start = sparse.coo_array((weight, (first, second)), shape=(size, size)).tocsr()
        self._changed = {}
        self.seen = Column(np.float64, 0.0, np.bincount(item[counts], minlength=size))

    def append(self, item: int, before: list[int], length: int, at_us: int) -> None:
        """Count an entry that came last; ``before``: the entries ahead of it, oldest first."""
        if at_us < self.since_us:
            return
        self.seen.grow(item + 1)
        self.seen[item] += 1
        share = 1.0 / math.log2(2 + length)
        for distance, other in enumerate(reversed(before[-WINDOW:])):
            if other != item:
                weight = share * float(_WEIGHTS[distance])
                self._add(other, item, weight)
                self._add(item, other, BACKWARD * weight)

    def recount(self, item: np.ndarray, at_us: np.ndarray, sign: float) -> None:
        """Add (+1) or take away (-1) one subject's whole sequence, ordered by time."""
        counts = at_us >= self.since_us
        if len(item):
            self.seen.grow(int(item.max()) + 1)
            np.add.at(self.seen.values, item[counts], sign)
        for first, second, weight in zip(
            *(a.tolist() for a in contributions(item, np.arange(len(item)), counts)), strict=True
        ):
            self._add(first, second, sign * weight)

    def row(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what goes with an item: (item rows, G), rows ascending, counts above zero."""
        cols: np.ndarray = np.zeros(0, np.int64)
        values: np.ndarray = np.zeros(0)
        if item < self._start.shape[0]:
            span = slice(self._start.indptr[item], self._start.indptr[item + 1])
            cols, values = self._start.indices[span], self._start.data[span]
        if changed := self._changed.get(item):
            more = np.fromiter(changed, np.int64, len(changed))
            delta = np.fromiter(changed.values(), np.float64, len(changed))
            cols, place = np.unique(np.concatenate((cols, more)), return_inverse=True)
            values = np.bincount(place, weights=np.concatenate((values, delta)))
        keep = values > 1e-12
        return cols[keep].astype(np.int32), values[keep]

    def similar(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (item rows, S) with S = G / (seen_i^0.6 * seen_j^0.3 + 2): rare pairs shrink."""
        cols, values = self.row(item)
        seen = self.seen.values
        own = seen[item] if item < len(seen) else 0.0
        return cols, values / (own**0.6 * seen[cols] ** 0.3 + 2.0)

    def follow(self, items: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (item rows, share, which of ``items``) of all that follows ``items``.

        ``items`` oldest first; the newest weighs 1, each older one 0.6 of the next. An item row
        appears once per item that leads to it; its score is the sum of its shares.
        """
        recent = items[-HISTORY_ITEMS:]
        rows, shares, causes = [np.zeros(0, np.int32)], [np.zeros(0)], [np.zeros(0, np.int32)]
        for age, item in enumerate(reversed(recent)):
            cols, values = self.similar(item)
            rows.append(cols)
            shares.append(HISTORY_DECAY**age * values)
            causes.append(np.full(len(cols), item, np.int32))
        return np.concatenate(rows), np.concatenate(shares), np.concatenate(causes)

    def _add(self, first: int, second: int, weight: float) -> None:
        row = self._changed.get(first)
        if row is None:
            row = self._changed[first] = {}
        row[second] = row.get(second, 0.0) + weight
