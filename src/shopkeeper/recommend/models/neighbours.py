"""Item-to-item sources: what was taken by the same people, and what was taken next.

Both score a candidate j as ``sum over history rows h of w(h) * S[item h, j]``; they differ in
how S is counted. History weights fade with baskets passed (``fade``) or with days
(``fade_days``); an item met twice counts once, with its newest weight, unless ``repeat_adds``.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from shopkeeper.recommend.models.histories import KIND_WEIGHTS, Histories, group
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Training

# A request gathers the neighbours of this many history items at most, the strongest: what a
# grocer's customer took six hundred items ago no longer moves the first page.
SERVED_ROWS = 150


def fading(asked: Histories, fade: float, fade_days: float | None) -> np.ndarray:
    """Return the weight of each history row, (n,): kind x fade^baskets x exp(-age / days)."""
    weight = KIND_WEIGHTS[asked.kind].astype(np.float64)
    if fade < 1:
        weight = weight * fade ** asked.steps_back()
    if fade_days is not None:
        weight = weight * np.exp(-asked.age_days() / fade_days)
    return weight


def _strongest_rows(item: np.ndarray, weight: np.ndarray, n_items: int) -> np.ndarray:
    """Return the weights (n,) with all but each item's strongest row, of equals the first, at 0."""
    # Weakest and last first: what an item's place holds at the end is its strongest, first row.
    order = len(weight) - 1 - np.argsort(weight[::-1], kind="stable")
    place = np.empty(n_items + 1, dtype=np.int64)  # one more, for -1: items that are not known
    place[item[order]] = order
    return np.where(place[item] == np.arange(len(item)), weight, 0.0)


