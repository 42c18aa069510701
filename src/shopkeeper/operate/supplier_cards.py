"""Scorecards of suppliers from the shop's own purchase orders, as plain values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.data import supplier_history
from shopkeeper.data.shop import Shop
from shopkeeper.supply import scorecards
from shopkeeper.supply.lead_time import Deliveries
from shopkeeper.supply.schema import Scorecard

DAY_US = 86_400_000_000


def cards(shop: Shop) -> list[dict[str, Any]]:
    """Return one scorecard per supplier, likeliest to be late first, then by id."""
    rows = supplier_history.history(shop.warehouse)
    if not rows:
        return []
    today = clock.now_us() // DAY_US
    found = [_plain(card) for card in scorecards.scorecards(history_of(rows), today)]
    return sorted(found, key=lambda card: (-(card["p_late_next"] or 0.0), card["supplier_id"]))


def history_of(rows: list[dict[str, Any]]) -> scorecards.History:
    """Return rows of supplier_history as arrays; days since 1970, NaN where not told."""

    def days(name: str) -> np.ndarray:
        return np.array(
            [np.nan if row[name] is None else row[name] // DAY_US for row in rows], dtype=float
        )

    def numbers(name: str) -> np.ndarray:
        return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)

    return scorecards.History(
        deliveries=Deliveries(
            keys={
                "supplier": np.array([row["supplier_id"] for row in rows]),
                "item": np.array([row["item_id"] for row in rows]),
                "lane": np.array([row["location_id"] or "" for row in rows]),
            },
            ordered=days("ordered_us").astype(int),
            promised=days("promised_us"),
            received=days("received_us"),
        ),
        ordered_units=numbers("quantity"),
        received_units=numbers("received"),
        price_minor=numbers("price_minor"),
    )


def _plain(card: Scorecard) -> dict[str, Any]:
    """Return a scorecard as JSON holds it; a share of nothing is None."""
    low, high = card.on_time_interval
    return {
        "supplier_id": card.supplier_id,
        "delivered": card.delivered,
        "open_orders": card.open_orders,
        "overdue": card.facts["overdue"],
        "judged": card.facts["judged"],
        "on_time_share": _rounded(card.on_time_share),
        "on_time_interval_95": [_rounded(low), _rounded(high)],
        "late_days_mean": _rounded(card.late_days_mean),
        "p_late_next": _rounded(card.p_late_next),
        "lead_time_days": {str(level): card.lead_time.at(level) for level in (0.1, 0.5, 0.9)},
        "lead_time_source": card.lead_time.source,
        "lead_time_days_by_location": {
            lane: {str(level): lead.at(level) for level in (0.1, 0.5, 0.9)}
            for lane, lead in card.facts["lanes"].items()
        },
        "fill_rate": _rounded(card.fill_rate),
        "price_change": _rounded(card.price_change),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)
