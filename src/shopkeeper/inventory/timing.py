"""By when to order, and when it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from shopkeeper.inventory import newsvendor, spread
from shopkeeper.inventory.calendar import last_order_day, receipt_day
from shopkeeper.inventory.schema import FREQUENCIES, Demand, LeadTime, SupplyTerms

# How long an order might wait, in days; the true day lies between two of them.
_WAITS = (0, 1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 60, 90)
_LATE = 0.8  # plan with a lead time that four of five deliveries keep


def days_to_wait(
    demand: Demand, lead: Sequence[LeadTime], position: np.ndarray, service: np.ndarray
) -> np.ndarray:
    """Return (n,) days that an order may still wait and arrive in time at the service level."""
    period = FREQUENCIES[demand.frequency]
    late = np.array([one.at(_LATE) for one in lead])
    found = np.zeros(len(position))
    for wait in _WAITS:
        quantiles, _ = spread.over(demand, (late + wait) / period)
        needed = np.empty(len(position))
        for level in np.unique(service).tolist():
            rows = service == level
            needed[rows] = newsvendor.from_quantiles(demand.levels, quantiles[rows], ratio=level)
        found[needed <= position + 1e-9] = wait
    return found


def days(today: date, wait: int, lead: LeadTime, terms: SupplyTerms) -> tuple[str, str]:
    """Return (order by, expected receipt) as ISO days, within the supplier's calendar."""
    ordered = last_order_day(today + timedelta(days=wait), today, terms)
    return ordered.isoformat(), receipt_day(ordered, lead.mean_days, terms).isoformat()
