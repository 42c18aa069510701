"""When to order a fixed lot: (r, Q) policies under normal and Poisson demand.

Time units of demand, holding and lead time must agree (all per year, or all per week). The
reorder point is compared with the inventory position.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from scipy import stats

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory.lot_size import economic_order_quantity
from shopkeeper.inventory.newsvendor import (
    normal_loss,
    poisson,
    poisson_cost,
    require_at_least,
    require_costs,
)

_STEPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderPoint:
    """Order ``quantity`` when the position falls to ``reorder_point``; cost per unit of time."""

    reorder_point: float
    quantity: float
    cost: float


def expected_inventory_level(
    *,
    holding: float,
    stockout: float,
    order_cost: float,
    demand: float,
    demand_std: float,
    lead_time: float,
) -> ReorderPoint:
    """Return (r, Q) by the expected-inventory-level approximation, iterated to a fixed point.

    ``stockout`` is per unit short, whatever the time it is owed.

    Source
    ------
    Hadley and Whitin (1963); Snyder and Shen, 2nd ed., section 5.1.2, eq. 5.17 and 5.18,
    example 5.1.

    >>> found = expected_inventory_level(holding=0.225, stockout=7.5, order_cost=8,
    ...     demand=1300, demand_std=150, lead_time=1 / 12)
    >>> round(found.reorder_point, 2), round(found.quantity, 2), round(found.cost, 3)
    (213.97, 318.59, 95.451)
    """
    require_costs(holding=holding, stockout=stockout, order_cost=order_cost, demand=demand)
    require_at_least(0, demand_std=demand_std, lead_time=lead_time)
    mean, std = demand * lead_time, demand_std * sqrt(lead_time)
    quantity = economic_order_quantity(
        order_cost=order_cost, holding=holding, demand=demand
    ).quantity
    point, short = mean, 0.0
    for _ in range(_STEPS):
        miss = quantity * holding / (stockout * demand)
        if miss >= 1:
            raise BadInput(
                "A stock-out is too cheap beside holding for any safety stock to pay.",
                field="stockout",
                value=stockout,
                hint="Raise the stock-out cost, or order to the economic quantity alone.",
            )
        z = float(stats.norm.isf(miss))
        point, short = mean + z * std, std * normal_loss(z)
        better = sqrt(2 * demand * (order_cost + stockout * short) / holding)
        done = abs(better - quantity) < 1e-12 * quantity
        quantity = better
        if done:
            break
    cost = (
        holding * (point - mean + quantity / 2)
        + order_cost * demand / quantity
        + stockout * demand * short / quantity
    )
    return ReorderPoint(reorder_point=point, quantity=quantity, cost=cost)


def lot_and_safety_stock(
    *,
    holding: float,
    stockout: float,
    order_cost: float,
    demand: float,
    demand_std: float,
    lead_time: float,
) -> tuple[float, float]:
    """Return (r, Q): the economic quantity, and the newsvendor level of lead-time demand.

    ``stockout`` is per unit and unit of time.

    Source
    ------
    Snyder and Shen, 2nd ed., section 5.1.4 (EOQ with safety stock).

    >>> point, lot = lot_and_safety_stock(holding=0.225, stockout=7.5, order_cost=8,
    ...     demand=1300, demand_std=150, lead_time=1 / 12)
    >>> round(point, 2), round(lot, 2)
    (190.34, 304.05)
    """
    require_costs(holding=holding, stockout=stockout, order_cost=order_cost)
    require_at_least(0, demand=demand, demand_std=demand_std, lead_time=lead_time)
    lot = economic_order_quantity(order_cost=order_cost, holding=holding, demand=demand)
    ratio = stockout / (stockout + holding)
    spread = demand_std * sqrt(lead_time)
    return demand * lead_time + float(stats.norm.ppf(ratio)) * spread, lot.quantity


def poisson_exact(
    *, holding: float, stockout: float, order_cost: float, demand: float, lead_time: float
) -> ReorderPoint:
    """Return the optimal whole (r, Q) under Poisson demand; stock-outs are owed, per unit time.

    Grows the lot by whichever neighbour of [r+1, r+Q] is cheaper, until that costs more than
    the mean so far.

    Source
    ------
    Federgruen and Zheng (1992); Snyder and Shen, 2nd ed., section 5.3.2, algorithm 5.2.

    >>> found = poisson_exact(holding=20, stockout=150, order_cost=100, demand=1.5, lead_time=2)
    >>> found.reorder_point, found.quantity, round(found.cost, 4)
    (3.0, 5.0, 107.9236)
    """
    require_costs(holding=holding, stockout=stockout, order_cost=order_cost, demand=demand)
    require_at_least(0, lead_time=lead_time)
    mean = demand * lead_time

    def one(level: float) -> float:
        return poisson_cost(level, mean, holding=holding, stockout=stockout)

    best = poisson(mean, holding=holding, stockout=stockout).level
    point, quantity = best - 1, 1
    total = order_cost * demand + one(best)
    while True:
        below, above = one(point), one(point + quantity + 1)
        if min(below, above) >= total / quantity:
            break
        total += min(below, above)
        quantity += 1
        if below <= above:
            point -= 1
    return ReorderPoint(reorder_point=point, quantity=float(quantity), cost=total / quantity)
