"""Small shops with warehouses, stock and tariffs, made event by event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from shopkeeper.base import clock
from shopkeeper.data.events import Event
from shopkeeper.data.shop import Shop, open_shop
from shopkeeper.operate.runtime import Runtime
from shopkeeper.supply.capability import CAPABILITY

PLACES = {"north": (41.0, -84.0), "south": (39.0, -84.0), "east": (40.0, -82.0)}


class Depot:
    """An open shop that speaks in events."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.told = shop, 0

    def tell(self, kind: str, *, hours_ago: float = 1.0, **fields: Any) -> Event:
        """Append one event."""
        self.told += 1
        at_us = clock.now_us() - int(hours_ago * 3_600_000_000)
        facts = {"event_id": f"told-{self.told}", "kind": kind, "occurred_at": clock.from_us(at_us)}
        event = msgspec.convert({**facts, **fields}, Event)
        done = self.shop.append_events([event])
        assert done.rejected == [], done.rejected
        return event

    def stock(self, **units: dict[str, float]) -> None:
        """Open the places named and count their stock."""
        for place, counts in units.items():
            north, east = PLACES[place]
            self.tell(
                "location",
                hours_ago=48,
                location_id=place,
                properties={"latitude": north, "longitude": east},
            )
            for item_id, quantity in counts.items():
                self.tell(
                    "stock_level",
                    hours_ago=24,
                    location_id=place,
                    item_id=item_id,
                    quantity=float(quantity),
                )

    def rule(self, rule_id: str, **facts: Any) -> None:
        """Set a rule of supply."""
        self.tell(
            "rule",
            label=rule_id,
            status="active",
            text=json.dumps(facts),
            properties={"capability": "supply"},
        )

    def runtime(self, *, follow: bool = False) -> Runtime:
        """Return a started runtime that knows supply alone."""
        return Runtime(self.shop, capabilities=[CAPABILITY]).start(follow=follow)


@pytest.fixture
def depot(settings) -> Iterator[Depot]:
    shop = open_shop(settings)
    yield Depot(shop)
    shop.close()
