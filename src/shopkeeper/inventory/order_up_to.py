"""When and up to what to order each period: (s, S) exact for whole demand, and approximate.

Demand is independent per period; unmet demand is owed. ``s``: order when the position is at or
below it; ``S``: order up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory.newsvendor import poisson_cost, require_at_least, require_costs


@dataclass(frozen=True, slots=True, kw_only=True)
class MinMax:
    """``s`` and ``S`` in units, and the cost per period where it is exact."""

    s: float
    S: float
    cost: float | None = None


def exact(
    pmf: np.ndarray,
    one_period_cost: np.ndarray,
    *,
    order_cost: float,
    offset: int = 0,
) -> MinMax:
    """Return the optimal (s, S) for whole demand.

    Parameters
    ----------
    pmf
        (m,) probability of demand 0, 1, 2 … in one period.
    one_period_cost
        (l,) expected holding and stock-out cost of the levels ``offset``, ``offset`` + 1 …;
        must hold the minimum and be high at both ends.

    Source
    ------
    Zheng and Federgruen (1991), Operations Research 39(4); Snyder and Shen, 2nd ed., algorithm
    4.1. M and m are the renewal function and density of demand.
    """
    require_costs(order_cost=order_cost)
    if pmf[0] >= 1:
        raise BadInput("Demand is always zero; there is nothing to order.", field="pmf")
    renewal = _renewal(pmf, len(one_period_cost))
    total = np.concatenate([[0.0], np.cumsum(renewal)])
    low = int(np.argmin(one_period_cost))

    def cost_of(s: int, big: int) -> float:
        # Levels visited in a cycle: S, S-1 … s+1, each m(j) periods on average.
        steps = np.arange(big - s)
        held = float(renewal[steps] @ one_period_cost[big - steps])
        return float((order_cost + held) / total[big - s])

    s = low - 1
    while s > 0 and cost_of(s, low) > one_period_cost[s]:
        s -= 1
    best_s, best_big = s, low
    best = cost_of(s, low)
    big = low + 1
    while big < len(one_period_cost) and one_period_cost[big] <= best:
        if cost_of(best_s, big) < best:
            best_big = big
            s = best_s
            while s + 1 < low and cost_of(s, big) <= one_period_cost[s + 1]:
                s += 1
            best_s, best = s, cost_of(s, big)
        big += 1
    return MinMax(s=float(best_s + offset), S=float(best_big + offset), cost=best)


def exact_poisson(
    demand_mean: float,
    *,
    holding: float,
    stockout: float,
    order_cost: float,
    lead_time_periods: int = 0,
) -> MinMax:
    """Return the optimal (s, S) under Poisson demand per period.

    Source
    ------
    Zheng and Federgruen (1991), Poisson case of their table; stockpyl's worked example.

    >>> found = exact_poisson(6, holding=1, stockout=4, order_cost=5)
    >>> found.s, found.S, round(found.cost, 7)
    (4.0, 10.0, 8.0341116)
    """
    require_costs(holding=holding, stockout=stockout, demand_mean=demand_mean)
    require_at_least(0, lead_time_periods=lead_time_periods)
    over = demand_mean * (lead_time_periods + 1)
    widest = int(over + 12 * sqrt(over) + 4 * sqrt(order_cost / holding * (demand_mean + 1)) + 20)
    levels = np.arange(-widest, 2 * widest)
    costs = np.array(
        [poisson_cost(float(y), over, holding=holding, stockout=stockout) for y in levels]
    )
    pmf = stats.poisson.pmf(np.arange(3 * widest), demand_mean)
    return exact(pmf, costs, order_cost=order_cost, offset=-widest)


def power_approximation(
    demand_mean: float,
    demand_std: float,
    *,
    holding: float,
    stockout: float,
    order_cost: float,
    lead_time_periods: float = 0,
    capped: bool = False,
) -> MinMax:
    """Return (s, S) by the revised power approximation: a closed form.

    ``capped``: keep both below the newsvendor level where the lot is below 1.5 periods of
    demand, as the paper advises; without it S is s plus the lot, as the book prints it.

    Source
    ------
    Ehrhardt and Mosier (1984), Management Science 30(5); Snyder and Shen, 2nd ed., section 4.4.3.

    >>> found = power_approximation(50, 8, holding=0.18, stockout=0.70, order_cost=2.5)
    >>> round(found.s, 4), round(found.S, 4)
    (40.1946, 74.2902)
    """
    require_costs(
        holding=holding,
        stockout=stockout,
        order_cost=order_cost,
        demand_mean=demand_mean,
        demand_std=demand_std,
    )
    require_at_least(0, lead_time_periods=lead_time_periods)
    mean = demand_mean * (lead_time_periods + 1)
    std = demand_std * sqrt(lead_time_periods + 1)
    lot = (
        1.30
        * demand_mean**0.494
        * (order_cost / holding) ** 0.506
        * (1 + std**2 / demand_mean**2) ** 0.116
    )
    z = sqrt(lot * holding / (std * stockout))
    low = 0.973 * mean + std * (0.183 / z + 1.063 - 2.192 * z)
    if not capped or lot / demand_mean > 1.5:
        return MinMax(s=low, S=low + lot)
    base = mean + float(stats.norm.ppf(stockout / (stockout + holding))) * std
    return MinMax(s=min(low, base), S=min(low + lot, base))


def _renewal(pmf: np.ndarray, size: int) -> np.ndarray:
    """Return m(0 … size-1): m(0) = 1 / (1 - p0), m(j) = sum of p(l) m(j-l) over l, / (1 - p0)."""
    chances = np.zeros(size)
    chances[: min(size, len(pmf))] = pmf[:size]
    density = np.zeros(size)
    density[0] = 1 / (1 - chances[0])
    for j in range(1, size):
        density[j] = float(chances[1 : j + 1] @ density[j - 1 :: -1][:j]) / (1 - chances[0])
    return density
