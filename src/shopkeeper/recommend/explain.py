"""Why a recorded slate came out as it did, and why an item is not in it.

Works from the decision's own record: shares per source, reasons, what was taken out. For an
item beyond the recorded trace, the runtime puts the same request again and we say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.recommend.features import LiveFeatures, LiveState
from shopkeeper.recommend.policy import FORBIDDEN, forbidden
from shopkeeper.recommend.schema import Prediction, Request
from shopkeeper.recommend.trace import path

WHY_NOT = {
    "hidden": "it is hidden in the catalogue",
    "removed": "it was removed from the catalogue",
    "sold_out": "it is sold out",
    "outside_category": "it is outside the category asked for",
    "bought": "this customer has it already and it is not one to buy again",
    "in_cart": "it is in the cart or on the page already",
    "disliked": "this customer asked for less like it",
    "excluded": "the request excludes it",
    "ruled_out": "a merchandising rule of the shop takes it out here",
    "capped": "its category or brand already fills its share of the slate",
    "ranked_lower": "other items scored higher",
    "no_source": "no source had a reason to propose it",
    "unknown": "the shop has no such item",
}


def explain(state: LiveState, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the items with additive shares, what was removed, and the answer on one item."""
    value = decision["value"]
    items = [_shares(item) for item in value["items"]]
    told: dict[str, Any] = {
        "reasons": decision["reasons"],
        "items": items,
        "trace": value["trace"],
    }
    if asked := decision.get("asked_item"):
        replayed = decision.get("replayed")
        told["why_not"] = _on_item(asked, items, value["trace"], replayed)
        if replayed is not None and (row := state.catalogue.index.get(asked)) is not None:
            # The record holds what decided then; the whole way is walked again as of now.
            request, features, prediction = replayed
            model = decision.get("model_now")
            told["why_not"]["path"] = path(row, request, features, prediction, model)
    return told


def _shares(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with each source's share of its score in per cent; shares sum to 100."""
    whole = sum(item["sources"].values()) or 1.0
    shares = {name: round(100 * part / whole, 1) for name, part in item["sources"].items()}
    return {**item, "shares_percent": shares}


def _on_item(
    asked: str,
    items: list[dict[str, Any]],
    trace: Mapping[str, Any],
    replayed: tuple[Request, LiveFeatures, Prediction] | None,
) -> dict[str, Any]:
    for item in items:
        if item["item_id"] == asked:
            return _answer(asked, "shown", f"it is shown at position {item['position'] + 1}")
    for code, names in trace["removed"].items():
        if asked in names:
            return _answer(asked, code, WHY_NOT[code], source="record")
    if asked in trace["capped"]:
        return _answer(asked, "capped", WHY_NOT["capped"], source="record")
    if replayed is None:
        return _answer(asked, "ranked_lower", WHY_NOT["ranked_lower"], source="record")
    return _replay(asked, *replayed)


def _replay(
    asked: str, request: Request, features: LiveFeatures, prediction: Prediction
) -> dict[str, Any]:
    row = features.catalogue.index.get(asked)
    if row is None:
        return _answer(asked, "unknown", WHY_NOT["unknown"], source="now")
    ranks = _ranks(row, prediction)
    code = FORBIDDEN[int(forbidden(request, features)[row])]
    if code != "shown":
        return _answer(asked, code, WHY_NOT[code], source="now", **ranks)
    code = "ranked_lower" if ranks else "no_source"
    return _answer(asked, code, WHY_NOT[code], source="now", **ranks)


def _ranks(row: int, prediction: Prediction) -> dict[str, Any]:
    """Return the item's overall rank and its rank in each source that proposed it, from 1."""
    places = np.flatnonzero(prediction.item == row)
    if not len(places):
        return {}
    place = int(places[0])
    by_source = {
        name: int((prediction.parts[:, column] > prediction.parts[place, column]).sum()) + 1
        for column, name in enumerate(prediction.sources)
        if prediction.parts[place, column] > 0
    }
    return {
        "rank": place + 1,
        "candidates": len(prediction.item),
        "score": round(float(prediction.score[place]), 6),
        "rank_by_source": by_source,
    }


def _answer(item_id: str, code: str, text: str, **more: Any) -> dict[str, Any]:
    return {"item_id": item_id, "code": code, "text": text, **more}
