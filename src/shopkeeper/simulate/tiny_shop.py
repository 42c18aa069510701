"""A tiny shop whose truth is known: seeded customers with tastes, habits and pairs of items.

``truth`` draws what is so (tastes, repeat intervals, pairs, prices); ``tiny_shop`` lets the
customers live by it and returns the events. Same arguments, same events, byte for byte.
For tests and tutorials; it knows nothing of files, stores or models.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.data.events import Event, Line

# 2026-02-01T00:00:00Z. A fixed end, so that a test's expected values never move.
DEFAULT_END_US = 1_769_904_000_000_000
SHELVES = {
    "Grocery > Coffee": ("coffee", "beans", "roast", "Bean & Co", True),
    "Grocery > Tea": ("tea", "leaves", "green", "Leaf House", True),
    "Kitchen > Mugs": ("mug", "stoneware", "blue", "Clay Works", False),
    "Home > Candles": ("candle", "wax", "scented", "Wick", True),
    "Garden > Pots": ("pot", "terracotta", "round", "Clay Works", False),
}
MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is so in the tiny shop.

    ``taste`` (customers, items) probabilities of choosing an item on a free visit;
    ``repeat_days`` item row -> days between two purchases by a customer who has the habit;
    ``habits`` customer row -> item rows; ``pairs`` item rows that are bought together;
    ``price_minor`` (items,) at the start; ``hidden``, ``sold_out`` and ``new`` are item rows
    that nobody can buy: hidden from lists, without stock, and too new to have been bought.
    """

    customer_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    category: tuple[str, ...]
    taste: np.ndarray
    repeat_days: dict[int, int]
    habits: dict[int, tuple[int, ...]]
    pairs: tuple[tuple[int, int], ...]
    price_minor: np.ndarray
    hidden: int
    sold_out: int
    new: int


def tiny_shop(
    seed: int = 7,
    customers: int = 60,
    items: int = 40,
    days: int = 60,
    end_us: int | None = None,
) -> list[Event]:
    """Return the events of a tiny shop, oldest first, the last before ``end_us``.

    Needs at least 10 items and 2 customers; ``end_us`` is microseconds UTC, a fixed day if None.

    >>> events = tiny_shop(customers=5, items=12, days=10)
    >>> sum(e.kind == "item" for e in events)
    12
    """
    world = truth(seed, customers, items)
    rng = np.random.default_rng([seed, 2])
    start_us = (DEFAULT_END_US if end_us is None else end_us) - days * DAY_US
    events = _catalogue(world, start_us, days) + _promotions(world, start_us, days)
    # A customer's last purchase per item; habits begin at a random point of their interval.
    last: dict[tuple[int, int], float] = {}
    for customer, habit in world.habits.items():
        for item in habit:
            last[customer, item] = -float(rng.integers(0, world.repeat_days[item]))
    rates = rng.uniform(0.1, 0.4, customers)
    for day in range(days):
        for row in np.flatnonzero(rng.random(customers) < rates):
            moment_us = start_us + day * DAY_US + int(rng.integers(8 * 60, 22 * 60)) * MINUTE_US
            visit = _Visit(world, rng, int(row), day, moment_us, last)
            events += visit.events()
    events.sort(key=lambda e: (e.occurred_at, e.event_id))
    return events


