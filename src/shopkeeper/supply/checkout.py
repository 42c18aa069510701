"""From where one order ships: exact over all sets of up to three warehouses, or the nearest.

A line ships whole from one warehouse or is short. For a set of warehouses each line goes where
it is cheapest among those of the set that have it, so the best set is the best allocation. The
batch over many orders at once is allocation.py.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from itertools import combinations

import numpy as np

from shopkeeper.supply.schema import (
    AllocatedLine,
    Allocation,
    Lane,
    Order,
    Rules,
    Stock,
)

MOST_CANDIDATES = 8
MOST_PARCELS = 3
EPSILON = 1e-9


def scarcity_minor(free: float, quantity: float, parcel_minor: float) -> float:
    """Return what taking units of the last ones costs: up to a parcel for the very last.

    Who needs the unit next must be served from farther away, which costs about another parcel
    with a chance that grows as the shelf empties: quantity / units left before it is taken.

    >>> scarcity_minor(10, 1, 500), scarcity_minor(1, 1, 500)
    (50.0, 500.0)
    """
    if not math.isfinite(free) or free <= 0:
        return 0.0
    return parcel_minor * min(1.0, quantity / free)


def best(
    order: Order,
    stock: Stock,
    lanes: Sequence[Lane],
    rules: Rules,
    late_days: Mapping[tuple[str, str], float] | None = None,
    prices: Mapping[tuple[str, str], float] | None = None,
    priced: Container[str] | None = None,
) -> Allocation:
    """Return the allocation of least cost. ``late_days``: expected per lane, 0 where left out.

    ``prices``: what a unit of (warehouse_id, sku) is worth to others (allocation.shadow_prices);
    without them the last units of a shelf are dearer by scarcity_minor, weighed by the rules.
    ``priced``: the only skus that the prices speak of; None: all.
    """
    lane_of = cheapest_lanes(lanes, late_days or {}, rules)
    names = sorted(lane_of, key=lambda w: (_parcel(lane_of[w], late_days, rules), w))
    tables = _Tables(
        order,
        stock,
        [lane_of[w] for w in names[:MOST_CANDIDATES]],
        rules,
        late_days,
        prices,
        priced,
    )
    chosen: tuple[int, ...] = ()
    cost = tables.cost(())
    for size in range(1, min(MOST_PARCELS, len(tables.lanes)) + 1):
        for some in combinations(range(len(tables.lanes)), size):
            price = tables.cost(some)
            if price < cost - EPSILON:
                chosen, cost = some, price
    return tables.allocation(chosen, "greedy")


def nearest(
    order: Order,
    stock: Stock,
    lanes: Sequence[Lane],
    rules: Rules,
    distance_km: Mapping[str, float | None],
) -> Allocation:
    """Return all lines from the nearest warehouse that has them all, else the cheapest split."""
    lane_of = cheapest_lanes(lanes, {}, rules)
    names = sorted(lane_of, key=lambda w: (_far(distance_km.get(w)), w))
    tables = _Tables(order, stock, [lane_of[w] for w in names], rules, None)
    for place in range(len(names)):
        if tables.complete(place):
            return tables.allocation((place,), "nearest")
    split = best(order, stock, lanes, rules)
    return Allocation(
        order_id=split.order_id,
        lines=split.lines,
        cost_minor=split.cost_minor,
        parts=split.parts,
        others=split.others,
        method="nearest",
    )


class _Tables:
    """Costs of one order's lines at each lane, ready for every set of warehouses."""

    def __init__(
        self,
        order: Order,
        stock: Stock,
        lanes: Sequence[Lane],
        rules: Rules,
        late_days: Mapping[tuple[str, str], float] | None,
        prices: Mapping[tuple[str, str], float] | None = None,
        priced: Container[str] | None = None,
    ) -> None:
        self.order, self.lanes, self.rules = order, lanes, rules
        shape = (len(lanes), len(order.lines))
        self.unit, self.scarce = np.zeros(shape), np.zeros(shape)
        self.has = np.zeros(shape, dtype=bool)
        for row, lane in enumerate(lanes):
            for column, line in enumerate(order.lines):
                free = stock.at(lane.warehouse_id, line.sku)
                self.has[row, column] = free >= line.quantity - EPSILON
                self.unit[row, column] = lane.unit_minor * line.quantity
                if prices is None or not (priced is None or line.sku in priced):
                    scarce = scarcity_minor(free, line.quantity, lane.parcel_minor)
                    self.scarce[row, column] = rules.scarcity_weight * scarce
                else:
                    price = prices.get((lane.warehouse_id, line.sku), 0.0)
                    self.scarce[row, column] = price * line.quantity
        self.price = np.where(self.has, self.unit + self.scarce, np.inf)
        self.parcel = np.array([lane.parcel_minor for lane in lanes], dtype=float)
        self.late = np.array([_late(lane, late_days, rules) for lane in lanes], dtype=float)

    def complete(self, row: int) -> bool:
        """Return whether one warehouse has every line."""
        return bool(self.has[row].all())

    def cost(self, rows: Sequence[int]) -> float:
        """Return the cost of shipping from a set of warehouses; all of it short for none."""
        short = float(self.rules.short_minor)
        if not rows:
            return short * len(self.order.lines)
        some = list(rows)
        place, line_cost = self._places(some)
        used = sorted({some[p] for p in place[np.isfinite(line_cost)].tolist()})
        fixed = self.parcel[used].sum() + self.rules.split_minor * max(0, len(used) - 1)
        late = self.late[used].max(initial=0.0)
        missing = short * np.count_nonzero(~np.isfinite(line_cost))
        return float(fixed + late + missing + line_cost[np.isfinite(line_cost)].sum())

    def allocation(self, rows: Sequence[int], method: str) -> Allocation:
        """Return the allocation from a set of warehouses, with what each other would cost."""
        some = list(rows)
        place, cost = self._places(some) if some else (np.zeros(0, int), np.zeros(0))
        lines, used = [], []
        parts = dict.fromkeys(("shipping", "split", "short", "late", "scarcity"), 0.0)
        for column, line in enumerate(self.order.lines):
            if not some or not np.isfinite(cost[column]):
                parts["short"] += self.rules.short_minor
                lines.append(AllocatedLine(sku=line.sku, quantity=line.quantity, warehouse_id=None))
                continue
            row = some[place[column]]
            used.append(row)
            parts["shipping"] += self.unit[row, column]
            parts["scarcity"] += self.scarce[row, column]
            lane = self.lanes[row]
            lines.append(
                AllocatedLine(
                    sku=line.sku,
                    quantity=line.quantity,
                    warehouse_id=lane.warehouse_id,
                    carrier=lane.carrier,
                )
            )
        rows_used = sorted(set(used))
        parts["shipping"] += float(self.parcel[rows_used].sum())
        parts["split"] = float(self.rules.split_minor * max(0, len(rows_used) - 1))
        parts["late"] = float(self.late[rows_used].max(initial=0.0))
        whole = {name: round(value) for name, value in parts.items()}
        return Allocation(
            order_id=self.order.order_id,
            lines=tuple(lines),
            cost_minor=sum(whole.values()),
            parts=whole,
            others={
                lane.warehouse_id: round(self.cost((row,))) if self.complete(row) else None
                for row, lane in enumerate(self.lanes)
            },
            method=method,
        )

    def _places(self, some: list[int]) -> tuple[np.ndarray, np.ndarray]:
        prices = self.price[some]
        place = prices.argmin(axis=0)
        return place, prices[place, np.arange(prices.shape[1])]


def cheapest_lanes(
    lanes: Sequence[Lane], late_days: Mapping[tuple[str, str], float], rules: Rules
) -> dict[str, Lane]:
    """Return the cheapest carrier of each warehouse, lateness counted."""
    found: dict[str, Lane] = {}
    for lane in lanes:
        known = found.get(lane.warehouse_id)
        mine = (_parcel(lane, late_days, rules), lane.carrier)
        if known is None or mine < (_parcel(known, late_days, rules), known.carrier):
            found[lane.warehouse_id] = lane
    return found


def _parcel(lane: Lane, late_days: Mapping[tuple[str, str], float] | None, rules: Rules) -> float:
    return lane.parcel_minor + _late(lane, late_days, rules)


def _late(lane: Lane, late_days: Mapping[tuple[str, str], float] | None, rules: Rules) -> float:
    return rules.late_day_minor * (late_days or {}).get((lane.warehouse_id, lane.carrier), 0.0)


def _far(km: float | None) -> float:
    return math.inf if km is None else km
