"""Visitors of a shop's pages: what they look at, click and put in the cart; their truth is known.

Place k of a list is looked at with chance k^-ETA. What is looked at is clicked with a chance that
depends only on the product: one she came for, one of a shelf she buys from, any other. So position
and wish are apart, which no real log tells, and methods that must part them can be checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.base.clock import DAY_US

ETA = 0.7
CLICKS = {"wanted": 0.75, "shelf": 0.12, "other": 0.02}
CARTS_WANTED, CARTS_OTHER = 0.85, 0.12
MOST_VIEWS = 4
LOOKS_PER_ORDER = 1.5  # visits without an order, for each with one


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order of a known customer; ``items``: item -> money in minor units."""

    order_id: str
    customer_id: str
    at_us: int
    items: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit. ``wanted``: item -> money of what the order at its end holds; empty: no order."""

    name: str
    customer_id: str
    starts_us: int
    order_id: str | None
    order_us: int | None
    wanted: Mapping[str, int]
    shelves: frozenset[str]  # that she buys from


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing done, ``seconds`` into the visit; ``position`` where it was done in the slate."""

    kind: str
    item_id: str | None
    seconds: float
    position: int | None = None


def examined(places: int) -> np.ndarray:
    """Return the chance that each place is looked at.

    >>> examined(2).round(3).tolist()
    [1.0, 0.616]
    """
    return np.asarray(np.arange(1, places + 1) ** -ETA, dtype=np.float64)


def on_slate(visit: Visit, slate: Sequence[tuple[str, str]], rng: np.random.Generator) -> list[Act]:
    """Return what she does with a slate of (item, shelf): clicks, and what goes into the cart."""
    looked = rng.random(len(slate)) < examined(len(slate))
    luck, carts = rng.random(len(slate)), rng.random(len(slate))
    acts: list[Act] = []
    for position, (item, shelf) in enumerate(slate):
        wish = "wanted" if item in visit.wanted else "shelf" if shelf in visit.shelves else "other"
        if not looked[position] or luck[position] >= CLICKS[wish]:
            continue
        at = 8.0 + 9 * len(acts) + 5 * float(luck[position])
        acts.append(Act(kind="select_item", item_id=item, seconds=at, position=position))
        if carts[position] < (CARTS_WANTED if wish == "wanted" else CARTS_OTHER):
            acts.append(Act(kind="add_to_cart", item_id=item, seconds=at + 4, position=position))
    return acts


def elsewhere(
    visit: Visit, shelf_items: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> list[Act]:
    """Return what she does beside the slate: pages, products of her shelves, what she came for."""
    acts = [Act(kind="page_view", item_id=None, seconds=0.0)]
    liked = [item for shelf in sorted(visit.shelves) for item in shelf_items.get(shelf, ())[:5]]
    views = list(rng.permutation(sorted(visit.wanted))[:MOST_VIEWS])
    # Who means to buy looks at little else; who does not, looks around.
    around = int(rng.integers(0, 2 if visit.wanted else MOST_VIEWS + 1))
    views += list(rng.permutation(liked)[:around]) if liked else []
    at = 70.0
    for item in views:
        at += float(rng.exponential(25.0)) + 3
        acts.append(Act(kind="view_item", item_id=str(item), seconds=at))
        wanted = item in visit.wanted
        if rng.random() < (CARTS_WANTED if wanted else CARTS_OTHER):
            acts.append(Act(kind="add_to_cart", item_id=str(item), seconds=at + 2))
        elif rng.random() < 0.3:
            acts.append(Act(kind="page_view", item_id=None, seconds=at + 2))
    return acts


def visits(
    orders: Sequence[Order], shelf_of: Mapping[str, str], rng: np.random.Generator
) -> list[Visit]:
    """Return the visits that end in the orders given, and others that end in none, by time."""
    shelves: dict[str, set[str]] = {}
    for order in orders:
        mine = shelves.setdefault(order.customer_id, set())
        mine |= {shelf_of[item] for item in order.items if shelf_of.get(item)}
    found = []
    for order in orders:
        buying = Visit(
            name=f"{order.order_id}-buy",
            customer_id=order.customer_id,
            starts_us=order.at_us - int(rng.integers(4 * 60, 20 * 60)) * 1_000_000,
            order_id=order.order_id,
            order_us=order.at_us,
            wanted=order.items,
            shelves=frozenset(shelves[order.customer_id]),
        )
        found.append(buying)
        for number in range(int(rng.poisson(LOOKS_PER_ORDER))):
            looking = replace(
                buying,
                name=f"{order.order_id}-look-{number}",
                starts_us=order.at_us - int(rng.uniform(0.1, 6.0) * DAY_US),
                order_id=None,
                order_us=None,
                wanted={},
            )
            found.append(looking)
    return sorted(found, key=lambda visit: (visit.starts_us, visit.name))
