"""A place among the collaborative vectors for a product that nobody has bought yet.

Ridge regression from what the catalogue says (entries.py) to the vectors that purchases gave to
known products; a new product gets the vector that its own entry points to, beside that of its
wording, each of length 1:

    z_j = [sqrt(share) v_j / |v_j|, sqrt(1 - share) t_j]
    score_j = (sum over history of w(h) z_h) . z_j / |sum over history of w(h) z_h|

It speaks only where other sources cannot: of pairs of which one is new. Its scale is its own, at
most 1, so one new product is not everybody's best because it is the only one. Training and
answering are numpy; the vectors of a new product are there as soon as its entry is.

What the shop has told of for sixty days without selling one is dead stock rather than new, and
gets no place. ``placed`` False: nothing known at training does, only what comes later (arrivals.py
says when).

With ``towers`` (trained by ``train recommend --model towers``, extra ``deep``) the score of a new
product is half this and half what two towers say (towers.py), whose vectors stand behind z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.models import holdout
from shopkeeper.recommend.models.entries import Entries, Entry, of_training
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.neighbours import ItemToItem, bought
from shopkeeper.recommend.models.towers import Towers
from shopkeeper.recommend.schema import Training

TEACHING = 4_000  # products that teach the map, the most bought: the encoder reads each
PLACED = 4_000  # products without a buyer that training places; more of them stay without
FRESH_DAYS = 60  # what stood longer without a buyer is not new
TRUST = 3.0  # buyers at which a product's own vector weighs half in the regression
EXAMPLES = 60_000  # interactions that teach the towers, of customers drawn by seed
EPOCHS = 20
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
        towers: bool = False,
        placed: bool = True,
        seed: int = 7,
        fade: float = 0.9,
        fade_days: float | None = None,
        entries: Entries | None = None,
    ) -> None:
        super().__init__(fade=fade, fade_days=fade_days)
        self.dimensions, self.penalty, self.share, self.seed = dimensions, penalty, share, seed
        self.towers, self.placed, self.entries = towers, placed, entries
        self.towers_: Towers | None = None

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
        self.cold_ = self._cold(data, buyers)
        vectors = self._joined(own, wording)
        self.width_ = vectors.shape[1]
        teachers = np.argsort(-buyers, kind="stable")[:TEACHING]
        teachers = teachers[buyers[teachers] > 0]
        self.map_, self.towers_ = np.zeros((0, own.shape[1])), None
        if len(teachers) > 1 and own.shape[1]:
            features, _ = self.entries_.describe(of_training(data, teachers))
            weight = (buyers[teachers] / (buyers[teachers] + TRUST))[:, None]
            self.map_ = ridge(features, unit(own[teachers]), weight, self.penalty)
            if self.towers:
                theirs = self._towers(data, teachers, features)
                vectors = np.hstack([vectors, theirs])
        self.vectors_ = np.ascontiguousarray(vectors, dtype=np.float32)
        if len(self.map_):
            self.vectors_[self.cold_] = self.place(of_training(data, self.cold_))
        self._hold()
        return self

    def _cold(self, data: Training, buyers: np.ndarray) -> np.ndarray:
        """Return the rows without a buyer that get a place: told of lately, where that is known."""
        cold = buyers == 0 if self.placed else np.zeros(len(buyers), dtype=bool)
        if data.item_created_us is not None:
            cold &= data.item_created_us > data.as_of_us - FRESH_DAYS * DAY_US
        return np.flatnonzero(cold)[:PLACED]

    def _towers(self, data: Training, teachers: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Learn the towers from the teachers; return (n_items, d), zeros for the others."""
        whole = np.zeros((self.n_items, features.shape[1]), dtype=np.float32)
        whole[teachers] = features
        log = data.interactions
        rows = np.isin(log.item, teachers)
        lines = np.bincount(log.user[rows], minlength=len(log.user_ids))
        drawn = np.random.default_rng(self.seed).permutation(len(lines))
        some = drawn[np.cumsum(lines[drawn]) <= EXAMPLES]
        rows &= np.isin(log.user, some)
        few = replace(data, interactions=holdout.take(log, rows), customer_attributes=())
        self.towers_ = Towers(entries=self.entries_, epochs=EPOCHS, seed=self.seed, fade=self.fade)
        return self.towers_.fit(few, whole).vectors_

    def _hold(self) -> None:
        self._cold_vectors = np.ascontiguousarray(self.vectors_[self.cold_])
        self._is_cold = np.zeros(self.n_items, dtype=bool)
        self._is_cold[self.cold_] = True

    def place(self, entries: Sequence[Entry]) -> np.ndarray:
        """Return (n, d) vectors of products that nobody has bought; zeros where none is known."""
        if not len(self.map_) or not entries:
            return np.zeros((len(entries), self.vectors_.shape[1]), dtype=np.float32)
        features, wording = self.entries_.describe(entries)
        placed = self._joined(features @ self.map_, wording)
        if self.towers_ is None:
            return placed
        return np.hstack([placed, self.towers_.of_features(features)])

    def _joined(self, own: np.ndarray, wording: np.ndarray) -> np.ndarray:
        words = unit(wording[:, :WORDING])
        both = [np.sqrt(self.share) * unit(own), np.sqrt(1 - self.share) * words]
        joined: np.ndarray = np.hstack(both).astype(np.float32)
        return joined

    def scores(self, asked: Histories) -> np.ndarray:
        """Return scores of pairs of which one is new, from 0 to 1."""
        found = np.zeros((asked.n_subjects, self.n_items), dtype=np.float32)
        weight, width = self.weights(asked), self.width_
        summed = np.asarray(asked.matrix(weight, self.n_items) @ self.vectors_)
        length = np.maximum(np.linalg.norm(summed[:, :width], axis=1, keepdims=True), 1e-9)
        known = (asked.item >= 0) & (asked.item < self.n_items)
        new = known & self._is_cold[np.where(known, asked.item, 0)]
        some = np.unique(asked.subject[new])
        if len(some):
            of_new = asked.matrix(np.where(new, weight, 0), self.n_items) @ self.vectors_
            found[some] = np.asarray(of_new)[some, :width] @ self.vectors_[:, :width].T
            found[some] /= length[some]
        found[:, self.cold_] = (summed[:, :width] / length) @ self._cold_vectors[:, :width].T
        if self.towers_ is not None:
            there = self.vectors_[:, width:].any(axis=1).astype(np.float32)
            whole = np.asarray(asked.matrix(weight, self.n_items) @ there)
            who = self.towers_.meet(summed[:, width:], whole)
            found[:, self.cold_] += np.maximum(who @ self._cold_vectors[:, width:].T, 0)
            found /= 2
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
        summed, width = mine.sum(axis=0), self.width_
        profile = summed[:width] / max(float(np.linalg.norm(summed[:width])), 1e-9)
        if new.any():
            length = max(float(np.linalg.norm(summed[:width])), 1e-9)
            of_new = mine[new, :width].sum(axis=0) / length
            found[: self.n_items] = self.vectors_[:, :width] @ of_new
        found[self.cold_] = self._cold_vectors[:, :width] @ profile
        found[self.n_items :] = arrived[:, :width] @ profile
        if self.towers_ is not None:
            who = self._customer(mine, asked)
            found[self.cold_] += np.maximum(self._cold_vectors[:, width:] @ who, 0)
            found[self.n_items :] += np.maximum(arrived[:, width:] @ who, 0)
            found /= 2
        return np.maximum(found, 0, out=found)

    def _customer(self, mine: np.ndarray, asked: Histories) -> np.ndarray:
        """Return the customer tower's vector of one subject, from the rows w(h) z_h."""
        assert self.towers_ is not None
        theirs = mine[:, self.width_ :]
        whole = self.weights(asked)[theirs.any(axis=1)].sum(keepdims=True)
        found: np.ndarray = self.towers_.meet(theirs.sum(axis=0)[None, :], whole)[0]
        return found

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return w(h) z_h . z_item / |profile| for each history row and item, one of them new."""
        return self.because_with(asked, items, self.vectors_[:0])

    def because_with(self, asked: Histories, items: np.ndarray, arrived: np.ndarray) -> np.ndarray:
        """Return ``because`` where products that came after training stand behind the others."""
        mine, new = self._mine(asked, arrived)
        theirs, width = self._of(items, arrived), self.width_
        length = max(float(np.linalg.norm(mine[:, :width].sum(axis=0))), 1e-9)
        either = new[:, None] | self._new(items)[None, :]
        found = np.where(either, mine[:, :width] @ theirs[:, :width].T / length, 0)
        if self.towers_ is not None:
            # The tower is no sum over her history: each row counts as its product is near this one.
            near = np.maximum(mine[:, width:] @ theirs[:, width:].T, 0)
            near /= np.maximum(near.sum(axis=0, keepdims=True), 1e-9)
            value = np.maximum(theirs[:, width:] @ self._customer(mine, asked), 0)
            found = (found + near * np.where(self._new(items), value, 0)) / 2
        return found.astype(np.float32)

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
        beyond = items >= self.n_items
        found: np.ndarray = beyond | self._is_cold[np.where(beyond, 0, items)]
        return found

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, facts = self.entries_.state()
        arrays = {f"entries.{name}": array for name, array in arrays.items()}
        arrays |= {"vectors": self.vectors_, "cold": self.cold_, "map": self.map_}
        own = {"fade": self.fade, "fade_days": self.fade_days, "share": self.share}
        own["width"] = self.width_
        if self.towers_ is not None:
            layers, told = self.towers_.layers()
            return {**arrays, **layers}, {**own, "entries": facts, "towers": told}
        return arrays, {**own, "entries": facts}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        start = "entries."
        theirs = {k.removeprefix(start): a for k, a in arrays.items() if k.startswith(start)}
        self.entries_ = Entries.restore(theirs, facts["entries"])
        self.vectors_, self.cold_, self.map_ = arrays["vectors"], arrays["cold"], arrays["map"]
        self.fade, self.fade_days, self.share = facts["fade"], facts["fade_days"], facts["share"]
        self.width_ = facts["width"]
        if (told := facts.get("towers")) is not None:
            self.towers_ = Towers()
            self.towers_.take(arrays, told)
        self._hold()


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
