"""EASE: the linear item-to-item model that explains each item by all the others.

Source: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, eq. 8:
P = (X'X + lambda I)^-1, B_ij = -P_ij / P_jj, B_ii = 0.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import linalg, sparse

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.neighbours import ItemToItem, bought
from shopkeeper.recommend.schema import Training


def ease_weights(x: sparse.csr_array, penalty: float, *, exact: bool = False) -> np.ndarray:
    """Return B (n_items, n_items) of EASE; float32 unless ``exact``.

    One Cholesky factor and one triangular inverse in place: n = 12,101 in 0.6 GB.
    """
    if penalty <= 0:
        raise BadInput(f"penalty must be above 0, but is {penalty}.", field="penalty")
    n = x.shape[1]
    gram: np.ndarray = np.empty((n, n), dtype=np.float64 if exact else np.float32, order="F")
    # In blocks: the whole product as a sparse matrix would be larger than the dense one.
    columns, back = x.tocsc(), x.T.tocsr()
    for first in range(0, n, 1024):
        gram[:, first : first + 1024] = (back @ columns[:, first : first + 1024]).todense()
    gram[np.diag_indices_from(gram)] += penalty
    potrf, potri = linalg.get_lapack_funcs(("potrf", "potri"), (gram,))
    factor, info = potrf(gram, lower=True, overwrite_a=True, clean=False)
    if info == 0:
        inverse, info = potri(factor, lower=True, overwrite_c=True)
    if info != 0:
        raise BadInput(f"penalty {penalty} is too small to solve EASE on these items.")
    diagonal = np.diag(inverse).copy()
    _mirror_lower(inverse)
    inverse /= -diagonal[None, :]
    inverse[np.diag_indices_from(inverse)] = 0
    return inverse


def _mirror_lower(matrix: np.ndarray, block: int = 1024) -> None:
    """Copy the lower triangle onto the upper one, in blocks that fit the cache."""
    n = len(matrix)
    for first in range(0, n, block):
        last = min(first + block, n)
        corner = matrix[first:last, first:last]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
        matrix[first:last, last:] = matrix[last:, first:last].T


class Ease(ItemToItem):
    """EASE over the most-taken ``max_items`` items, the largest ``neighbours`` weights served.

    ``neighbours=None`` keeps B whole and dense, for measuring what pruning costs.
    """

    name = "ease"

    def __init__(
        self,
        *,
        penalty: float = 200.0,
        fade: float = 1.0,
        fade_days: float | None = None,
        neighbours: int | None = 400,
        max_items: int = 12_000,
        min_users: int = 2,
    ) -> None:
        super().__init__(fade=fade, fade_days=fade_days)
        self.penalty, self.neighbours = penalty, neighbours
        self.max_items, self.min_users = max_items, min_users
        self.weights_: np.ndarray | None = None

    def fit(self, data: Training) -> Self:
        """Solve for B on the head of the catalogue; the tail gets no scores."""
        self.item_ids_ = data.interactions.item_ids
        x = bought(data)
        users = np.asarray(x.sum(axis=0)).ravel()
        order = np.lexsort((np.arange(len(users)), -users))[: self.max_items]
        self.head_ = np.sort(order[users[order] >= self.min_users])
        self.weights_ = None
        if len(self.head_) == 0:
            self.similar_ = sparse.csr_array((self.n_items, self.n_items), dtype=np.float32)
            return self
        weights = ease_weights(x[:, self.head_].tocsr(), self.penalty)
        if self.neighbours is None:
            self.weights_ = weights
        else:
            self.similar_ = self._pruned(weights, self.neighbours)
        return self

    def _pruned(self, weights: np.ndarray, k: int) -> sparse.csr_array:
        """Return the k weights of largest size of each history item, as whole-catalogue CSR.

        Negative weights are kept: cutting them costs a tenth of discovery NDCG, cutting the
        small ones almost nothing (docs/explain/recommend-models.md).
        """
        n = len(weights)
        k = min(k, n)
        cols = np.empty((n, k), dtype=np.int64)
        for first in range(0, n, 512):
            size = np.abs(weights[first : first + 512])
            best = np.argpartition(size, n - k, axis=1)[:, n - k :]
            cols[first : first + 512] = np.sort(best, axis=1)
        values = np.take_along_axis(weights, cols, axis=1).astype(np.float32)
        start = np.zeros(self.n_items + 1, dtype=np.int64)
        start[self.head_ + 1] = k
        stored = (values.ravel(), self.head_[cols.ravel()].astype(np.int32), np.cumsum(start))
        return sparse.csr_array(stored, shape=(self.n_items, self.n_items))

    def scores(self, asked: Histories) -> np.ndarray:
        """Return history x B, never below zero."""
        if self.weights_ is None:
            return super().scores(asked)
        history = asked.matrix(self.weights(asked), self.n_items)[:, self.head_]
        dense = np.zeros((asked.n_subjects, self.n_items), dtype=np.float32)
        dense[:, self.head_] = history @ self.weights_
        return np.maximum(dense, 0, out=dense)

    def pruned(self, neighbours: int) -> Ease:
        """Return this model with its dense weights cut to what serving keeps."""
        if self.weights_ is None:
            return self
        made = Ease(penalty=self.penalty, fade=self.fade, fade_days=self.fade_days)
        made.neighbours, made.max_items, made.min_users = neighbours, self.max_items, self.min_users
        made.item_ids_, made.head_, made.weights_ = self.item_ids_, self.head_, None
        made.similar_ = self._pruned(self.weights_, neighbours)
        return made

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        served = self if self.weights_ is None else self.pruned(400)
        arrays, facts = ItemToItem._state(served)
        return arrays, {**facts, "penalty": self.penalty, "neighbours": served.neighbours}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        super()._restore(arrays, facts)
        self.penalty, self.neighbours, self.weights_ = facts["penalty"], facts["neighbours"], None
