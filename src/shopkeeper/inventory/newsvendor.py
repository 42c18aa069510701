"""How much to hold for one period of uncertain demand: the newsvendor, normal and Poisson.

Costs are per unit and period: holding for each unit left, stock-out for each unit short.
Everything larger, (r, Q) and (s, S), is built from this one-period cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from shopkeeper.base.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A stock level in units and its expected cost per period."""

    level: float
    cost: float


def normal(demand_mean: float, demand_std: float, *, holding: float, stockout: float) -> Level:
    """Return the level that minimises expected cost under normal demand.

    Source
    ------
    Snyder and Shen, Fundamentals of Supply Chain Theory, 2nd ed., theorem 4.1, example 4.3.

    >>> best = normal(50, 8, holding=0.18, stockout=0.70)
    >>> round(best.level, 3), round(best.cost, 5)
    (56.604, 1.99761)
    """
    require_costs(holding=holding, stockout=stockout)
    require_at_least(0, demand_std=demand_std)
    ratio = stockout / (holding + stockout)
    z = float(special.ndtri(ratio))
    level = demand_mean + z * demand_std
    # At the optimum the two loss terms collapse into the density at z (eq. 4.24).
    cost = (holding + stockout) * density(z) * demand_std
    return Level(level=level, cost=cost)


def poisson(demand_mean: float, *, holding: float, stockout: float) -> Level:
    """Return the smallest whole level whose probability of covering demand reaches the ratio.

    Source
    ------
    Snyder and Shen, 2nd ed., section 4.3.2.8 (discrete demand).

    >>> best = poisson(6, holding=1, stockout=4)
    >>> best.level, round(best.cost, 4)
    (8.0, 3.5701)
    """
    require_costs(holding=holding, stockout=stockout)
    require_at_least(0, demand_mean=demand_mean)
    ratio = stockout / (holding + stockout)
    level = _poisson_level(ratio, demand_mean)
    cost = poisson_cost(level, demand_mean, holding=holding, stockout=stockout)
    return Level(level=level, cost=cost)


def poisson_cost(level: float, demand_mean: float, *, holding: float, stockout: float) -> float:
    """Return the expected cost per period of starting it with ``level`` whole units.

    Source
    ------
    Snyder and Shen, 2nd ed., eq. 4.10 with the Poisson loss function of appendix C.3.
    """
    # E[(D-S)+] = -(S - mean) (1 - F(S)) + mean f(S); exact, no sum to truncate.
    tail = float(special.pdtrc(level, demand_mean)) if level >= 0 else 1.0
    point = _poisson_density(level, demand_mean) if level >= 0 else 0.0
    short = -(level - demand_mean) * tail + demand_mean * point
    left = level - demand_mean + short
    return holding * left + stockout * short


def density(z: float) -> float:
    """Return the standard normal density.

    >>> round(density(0), 6)
    0.398942
    """
    return float(np.exp(-z * z / 2) / np.sqrt(2 * np.pi))


def normal_loss(z: float) -> float:
    """Return the standard normal loss, E[(Z - z)+].

    >>> round(normal_loss(0), 6)
    0.398942
    """
    return density(z) - z * float(special.ndtr(-z))


def from_quantiles(levels: np.ndarray, quantiles: np.ndarray, *, ratio: float) -> np.ndarray:
    """Return (n,) the critical-ratio quantile of distributions given by quantiles (n, q).

    Linear between levels; beyond the last one an exponential tail with the slope of the last
    two, so that a ratio of 0.999 is above the 0.997 quantile and not equal to it.

    >>> from_quantiles(np.array([0.5, 0.9]), np.array([[10.0, 20.0]]), ratio=0.7).tolist()
    [15.0]
    """
    levels, quantiles = np.asarray(levels, dtype=float), np.asarray(quantiles, dtype=float)
    if ratio <= levels[0]:
        return quantiles[:, 0] * ratio / levels[0]
    if ratio >= levels[-1]:
        spread = np.log((1 - levels[-2]) / (1 - levels[-1]))
        slope = (quantiles[:, -1] - quantiles[:, -2]) / spread
        beyond: np.ndarray = quantiles[:, -1] + slope * np.log((1 - levels[-1]) / (1 - ratio))
        return beyond
    place = int(np.searchsorted(levels, ratio, side="right"))
    share = (ratio - levels[place - 1]) / (levels[place] - levels[place - 1])
    between: np.ndarray = quantiles[:, place - 1] * (1 - share) + quantiles[:, place] * share
    return between


def require_costs(**costs: float) -> None:
    """Raise BadInput naming the first cost that is not above 0."""
    for name, value in costs.items():
        if not value > 0 or not np.isfinite(value):
            raise BadInput(
                f"{name} must be above 0, but is {value}.",
                hint="Costs are per unit and period, in any one currency.",
                field=name,
                value=value,
                allowed="a number above 0",
            )


def require_at_least(lowest: float, **values: float) -> None:
    """Raise BadInput naming the first value below ``lowest`` or not finite."""
    for name, value in values.items():
        if not value >= lowest or not np.isfinite(value):
            raise BadInput(
                f"{name} must be at least {lowest:g}, but is {value}.",
                field=name,
                value=value,
                allowed=f"a number from {lowest:g}",
            )


def _poisson_density(level: float, mean: float) -> float:
    return float(np.exp(special.xlogy(level, mean) - mean - special.gammaln(level + 1)))


def _poisson_level(ratio: float, mean: float) -> float:
    """Return the smallest whole number whose probability of not being exceeded is the ratio."""
    if mean == 0:
        return 0.0
    level = float(np.ceil(special.pdtrik(ratio, mean)))
    below = max(level - 1, 0.0)
    # The continuous inverse may end just above a whole number.
    return below if float(special.pdtr(below, mean)) >= ratio else level
