"""Watch whether promises are kept as often as they say; tell when a lane keeps too few.

The job ``supply.watch_promises`` looks every night: each alarming lane becomes an event (once per
week and lane) and the webhook ``supply.promise_drift``.
"""

from __future__ import annotations

import hashlib
from typing import Any

from shopkeeper.base import clock, log
from shopkeeper.data import supply_reports
from shopkeeper.data.events import Event
from shopkeeper.learn.contracts import Task
from shopkeeper.operate import webhooks
from shopkeeper.supply import calibration
from shopkeeper.supply.calibration import Lane, Promised
from shopkeeper.supply.schema import Rules

SINCE_DAYS = 120
ALERT = "promise_drift"
TOPIC = "supply.promise_drift"


def job(task: Task) -> dict[str, Any]:
    """Look once; the same week and lane are told once."""
    return look(task.shop)


def look(shop: Any) -> dict[str, Any]:
    """Tell the lanes that keep too few of their promises; return how many are judged and told."""
    shop.warehouse.refresh()
    now_us = clock.now_us()
    found = calibration.lanes(promised(shop), now_us)
    alarming = [lane for lane in found if lane.verdict == "too_rarely"]
    known = {row["alert_id"] for row in supply_reports.promise_alerts(shop.warehouse)}
    fresh = [(name, lane) for lane in alarming if (name := _alert_id(lane, now_us)) not in known]
    if fresh:
        shop.append_events([_event(name, lane, now_us) for name, lane in fresh], source="supply")
    for name, lane in fresh:
        webhooks.send(shop, TOPIC, plain(lane), name)
        log.warning("supply.promise_drift", carrier=lane.carrier, share=round(lane.share, 3))
    return {"lanes": len(found), "alarming": len(alarming), "told": len(fresh)}


def promised(shop: Any) -> list[Promised]:
    """Return the parcels with a promise of the last months; the level is what was meant then."""
    since = clock.now_us() - SINCE_DAYS * clock.DAY_US
    return [
        Promised(
            carrier=row["carrier"] or "",
            location_id=row["location_id"] or "",
            promised_us=row["promised_us"],
            delivered_us=row["delivered_us"],
            level=row["level"] or Rules().promise_level,
        )
        for row in supply_reports.promised_parcels(shop.warehouse, since)
    ]


def plain(lane: Lane) -> dict[str, Any]:
    """Return a lane as JSON holds it."""
    low, high = lane.interval_95
    return {
        "carrier": lane.carrier,
        "location_id": lane.location_id or None,
        "level": lane.level,
        "judged": lane.judged,
        "kept": lane.kept,
        "share": round(lane.share, 4),
        "interval_95": [round(low, 4), round(high, 4)],
        "verdict": lane.verdict,
    }


def _alert_id(lane: Lane, now_us: int) -> str:
    text = f"{lane.carrier}\x1f{lane.location_id}\x1f{now_us // calibration.WEEK_US}"
    return "drift-" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _event(name: str, lane: Lane, now_us: int) -> Event:
    facts = {k: v for k, v in plain(lane).items() if isinstance(v, str | int | float)}
    return Event(
        event_id=name,
        kind="action",
        occurred_at=clock.from_us(now_us),
        label=ALERT,
        source="shopkeeper",
        properties={"capability": "supply", "subject": lane.carrier or "-", **facts},
    )
