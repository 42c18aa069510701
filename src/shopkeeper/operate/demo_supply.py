"""The demo's deliveries: real baskets get simulated addresses, warehouses, carriers and routes.

History: parcels of some past baskets, from which the promise learns. Then the last day's baskets
are allocated as online orders through the same path as a checkout, tomorrow's routes are planned
and published, and a supplier says that it will be late.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.data import supply_reads, supply_reports
from shopkeeper.data.events import Event
from shopkeeper.operate import reallocate, route_jobs, supply_desk
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train_one
from shopkeeper.simulate import carriers
from shopkeeper.supply.capability import CAPABILITY

PARCELS, QUICK_PARCELS = 2400, 400
ORDERS, QUICK_ORDERS = 200, 40
PAST_DAYS = 75
LATE_DAYS = 6
MOST_LINES = 40


def history(shop: Any, last_us: int, *, quick: bool) -> Iterator[Event]:
    """Yield warehouses, tariffs, the count before the last day, and the parcels of the past."""
    seed = shop.settings.random_seed
    rng = np.random.default_rng([seed, 6])
    day_us = last_us // DAY_US * DAY_US
    yield from carriers.set_up(day_us - PAST_DAYS * DAY_US)
    shop.warehouse.refresh()
    rows = supply_reads.latest_baskets(
        shop.warehouse,
        day_us - PAST_DAYS * DAY_US,
        day_us,
        QUICK_PARCELS if quick else PARCELS,
    )
    baskets = [
        carriers.Basket(
            order_id=row["order_id"],
            customer_id=row["customer_id"],
            ordered_us=row["occurred_us"],
        )
        for row in rows
    ]
    yield from carriers.parcels(baskets, clock.now_us(), seed, rng)
    units = supply_reads.ledger_before(shop.warehouse, "central", clock.iso(day_us)[:10])
    yield from carriers.counts(units, day_us, rng)


def orders(shop: Any, last_us: int, *, quick: bool) -> dict[str, Any]:
    """Train the promise, allocate the last day's orders, plan tomorrow, hear of a late supplier."""
    model = _model(shop)
    day_us = last_us // DAY_US * DAY_US
    most = QUICK_ORDERS if quick else ORDERS
    rows = supply_reads.latest_baskets(shop.warehouse, day_us, day_us + DAY_US, most)
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in supply_reads.lines_of(shop.warehouse, [row["order_id"] for row in rows]):
        one = {"item_id": line["item_id"], "quantity": float(line["quantity"])}
        lines.setdefault(line["order_id"], []).append(one)
    runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
    known = runtime.live["supply"].state.items
    counts: dict[str, Any] = {"model": model, "allocated": 0, "split": 0, "short": 0}
    for row in rows:
        some = [line for line in lines.get(row["order_id"], ()) if line["item_id"] in known]
        if not some:
            continue
        north, east = carriers.address(row["customer_id"], shop.settings.random_seed)
        made = runtime.decide(
            "supply",
            {
                "order_id": row["order_id"],
                "items": some[:MOST_LINES],
                "to": {"latitude": north, "longitude": east},
                "customer_id": row["customer_id"],
            },
        )
        counts["allocated"] += 1
        counts["split"] += len(made.value["parcels"]) > 1
        counts["short"] += not made.value["complete"]
    runtime.close()
    shop.warehouse.refresh()
    batch = reallocate.run(shop, seconds=5.0)
    counts["moved"], counts["saved_minor"] = batch["moved"], batch["saved_minor"]
    counts["notices"] = _notices(shop)
    counts["routes"] = _routes(shop, 2.0 if quick else 8.0)
    return counts


def _model(shop: Any) -> str | None:
    """Train the promise; a shop of a few baskets keeps the carriers' own days."""
    try:
        return train_one(shop, CAPABILITY, Registry(shop.settings.models_path)).version
    except BadInput:
        return None


def _routes(shop: Any, seconds: float) -> str | None:
    """Plan and publish tomorrow; None where no parcel waits for a van."""
    try:
        raw = supply_desk.day_of(shop, seconds=seconds)
    except BadInput:
        return None
    job = route_jobs.submit(shop.settings.home, raw)["job_id"]
    route_jobs.wait(shop.settings.home, job, seconds + 60)
    return supply_desk.publish(shop, job, "demo")


def _notices(shop: Any) -> int:
    """Let two suppliers say that an open purchase order comes later, in English and Chinese."""
    found: dict[str, dict[str, Any]] = {}
    for row in supply_reports.open_purchases(shop.warehouse):
        if row["promised_us"] is not None:
            found.setdefault(row["supplier_id"], row)
    events = [
        carriers.notice(
            row["supplier_id"], row["purchase_order_id"], LATE_DAYS, clock.now_us(), language
        )
        for row, language in zip(found.values(), ("en", "zh"), strict=False)
    ]
    if events:
        supply_desk.append(shop, events)
    return len(events)
