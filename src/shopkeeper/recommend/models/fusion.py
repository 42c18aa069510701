"""Choose how much each source counts, on a period that training did not see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shopkeeper.recommend.schema import Training

START: dict[str, dict[str, float]] = {
    "all": {"popularity": 0.1, "frequency": 1.0, "sequential": 0.2, "ease": 0.5},
    "repeat": {"frequency": 1.0, "ease": 0.2},
    "discovery": {"popularity": 0.1, "sequential": 0.3, "ease": 1.0},
    "similar": {"popularity": 0.02, "sequential": 0.5, "ease": 1.0},
    "trending": {"popularity": 1.0},
}


def choose(
    data: Training, sources: Callable[[], Sequence[Any]]
) -> Mapping[str, Mapping[str, float]]:
    """Return task -> source -> weight."""
    return START
