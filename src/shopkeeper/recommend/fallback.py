"""The baseline that needs no training: own habits, live pairs, shelf mates, what sells now.

It answers while there is no model, or when the model fails, from the live state alone. Each
part is scaled to 1 at its best item and weighted by placement.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.recommend.features import LESS, PURCHASE, LiveFeatures
from shopkeeper.recommend.schema import Prediction

NAME = "popularity"
CANDIDATES = 300
EXPLAINED = 60  # candidates that get their because
SOURCES = ("frequency", "pairs", "category", "popularity")
# Weight of each source by placement, in the order of SOURCES.
WEIGHTS = {
    "home": (1.0, 0.5, 0.15, 0.2),
    "product": (0.0, 0.7, 1.0, 0.1),
    "bought_together": (0.0, 1.0, 0.1, 0.05),
    "cart": (0.0, 1.0, 0.0, 0.2),
    "buy_again": (1.0, 0.0, 0.0, 0.0),
    "trending": (0.0, 0.0, 0.0, 1.0),
}


def predict(features: LiveFeatures) -> Prediction:
    """Return candidates best first; where there is no history and no sale, none."""
    size = len(features.item_ids)
    weights = WEIGHTS[features.placement]
    raw = np.zeros((len(SOURCES), size))
    if size == 0:
        return _prediction(np.zeros(0, np.int32), raw, {})
    history = features.history
    if weights[0] and len(history.item):
        raw[0] = np.bincount(history.item[history.kind == PURCHASE], minlength=size)
    led_by: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    if weights[1]:
        context = features.context
        items = context if len(context) else history.item[history.kind != LESS]
        led_by = features.live.pairs.follow(items[-20:].tolist())
        raw[1] = np.bincount(led_by[0], weights=led_by[1], minlength=size)
    # Shelves of the page, or of what was touched last: a first click on an item without pairs
    # still changes the answer.
    near_to = features.context if len(features.context) else history.item[-3:]
    if weights[2] and len(near_to):
        raw[2] = features.catalogue.beside(near_to) * (np.asarray(features.popularity) + 1e-9)
    if weights[3]:
        raw[3] = features.popularity
    peak = raw.max(axis=1, keepdims=True)
    raw *= np.array(weights)[:, None] / np.where(peak > 0, peak, 1.0)
    total = raw.sum(axis=0)
    found = np.flatnonzero(total > 0)
    if len(found) > CANDIDATES:
        border = np.partition(total[found], -CANDIDATES)[-CANDIDATES]
        found = found[total[found] >= border]
    best = found[np.lexsort((found, -total[found]))][:CANDIDATES]
    return _prediction(best, raw[:, best], _causes(best, led_by))


def _prediction(
    item: np.ndarray, raw: np.ndarray, because: dict[int, list[tuple[int, float]]]
) -> Prediction:
    parts = raw.T.astype(np.float32)
    return Prediction(
        item=item.astype(np.int32),
        score=parts.sum(axis=1),
        sources=SOURCES,
        parts=parts,
        because=because,
    )


def _causes(
    best: np.ndarray, led_by: tuple[np.ndarray, np.ndarray, np.ndarray] | None
) -> dict[int, list[tuple[int, float]]]:
    if led_by is None:
        return {}
    rows, shares, causes = led_by
    told = np.zeros(int(rows.max(initial=0)) + 1, dtype=bool)
    told[best[:EXPLAINED][best[:EXPLAINED] < len(told)]] = True
    wanted = told[rows]
    because: dict[int, list[tuple[int, float]]] = {}
    for row, share, cause in zip(
        rows[wanted].tolist(), shares[wanted].tolist(), causes[wanted].tolist(), strict=True
    ):
        because.setdefault(row, []).append((cause, share))
    for found in because.values():
        if len(found) > 1:
            found.sort(key=lambda pair: -pair[1])
    return because
