"""What this customer buys most: lines counted per customer and item, ties by popularity."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from shopkeeper.recommend.models.histories import PURCHASE, Histories
from shopkeeper.recommend.models.popularity import Popularity
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Training


class Frequency(Source):
    """The baseline of repeat buying: hard to beat, knows neither time nor other people."""

    name = "frequency"

    def __init__(self, days: float = 45.0) -> None:
        self.days = days

    def fit(self, data: Training) -> Self:
        """Keep decayed popularity, scaled below one line, to break ties."""
        counted = Popularity(self.days).fit(data)
        self.item_ids_ = counted.item_ids_
        peak = max(float(counted.popularity_.max(initial=0)), 1e-9)
        self.tie_ = (counted.popularity_ / peak * 0.5).astype(np.float32)
        return self

    def scores(self, asked: Histories) -> np.ndarray:
        """Return lines bought before, plus less than one for popularity."""
        lines = asked.matrix((asked.kind == PURCHASE).astype(np.float32), self.n_items)
        return np.asarray(lines.todense(), dtype=np.float32) + self.tie_

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return one for each line of the item itself."""
        same = asked.item[:, None] == np.asarray(items)[None, :]
        return (same & (asked.kind == PURCHASE)[:, None]).astype(np.float32)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {"tie": self.tie_}, {"days": self.days}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.tie_, self.days = arrays["tie"], facts["days"]
