"""When a supplier takes orders and when goods arrive: weekdays, closed days."""

from __future__ import annotations

from datetime import date, timedelta

from shopkeeper.inventory.schema import SupplyTerms

_LOOK = 370


def next_order_day(day: date, terms: SupplyTerms) -> date:
    """Return the first day from ``day`` on which the supplier takes orders.

    >>> terms = SupplyTerms(supplier_id="s", unit_cost_minor=1, order_weekdays=(0,))
    >>> next_order_day(date(2026, 7, 1), terms).isoformat()
    '2026-07-06'
    """
    for ahead in range(_LOOK):
        candidate = day + timedelta(days=ahead)
        weekday = not terms.order_weekdays or candidate.weekday() in terms.order_weekdays
        if weekday and candidate.isoformat() not in terms.closed_dates:
            return candidate
    return day


def last_order_day(latest: date, earliest: date, terms: SupplyTerms) -> date:
    """Return the last order day up to ``latest``, else the next one from ``earliest``."""
    candidate = latest
    while candidate >= earliest:
        if next_order_day(candidate, terms) == candidate:
            return candidate
        candidate -= timedelta(days=1)
    return next_order_day(earliest, terms)


def receipt_day(ordered: date, lead_days: float, terms: SupplyTerms) -> date:
    """Return when goods ordered on a day are there, pushed past closed days."""
    day = ordered + timedelta(days=round(lead_days))
    for _ in range(_LOOK):
        if day.isoformat() not in terms.closed_dates:
            return day
        day += timedelta(days=1)
    return day
