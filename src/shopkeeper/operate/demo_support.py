"""The demo's support: its articles, and simulated parcels of the latest orders, some late.

The grocer sold in shops, so no parcel of this data is real; each carries source ``simulated``.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import support_tables
from shopkeeper.data.events import Event
from shopkeeper.operate import articles

MOST_ORDERS = 300
CARRIERS = ("City Post", "Blue Van")
REASONS = (
    "The van broke down on the ring road.",
    "A product came late from its supplier.",
    "Snow closed the depot for a day.",
)


def fill(shop: Any, seed: int) -> dict[str, int]:
    """Store articles and parcels; again makes no difference."""
    folder = Path(str(resources.files("shopkeeper.support").joinpath("articles")))
    counts = articles.sync(shop, folder)
    orders = support_tables.latest_orders(shop.warehouse, MOST_ORDERS)
    done = shop.append_events(parcels(orders, np.random.default_rng([seed, 8])), source="demo")
    return {"articles": counts["added"], "parcels": done.accepted}


def parcels(orders: list[dict[str, Any]], rng: np.random.Generator) -> Iterator[Event]:
    """Yield a simulated parcel per order: on its way, late with a reason, or delivered."""
    now_us = clock.now_us()
    for one in orders:
        fate, name = float(rng.random()), f"sim-{one['order_id']}"
        left_us = min(one["occurred_us"] + DAY_US // 4, now_us - DAY_US // 8)
        late = fate < 0.25
        promised_us = now_us - DAY_US if late else now_us + 2 * DAY_US
        if fate > 0.6:
            promised_us = now_us - DAY_US // 32  # it came before
        shared: dict[str, Any] = {
            "shipment_id": name,
            "order_id": one["order_id"],
            "source": "simulated",
        }
        yield Event(
            event_id=f"{name}-left",
            kind="shipment",
            occurred_at=clock.from_us(left_us),
            customer_id=one["customer_id"],
            label=str(rng.choice(CARRIERS)),
            reason=str(rng.choice(REASONS)) if late else None,
            promised_at=clock.from_us(promised_us),
            properties={"tracking": f"TR{int(rng.integers(10**9)):09d}"},
            **shared,
        )
        if fate > 0.6:
            arrived = clock.from_us(now_us - DAY_US // 16)
            yield Event(
                event_id=f"{name}-came",
                kind="delivery",
                occurred_at=arrived,
                status="delivered",
                **shared,
            )
