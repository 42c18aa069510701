"""The way of one item through a request: every source, the ranker, every rule, every filter.

The filters are asked one by one, not only up to the first that forbids, so that a merchandiser sees
all that would have to change. A test holds the first of them to what the policy itself says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.recommend.catalogue import BLOCK_CODES
from shopkeeper.recommend.features import LiveFeatures
from shopkeeper.recommend.merchandise import Rule
from shopkeeper.recommend.policy import acting_rules, again, ruled_scores
from shopkeeper.recommend.schema import Prediction, Request

TOLD = 8  # columns of the ranker, strongest first


def path(
    row: int,
    request: Request,
    features: LiveFeatures,
    prediction: Prediction,
    model: Any = None,
) -> dict[str, Any]:
    """Return what each step said of an item (a row of ``features.item_ids``), as of now."""
    rules = acting_rules(request, features)
    steps: dict[str, Any] = {"sources": sources(row, prediction)}
    why = getattr(model, "why", None)
    if why is not None and (seen := why(features, row)) is not None:
        adds = sorted(seen["adds"].items(), key=lambda pair: -abs(pair[1]))
        steps["ranker"] = {
            "raw": round(seen["raw"], 5),
            "adds": {name: round(value, 5) for name, value in adds[:TOLD]},
        }
    steps["rules"] = [
        {"rule": name, "action": rule.action, "names_it": bool(mask[row])}
        | ({"factor": rule.factor} if rule.action in ("boost", "bury") else {})
        for name, (rule, mask) in rules.items()
    ]
    ruled = ruled_scores(prediction, rules)
    place = np.flatnonzero(ruled.item == row)
    steps["rank_after_rules"] = int(place[0]) + 1 if len(place) else None
    steps["filters"] = filters(row, request, features, rules)
    return steps


def sources(row: int, prediction: Prediction) -> dict[str, Any]:
    """Return source -> rank from 1 and share of the score, None where it is silent on the item."""
    places = np.flatnonzero(prediction.item == row)
    if not len(places):
        return dict.fromkeys(prediction.sources)
    mine = prediction.parts[int(places[0])]
    return {
        name: {
            "rank": int((prediction.parts[:, at] > mine[at]).sum()) + 1,
            "share": round(float(mine[at]), 6),
        }
        if mine[at] != 0
        else None
        for at, name in enumerate(prediction.sources)
    }


def filters(
    row: int,
    request: Request,
    features: LiveFeatures,
    rules: Mapping[str, tuple[Rule, np.ndarray]],
) -> dict[str, bool]:
    """Return filter -> whether it takes the item out, in the order in which they are asked."""
    catalogue = features.catalogue
    blocked = BLOCK_CODES[int(catalogue.column("blocked")[row])]
    found = {name: blocked == name for name in BLOCK_CODES[1:]}
    outside = request.category is not None and not catalogue.within(request.category)[row]
    bought = row in features.bought and not again(request)
    if request.include_bought is None:
        bought = bought and catalogue.column("replenishable")[row] != 1
    return {
        **found,
        "outside_category": bool(outside),
        "bought": bool(bought),
        "in_cart": row in features.cart or row in features.context,
        "disliked": row in features.disliked,
        "excluded": features.item_ids[row] in request.exclude,
        "ruled_out": any(rule.action == "filter" and bool(m[row]) for rule, m in rules.values()),
    }
