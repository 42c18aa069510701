"""Why a payment was decided so: what counted, by how much, what would have changed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.fraud.features import LiveState
from shopkeeper.fraud.registry import REGISTRY


def explain(state: LiveState, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return reasons, costs, the features with what they mean, and the nearest other outcome."""
    value = decision["value"]
    features = [
        {
            "name": name,
            "value": number,
            "says": REGISTRY[name].says,
            "group": REGISTRY[name].group,
            "kind": REGISTRY[name].kind,
        }
        for name, number in dict(value.get("features") or {}).items()
        if name in REGISTRY and number is not None
    ]
    told: dict[str, Any] = {
        "reasons": decision["reasons"],
        "outcome": value["outcome"],
        "probability": value.get("probability"),
        "rarity": value.get("rarity"),
        "costs_minor": value.get("costs_minor"),
        "features": features,
    }
    costs = {k: v for k, v in (value.get("costs_minor") or {}).items() if v is not None}
    if costs:
        others = {k: v for k, v in costs.items() if k != value["outcome"]}
        nearest = min(others, key=others.__getitem__, default=None)
        told["why_not"] = nearest and {
            "outcome": nearest,
            "cost_minor": others[nearest],
            "dearer_by_minor": round(others[nearest] - costs.get(value["outcome"], 0.0), 2),
            "block_above": value.get("block_above"),
        }
    return told
