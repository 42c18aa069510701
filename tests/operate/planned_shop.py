"""A small shop with stock, two suppliers and a plan, for the doors to inventory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.data.events import Event, Line
from shopkeeper.operate.replenish import nightly

WEEKS = 30
ITEMS = ("mug", "cup", "pan", "lid")


def events() -> Iterator[Event]:
    """Yield 30 weeks of orders, counts, terms, one purchase order and a stretch without stock."""
    now = clock.now()
    rng = np.random.default_rng(3)
    for n, item in enumerate(ITEMS):
        about = {"item_id": item, "title": item.title(), "category": "Kitchen"}
        yield made(f"i{n}", "item", now - timedelta(weeks=WEEKS), price_minor=900, **about)
        terms = {"pack_size": 6, "minimum_quantity": 12, "lead_time_days": 5 + n}
        yield made(
            f"t{n}",
            "supplier",
            now - timedelta(weeks=WEEKS),
            supplier_id="acme" if n < 3 else "best",
            item_id=item,
            price_minor=400,
            properties=terms,
        )
        yield made(f"c{n}", "stock_level", now - timedelta(weeks=WEEKS), item_id=item, quantity=900)
        for day in range(1, WEEKS * 7):
            units = int(rng.poisson(2 + n))
            if units:
                goods = [Line(item_id=item, quantity=units, price_minor=900)]
                at = now - timedelta(days=day)
                name = f"o{n}-{day}"
                yield made(name, "purchase", at, order_id=name, currency="EUR", lines=goods)
        out = now - timedelta(days=20)
        yield made(f"e{n}", "stock_level", out, item_id=item, quantity=0)
        yield made(f"f{n}", "stock_level", out + timedelta(days=3), item_id=item, quantity=60)
        yield made(f"g{n}", "stock_level", now - timedelta(hours=20), item_id=item, quantity=8)
    yield made(
        "po",
        "purchase_order",
        now - timedelta(days=2),
        purchase_order_id="PO-1",
        supplier_id="acme",
        status="sent",
        promised_at=now + timedelta(days=4),
        lines=[Line(item_id="pan", quantity=12, price_minor=400)],
    )


def made(name: str, kind: str, at: Any, **facts: Any) -> Event:
    """Return one event of the shop."""
    return Event(event_id=f"stock-{name}", kind=kind, occurred_at=at, **facts)


def planned(shop: Any) -> Any:
    """Fill a shop and plan its week; return what the night came to."""
    done = shop.append_events(list(events()))
    assert done.rejected == []
    shop.warehouse.refresh()
    return nightly.run(shop, most=50)
