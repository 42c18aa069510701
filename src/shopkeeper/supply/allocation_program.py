"""The mixed-integer program of a batch of orders, and the prices of its scarce units.

    z[o,w]    order o sends a parcel from warehouse w
    x[o,i,w]  its line i ships from w, whole
    u[o,i]    the line is short
    t[o]      order o ships at all (with a cost of splits); l[o] its lateness (with a cost of it)

Minimise sum (parcel + split) z + (units + scarcity) x + short u - split t + l, so that
sum_w x + u = 1, x <= z, t <= sum_w z, late z <= l and sum q x <= stock of every shelf that the
orders together could empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import optimize, sparse

from shopkeeper.supply import checkout
from shopkeeper.supply.schema import Lane, Order, Rules, Stock

Cell = tuple[str, str]  # (warehouse_id, sku)
LateDays = Mapping[str, Mapping[tuple[str, str], float]]
SMALLEST_PRICE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Orders to allocate together, the stock they share, and each order's ways.

    late_days: order_id -> (warehouse_id, carrier) -> expected days beyond the promise.
    """

    orders: Sequence[Order]
    stock: Stock
    lanes: Mapping[str, Sequence[Lane]]
    rules: Rules
    late_days: LateDays = field(default_factory=dict)

    def ways(self, order: Order) -> dict[str, Lane]:
        """Return the cheapest carrier from each warehouse, by warehouse id."""
        late = self.late_days.get(order.order_id, {})
        found = checkout.cheapest_lanes(self.lanes[order.order_id], late, self.rules)
        return dict(sorted(found.items()))

    def late_minor(self, order: Order, lane: Lane) -> float:
        """Return what the expected lateness of a way costs."""
        days = self.late_days.get(order.order_id, {}).get((lane.warehouse_id, lane.carrier), 0.0)
        return self.rules.late_day_minor * days

    def line_minor(self, lane: Lane, sku: str, quantity: float) -> tuple[float, float]:
        """Return (shipping, scarcity) of a line, the shelf as it is before the batch."""
        free = self.stock.at(lane.warehouse_id, sku)
        scarce = checkout.scarcity_minor(free, quantity, lane.parcel_minor)
        return lane.unit_minor * quantity, self.rules.scarcity_weight * scarce


@dataclass(slots=True)
class Program:
    """Columns and rows as they are added; ``solve`` and ``prices`` hand them to HiGHS."""

    cost: list[float] = field(default_factory=list)
    top: list[float] = field(default_factory=list)
    integer: list[int] = field(default_factory=list)
    equal: list[dict[int, float]] = field(default_factory=list)  # each sums to 1
    below: list[tuple[dict[int, float], float]] = field(default_factory=list)
    shelves: dict[Cell, tuple[dict[int, float], float]] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    line_columns: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)

    def column(self, cost: float, top: float = 1.0, *, whole: bool = True) -> int:
        """Add a column between 0 and ``top`` and return its number."""
        self.cost.append(cost)
        self.top.append(top)
        self.integer.append(int(whole))
        return len(self.cost) - 1

    def solve(
        self, gap: float, seconds: float
    ) -> tuple[dict[str, list[str | None]] | None, float | None, bool]:
        """Return (places by order or None, lower bound, whether the gap was reached)."""
        rows, high = self._rows()
        low = np.where(np.arange(len(high)) < len(self.equal), 1.0, -np.inf)
        found = optimize.milp(
            np.array(self.cost),
            constraints=optimize.LinearConstraint(rows, low, high),
            integrality=np.array(self.integer),
            bounds=optimize.Bounds(0.0, np.array(self.top)),
            options={"mip_rel_gap": gap, "time_limit": seconds},
        )
        known = found.mip_dual_bound is not None and np.isfinite(found.mip_dual_bound)
        bound = float(found.mip_dual_bound) if known else None
        if found.x is None:
            return None, bound, False
        return self._places(found.x), bound, found.status == 0

    def prices(self) -> dict[Cell, float]:
        """Return the duals of the shelves in the linear relaxation, per unit, above 0 only."""
        rows, high = self._rows()
        equal = len(self.equal)
        found = optimize.linprog(
            np.array(self.cost),
            A_eq=rows[:equal],
            b_eq=high[:equal],
            A_ub=rows[equal:],
            b_ub=high[equal:],
            bounds=np.column_stack([np.zeros(len(self.top)), self.top]),
            method="highs",
        )
        if found.status != 0:
            raise RuntimeError(f"The linear relaxation of a batch failed: {found.message}")
        duals = -found.ineqlin.marginals[len(self.below) :]
        return {
            cell: float(dual)
            for cell, dual in zip(self.shelves, duals, strict=True)
            if dual > SMALLEST_PRICE
        }

    def _rows(self) -> tuple[sparse.csr_array, np.ndarray]:
        parts = [(row, 1.0) for row in self.equal] + self.below + list(self.shelves.values())
        pairs = [
            (at, col, value) for at, (row, _) in enumerate(parts) for col, value in row.items()
        ]
        at, col, value = (np.array(x) for x in zip(*pairs, strict=True))
        shape = (len(parts), len(self.cost))
        rows = sparse.csr_array((value.astype(float), (at, col)), shape=shape)
        return rows, np.array([high for _, high in parts], dtype=float)

    def _places(self, values: np.ndarray) -> dict[str, list[str | None]]:
        found: dict[str, list[str | None]] = {}
        for order in self.orders:
            found[order.order_id] = [
                next(
                    (
                        place
                        for column, place in self.line_columns[order.order_id, at].items()
                        if values[column] > 0.5
                    ),
                    None,
                )
                for at in range(len(order.lines))
            ]
        return found


def build(task: Task) -> Program:
    """Return the program of a batch; orders sorted by id, so the same task gives the same one."""
    program = Program(orders=sorted(task.orders, key=lambda order: order.order_id))
    asked: dict[Cell, dict[int, float]] = {}
    for order in program.orders:
        _add_order(program, task, order, asked)
    for cell, row in sorted(asked.items()):
        free = task.stock.at(*cell)
        if sum(row.values()) > free + checkout.EPSILON:
            program.shelves[cell] = (row, free)
    return program


def _add_order(
    program: Program, task: Task, order: Order, asked: dict[Cell, dict[int, float]]
) -> None:
    ways, rules = task.ways(order), task.rules
    parcels = {
        place: program.column(lane.parcel_minor + rules.split_minor) for place, lane in ways.items()
    }
    for at, line in enumerate(order.lines):
        row = {program.column(float(rules.short_minor)): 1.0}
        columns: dict[int, str] = {}
        for place, lane in ways.items():
            if task.stock.at(place, line.sku) < line.quantity - checkout.EPSILON:
                continue
            column = program.column(sum(task.line_minor(lane, line.sku, line.quantity)))
            columns[column] = place
            row[column] = 1.0
            program.below.append(({column: 1.0, parcels[place]: -1.0}, 0.0))
            asked.setdefault((place, line.sku), {})[column] = line.quantity
        program.equal.append(row)
        program.line_columns[order.order_id, at] = columns
    if rules.split_minor and parcels:
        ships = program.column(-float(rules.split_minor), whole=False)
        program.below.append(({ships: 1.0, **dict.fromkeys(parcels.values(), -1.0)}, 0.0))
    late = {place: task.late_minor(order, lane) for place, lane in ways.items()}
    if any(late.values()):
        worst = program.column(1.0, max(late.values()), whole=False)
        for place, minor in late.items():
            if minor:
                program.below.append(({parcels[place]: minor, worst: -1.0}, 0.0))
