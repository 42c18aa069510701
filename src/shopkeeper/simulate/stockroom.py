"""A seeded stockroom under real sales: suppliers, purchase orders, deliveries and counts.

The sales are given and happened, so stock must have been there: what the weekly orders did not
bring in time comes on the same day from a wholesaler, dearer. A stock-out in here is therefore a
time in which nobody asked. Everything carries ``source="simulated"``. Same arguments, same
events. It knows nothing of files, stores or models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event, Line

SOURCE = "simulated"
LOCATION = "central"
WHOLESALER = "wholesaler"
HOUR_US = 3_600_000_000
PACKS = (1, 4, 6, 12, 24)
ITEMS_PER_SUPPLIER = 60
MOST_LINES = 1000
COUNT_EVERY_DAYS = 56
PLAN_DAYS = 28  # the planner of the past looked at so many days of sales


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """What was sold: ``units`` (items, days) whole, ``price_minor`` (items,), from ``start_us``."""

    item_ids: tuple[str, ...]
    category: tuple[str, ...]
    price_minor: np.ndarray
    units: np.ndarray
    start_us: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppliers:
    """Who delivers what on which terms; per supplier (s,), per item (n,)."""

    names: tuple[str, ...]
    titles: tuple[str, ...]
    of_item: np.ndarray
    lead_days: np.ndarray
    lead_spread: np.ndarray
    weekday: np.ndarray
    minimum_minor: np.ndarray
    order_cost_minor: np.ndarray
    cost_minor: np.ndarray
    pack: np.ndarray
    other: np.ndarray  # (n,) a second supplier of the item, -1 for none


@dataclass(slots=True)
class _Books:
    on_hand: np.ndarray
    on_order: np.ndarray
    due: dict[int, list[tuple[str, int, list[tuple[int, float]]]]] = field(default_factory=dict)


def stockroom(sales: Sales, rng: np.random.Generator) -> Iterator[Event]:
    """Yield the events of the stockroom, oldest first, up to the last day of the sales.

    Suppliers' terms first, then per day: counts at midnight, deliveries, purchase orders.
    """
    suppliers = draw_suppliers(sales, rng)
    yield from _terms(sales, suppliers)
    days = sales.units.shape[1]
    mean = sales.units[:, :PLAN_DAYS].mean(axis=1)
    books = _Books(
        on_hand=np.ceil(_level(mean, suppliers) + sales.units[:, 0]),
        on_order=np.zeros(len(sales.item_ids)),
    )
    phase = rng.integers(1, COUNT_EVERY_DAYS, len(sales.item_ids))
    for day in range(days):
        due = np.flatnonzero((day - phase) % COUNT_EVERY_DAYS == 0)
        if day == 0:
            due = np.arange(len(sales.item_ids))
        yield from _counts(sales, books, due, day, rng)
        yield from _arrivals(sales, suppliers, books, day)
        yield from _rush(sales, suppliers, books, day)
        books.on_hand -= sales.units[:, day]
        if day >= PLAN_DAYS:
            mean = sales.units[:, day - PLAN_DAYS + 1 : day + 1].mean(axis=1)
        for one in np.flatnonzero(suppliers.weekday == (sales.start_us // DAY_US + day + 3) % 7):
            yield from _order(sales, suppliers, books, int(one), mean, day, rng)
    # What is sold out now is told, so that nobody recommends it.
    gone = np.flatnonzero(books.on_hand <= 0)
    yield from _counts(sales, books, gone, days, None)


def draw_suppliers(sales: Sales, rng: np.random.Generator) -> Suppliers:
    """Return who delivers what: each department's products over suppliers of a certain size."""
    n = len(sales.item_ids)
    departments = [path.split(" > ")[0] or "General" for path in sales.category]
    titles: list[str] = []
    of_item = np.zeros(n, dtype=int)
    for name in sorted(set(departments)):
        rows = np.array([i for i, one in enumerate(departments) if one == name])
        many = max(1, round(len(rows) / ITEMS_PER_SUPPLIER))
        of_item[rows] = len(titles) + rng.integers(0, many, len(rows))
        titles += [
            f"{name} supplier {k + 1}" if many > 1 else f"{name} supplier" for k in range(many)
        ]
    s = len(titles)
    weekly = 7 * sales.units.mean(axis=1)
    place = np.searchsorted([1.5, 3, 6, 15], weekly) - rng.integers(0, 2, n)
    other = np.where(rng.random(n) < 0.2, rng.integers(0, s, n), -1)
    return Suppliers(
        names=tuple(f"supplier-{k + 1:02d}" for k in range(s)),
        titles=tuple(titles),
        of_item=of_item,
        lead_days=np.round(rng.gamma(3.0, 2.2, s) + 1),
        lead_spread=rng.uniform(0.1, 0.45, s),
        weekday=rng.integers(0, 5, s),
        minimum_minor=rng.choice([0, 5_000, 10_000, 25_000], s),
        order_cost_minor=rng.choice([500, 1_000, 2_000], s),
        cost_minor=np.maximum(1, np.round(sales.price_minor * rng.uniform(0.55, 0.75, n))).astype(
            int
        ),
        pack=np.array(PACKS)[np.clip(place, 0, len(PACKS) - 1)],
        other=np.where(other == of_item, -1, other),
    )


