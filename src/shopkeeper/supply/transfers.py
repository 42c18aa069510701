"""Move units between warehouses before buying new ones: which, how many, from where.

    f[a,b,i]  whole units of product i that go from a to b
    v[a,b]    a vehicle goes from a to b at all (where that has a cost)
    u[b,i]    units still to be bought for b

Minimise sum unit f + fixed v + buy u, so that every shortage is met by transfers or bought, no
warehouse gives more than its excess, and no way carries more than it can. Without fixed costs
and capacities this is a min-cost flow, whose linear program has whole answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from shopkeeper.base.errors import BadInput

Cell = tuple[str, str]  # (warehouse_id, sku)
EPSILON = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Units that a warehouse will lack of a product, what buying one costs, and by when.

    ``buy_minor``: what a bought unit costs more than one that is moved and sold here: its price
    where the excess would never sell, holding and handling where it would.
    """

    warehouse_id: str
    sku: str
    units: int
    buy_minor: float
    within_days: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way between two warehouses. ``fixed_minor`` once if anything goes."""

    from_id: str
    to_id: str
    unit_minor: float
    fixed_minor: float = 0.0
    days: float = 0.0
    most_units: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Units of a product that go from one warehouse to another."""

    from_id: str
    to_id: str
    sku: str
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Transfers, what is bought all the same, and the cost beside buying everything.

    too_late: units of shortage by cell that only ways too slow for them could have met.
    """

    transfers: tuple[Transfer, ...]
    bought: Mapping[Cell, int]
    cost_minor: float
    buy_all_minor: float
    status: str  # "optimal" or "time_limit"
    too_late: Mapping[Cell, int]

    @property
    def saved_minor(self) -> float:
        """What the transfers save against buying everything."""
        return self.buy_all_minor - self.cost_minor


def plan(
    needs: Sequence[Need],
    excess: Mapping[Cell, int],
    ways: Sequence[Way],
    *,
    seconds: float = 30.0,
) -> Plan:
    """Return the cheapest transfers and purchases; buying everything where no way pays.

    Parameters
    ----------
    needs
        Projected shortages, one per warehouse and product.
    excess
        Whole units by (warehouse_id, sku) that may leave: projected stock above what the
        warehouse itself will need.
    """
    _check(needs, excess, ways)
    buy_all = float(sum(need.units * need.buy_minor for need in needs))
    flows = [
        (way, need)
        for way in sorted(ways, key=lambda way: (way.from_id, way.to_id))
        for need in sorted(needs, key=lambda need: (need.warehouse_id, need.sku))
        if way.to_id == need.warehouse_id
        and need.units > 0
        and excess.get((way.from_id, need.sku), 0) > 0
    ]
    fast = [(way, need) for way, need in flows if way.days <= need.within_days]
    moved, status = _solve(fast, needs, excess, seconds) if fast else ([], "optimal")
    left = {(need.warehouse_id, need.sku): need.units for need in needs}
    for transfer in moved:
        left[transfer.to_id, transfer.sku] -= transfer.units
    price = {(need.warehouse_id, need.sku): need.buy_minor for need in needs}
    bought = {cell: units for cell, units in sorted(left.items()) if units > 0}
    cost = _moving(moved, ways) + sum(units * price[cell] for cell, units in bought.items())
    reached = {(need.warehouse_id, need.sku) for _, need in fast}
    slow = {(need.warehouse_id, need.sku) for _, need in flows} - reached
    return Plan(
        transfers=tuple(moved),
        bought=bought,
        cost_minor=cost,
        buy_all_minor=buy_all,
        status=status,
        too_late={cell: units for cell, units in bought.items() if cell in slow},
    )


def _solve(
    flows: Sequence[tuple[Way, Need]],
    needs: Sequence[Need],
    excess: Mapping[Cell, int],
    seconds: float,
) -> tuple[list[Transfer], str]:
    """Return the transfers that save most; a column per flow, then one per way that is used."""
    ways = sorted({(way.from_id, way.to_id): way for way, _ in flows}.items())
    number = {pair: len(flows) + at for at, (pair, _) in enumerate(ways)}
    top = [float(min(need.units, excess[way.from_id, need.sku])) for way, need in flows]
    # A unit moved is a unit not bought, so it earns what buying costs.
    cost = [way.unit_minor - need.buy_minor for way, need in flows]
    cost += [way.fixed_minor for _, way in ways]
    sums: dict[tuple[str, ...], dict[int, float]] = {}
    high: dict[tuple[str, ...], float] = {}
    units = {(need.warehouse_id, need.sku): need.units for need in needs}
    for at, (way, need) in enumerate(flows):
        for name, most in (
            (("to", need.warehouse_id, need.sku), float(units[need.warehouse_id, need.sku])),
            (("from", way.from_id, need.sku), float(excess[way.from_id, need.sku])),
            (("way", way.from_id, way.to_id), way.most_units),
        ):
            if math.isfinite(most):
                sums.setdefault(name, {})[at] = 1.0
                high[name] = most
        if way.fixed_minor > 0:
            uses = ("uses", str(at))
            sums[uses] = {at: 1.0, number[way.from_id, way.to_id]: -top[at]}
            high[uses] = 0.0
    cells = [(row, at, x) for row, name in enumerate(sums) for at, x in sums[name].items()]
    rows, columns, values = (np.array(x) for x in zip(*cells, strict=True))
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(sums), len(cost)))
    found = optimize.milp(
        np.array(cost),
        constraints=optimize.LinearConstraint(matrix, -np.inf, np.array(list(high.values()))),
        integrality=np.ones(len(cost)),
        bounds=optimize.Bounds(0.0, np.array(top + [1.0] * len(ways))),
        options={"time_limit": seconds},
    )
    status = "optimal" if found.status == 0 else "time_limit"
    if found.x is None:
        return [], status
    moved = [
        Transfer(from_id=way.from_id, to_id=way.to_id, sku=need.sku, units=round(found.x[at]))
        for at, (way, need) in enumerate(flows)
        if round(found.x[at]) > 0
    ]
    return moved, status


def _moving(moved: Sequence[Transfer], ways: Sequence[Way]) -> float:
    by_pair = {(way.from_id, way.to_id): way for way in ways}
    used = {(transfer.from_id, transfer.to_id) for transfer in moved}
    units = sum(by_pair[x.from_id, x.to_id].unit_minor * x.units for x in moved)
    return float(units + sum(by_pair[pair].fixed_minor for pair in used))


def _check(needs: Sequence[Need], excess: Mapping[Cell, int], ways: Sequence[Way]) -> None:
    cells = [(need.warehouse_id, need.sku) for need in needs]
    pairs = [(way.from_id, way.to_id) for way in ways]
    for name, keys in (("needs", cells), ("ways", pairs)):
        twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
        if twice:
            raise BadInput(f"{twice[0]} stands twice in {name}.", field=name, value=str(twice[0]))
    for need in needs:
        _number("units", need.units)
        _number("buy_minor", need.buy_minor)
        if excess.get((need.warehouse_id, need.sku), 0) > 0 and need.units > 0:
            raise BadInput(
                f"{need.sku} at {need.warehouse_id} is both short and in excess.",
                hint="Net the two before planning.",
                field="excess",
                value=need.sku,
            )
    for cell, units in excess.items():
        _number(f"excess of {cell[1]} at {cell[0]}", units)
    for way in ways:
        _number("unit_minor", way.unit_minor)
        _number("fixed_minor", way.fixed_minor)
        if way.from_id == way.to_id:
            raise BadInput(f"A way leads from {way.from_id} to itself.", field="ways")


def _number(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise BadInput(
            f"{name} must be a number, 0 or more, but is {value}.",
            field=name,
            value=value,
            allowed="0 or more",
        )
