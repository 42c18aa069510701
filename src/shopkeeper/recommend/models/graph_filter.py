"""Item to item through shared buyers, as filters of a graph: one pass of smoothing, one of rank.

S = D_i^-a X' D_u^-c X D_i^-b / mean diagonal  +  w D_i^-1/2 V V' D_i^1/2 / mean diagonal

X who took what, D_u and D_i how many each user took and each item sold, V the ``rank`` largest
right singular vectors of D_u^-1/2 X D_i^-1/2. The first term is a walk item - buyer - item in which
busy buyers say less; the second keeps only the smooth part of what was taken. With c = 1 and
a = b = 1/2 this is GF-CF: Shen et al., How Powerful is Graph Convolution for Recommendation?,
CIKM 2021. The powers are free here, because they decide more than the second term does.
The singular vectors come from a randomised range finder: Halko, Martinsson, Tropp 2011.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy import sparse

from shopkeeper.recommend.models.neighbours import ItemToItem, bought, strongest
from shopkeeper.recommend.schema import Training

_BLOCK_CELLS = 20_000_000  # dense cells of one block of rows of S: 80 MB


class GraphFilter(ItemToItem):
    """Filters of the item graph; the ``neighbours`` strongest of each row are served.

    user_power            c: how much less a busy buyer says
    from_power, to_power  a and b: how much less a popular item says, and is recommended
    smooth                w: weight of the second term; 0 leaves its work undone
    """

    name = "graph_filter"

    def __init__(
        self,
        *,
        user_power: float = 0.8,
        from_power: float = 0.7,
        to_power: float = 0.3,
        smooth: float = 0.0,
        rank: int = 256,
        neighbours: int | None = 400,
        fade: float = 1.0,
        fade_days: float | None = None,
        seed: int = 7,
    ) -> None:
        super().__init__(fade=fade, fade_days=fade_days)
        self.user_power, self.from_power, self.to_power = user_power, from_power, to_power
        self.smooth, self.rank, self.neighbours, self.seed = smooth, rank, neighbours, seed

    def fit(self, data: Training) -> Self:
        """Build S a block of rows at a time, so that no (items, items) table is ever held."""
        self.item_ids_ = data.interactions.item_ids
        x = bought(data)
        sold = np.maximum(np.asarray(x.sum(axis=0)).ravel(), 1)
        back = x.T.tocsr()
        back = _scaled(sold**-self.from_power) @ back
        taken = np.maximum(np.asarray(x.sum(axis=1)).ravel(), 1)
        onward = _scaled(taken**-self.user_power) @ x @ _scaled(sold**-self.to_power)
        diagonal = np.asarray(back.multiply(onward.T.tocsr()).sum(axis=1)).ravel()
        back, onward = (back * np.float32(1 / _mean(diagonal))).tocsr(), onward.tocsr()
        left = right = None
        if self.smooth > 0:
            left, right = self._smooth_part(x, sold, taken)
        n, parts = self.n_items, []
        size = int(np.clip(_BLOCK_CELLS // max(n, 1), 1, 1024))
        for first in range(0, n, size):
            walk = (back[first : first + size] @ onward).tocsr()
            if left is not None and right is not None:
                dense = walk.toarray()
                dense += left[first : first + size] @ right.T
                parts.append(_strongest_dense(dense, first, self.neighbours))
                continue
            row = np.repeat(np.arange(first, first + walk.shape[0]), np.diff(walk.indptr))
            walk.data[row == walk.indices] = 0
            parts.append(strongest(walk, self.neighbours))
        self.similar_ = sparse.csr_array(sparse.vstack(parts, format="csr", dtype=np.float32))
        return self

    def _smooth_part(
        self, x: sparse.csr_array, sold: np.ndarray, taken: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (left, right), each (n_items, rank): left right' is the second term."""
        even = (_scaled(taken**-0.5) @ x @ _scaled(sold**-0.5)).tocsr()
        rank = min(self.rank, min(even.shape))
        vectors = right_singular(even, rank, np.random.default_rng(self.seed))
        diagonal = (vectors**2).sum(axis=1)
        left = vectors * (self.smooth / _mean(diagonal) * sold**-0.5)[:, None]
        return left.astype(np.float32), (vectors * (sold**0.5)[:, None]).astype(np.float32)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, facts = super()._state()
        own = ("user_power", "from_power", "to_power", "smooth", "rank", "neighbours", "seed")
        return arrays, {**facts, **{name: getattr(self, name) for name in own}}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        super()._restore(arrays, facts)
        for name, value in facts.items():
            setattr(self, name, value)


def right_singular(
    x: sparse.csr_array, rank: int, rng: np.random.Generator, passes: int = 4
) -> np.ndarray:
    """Return (columns, rank): right singular vectors of the largest singular values."""
    back = x.T.tocsr()
    wide = min(rank + 20, min(x.shape))
    q = rng.standard_normal((x.shape[1], wide)).astype(np.float32)
    for _ in range(passes):
        q = np.linalg.qr(back @ np.linalg.qr(x @ q)[0])[0]
    turned = np.linalg.svd(x @ q, full_matrices=False)[2]
    found: np.ndarray = q @ turned[:rank].T
    return found


def _scaled(weights: np.ndarray) -> sparse.dia_array:
    return sparse.diags_array(weights.astype(np.float32))


def _mean(diagonal: np.ndarray) -> float:
    return float(diagonal.mean()) if diagonal.any() else 1.0


def _strongest_dense(dense: np.ndarray, first: int, k: int | None) -> sparse.csr_array:
    """Return rows ``first`` on of S with its k largest positive entries and no diagonal.

    A border value is found before anything is made sparse; ties are settled by ``strongest``.
    """
    rows = np.arange(len(dense))
    dense[rows, first + rows] = 0
    if k is not None and k < dense.shape[1]:
        border = np.partition(dense, dense.shape[1] - k, axis=1)[:, dense.shape[1] - k]
        dense[dense < np.maximum(border, 0)[:, None]] = 0
    return strongest(sparse.csr_array(np.maximum(dense, 0)), k)
