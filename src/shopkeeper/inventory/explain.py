"""Why so many units, or none: the reasons as sentences, and the numbers they compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.inventory.live import LiveState
from shopkeeper.inventory.telling import REASONS


def explain(state: LiveState, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return reasons with sentences, numbers, and what doing nothing would cost."""
    value = decision["value"]
    reasons = [
        {**reason, "text": REASONS.get(reason["code"], reason["code"])}
        for reason in decision["reasons"]
    ]
    return {
        "reasons": reasons,
        "quantity": value.get("quantity"),
        "supplier_id": value.get("supplier_id"),
        "numbers": value.get("numbers"),
        "why_not": {
            "p_stockout_without_order": value.get("p_stockout_now"),
            "p_stockout_with_order": value.get("p_stockout_after"),
            "cost_of_nothing_minor": value.get("cost_of_nothing_minor"),
        },
    }
