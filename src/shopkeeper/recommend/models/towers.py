"""Two towers: an entry's vector and a customer's, learned so that they meet where she buys.

    v_j = unit(W2 relu(W1 f_j + b1) + b2)           f_j the numbers of the entry (entries.py)
    m   = sum over history of w(h) v_h / sum w      w fading with baskets, 0 without a history
    u   = unit(m + U2 relu(U1 [m, a] + c1) + c2)    a her attributes as columns, 0 where unknown
    score_j = u . v_j

Learned by sampled softmax over the other targets of a batch, corrected by how often each stands
there (towers_torch.py, extra ``deep``). No vector belongs to an id, so a new product and a new
customer have theirs at once. Answering is numpy.

Source: Yi et al., Sampling-Bias-Corrected Neural Modeling, RecSys 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from shopkeeper.recommend.models.entries import Entries, Entry, of_training
from shopkeeper.recommend.models.histories import Histories, group
from shopkeeper.recommend.models.neighbours import ItemToItem
from shopkeeper.recommend.models.strangers import Columns
from shopkeeper.recommend.schema import Training

LAYERS = ("w1", "b1", "w2", "b2", "u1", "c1", "u2", "c2")


class Towers(ItemToItem):
    """An item tower and a customer tower, answering without torch."""

    name = "towers"

    def __init__(
        self,
        *,
        dimensions: int = 64,
        hidden: int = 256,
        epochs: int = 10,
        rate: float = 1e-3,
        dropout: float = 0.3,
        penalty: float = 1e-4,
        temperature: float = 0.1,
        batch: int = 512,
        fade: float = 0.9,
        seed: int = 7,
        entries: Entries | None = None,
    ) -> None:
        super().__init__(fade=fade)
        self.dimensions, self.hidden, self.epochs, self.rate = dimensions, hidden, epochs, rate
        self.dropout, self.penalty, self.temperature = dropout, penalty, temperature
        self.batch, self.seed, self.entries = batch, seed, entries

    def fit(self, data: Training, features: np.ndarray | None = None) -> Self:
        """Learn both towers; ``features`` (n_items, m): those of ``entries``, if known already."""
        from shopkeeper.recommend.models import towers_torch

        self.item_ids_ = data.interactions.item_ids
        known = self.entries if hasattr(self.entries, "wording_") else None
        self.entries_ = known or (self.entries or Entries()).fit(data)
        if features is None:
            features, _ = self.entries_.describe(of_training(data))
        self.columns_ = Columns.learn([one for one in data.customer_attributes if one])
        told = np.zeros((len(data.interactions.user_ids), len(self.columns_.values)))
        if len(data.customer_attributes):
            told = np.nan_to_num(self.columns_.matrix(data.customer_attributes))
        past = group(data.interactions, data.as_of_us)
        self.weights_ = towers_torch.learn(features, told, past, self._settings())
        self.vectors_ = self.of_features(features)
        return self

    def _settings(self) -> dict[str, Any]:
        names = ("dimensions", "hidden", "epochs", "rate", "dropout", "penalty", "temperature")
        return {name: getattr(self, name) for name in (*names, "batch", "fade", "seed")}

    def place(self, entries: Sequence[Entry]) -> np.ndarray:
        """Return (n, dimensions) vectors of entries; zeros for one that says nothing."""
        features, _ = self.entries_.describe(entries)
        return self.of_features(features)

    def of_features(self, features: np.ndarray) -> np.ndarray:
        """Return (n, dimensions) vectors of entries by their numbers."""
        w = self.weights_
        inner = np.maximum(features.astype(np.float32) @ w["w1"] + w["b1"], 0) @ w["w2"] + w["b2"]
        told = features.any(axis=1, keepdims=True)
        found: np.ndarray = (unit(inner) * told).astype(np.float32)
        return found

    def customers(
        self, asked: Histories, attributes: Sequence[Mapping[str, Any]] = ()
    ) -> np.ndarray:
        """Return (n_subjects, dimensions); ``attributes`` of each subject, or none at all."""
        known = asked.matrix(self.weights(asked), len(self.vectors_))
        whole = np.asarray(known @ self.vectors_.any(axis=1).astype(np.float32))
        return self.meet(np.asarray(known @ self.vectors_), whole, attributes)

    def meet(
        self, summed: np.ndarray, whole: np.ndarray, attributes: Sequence[Mapping[str, Any]] = ()
    ) -> np.ndarray:
        """Return customers' vectors from (n, dimensions) sums of w(h) v_h and (n,) sums of w(h)."""
        mean = summed / np.maximum(whole, 1e-9)[:, None]
        told = np.zeros((len(mean), len(self.columns_.values)), dtype=np.float32)
        if len(attributes):
            told = np.nan_to_num(self.columns_.matrix(attributes)).astype(np.float32)
        w = self.weights_
        inner = np.maximum(np.hstack([mean, told]) @ w["u1"] + w["c1"], 0)
        found: np.ndarray = unit(mean + inner @ w["u2"] + w["c2"])
        return found.astype(np.float32)

    def scores(self, asked: Histories, attributes: Sequence[Mapping[str, Any]] = ()) -> np.ndarray:
        """Return (n_subjects, n_items), from 0 to 1."""
        found: np.ndarray = self.customers(asked, attributes) @ self.vectors_.T
        return np.maximum(found, 0, out=found)

    def score_one(self, asked: Histories) -> np.ndarray:
        """Return the scores of one subject."""
        first: np.ndarray = self.scores(asked)[0]
        return first

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return nothing: the customer tower is not a sum over her history."""
        return np.zeros((len(asked.item), len(items)), dtype=np.float32)

    def layers(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the towers alone, without entries and vectors."""
        values = [list(value) for value in self.columns_.values]
        arrays = {f"layer.{name}": array for name, array in self.weights_.items()}
        return arrays, {"fade": self.fade, "values": values, "cuts": self.columns_.cuts}

    def take(self, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        """Take what ``layers`` gave."""
        self.weights_ = {name: arrays[f"layer.{name}"] for name in LAYERS}
        self.columns_ = Columns([(n, v) for n, v in facts["values"]], facts["cuts"])
        self.fade = facts["fade"]

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays, facts = self.entries_.state()
        arrays = {f"entries.{name}": array for name, array in arrays.items()}
        own, told = self.layers()
        return {**arrays, **own, "vectors": self.vectors_}, {**told, "entries": facts}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        start = "entries."
        theirs = {k.removeprefix(start): a for k, a in arrays.items() if k.startswith(start)}
        self.entries_ = Entries.restore(theirs, facts["entries"])
        self.vectors_ = arrays["vectors"]
        self.take(arrays, facts)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return rows of length 1."""
    found: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return found