def _level(mean: np.ndarray, suppliers: Suppliers) -> np.ndarray:
    """Return what the planner of the past kept: cover with a rule of thumb for safety."""
    cover = suppliers.lead_days[suppliers.of_item] + 7
    level: np.ndarray = 1.2 * mean * cover + 1.5 * np.sqrt(mean * cover) + 0.5
    return level


def _terms(sales: Sales, suppliers: Suppliers) -> Iterator[Event]:
    at = clock.from_us(sales.start_us)
    for k, name in enumerate(suppliers.names):
        yield Event(
            event_id=f"sim-supplier-{name}",
            kind="supplier",
            occurred_at=at,
            supplier_id=name,
            title=suppliers.titles[k],
            source=SOURCE,
            properties={
                "lead_time_days": float(suppliers.lead_days[k]),
                "minimum_value_minor": int(suppliers.minimum_minor[k]),
                "order_cost_minor": int(suppliers.order_cost_minor[k]),
                "order_weekdays": str(int(suppliers.weekday[k])),
            },
        )
    for i, item in enumerate(sales.item_ids):
        offers = [(int(suppliers.of_item[i]), 1.0)]
        if suppliers.other[i] >= 0:
            offers.append((int(suppliers.other[i]), 1.06))
        for k, factor in offers:
            cost, pack = round(int(suppliers.cost_minor[i]) * factor), int(suppliers.pack[i])
            facts: dict[str, Any] = {"pack_size": pack, "minimum_quantity": pack}
            if pack >= 12:
                facts["price_breaks"] = f"{10 * pack}:{max(1, round(cost * 0.95))}"
            yield Event(
                event_id=f"sim-terms-{suppliers.names[k]}-{item}",
                kind="supplier",
                occurred_at=at,
                supplier_id=suppliers.names[k],
                item_id=item,
                price_minor=cost,
                currency=sales.currency,
                source=SOURCE,
                properties=facts,
            )


def _counts(
    sales: Sales, books: _Books, rows: np.ndarray, day: int, rng: np.random.Generator | None
) -> Iterator[Event]:
    """Count products; one count in twelve finds a piece less than the books say."""
    at = clock.from_us(sales.start_us + day * DAY_US)
    for i in rows.tolist():
        if rng is not None and day and books.on_hand[i] > 0 and rng.random() < 1 / 12:
            books.on_hand[i] -= 1
        yield Event(
            event_id=f"sim-count-{sales.item_ids[i]}-{day}",
            kind="stock_level",
            occurred_at=at,
            item_id=sales.item_ids[i],
            location_id=LOCATION,
            quantity=float(max(books.on_hand[i], 0)),
            source=SOURCE,
        )


