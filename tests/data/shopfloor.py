"""A small shop's events for the tests of lake, warehouse, quality and cleaning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shopkeeper.base import clock
from shopkeeper.data.events import Event, Line

START = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)


def at(day: float, minute: float = 0) -> datetime:
    """Return a moment by its day from START on."""
    return START + timedelta(days=day, minutes=minute)


def us(day: float, minute: float = 0) -> int:
    """Return the same moment in microseconds."""
    return clock.to_us(at(day, minute))


def purchase(
    number: Any, day: float, items: Any, customer: str | None = "c1", **more: Any
) -> Event:
    """Return an order; ``items`` are item ids or Lines of 1.00 each."""
    lines = [i if isinstance(i, Line) else Line(item_id=i, price_minor=100) for i in items]
    facts = {"event_id": f"e-{number}", "order_id": f"o-{number}", "currency": "EUR"} | more
    return Event(kind="purchase", occurred_at=at(day), customer_id=customer, lines=lines, **facts)


def event(number: Any, kind: str, day: float, **facts: Any) -> Event:
    """Return an event of any kind."""
    return Event(event_id=f"e-{number}", kind=kind, occurred_at=at(day), **facts)


def mixed(random: Random, n: int = 300, days: int = 70) -> list[Event]:
    """Return events of many kinds, customers and days, in random order of arrival."""
    events: list[Event] = []
    for number in range(n):
        day = random.random() * days
        who = {
            "customer_id": random.choice([None, "c1", "c2", "c3", "c4"]),
            "session_id": random.choice([None, "s1", "s2", "s3"]),
        }
        item = f"i{random.randrange(12)}"
        match random.randrange(11):
            case 0 | 1 | 2 | 3:
                goods = [
                    Line(
                        item_id=f"i{random.randrange(6)}",
                        quantity=random.choice([1, 2, 0.5]),
                        price_minor=random.randrange(50, 900),
                        discount_minor=random.choice([None, 10]),
                    )
                    for _ in range(random.randrange(1, 5))
                ]
                events.append(purchase(number, day, goods, customer=who["customer_id"]))
            case 4:
                order = f"o-{random.randrange(n)}"
                facts = random.choice(
                    [{"value_minor": 120}, {}, {"lines": [Line(item_id=item, price_minor=90)]}]
                )
                events.append(event(number, "refund", day, order_id=order, currency="EUR", **facts))
            case 5:
                events.append(event(number, "cancel", day, order_id=f"o-{random.randrange(n)}"))
            case 6:
                facts = {"title": f"Title {number}", "price_minor": 200, "currency": "EUR"}
                events.append(event(number, "item", day, item_id=item, **facts))
            case 7:
                events.append(event(number, "view_item", day, item_id=item, **who))
            case 8:
                events.append(event(number, "search", day, query="milk", **who))
            case 9:
                events.append(
                    event(number, "customer", day, customer_id="c2", properties={"age": number})
                )
            case 10:
                events.append(
                    event(
                        number, "label", day, label="good", order_id=f"o-{number}", source="staff"
                    )
                )
    return events
