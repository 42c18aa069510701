"""Close the loop of inventory: an outcome event for every proposal whose time is over.

Also for those that were rejected, expired or never sent: what doing nothing led to is the other
half of what an order is worth. Each is told once; ``outcome-<decision>`` is its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from shopkeeper.base import clock, log
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import demand as tables
from shopkeeper.data import forecast_reports, proposal_outcomes
from shopkeeper.data.events import Event
from shopkeeper.inventory.outcomes import LedgerDay, Outcome, judge
from shopkeeper.operate.replenish.rules import rules_of

SENT = ("sent", "confirmed", "partly_received", "closed")
_EPOCH = date(1970, 1, 1)


def tell(shop: Any) -> int:
    """Write what came of the proposals whose protection interval is over; returns how many."""
    today = clock.now().date()
    rows = proposal_outcomes.ripe(shop.warehouse, str(today))
    if not rows:
        return 0
    ledgers = _ledgers(shop, sorted({row["item_id"] for row in rows}), str(today))
    daily = forecast_reports.newest(shop.warehouse, days=28)
    overstock_days = rules_of(shop).overstock_cover_days
    events = []
    for row in rows:
        key = row["item_id"], row["location_id"]
        found = judge(
            ledgers.get(key, []),
            _days(row["starts"], row["ends"]),
            received=float(row["received"]),
            received_day=_day(row["first_received_us"]),
            expected=row["expected_receipt"],
            ordered=row["state"] in SENT,
            daily=daily.get(key, 0.0) / 28,
            overstock_days=overstock_days,
        )
        if found is not None:
            events.append(_event(row, found))
    done = shop.append_events(events, source="plan")
    log.info("proposals.outcomes_told", outcomes=done.accepted, unknown=len(rows) - len(events))
    return int(done.accepted)


def _event(row: Mapping[str, Any], found: Outcome) -> Event:
    ends_us = (date.fromisoformat(row["ends"]) - _EPOCH).days * DAY_US
    return Event(
        event_id=f"outcome-{row['decision_id']}"[:128],
        kind="outcome",
        occurred_at=clock.from_us(ends_us - 1),
        decision_id=row["decision_id"],
        item_id=row["item_id"],
        location_id=row["location_id"] or None,
        label=found.label,
        value_minor=round(found.saved_units * (row["unit_cost_minor"] or 0)),
        source="shopkeeper",
        properties={
            "capability": "inventory",
            "cycle": row["cycle"],
            "state": row["state"],
            "ordered": row["state"] in SENT,
            "days": found.days,
            "out_days": found.out_days,
            "received": float(row["received"]),
            "saved_units": found.saved_units,
            "left_units": found.left_units,
            "late": found.late,
            "overstock": found.overstock,
        },
    )


def _ledgers(shop: Any, items: list[str], until: str) -> dict[tuple[str, str], list[LedgerDay]]:
    found: dict[tuple[str, str], list[LedgerDay]] = {}
    for row in tables.ledger_days(shop.warehouse, items, until=until).to_pylist():
        day = LedgerDay(
            day=str(row["dt"]), on_hand=float(row["on_hand"]), least=float(row["least_on_hand"])
        )
        found.setdefault((row["item_id"], row["location_id"]), []).append(day)
    return found


def _days(starts: str, ends: str) -> list[str]:
    first, last = date.fromisoformat(starts), date.fromisoformat(ends)
    return [str(first + timedelta(days=ahead)) for ahead in range((last - first).days)]


def _day(at_us: int | None) -> str | None:
    return None if at_us is None else clock.iso(at_us)[:10]
