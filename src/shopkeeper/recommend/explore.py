"""Show now and then what the ranker would not have shown, with the exact chance of each place.

With chance ``share`` a place of the slate is drawn among the ``DEPTH`` best candidates that may
stand there, each in proportion to its score (Plackett-Luce, place by place); else the best of them
stands. The chance of what stands, given the places before it, is therefore known exactly:

    share * score_i / sum(score) + (1 - share) [i is the best]

and logged with the place; learn/offpolicy.py reads it. Pins and held places are not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput

DEPTH = 30
PLACEMENTS = ("home", "product", "cart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """How often places are drawn; ``rng`` is used under the lock of the live state."""

    share: float
    rng: np.random.Generator

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise BadInput(
                "explore_share is no share.",
                field="explore_share",
                value=self.share,
                allowed="from 0 to 1",
            )

    def pick(self, scores: Sequence[float]) -> tuple[int, float]:
        """Return which of the open candidates, best first, stands here, and its chance."""
        weights = np.maximum(np.asarray(scores[:DEPTH], dtype=np.float64), 0.0)
        total = float(weights.sum())
        chances = weights / total if total > 0 else np.full(len(weights), 1 / len(weights))
        chances = chances * self.share
        chances[0] += 1 - self.share
        at = int(np.searchsorted(np.cumsum(chances), self.rng.random(), side="right"))
        at = min(at, len(chances) - 1)
        return at, float(chances[at])


def attach(state: Any, shop: Any) -> None:
    """Let a live state explore as the shop's settings say."""
    share = shop.settings.explore_share
    rng = np.random.default_rng([shop.settings.random_seed, clock.now_us()])
    state.exploration = Exploration(share=share, rng=rng) if share > 0 else None
