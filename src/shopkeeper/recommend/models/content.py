"""A place among the collaborative vectors for a product that nobody has bought yet.

Ridge regression from what the catalogue says (entries.py) to the vectors that purchases gave to
known products; a new product gets the vector that its own entry points to, beside that of its
wording, each of length 1:

    z_j = [sqrt(share) v_j / |v_j|, sqrt(1 - share) t_j]
    score_j = (sum over history of w(h) z_h) . z_j / |sum over history of w(h) z_h|

It speaks only where other sources cannot: of pairs of which one is new. Its scale is its own, at
most 1, so one new product is not everybody's best because it is the only one. Training and
answering are numpy; the vectors of a new product are there as soon as its entry is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from shopkeeper.recommend.models.entries import Entries, Entry, of_training
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.neighbours import ItemToItem, bought
from shopkeeper.recommend.schema import Training

TEACHING = 4_000  # products that teach the map, the most bought: the encoder reads each
PLACED = 4_000  # products without a buyer that training places; more of them stay without
TRUST = 3.0  # buyers at which a product's own vector weighs half in the regression
WORDING = 64  # numbers of the wording in a product's vector


class Content(ItemToItem):
    """Collaborative vectors for what was bought, mapped ones for what was not."""

    name = "content"
    own_scale = True

    def __init__(
        self,
        *,
        dimensions: int = 64,
        penalty: float = 1.0,
        share: float = 0.5,
        seed: int = 7,
        fade: float = 0.9,
        fade_days: float | None = None,
        entries: Entries | None = None,
    ) -> None:
        super().__init__(fade=fade, fade_days=fade_days)
        self.dimensions, self.penalty, self.share, self.seed = dimensions, penalty, share, seed
        self.entries = entries

    def fit(self, data: Training) -> Self:
        """Factorise the purchases, learn the map, place what nobody bought.

        ``entries`` given to the constructor and fitted already on this catalogue stay as they are.
        """
        self.item_ids_ = data.interactions.item_ids
        known = self.entries if hasattr(self.entries, "wording_") else None
        self.entries_ = known or (self.entries or Entries()).fit(data)
        x = bought(data)
        buyers = np.bincount(x.indices, minlength=self.n_items)
        own = factorised(x, buyers, self.dimensions, self.seed)
        wording = self.entries_.wording_.vectors(list(data.item_text) or [""] * self.n_items)
        self.cold_ = np.flatnonzero(buyers == 0)[:PLACED]
        self.vectors_ = self._joined(own, wording)
        teachers = np.argsort(-buyers, kind="stable")[:TEACHING]
        teachers = teachers[buyers[teachers] > 0]
        self.map_ = np.zeros((0, own.shape[1]))
        if len(teachers) > 1 and own.shape[1]:
            features, _ = self.entries_.describe(of_training(data, teachers))
            weight = (buyers[teachers] / (buyers[teachers] + TRUST))[:, None]
            self.map_ = ridge(features, unit(own[teachers]), weight, self.penalty)
            self.vectors_[self.cold_] = self.place(of_training(data, self.cold_))
        self._cold_vectors = np.ascontiguousarray(self.vectors_[self.cold_])
        return self

    def place(self, entries: Sequence[Entry]) -> np.ndarray:
        """Return (n, d) vectors of products that nobody has bought; zeros where none is known."""
        if not len(self.map_) or not entries:
            return np.zeros((len(entries), self.vectors_.shape[1]), dtype=np.float32)
        features, wording = self.entries_.describe(entries)
        return self._joined(features @ self.map_, wording)

    def _joined(self, own: np.ndarray, wording: np.ndarray) -> np.ndarray:
        words = unit(wording[:, :WORDING])
        both = [np.sqrt(self.share) * unit(own), np.sqrt(1 - self.share) * words]
        return np.hstack(both).astype(np.float32)

    def scores(self, asked: Histories) -> np.ndarray:
        """Return scores of pairs of which one is new, from 0 to 1."""
        found = np.zeros((asked.n_subjects, self.n_items), dtype=np.float32)
        weight = self.weights(asked)
        profile = np.asarray(asked.matrix(weight, self.n_items) @ self.vectors_)
        length = np.maximum(np.linalg.norm(profile, axis=1, keepdims=True), 1e-9)
        new = np.isin(asked.item, self.cold_)
        some = np.unique(asked.subject[new])
        if len(some):
            of_new = asked.matrix(np.where(new, weight, 0), self.n_items) @ self.vectors_
            found[some] = np.asarray(of_new)[some] @ self.vectors_.T / length[some]
        found[:, self.cold_] = (profile / length) @ self._cold_vectors.T
        return np.maximum(found, 0, out=found)

    def score_one(self, asked: Histories) -> np.ndarray:
        """Return the scores of one subject."""
        return self.score_with(asked, self.vectors_[:0])

    def score_with(self, asked: Histories, arrived: np.ndarray) -> np.ndarray:
        """Return (n_items + k,) scores of one subject.

        ``arrived`` (k, d): vectors of products that came after training; in ``asked`` and in the
        result they stand behind the others.
        """
        found = np.zeros(self.n_items + len(arrived), dtype=np.float32)
        mine, new = self._mine(asked, arrived)
        profile = mine.sum(axis=0)
        length = max(float(np.linalg.norm(profile)), 1e-9)
        if new.any():
            found[: self.n_items] = self.vectors_ @ (mine[new].sum(axis=0) / length)
        found[self.cold_] = self._cold_vectors @ (profile / length)
        if len(arrived):
            found[self.n_items :] = arrived @ (profile / length)
        return np.maximum(found, 0, out=found)

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return w(h) z_h . z_item / |profile| for each history row and item, one of them new."""
        return self.because_with(asked, items, self.vectors_[:0])

    def because_with(self, asked: Histories, items: np.ndarray, arrived: np.ndarray) -> np.ndarray:
        """Return ``because`` where products that came after training stand behind the others."""
        mine, new = self._mine(asked, arrived)
        length = max(float(np.linalg.norm(mine.sum(axis=0))), 1e-9)
        either = new[:, None] | self._new(items)[None, :]
        theirs = self._of(items, arrived)
        found: np.ndarray = np.where(either, mine @ theirs.T / length, 0).astype(np.float32)
        return found

    def _mine(self, asked: Histories, arrived: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return w(h) z_h (rows, d) of one subject, and which rows are of new products."""
        known = (asked.item >= 0) & (asked.item < self.n_items + len(arrived))
        weight = np.where(known, self.weights(asked), 0).astype(np.float32)
        item = np.where(known, asked.item, 0)
        if not len(item):
            return np.zeros((0, self.vectors_.shape[1]), np.float32), known
        return weight[:, None] * self._of(item, arrived), known & self._new(item) & (weight != 0)

    def _of(self, items: np.ndarray, arrived: np.ndarray) -> np.ndarray:
        inside = items < self.n_items
        found = self.vectors_[np.where(inside, items, 0)]
        if not inside.all():
            found[~inside] = arrived[items[~inside] - self.n_items]
        return found

    def _new(self, items: np.ndarray) -> np.ndarray:
        return (items >= self.n_items) | np.isin(items, self.cold_)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, facts = self.entries_.state()
        arrays = {f"entries.{name}": array for name, array in arrays.items()}
        arrays |= {"vectors": self.vectors_, "cold": self.cold_, "map": self.map_}
        own = {"fade": self.fade, "fade_days": self.fade_days, "share": self.share}
        return arrays, {**own, "entries": facts}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        start = "entries."
        theirs = {k.removeprefix(start): a for k, a in arrays.items() if k.startswith(start)}
        self.entries_ = Entries.restore(theirs, facts["entries"])
        self.vectors_, self.cold_, self.map_ = arrays["vectors"], arrays["cold"], arrays["map"]
        self._cold_vectors = np.ascontiguousarray(self.vectors_[self.cold_])
        self.fade, self.fade_days, self.share = facts["fade"], facts["fade_days"], facts["share"]


def factorised(x: sparse.csr_array, buyers: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Return (n_items, width) of what purchases say, the popular damped; zeros without a buyer."""
    width = max(min(width, int((buyers > 0).sum()) - 1, x.shape[0] - 1), 0)
    if not width:
        return np.zeros((len(buyers), 0))
    scaled = sparse.csr_matrix(x @ sparse.diags_array(1 / np.sqrt(np.maximum(buyers, 1))))
    _, strength, right = randomized_svd(scaled, width, n_iter=4, random_state=seed)
    found: np.ndarray = right.T * strength * (buyers > 0)[:, None]
    return found


def ridge(
    features: np.ndarray, wanted: np.ndarray, weight: np.ndarray, penalty: float
) -> np.ndarray:
    """Return the map (m, d) that is nearest to ``wanted`` with a penalty on its size."""
    gram = features.T @ (weight * features) + penalty * np.eye(features.shape[1])
    found: np.ndarray = np.linalg.solve(gram, features.T @ (weight * wanted))
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return rows of length 1; rows without length stay zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: np.ndarray = vectors / np.maximum(length, 1e-12) * (length > 1e-9)
    return found
