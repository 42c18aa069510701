"""The numbers and reasons that travel with a proposal; their sentences are the console's.

Codes of why() and about_*(), in the order in which they are told, are REASONS; those of data,
supplier and caps come from panel.py, quantities.py and limits.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shopkeeper.inventory.levels import Cover
from shopkeeper.inventory.schema import Demand, LeadTime, Position, Rules

Told = tuple[str, Mapping[str, Any]]

# code -> what it says, in English; the console translates.
REASONS = {
    "no_history": "nothing is known of its demand; neighbours are used",
    "short_history": "it has little history",
    "all_zero": "it has not sold in the whole history",
    "stale_demand": "no orders have arrived for days; the forecast starts where they stopped",
    "gap": "the shop's orders are missing for weeks; what sold before bridges them",
    "negative_sales": "all that was ordered came back in some periods; returns do not lower demand",
    "unit_change": "its unit seems to have changed (single to case)",
    "renamed": "it seems to continue another sku",
    "repeated_delivery": "a delivery was told more than once; it counts once",
    "censored": "demand while it was sold out was restored",
    "one_off": "a bulk order was left out of the usual demand",
    "promotion_without_dates": "a promotion without dates was left out",
    "no_supplier": "no supplier is known to sell it",
    "default_lead_time": "its supplier has no lead time; the shop's default is used",
    "long_lead_time": "its lead time is longer than half a year",
    "negative_stock": "its stock is below zero: it owes units, or a count is wrong",
    "never_counted": "its stock was never counted; zero is assumed",
    "below_level": "its position is below the level that the target asks for",
    "enough_stock": "its position covers the target",
    "ended": "it has stopped selling",
    "launch": "it is new; what neighbours sold when new is used",
    "promotion": "a promotion is planned",
    "capped": "cover or shelf life caps the order",
    "minimum_quantity": "raised to the supplier's minimum",
    "pack_size": "rounded up to packs",
    "smallest_lot_above_cap": "the smallest lot is more than cover or shelf life allow",
    "price_break": "raised to a price break that pays",
    "supplier_minimum_wait": "waits: the supplier's minimum is not reached, nothing is urgent",
    "supplier_minimum_filled": "raised so that the supplier's minimum order is reached",
    "supplier_minimum_missed": "the supplier's minimum order is not reached",
    "budget": "cut: other products are worth more per unit of the budget",
    "volume": "cut: other products are worth more per unit of room",
    "minimum_above_budget": "left out: its smallest lot alone is above the budget",
}


def why(numbers: Mapping[str, Any], quantity: float, wanted: float, rules: Rules) -> list[Told]:
    """Return the main reason: below its level, or enough stock, with the numbers compared."""
    facts = {
        "position": numbers["position"],
        "level": numbers["order_up_to"],
        "target": rules.target,
        "service_level": numbers["service_level"],
        "demand_mean": numbers["demand_mean"],
        "protection_days": numbers["protection_days"],
    }
    return [("below_level" if wanted > 0 or quantity > 0 else "enough_stock", facts)]


def about_position(one: Position) -> list[Told]:
    """Return what is odd about a position."""
    found: list[Told] = []
    if one.on_hand < 0:
        found.append(("negative_stock", {"on_hand": one.on_hand}))
    if not one.counted:
        found.append(("never_counted", {}))
    return found


def about_belief(demand: Demand, row: int) -> list[Told]:
    """Return what is special about the belief: new, or ended."""
    segment = demand.segment[row] if len(demand.segment) else ""
    if segment == "new":
        return [("launch", {})]
    return [("ended", {})] if segment == "ended" else []


def numbers(
    positions: Sequence[Position],
    level: np.ndarray,
    service: np.ndarray,
    protection: Cover,
    receipt: Cover,
    lead: Sequence[LeadTime],
    daily: np.ndarray,
    rules: Rules,
) -> list[dict[str, Any]]:
    """Return per product every number that decided, rounded for people."""
    stock = np.array([one.inventory_position for one in positions])
    p_receipt = receipt.p_above(stock)
    return [
        {
            "on_hand": one.on_hand,
            "on_order": one.on_order,
            "proposed": one.proposed,
            "backorders": one.backorders,
            "position": round(one.inventory_position, 2),
            "order_up_to": round(float(level[row]), 2),
            "safety_stock": round(float(level[row] - protection.mean[row]), 2),
            "service_level": float(service[row]),
            "demand_mean": round(float(protection.mean[row]), 2),
            "demand_daily": round(float(daily[row]), 4),
            "lead_time_days": round(lead[row].mean_days, 1),
            "lead_time_p95_days": lead[row].at(0.95),
            "lead_time_source": lead[row].source,
            "review_period_days": rules.review_period_days,
            "protection_days": round(lead[row].mean_days + rules.review_period_days, 1),
            "p_stockout_before_receipt": round(float(p_receipt[row]), 4),
        }
        for row, one in enumerate(positions)
    ]
