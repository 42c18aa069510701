"""How far down a slate customers look, from the shop's own impressions.

Only places whose item was drawn by chance and was not the best are read: what the ranker put first
is wanted more, and would make the first place look better than it is. By the lower places the best
have left the lot, so each item's score stands beside its place in the regression; what the score
does not know of wishes may still be told as looking.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.data import slate_log
from shopkeeper.recommend.offpolicy.places import of_record
from shopkeeper.recommend.simulator.validity import examination

LEAST_CLICKS = 30
DAYS = 180
WINDOW_US = DAY_US


def of_shop(warehouse: Any, now_us: int) -> dict[str, Any]:
    """Return what impressions say of looking; ``eta`` None where they say too little, with why."""
    since = now_us - DAYS * DAY_US
    seen = slate_log.seen(warehouse, since)
    if not seen:
        return {"eta": None, "clicks": 0, "why": "no impression names a slate"}
    places = of_record(
        slate_log.drawn(warehouse, since, now_us - WINDOW_US),
        seen,
        slate_log.taken(warehouse, since),
        reward="click",
        window_us=WINDOW_US,
    )
    chance = places.at > 0
    position, clicked = places.position[chance] + 1, places.reward[chance]
    clicks = int(clicked.sum())
    half = len(position) // 2
    enough = clicks >= LEAST_CLICKS and clicked[:half].sum() > 0 and len(np.unique(position)) > 2
    if not enough:
        why = f"{clicks} clicks on places filled by chance, {LEAST_CLICKS} needed"
        return {"eta": None, "clicks": clicks, "why": why}
    score = places.score[np.arange(len(places.at)), places.at][chance]
    worth = np.log(np.maximum(score, 1e-6))
    return {**examination(position, clicked, worth), "places_by_chance": len(position)}
