"""What would have happened: periodic review with lost sales on demand that is known.

One simulation serves three questions: the exchange curve of fill against stock, the what-if of
a planner, and the comparison of policies in ``evaluate``. Vectorised over products; the loop
runs over periods only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.base.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How the shop runs in a simulation, in whole periods.

    An order at the start of period t arrives at the start of t + ``lead_time``; the level asked
    for must cover periods t … t + lead_time + review - 1. ``warm_up`` periods are not scored.
    """

    first: int
    lead_time: int = 2
    review: int = 1
    warm_up: int = 4
    start_cover: float = 1.2  # opening stock, in last protection intervals of demand

    @property
    def protects(self) -> int:
        """Periods that one order must cover."""
        return self.lead_time + self.review


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Per product (n,), summed over the scored periods; units, except where said."""

    demand: np.ndarray
    served: np.ndarray
    on_hand: np.ndarray  # end of period, summed over periods
    short_periods: np.ndarray  # periods in which demand was lost
    periods: int
    orders: np.ndarray

    def fill(self, price: np.ndarray) -> float:
        """Return the share of demand value that was served."""
        return float((self.served * price).sum() / (self.demand * price).sum())

    def cover(self, price: np.ndarray) -> float:
        """Return end-of-period stock value over demand value per period: periods of supply."""
        return float((self.on_hand * price).sum() / (self.demand * price).sum())

    def short_share(self) -> float:
        """Return the share of product-periods in which some demand was lost."""
        return float(self.short_periods.sum() / (self.periods * len(self.demand)))


def replenishment(
    demand: np.ndarray, level: Callable[[int], np.ndarray], setup: Setup, *, pack: float = 0.0
) -> Run:
    """Replay ``demand`` (n, t) under order-up-to levels; ``level(t)`` may know periods before t.

    ``pack``: orders are rounded up to multiples of it; 0 leaves them as they are.
    """
    n, periods = demand.shape
    first, lead = setup.first, setup.lead_time
    if not setup.protects <= first < periods:
        raise BadInput(
            f"A simulation must start after period {setup.protects} and before {periods}, "
            f"but starts at {first}.",
            field="first",
            value=first,
        )
    opening = demand[:, first - setup.protects : first].sum(axis=1)
    on_hand = np.ceil(setup.start_cover * opening)
    due = np.zeros((n, periods + lead + 1))
    on_order = np.zeros(n)
    totals = {name: np.zeros(n) for name in ("demand", "served", "on_hand", "short", "orders")}
    scored = 0
    for t in range(first, periods):
        on_hand += due[:, t]
        on_order -= due[:, t]
        if (t - first) % setup.review == 0:
            order = np.maximum(level(t) - on_hand - on_order, 0.0)
            if pack:
                order = np.ceil(order / pack - 1e-9) * pack
            due[:, t + lead] += order
            on_order += order
            if lead == 0:
                on_hand, on_order = on_hand + order, on_order - order
        served = np.minimum(on_hand, demand[:, t])
        on_hand = on_hand - served
        if t >= first + setup.warm_up:
            scored += 1
            totals["demand"] += demand[:, t]
            totals["served"] += served
            totals["on_hand"] += on_hand
            totals["short"] += served < demand[:, t] - 1e-9
            if (t - first) % setup.review == 0:
                totals["orders"] += order > 0
    return Run(
        demand=totals["demand"],
        served=totals["served"],
        on_hand=totals["on_hand"],
        short_periods=totals["short"],
        periods=scored,
        orders=totals["orders"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One policy setting on the exchange curve. ``cover``: periods of supply."""

    setting: float
    fill: float
    cover: float
    short_share: float


def curve(
    demand: np.ndarray,
    levels: Mapping[float, Callable[[int], np.ndarray]],
    setup: Setup,
    price: np.ndarray,
) -> list[Point]:
    """Return the exchange curve: one point per setting, in their order."""
    points = []
    for setting, level in levels.items():
        run = replenishment(demand, level, setup)
        points.append(
            Point(
                setting=setting,
                fill=run.fill(price),
                cover=run.cover(price),
                short_share=run.short_share(),
            )
        )
    return points


def cover_at(points: Sequence[Point], fill: float) -> float | None:
    """Return the periods of supply at which a curve reaches ``fill``; None if it never does.

    Linear between points.

    >>> a, b = (Point(setting=s, fill=f, cover=c, short_share=0)
    ...         for s, f, c in ((1, 0.9, 2), (2, 1.0, 6)))
    >>> round(cover_at([a, b], 0.95), 6)
    4.0
    """
    ordered = sorted(points, key=lambda point: point.fill)
    fills = np.array([point.fill for point in ordered])
    if not len(fills) or fill > fills[-1] or fill < fills[0]:
        return None
    return float(np.interp(fill, fills, [point.cover for point in ordered]))


def oracle(demand: np.ndarray, setup: Setup) -> Callable[[int], np.ndarray]:
    """Return the level of somebody who knows the future: exactly what will be asked for."""

    def level(t: int) -> np.ndarray:
        wanted: np.ndarray = demand[:, t : t + setup.protects].sum(axis=1)
        return wanted

    return level