def _arrivals(sales: Sales, suppliers: Suppliers, books: _Books, day: int) -> Iterator[Event]:
    for po, k, lines in books.due.pop(day, []):
        for i, quantity in lines:
            books.on_hand[i] += quantity
            books.on_order[i] -= quantity
        yield _delivery(sales, suppliers.names[k], po, f"{po}-d{day}", lines, day)


def _rush(sales: Sales, suppliers: Suppliers, books: _Books, day: int) -> Iterator[Event]:
    """Buy from the wholesaler what today's customers took and the books did not hold."""
    short = sales.units[:, day] - books.on_hand
    rows = np.flatnonzero(short > 0)
    if not len(rows):
        return
    pack = suppliers.pack[rows]
    bought = np.ceil(short[rows] / pack) * pack
    books.on_hand[rows] += bought
    lines = list(zip(rows.tolist(), bought.tolist(), strict=True))
    po = f"sim-po-{WHOLESALER}-{day}"
    yield _purchase_order(sales, suppliers, WHOLESALER, po, lines, day, hour=0, days=0, dearer=1.15)
    yield _delivery(sales, WHOLESALER, po, f"{po}-d", lines, day)


def _order(
    sales: Sales,
    suppliers: Suppliers,
    books: _Books,
    k: int,
    mean: np.ndarray,
    day: int,
    rng: np.random.Generator,
) -> Iterator[Event]:
    """Order up to the level from one supplier; now and then a part comes later."""
    rows = np.flatnonzero(suppliers.of_item == k)
    missing = _level(mean, suppliers)[rows] - books.on_hand[rows] - books.on_order[rows]
    packs = np.ceil(missing / suppliers.pack[rows] - 0.5)
    wanted = rows[packs > 0][:MOST_LINES]
    if not len(wanted):
        return
    quantity = packs[packs > 0][:MOST_LINES] * suppliers.pack[wanted]
    books.on_order[wanted] += quantity
    lines = list(zip(wanted.tolist(), quantity.tolist(), strict=True))
    name, promised = suppliers.names[k], int(suppliers.lead_days[k])
    po = f"sim-po-{name}-{day}"
    yield _purchase_order(sales, suppliers, name, po, lines, day, hour=15, days=promised)
    spread = float(suppliers.lead_spread[k])
    took = max(1, round(promised * float(rng.lognormal(-(spread**2) / 2, spread))))
    if len(lines) > 3 and rng.random() < 0.1:
        late = lines[::3]
        books.due.setdefault(day + took + int(rng.integers(2, 8)), []).append((po, k, late))
        lines = [line for place, line in enumerate(lines) if place % 3]
    books.due.setdefault(day + took, []).append((po, k, lines))


def _purchase_order(
    sales: Sales,
    suppliers: Suppliers,
    name: str,
    po: str,
    lines: list[tuple[int, float]],
    day: int,
    *,
    hour: int,
    days: int,
    dearer: float = 1.0,
) -> Event:
    at = sales.start_us + day * DAY_US
    return Event(
        event_id=po,
        kind="purchase_order",
        occurred_at=clock.from_us(at + hour * HOUR_US),
        purchase_order_id=po,
        supplier_id=name,
        location_id=LOCATION,
        status="sent",
        promised_at=clock.from_us(at + days * DAY_US + HOUR_US),
        currency=sales.currency,
        source=SOURCE,
        lines=[
            Line(
                item_id=sales.item_ids[i],
                quantity=float(q),
                price_minor=round(int(suppliers.cost_minor[i]) * dearer),
            )
            for i, q in lines
        ],
    )


def _delivery(
    sales: Sales, name: str, po: str, shipment: str, lines: list[tuple[int, float]], day: int
) -> Event:
    return Event(
        event_id=f"{shipment}-in",
        kind="delivery",
        occurred_at=clock.from_us(sales.start_us + day * DAY_US + HOUR_US // 2),
        shipment_id=shipment,
        purchase_order_id=po,
        supplier_id=name,
        location_id=LOCATION,
        source=SOURCE,
        lines=[Line(item_id=sales.item_ids[i], quantity=float(q)) for i, q in lines],
    )
