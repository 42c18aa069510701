"""The demo's stockroom: suppliers, purchase orders, deliveries and counts under its real sales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event
from shopkeeper.data.importers.complete_journey import CURRENCY, CompleteJourney
from shopkeeper.simulate.stockroom import Sales, stockroom

MOST_ITEMS = 2500
QUICK_ITEMS = 400
WEEKS_SOLD = 13
QUICK_WEEKS_SOLD = 8
WHOLE_HOUSEHOLDS = 1000


def stock_events(data: CompleteJourney, shift_us: int, seed: int) -> Iterator[Event]:
    """Yield the simulated events of the products that sell most, oldest first."""
    whole = data.facts.households >= WHOLE_HOUSEHOLDS
    found = data.sellers(
        weeks=WEEKS_SOLD if whole else QUICK_WEEKS_SOLD,
        most=MOST_ITEMS if whole else QUICK_ITEMS,
    )
    if not found:
        return
    first = data.facts.first_us // DAY_US
    days = data.facts.last_us // DAY_US - first + 1
    units = np.zeros((len(found), days))
    for row, one in enumerate(found):
        place = np.array(one["days_us"]) // DAY_US - first
        np.add.at(units[row], place, np.array(one["units"], dtype=float))
    sales = Sales(
        item_ids=tuple(one["item_id"] for one in found),
        category=tuple((one["department"] or "").title() for one in found),
        price_minor=np.array([float(one["price"]) for one in found]),
        units=units,
        start_us=first * DAY_US + shift_us,
        currency=CURRENCY,
    )
    yield from stockroom(sales, np.random.default_rng(seed))