class ItemToItem(Source):
    """A source with a matrix S (n_items, n_items), sparse, row = history item."""

    similar_: sparse.csr_array
    # What was gathered last: ``because`` asks again for what ``score_one`` just read.
    _held: tuple[Histories, object, tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None

    def __init__(self, *, fade: float = 1.0, fade_days: float | None = None) -> None:
        self.fade, self.fade_days = fade, fade_days

    def weights(self, asked: Histories) -> np.ndarray:
        """Return history row weights (n,); of an item met often only the strongest row counts."""
        weight = fading(asked, self.fade, self.fade_days)
        if len(weight) == 0:
            return weight
        if asked.n_subjects == 1:
            return _strongest_rows(asked.item, weight, self.n_items)
        key = asked.subject * np.int64(2**32) + asked.item
        order = np.lexsort((-weight, key))
        first = np.ones(len(order), dtype=bool)
        first[1:] = key[order][1:] != key[order][:-1]
        kept = np.zeros(len(weight))
        kept[order[first]] = weight[order[first]]
        return kept

    def scores(self, asked: Histories) -> np.ndarray:
        """Return the weighted sums of rows of S, never below zero."""
        history = asked.matrix(self.weights(asked), self.n_items)
        dense = np.asarray((history @ self.similar_).todense(), dtype=np.float32)
        return np.maximum(dense, 0, out=dense)

    def _gathered(self, asked: Histories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (history row, item, w(h) * S) of every stored cell that one history reaches."""
        held = self._held
        if held is not None and held[0] is asked and held[1] is self.similar_:
            return held[2]
        weight = self.weights(asked)
        row = np.flatnonzero((weight != 0) & (asked.item >= 0) & (asked.item < self.n_items))
        if len(row) > SERVED_ROWS:
            # Of equal weights the newer row counts: rows stand oldest first.
            order = np.lexsort((-row, -weight[row]))[:SERVED_ROWS]
            row = np.sort(row[order])
        first = self.similar_.indptr[asked.item[row]].astype(np.int64)
        counts = self.similar_.indptr[asked.item[row] + 1] - first
        ends = np.cumsum(counts)
        cell = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + counts, counts)
        value = self.similar_.data[cell] * np.repeat(weight[row], counts)
        found = np.repeat(row, counts), self.similar_.indices[cell], value
        self._held = (asked, self.similar_, found)
        return found

    def score_one(self, asked: Histories) -> np.ndarray:
        """Return the weighted sums for one subject, without building matrices."""
        _, item, value = self._gathered(asked)
        summed = np.bincount(item, weights=value, minlength=self.n_items).astype(np.float32)
        return np.maximum(summed, 0, out=summed)

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return (history rows, items) of w(h) * S[item h, item]."""
        row, item, value = self._gathered(asked)
        place = np.full(self.n_items, -1, dtype=np.int64)
        place[items] = np.arange(len(items))
        at = place[item]
        wanted = at >= 0
        flat = row[wanted] * len(items) + at[wanted]
        size = len(asked.item) * len(items)
        summed = np.bincount(flat, weights=value[wanted], minlength=size)
        return summed.reshape(len(asked.item), len(items)).astype(np.float32)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {
            "data": self.similar_.data.astype(np.float32),
            "indices": self.similar_.indices.astype(np.int32),
            "indptr": self.similar_.indptr.astype(np.int64),
        }
        return arrays, {"fade": self.fade, "fade_days": self.fade_days}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.fade, self.fade_days = facts["fade"], facts["fade_days"]
        stored = (arrays["data"], arrays["indices"], arrays["indptr"])
        self.similar_ = sparse.csr_array(stored, shape=(self.n_items, self.n_items))


class ItemKnn(ItemToItem):
    """Cosine between the sets of buyers, shrunk; ``neighbours`` kept per item.

    Source: Sarwar et al. 2001; the shrink is Bell and Koren's, added to the denominator.
    """

    name = "item-knn"

    def __init__(
        self,
        *,
        neighbours: int = 100,
        shrink: float = 20.0,
        fade: float = 1.0,
        fade_days: float | None = None,
    ) -> None:
        super().__init__(fade=fade, fade_days=fade_days)
        self.neighbours, self.shrink = neighbours, shrink

    def fit(self, data: Training) -> Self:
        """Count common buyers of every pair of items."""
        self.item_ids_ = data.interactions.item_ids
        x = bought(data)
        together = (x.T @ x).tocoo()
        buyers = np.asarray(x.sum(axis=0)).ravel()
        i, j = together.row, together.col
        norm = np.sqrt(buyers[i] * buyers[j]) + self.shrink
        value = np.where(i == j, 0, together.data / norm).astype(np.float32)
        self.similar_ = strongest(
            sparse.coo_array((value, (i, j)), together.shape).tocsr(), self.neighbours
        )
        return self


class Sequential(ItemToItem):
    """Directed item-to-item with distance decay: what people take after this, and before it.

    G[i, j] sums over i, j of one user, at most ``reach`` baskets apart, of
    ``decay^(|distance| - 1) * (back if j came before i else 1) / log2(2 + baskets of the user)``;
    items of one basket count ``same`` each way. S_ij = G_ij / (pop_i^a * pop_j^b + shrink).

    With W the banded basket-to-basket weights and X the basket-by-item matrix, G = X' W X: no
    loop over pairs. Purchases of one moment share a basket, so file order inside a moment
    cannot leak into the counts.
    """

    name = "sequential"

    def __init__(
        self,
        *,
        reach: int = 20,
        decay: float = 0.8,
        back: float = 0.5,
        same: float = 1.0,
        from_power: float = 0.6,
        to_power: float = 0.3,
        shrink: float = 2.0,
        neighbours: int | None = None,
        fade: float = 0.6,
        fade_days: float | None = None,
    ) -> None:
        super().__init__(fade=fade, fade_days=fade_days)
        self.reach, self.decay, self.back, self.same = reach, decay, back, same
        self.from_power, self.to_power, self.shrink = from_power, to_power, shrink
        self.neighbours = neighbours

    def fit(self, data: Training) -> Self:
        """Count directed pairs and damp the popular."""
        self.item_ids_ = data.interactions.item_ids
        past = group(data.interactions, data.as_of_us)
        x, w = self._baskets(past)
        pop = np.asarray(x.sum(axis=0)).ravel()
        norm = (pop**self.from_power, pop**self.to_power)
        self.similar_ = damped(x, (w @ x).tocsr(), norm, self.shrink, self.neighbours)
        return self

    def _baskets(self, past: Histories) -> tuple[sparse.csr_array, sparse.csr_array]:
        """Return X (n_baskets, n_items) and W (n_baskets, n_baskets)."""
        opens = np.ones(len(past.item), dtype=np.int64)
        subject = past.subject
        opens[1:] = (past.basket[1:] != past.basket[:-1]) | (subject[1:] != subject[:-1])
        number = np.cumsum(opens) - 1
        n = int(number[-1]) + 1 if len(number) else 0
        weight = KIND_WEIGHTS[past.kind]
        keep = weight > 0
        cells = sparse.coo_array(
            (weight[keep], (number[keep], past.item[keep])), shape=(n, self.n_items)
        ).tocsr()
        cells.data = np.minimum(cells.data, 1.0)
        owner = subject[opens == 1]
        length = np.bincount(owner, minlength=past.n_subjects)[owner]
        share = (1 / np.log2(2 + length)).astype(np.float32)
        w = sparse.diags_array(share * np.float32(self.same), shape=(n, n)).tocsr()
        for distance in range(1, min(self.reach, max(n - 1, 0)) + 1):
            early = np.flatnonzero(owner[:-distance] == owner[distance:])
            if len(early) == 0:
                break
            value = share[early] * np.float32(self.decay ** (distance - 1))
            forward = sparse.coo_array((value, (early, early + distance)), shape=(n, n))
            w = w + forward.tocsr() + (forward.T * np.float32(self.back)).tocsr()
        return cells, w.tocsr()


def damped(
    left: sparse.csr_array,
    right: sparse.csr_array,
    norm: tuple[np.ndarray, np.ndarray],
    shrink: float,
    k: int | None,
) -> sparse.csr_array:
    """Return (left' right)_ij / (norm_i * norm_j + shrink), zero diagonal, k strongest a row.

    Made 512 rows at a time: a grocer's items nearly all meet, and the whole product would be
    gigabytes before it is cut.
    """
    back = left.T.tocsr()
    parts = []
    for first in range(0, back.shape[0], 512):
        cells = (back[first : first + 512] @ right).tocsr()
        row = np.repeat(np.arange(first, first + cells.shape[0]), np.diff(cells.indptr))
        scale = norm[0][row] * norm[1][cells.indices] + shrink
        cells.data = np.where(row == cells.indices, 0, cells.data / scale).astype(np.float32)
        parts.append(strongest(cells, k))
    return sparse.csr_array(sparse.vstack(parts, format="csr", dtype=np.float32))


def bought(data: Training) -> sparse.csr_array:
    """Return the binary (n_users, n_items) matrix of who took what, kinds below zero left out."""
    log = data.interactions
    keep = KIND_WEIGHTS[log.kind] > 0
    shape = (len(log.user_ids), len(log.item_ids))
    ones = np.ones(int(keep.sum()), dtype=np.float32)
    x = sparse.coo_array((ones, (log.user[keep], log.item[keep])), shape=shape).tocsr()
    x.data = np.minimum(x.data, 1.0)
    return x


def strongest(matrix: sparse.csr_array, k: int | None) -> sparse.csr_array:
    """Return the matrix with the k largest positive entries of each row; None keeps all.

    Equal values keep the lower column, so the result does not depend on how it was summed.
    """
    matrix = matrix.tocsr()
    matrix.sort_indices()
    keep = matrix.data > 0
    if k is not None:
        for row in np.flatnonzero(np.diff(matrix.indptr) > k):
            mine = slice(matrix.indptr[row], matrix.indptr[row + 1])
            value = matrix.data[mine]
            border = np.partition(value, len(value) - k)[len(value) - k]
            above = value > border
            # Columns stand sorted, so the first of a tie at the border have the lower numbers.
            tied = np.flatnonzero(value == border)[: k - int(above.sum())]
            above[tied] = True
            keep[mine] &= above
    start = np.concatenate([[0], np.cumsum(keep)])[matrix.indptr]
    stored = (matrix.data[keep].astype(np.float32), matrix.indices[keep].astype(np.int32), start)
    return sparse.csr_array(stored, shape=matrix.shape)
