"""Implicit-feedback matrix factorisation by alternating least squares, for large catalogues.

Source: Hu, Koren, Volinsky, Collaborative Filtering for Implicit Feedback Datasets, 2008:
confidence 1 + alpha for what was taken, preference 1 for it and 0 for all else. A customer
who came after training is folded in by one solve, so no refit is needed for them.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from shopkeeper.recommend.models.histories import KIND_WEIGHTS, Histories
from shopkeeper.recommend.models.neighbours import bought
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Training

_CELLS = 4_000_000  # numbers of one padded batch, 16 MB


class Als(Source):
    """Vectors of customers and items; score = customer . item, never below zero."""

    name = "als"

    def __init__(
        self,
        *,
        dimensions: int = 64,
        alpha: float = 10.0,
        penalty: float = 0.05,
        rounds: int = 10,
        seed: int = 7,
    ) -> None:
        self.dimensions, self.alpha, self.penalty = dimensions, alpha, penalty
        self.rounds, self.seed = rounds, seed

    def fit(self, data: Training) -> Self:
        """Alternate solving users given items and items given users."""
        self.item_ids_ = data.interactions.item_ids
        x = bought(data)
        back = x.T.tocsr()
        rng = np.random.default_rng(self.seed)
        self.item_vectors_ = rng.normal(0, 0.01, (self.n_items, self.dimensions)).astype(np.float32)
        for _ in range(self.rounds):
            users = self._solve(x, self.item_vectors_)
            self.item_vectors_ = self._solve(back, users)
        self._gram = self._gram_of(self.item_vectors_)
        return self

    def _gram_of(self, vectors: np.ndarray) -> np.ndarray:
        return vectors.T @ vectors + self.penalty * np.eye(self.dimensions, dtype=np.float32)

    def _solve(self, x: sparse.csr_array, other: np.ndarray) -> np.ndarray:
        """Return vectors of the rows of x given the columns' vectors, in padded batches."""
        gram = self._gram_of(other)
        counts = np.diff(x.indptr)
        solved = np.zeros((x.shape[0], self.dimensions), dtype=np.float32)
        order = np.argsort(counts, kind="stable")
        order = order[counts[order] > 0]
        padded = np.concatenate([other, np.zeros((1, self.dimensions), dtype=np.float32)])
        at = 0
        while at < len(order):
            width = max(self.dimensions, int(counts[order[min(at + 4096, len(order)) - 1]]))
            size = max(1, min(4096, _CELLS // (width * self.dimensions)))
            rows = order[at : at + size]
            taken = padded[_padded_columns(x, rows, counts, len(other))]
            lhs = gram + self.alpha * (taken.transpose(0, 2, 1) @ taken)
            rhs = (1 + self.alpha) * taken.sum(axis=1)
            solved[rows] = np.linalg.solve(lhs, rhs[:, :, None])[:, :, 0]
            at += len(rows)
        return solved

    def _fold_in(self, asked: Histories) -> np.ndarray:
        """Return vectors (n_subjects, d) of histories, known to the training or not."""
        x = asked.matrix(KIND_WEIGHTS[asked.kind], self.n_items)
        return self._solve(x, self.item_vectors_)

    def scores(self, asked: Histories) -> np.ndarray:
        """Return customer . item, never below zero."""
        dense = self._fold_in(asked) @ self.item_vectors_.T
        return np.maximum(dense, 0, out=dense)

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return what each history row adds: the solve is linear in the history's vectors."""
        known = (asked.item >= 0) & (asked.item < self.n_items) & (KIND_WEIGHTS[asked.kind] > 0)
        distinct, of_row, times = np.unique(
            np.where(known, asked.item, -1), return_inverse=True, return_counts=True
        )
        mine = self.item_vectors_[np.maximum(distinct, 0)] * (distinct >= 0)[:, None]
        lhs = self._gram + self.alpha * (mine.T @ mine)
        solved = np.linalg.solve(lhs, self.item_vectors_[items].T)
        gave = (1 + self.alpha) * (mine @ solved)
        return (gave / times[:, None])[of_row].astype(np.float32)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        facts = {"dimensions": self.dimensions, "alpha": self.alpha, "penalty": self.penalty}
        return {"item_vectors": self.item_vectors_}, facts

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.item_vectors_ = arrays["item_vectors"]
        self.dimensions, self.alpha = facts["dimensions"], facts["alpha"]
        self.penalty = facts["penalty"]
        self._gram = self._gram_of(self.item_vectors_)


def _padded_columns(
    x: sparse.csr_array, rows: np.ndarray, counts: np.ndarray, filler: int
) -> np.ndarray:
    """Return (rows, longest) column numbers, filled up with ``filler``."""
    mine = counts[rows]
    columns = np.full((len(rows), int(mine.max())), filler, dtype=np.int64)
    inside = np.arange(columns.shape[1])[None, :] < mine[:, None]
    start = np.repeat(x.indptr[rows], mine)
    place = np.arange(int(mine.sum())) - np.repeat(np.cumsum(mine) - mine, mine)
    columns[inside] = x.indices[start + place]
    return columns
