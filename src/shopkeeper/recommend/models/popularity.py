"""What sells now: purchases counted with an exponential decay; the baseline of everything."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.decayed import Faded
from shopkeeper.recommend.models.histories import KIND_WEIGHTS, Histories
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Features, Training


class Popularity(Source):
    """Score = sum of weight of kind x exp(-age / days). The same for everybody.

    >>> Popularity(days=30).days
    30
    """

    name = "popularity"

    def __init__(self, days: float = 45.0) -> None:
        self.days = days

    def fit(self, data: Training) -> Self:
        """Count the interactions before ``data.as_of_us``, each user's repeat included."""
        log = data.interactions
        age = np.maximum(data.as_of_us - log.at_us, 0) / DAY_US
        weight = KIND_WEIGHTS[log.kind] * np.exp(-age / self.days)
        self.item_ids_ = log.item_ids
        counted = np.bincount(log.item, weights=weight, minlength=len(log.item_ids))
        self.popularity_ = counted.astype(np.float32)
        return self

    def scores(self, asked: Histories) -> np.ndarray:
        """Return the same scores for every subject."""
        return np.broadcast_to(self.popularity_, (asked.n_subjects, self.n_items))

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {"popularity": self.popularity_}, {"days": self.days}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.popularity_ = arrays["popularity"]
        self.days = facts["days"]


def live(features: Features) -> np.ndarray:
    """Return (n_items,) float32, how popular each item is for one request."""
    sold = features.popularity
    if isinstance(sold, Faded) and features.placement != "trending":
        # What is kept for a minute need not follow others' events within the second.
        return sold.lately(features.as_of_us)
    return np.asarray(sold, dtype=np.float32)[: len(features.item_ids)]
