"""One visit as it goes on, and what is known of it: the same object learns and serves.

A visit is a session's acts, or a customer's without a session, until 30 minutes of silence or an
order. Its facts grow act by act, so that training on its beginnings and serving cannot differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from shopkeeper.base.clock import DAY_US

SILENCE_US = 30 * 60_000_000
FEATURES = (
    "events",
    "views",
    "items",
    "views_again",
    "carts",
    "cart_value",
    "removed",
    "searches",
    "checkout",
    "minutes",
    "price",
    "hour_sin",
    "hour_cos",
    "weekend",
    "known",
    "orders_before",
    "days_since_order",
)
_VIEWS = ("view_item", "select_item")


@dataclass(slots=True, kw_only=True)
class Visit:
    """What was done so far; moments in microseconds UTC, money in minor units."""

    started_us: int
    last_us: int
    customer_id: str | None = None
    events: int = 0
    views: int = 0
    searches: int = 0
    removed: int = 0
    checkout: int = 0
    prices: float = 0.0  # sum of logs
    priced: int = 0
    seen: dict[str, int] = field(default_factory=dict)
    cart: dict[str, int] = field(default_factory=dict)  # item -> price, 0 where unknown

    def take(self, kind: str, item_id: str | None, price: int, at_us: int) -> None:
        """Note one act."""
        self.events += 1
        self.last_us = max(self.last_us, at_us)
        self.searches += kind == "search"
        self.checkout += kind == "begin_checkout"
        if item_id is None:
            return
        if kind in _VIEWS:
            self.views += 1
            self.seen[item_id] = self.seen.get(item_id, 0) + 1
            if price > 0:
                self.prices += math.log(price)
                self.priced += 1
        elif kind == "add_to_cart":
            self.cart[item_id] = price
        elif kind == "remove_from_cart":
            self.removed += 1
            self.cart.pop(item_id, None)

    def facts(self, orders_before: int, last_order_us: int | None, as_of_us: int) -> np.ndarray:
        """Return (len(FEATURES),) as of a moment; unknown is NaN."""
        hour = 2 * math.pi * ((as_of_us % DAY_US) / DAY_US)
        weekday = (as_of_us // DAY_US + 3) % 7  # 1970 began on a Thursday; 0 Monday
        ago = math.nan if last_order_us is None else (as_of_us - last_order_us) / DAY_US
        return np.asarray(
            [
                self.events,
                self.views,
                len(self.seen),
                self.views - len(self.seen),
                len(self.cart),
                math.log1p(sum(self.cart.values()) / 100),
                self.removed,
                self.searches,
                self.checkout,
                (self.last_us - self.started_us) / 60_000_000,
                self.prices / self.priced if self.priced else math.nan,
                math.sin(hour),
                math.cos(hour),
                weekday >= 5,
                self.customer_id is not None,
                math.log1p(orders_before),
                ago,
            ],
            dtype=np.float64,
        )
