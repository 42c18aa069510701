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

WINDOW = 8
DISTANCE_DECAY = 0.8
BACKWARD = 0.5
HISTORY_DECAY = 0.6
HISTORY_ITEMS = 12
_WEIGHTS = DISTANCE_DECAY ** np.arange(WINDOW)
# The same as plain numbers, by distance from 1; nothing counts beyond the window.
_FADE = (0.0, *_WEIGHTS.tolist(), 0.0)


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
        self._add(item, before[: -WINDOW - 1 : -1], [share * fade for fade in _FADE[1:-1]])

    def insert(self, items: list[int], at_us: list[int], place: int) -> None:
        """Count an entry that came late and now stands at ``place`` of its subject's sequence.

        ``items`` and ``at_us`` the sequence with it, oldest first. What stands ahead of it keeps
        its pairs; each one behind it moves one place on, and one away from those ahead of it.
        """
        self.append(items[place], items[max(0, place - WINDOW) : place], place + 1, at_us[place])
        for later in range(place + 1, len(items)):
            if at_us[later] < self.since_us:
                continue
            share, was = 1.0 / math.log2(3 + later), 1.0 / math.log2(2 + later)
            gap = later - place
            weights = [(share - was) * fade for fade in _FADE[1:gap]]
            if gap <= WINDOW:
                weights.append(share * _FADE[gap])
                weights += [
                    share * _FADE[distance] - was * _FADE[distance - 1]
                    for distance in range(gap + 1, min(later, WINDOW + 1) + 1)
                ]
            others = items[max(0, later - len(weights)) : later]
            others.reverse()
            self._add(items[later], others, weights)

    def recount(self, item: np.ndarray, at_us: np.ndarray, sign: float, start: int) -> None:
        """Add (+1) or take away (-1) the pairs of one subject's entries from ``start`` on.

        ``item`` and ``at_us`` the whole sequence, ordered by time.
        """
        low = max(0, start - WINDOW)
        item, place = item[low:], np.arange(low, len(item))
        counts = (at_us[low:] >= self.since_us) & (place >= start)
        if len(item):
            self.seen.grow(int(item.max()) + 1)
            np.add.at(self.seen.values, item[counts], sign)
        for first, second, weight in zip(
            *(a.tolist() for a in contributions(item, place, counts)), strict=True
        ):
            row = self._changed.setdefault(first, {})
            row[second] = row.get(second, 0.0) + sign * weight

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

    def _add(self, later: int, others: list[int], weights: list[float]) -> None:
        """Add to the pairs of an entry with those ahead of it, the nearest first."""
        # The innermost loop of every event: some forty numbers each.
        changed = self._changed
        own = changed.get(later)
        if own is None:
            own = changed[later] = {}
        for other, weight in zip(others, weights, strict=False):
            if other == later:
                continue
            own[other] = own.get(other, 0.0) + BACKWARD * weight
            row = changed.get(other)
            if row is None:
                row = changed[other] = {}
            row[later] = row.get(later, 0.0) + weight
