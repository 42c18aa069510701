"""How much at once when demand is known: economic order quantity and Wagner-Whitin.

Fixed cost per order against holding cost; price breaks where a supplier gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from shopkeeper.inventory.newsvendor import require_at_least, require_costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A quantity per order and its cost per unit of time (without what the goods cost)."""

    quantity: float
    cost: float


def economic_order_quantity(*, order_cost: float, holding: float, demand: float) -> Lot:
    """Return the quantity that balances order and holding cost; time units must agree.

    Source
    ------
    Harris (1913); Snyder and Shen, 2nd ed., eq. 3.4 and 3.5, example 3.1.

    >>> lot = economic_order_quantity(order_cost=8, holding=0.225, demand=1300)
    >>> round(lot.quantity, 4), round(lot.cost, 4)
    (304.0468, 68.4105)
    """
    require_costs(order_cost=order_cost, holding=holding)
    require_at_least(0, demand=demand)
    return Lot(
        quantity=sqrt(2 * order_cost * demand / holding),
        cost=sqrt(2 * order_cost * demand * holding),
    )


def all_units_discount(
    *,
    order_cost: float,
    holding_rate: float,
    demand: float,
    breaks: Sequence[tuple[float, float]],
) -> Lot:
    """Return the best quantity when a break lowers the price of every unit.

    ``breaks``: (from quantity, unit cost), rising quantities, the first at 0. The cost here
    includes the goods, since the price depends on the quantity.

    Source
    ------
    Snyder and Shen, 2nd ed., section 3.4.1 (all-units discounts).

    >>> lot = all_units_discount(order_cost=8, holding_rate=0.3, demand=1300,
    ...     breaks=[(0, 0.75), (400, 0.72), (800, 0.68)])
    >>> lot.quantity, round(lot.cost, 2)
    (800.0, 978.6)
    """
    require_costs(order_cost=order_cost, holding_rate=holding_rate)
    best = Lot(quantity=0.0, cost=float("inf"))
    ends = [*(start for start, _ in breaks[1:]), float("inf")]
    for (start, price), end in zip(breaks, ends, strict=True):
        free = sqrt(2 * order_cost * demand / (holding_rate * price)) if demand else start
        quantity = max(free, start)
        if quantity >= end or quantity == 0:
            continue
        cost = price * demand + order_cost * demand / quantity + holding_rate * price * quantity / 2
        if cost < best.cost:
            best = Lot(quantity=float(quantity), cost=cost)
    return best


def wagner_whitin(
    demand: Sequence[float], *, order_cost: float, holding: float
) -> tuple[list[float], float]:
    """Return (orders per period, total cost) of the cheapest plan for known demand.

    Source
    ------
    Wagner and Whitin (1958); Snyder and Shen, 2nd ed., section 3.7, example 3.9.

    >>> wagner_whitin([90, 120, 80, 70], order_cost=500, holding=2)
    ([210.0, 0.0, 150.0, 0.0], 1380.0)
    """
    require_costs(order_cost=order_cost, holding=holding)
    units = np.asarray(demand, dtype=float)
    for place, value in enumerate(units.tolist()):
        require_at_least(0, **{f"demand[{place}]": value})
    n = len(units)
    best, upto = [0.0] * (n + 1), [n] * n
    for first in range(n - 1, -1, -1):
        held, best[first] = 0.0, float("inf")
        for last in range(first, n):
            held += holding * (last - first) * units[last]
            cost = order_cost + held + best[last + 1]
            if cost < best[first]:
                best[first], upto[first] = float(cost), last + 1
        # A period without demand need not open an order.
        if units[first] == 0 and best[first + 1] < best[first]:
            best[first], upto[first] = best[first + 1], first + 1
    orders, first = [0.0] * n, 0
    while first < n:
        orders[first] = float(units[first : upto[first]].sum())
        first = upto[first]
    return orders, best[0]
