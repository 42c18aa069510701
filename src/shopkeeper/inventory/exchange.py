"""What service costs in stock: expected fill against expected stock per service level.

Expected under the belief, not replayed: for an order-up-to level S, lead time L and review R,
per product and in units. `simulate.py` replays what is known afterwards; this answers at once
for a plan that nobody has tried yet. Unmet demand is owed in the arithmetic, so where a shop loses
it instead, the fill stated here is a little low (a point at a fill of 96 %).

Source: Silver, Pyke and Thomas, Inventory and Production Management, 4th ed., section 7.5: what
is short in a cycle is short over L + R less short over L; stock is the mean of just after a
receipt and just before the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.inventory import levels, spread
from shopkeeper.inventory.schema import FREQUENCIES, Demand, LeadTime, Rules

SERVICE = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.997)
_DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A policy setting in expectation. ``fill``: share of demand value served; ``stock_minor``:
    mean stock at cost; ``cover_weeks``: the same over demand at cost per week; ``holding_minor``
    and ``lost_minor``: what stock costs and margin lost, per week."""

    service_level: float
    fill: float
    stock_minor: float
    cover_weeks: float
    holding_minor: float
    lost_minor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points by rising service level, and ``present``: what the shop's rules give."""

    points: tuple[Point, ...]
    present: Point


def curve(
    demand: Demand,
    lead: Sequence[LeadTime],
    *,
    prices_minor: np.ndarray,
    costs_minor: np.ndarray,
    rules: Rules,
    service: Sequence[float] = SERVICE,
) -> Curve:
    """Return the exchange curve of all products together under the rules' review and costs.

    prices_minor, costs_minor
        (n,) per unit; a price of 0 is not known and guessed from the cost.
    """
    late = levels.cover(demand, lead, rules.review_period_days)
    early = levels.cover(demand, lead)
    price = np.where(prices_minor > 0, prices_minor, costs_minor / 0.6).astype(float)
    cost = np.where(costs_minor > 0, costs_minor, price * 0.6).astype(float)
    drawn = (
        spread.draws(late.levels, late.quantiles, _DRAWS),
        spread.draws(early.levels, early.quantiles, _DRAWS),
    )

    def point(level: np.ndarray, asked: float) -> Point:
        return _point(level, asked, drawn, price, cost, rules)

    n = len(demand.mean)
    given = {"price_minor": price, "unit_cost_minor": cost}
    held = levels.order_up_to(late, early, rules, service=np.full(n, rules.service_level), **given)
    return Curve(
        points=tuple(point(late.at(one), one) for one in service),
        present=point(held, rules.service_level),
    )


def _point(
    level: np.ndarray,
    asked: float,
    drawn: tuple[np.ndarray, np.ndarray],
    price: np.ndarray,
    cost: np.ndarray,
    rules: Rules,
) -> Point:
    late, early = drawn
    short_late = np.maximum(late - level[:, None], 0).mean(axis=1)
    short_early = np.maximum(early - level[:, None], 0).mean(axis=1)
    cycle = np.maximum(late.mean(axis=1) - early.mean(axis=1), 0.0)
    short = np.clip(short_late - short_early, 0.0, cycle)
    after = level - early.mean(axis=1) + short_early
    before = level - late.mean(axis=1) + short_late
    stock = (after + before) / 2
    weeks = max(rules.review_period_days, 1e-9) / 7
    sold = float((cycle * price).sum())
    stock_minor = float((stock * cost).sum())
    lost = float((short * price).sum()) * rules.stockout_cost_share
    return Point(
        service_level=asked,
        fill=1 - float((short * price).sum()) / sold if sold > 0 else 1.0,
        stock_minor=stock_minor,
        cover_weeks=stock_minor / max(float((cycle * cost).sum()) / weeks, 1e-9),
        holding_minor=stock_minor * rules.holding_rate * 7 / 365,
        lost_minor=lost / weeks,
    )


def projection(
    demand: Demand, days: np.ndarray, *, on_hand: float, arriving: np.ndarray
) -> np.ndarray:
    """Return (d, 3) stock of one product after each of ``days``: low, middle, high; never below 0.

    demand
        The belief on that one product; its path starts where ``days`` counts from.
    arriving
        (d,) units received up to and including each day.

    Low is where demand runs along its 0.9 quantile, high along its 0.1 quantile: exact up to the
    first stock-out; from there on what was short is lost and does not wait for the next receipt.
    """
    quantiles = cumulative(demand, days)
    place = [int(np.abs(demand.levels - level).argmin()) for level in (0.9, 0.5, 0.1)]
    wanted = np.diff(quantiles[:, place], axis=0, prepend=0.0)
    received = np.diff(np.asarray(arriving, dtype=float), prepend=0.0)
    stock = np.empty((len(days), len(place)))
    left = np.full(len(place), max(on_hand, 0.0))
    for at in range(len(days)):
        left = np.maximum(left + received[at] - wanted[at], 0.0)
        stock[at] = left
    return stock


def cumulative(demand: Demand, days: np.ndarray) -> np.ndarray:
    """Return (d, q) quantiles of one product's demand over the first ``days`` days each."""
    m = len(days)
    many = Demand(
        horizons=demand.horizons,
        levels=demand.levels,
        quantiles=np.repeat(demand.quantiles[:1], m, axis=0),
        mean=np.repeat(demand.mean[:1], m, axis=0),
        path=demand.path[:0],
        frequency=demand.frequency,
    )
    quantiles, _ = spread.over(many, np.asarray(days, dtype=float) / FREQUENCIES[demand.frequency])
    return np.maximum.accumulate(quantiles, axis=0)