def truth(seed: int = 7, customers: int = 60, items: int = 40) -> Truth:
    """Return what is so in ``tiny_shop`` with the same seed and sizes.

    >>> truth().pairs[0]
    (0, 1)
    """
    if items < 10 or customers < 2:
        raise BadInput(
            f"A tiny shop needs 10 items and 2 customers, but got {items} and {customers}.",
            field="items",
            value=items,
            allowed="items >= 10, customers >= 2",
        )
    rng = np.random.default_rng([seed, 1])
    shelves = list(SHELVES)
    # Neighbours share a shelf, so a pair (2k, 2k+1) is also alike in text.
    category = tuple(shelves[(i // 2) % len(shelves)] for i in range(items))
    names = np.array(shelves)
    love = rng.dirichlet(np.full(len(shelves), 0.4), customers)
    shelf_of = np.array([shelves.index(c) for c in category])
    taste = love[:, shelf_of] * rng.gamma(1.0, 1.0, items)[None, :] + 0.002
    hidden, sold_out, new = items - 3, items - 2, items - 1
    taste[:, [hidden, sold_out, new]] = 0.0
    taste /= taste.sum(axis=1, keepdims=True)
    refill = [i for i in range(items - 3) if SHELVES[str(names[shelf_of[i]])][4]]
    repeat_days = {i: int(rng.choice([5, 7, 10, 14])) for i in refill}
    habits = {}
    for customer in range(customers):
        weight = taste[customer, refill] / taste[customer, refill].sum()
        size = min(int(rng.integers(1, 4)), len(refill))
        habits[customer] = tuple(
            sorted(int(i) for i in rng.choice(refill, size, replace=False, p=weight))
        )
    return Truth(
        customer_ids=tuple(f"customer-{c:03d}" for c in range(customers)),
        item_ids=tuple(f"item-{i:03d}" for i in range(items)),
        category=category,
        taste=taste,
        repeat_days=repeat_days,
        habits=habits,
        pairs=tuple((2 * k, 2 * k + 1) for k in range(max(1, items // 8))),
        price_minor=rng.integers(150, 4000, items),
        hidden=hidden,
        sold_out=sold_out,
        new=new,
    )


class _Visit:
    """One customer's visit, told event by event a minute apart."""

    def __init__(
        self,
        world: Truth,
        rng: np.random.Generator,
        customer: int,
        day: int,
        at_us: int,
        last: dict[tuple[int, int], float],
    ) -> None:
        self.world, self.rng, self.customer, self.day = world, rng, customer, day
        self.at_us, self.last = at_us, last
        self.told: list[Event] = []

    def events(self) -> list[Event]:
        """Look around, fill the basket with what is due and what is liked, buy, perhaps rate."""
        world, rng = self.world, self.rng
        self._tell("page_view", url="/")
        shown = rng.choice(len(world.item_ids), 6, replace=False, p=self._free_taste())
        self._tell(
            "impression",
            placement="home",
            lines=[Line(item_id=world.item_ids[i], position=p) for p, i in enumerate(shown)],
        )
        if rng.random() < 0.3:
            shelf = world.category[int(rng.choice(len(world.category), p=self._free_taste()))]
            self._tell("search", query=SHELVES[shelf][0])
        basket = self._due()
        for item in rng.choice(len(world.item_ids), int(rng.integers(1, 4)), p=self._free_taste()):
            kind = "select_item" if item in shown else "view_item"
            self._tell(kind, item_id=world.item_ids[item])
            if rng.random() < 0.35:
                basket.append(int(item))
        for first, second in world.pairs:
            if first in basket and second not in basket and rng.random() < 0.7:
                basket.append(second)
        basket = list(dict.fromkeys(basket))
        for item in basket:
            self._tell("add_to_cart", item_id=world.item_ids[item], quantity=1.0)
        if basket and rng.random() < 0.85:
            self._buy(basket)
        return self.told

    def _due(self) -> list[int]:
        """Return the habit items whose interval is over."""
        return [
            item
            for item in self.world.habits[self.customer]
            if self.day - self.last[self.customer, item] >= self.world.repeat_days[item]
        ]

    def _free_taste(self) -> np.ndarray:
        taste: np.ndarray = self.world.taste[self.customer]
        return taste

    def _buy(self, basket: list[int]) -> None:
        world, rng = self.world, self.rng
        lines = []
        for item in basket:
            self.last[self.customer, item] = self.day
            price = _price(world, item, self.day)
            lines.append(
                Line(
                    item_id=world.item_ids[item],
                    quantity=float(rng.integers(1, 3)),
                    price_minor=price,
                    discount_minor=price // 10 if rng.random() < 0.1 else None,
                )
            )
        total = sum(
            int(line.quantity) * (line.price_minor or 0) - (line.discount_minor or 0)
            for line in lines
        )
        order_id = f"order-{world.customer_ids[self.customer]}-{self.at_us // MINUTE_US}"
        self._tell("purchase", order_id=order_id, lines=lines, currency="USD", value_minor=total)
        if rng.random() < 0.1:
            stars = float(rng.integers(3, 6))
            self._tell("rating", item_id=world.item_ids[basket[0]], rating=stars)

    def _tell(self, kind: str, **fields: object) -> None:
        customer_id = self.world.customer_ids[self.customer]
        session_id = f"session-{self.customer:03d}-{self.day:03d}"
        self.told.append(
            Event(
                event_id=f"tiny-{self.customer:03d}-{self.day:03d}-{len(self.told):02d}",
                kind=kind,
                occurred_at=clock.from_us(self.at_us + len(self.told) * MINUTE_US),
                customer_id=customer_id,
                session_id=session_id,
                source="tiny_shop",
                **fields,  # type: ignore[arg-type]
            )
        )


def _price(world: Truth, item: int, day: int) -> int:
    """Return the price of an item on a day: every fourth item gets dearer by 10 % on day 30."""
    price = int(world.price_minor[item])
    return price + price // 10 if item % 4 == 0 and day >= 30 else price


def _catalogue(world: Truth, start_us: int, days: int) -> list[Event]:
    events = []
    for row, item_id in enumerate(world.item_ids):
        noun, stuff, trait, brand, refill = SHELVES[world.category[row]]
        # The new item arrives on the last day, when every visit is over.
        at_us = start_us + days * DAY_US - MINUTE_US if row == world.new else start_us
        base = Event(
            event_id=f"tiny-item-{row:03d}",
            kind="item",
            occurred_at=clock.from_us(at_us),
            item_id=item_id,
            source="tiny_shop",
        )
        events.append(
            msgspec.structs.replace(
                base,
                title=f"{trait.capitalize()} {noun} no. {row // 2 + 1}{'ab'[row % 2]}",
                description=f"{trait} {noun} of {stuff}",
                category=world.category[row],
                brand=brand,
                price_minor=int(world.price_minor[row]),
                currency="USD",
                available=row != world.sold_out,
                hidden=row == world.hidden,
                replenishable=refill,
            )
        )
        events.append(
            msgspec.structs.replace(
                base,
                event_id=f"tiny-stock-{row:03d}",
                kind="stock_level",
                quantity=0.0 if row == world.sold_out else 500.0,
                location_id="main",
            )
        )
        if days > 30 and _price(world, row, 30) != _price(world, row, 0):
            events.append(
                msgspec.structs.replace(
                    base,
                    event_id=f"tiny-price-{row:03d}",
                    kind="price",
                    occurred_at=clock.from_us(start_us + 30 * DAY_US),
                    price_minor=_price(world, row, 30),
                    currency="USD",
                )
            )
    return events


def _promotions(world: Truth, start_us: int, days: int) -> list[Event]:
    """One promotion a fortnight, each for a week, of three neighbouring items."""
    count = len(world.item_ids)
    return [
        Event(
            event_id=f"tiny-promotion-{day:03d}",
            kind="promotion",
            occurred_at=clock.from_us(start_us + day * DAY_US),
            promotion_id=f"promotion-{day:03d}",
            lines=[Line(item_id=world.item_ids[(day + k) % (count - 3)]) for k in range(3)],
            starts_at=clock.from_us(start_us + day * DAY_US),
            ends_at=clock.from_us(start_us + (day + 7) * DAY_US),
            label="week_offer",
            source="tiny_shop",
        )
        for day in range(0, days, 14)
    ]
