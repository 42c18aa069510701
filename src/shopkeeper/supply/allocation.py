"""From where many orders ship at once: a mixed-integer program, and the greedy it must beat.

The greedy, the program and the checkout share the rule that a line ships whole from one warehouse
or is short, and every allocation is priced by the same function, so their costs compare.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import allocation_program, checkout
from shopkeeper.supply.allocation_program import Cell, Task
from shopkeeper.supply.schema import AllocatedLine, Allocation, Batch, Order, Stock


def batch_greedy(task: Task, prices: Mapping[Cell, float] | None = None) -> Batch:
    """Return the orders one after another: the cheapest complete warehouse, else a split.

    With ``prices`` (see shadow_prices) each order takes its exact optimum at these prices per
    unit instead.
    """
    started = time.perf_counter()
    check(task)
    left = dict(task.stock.units)
    made = []
    for order in task.orders:
        late = task.late_days.get(order.order_id, {})
        shelf, lanes = Stock(units=left), list(task.ways(order).values())
        if prices is None:
            rules = replace(task.rules, scarcity_weight=0.0)
            distance = {w.warehouse_id: w.parcel_minor + task.late_minor(order, w) for w in lanes}
            found = checkout.nearest(order, shelf, lanes, rules, distance)
        else:
            found = checkout.best(order, shelf, lanes, task.rules, late, prices)
        places = [line.warehouse_id for line in found.lines]
        _take(left, order, places)
        made.append(judged(task, order, places, "greedy"))
    return _batch(made, "greedy", None, started)


def batch_milp(task: Task, *, gap: float = 0.005, seconds: float = 60.0) -> Batch:
    """Return the allocation of least cost over all orders, within ``gap`` of the optimum.

    ``status`` says "optimal" (within the gap), "time_limit" (the solver's best so far) or
    "greedy" (the solver found nothing better in its time). The program takes orders by id, so
    that the same batch gives the same answer in any order.
    """
    started = time.perf_counter()
    check(task)
    if not 0 < seconds <= 3600:
        raise BadInput(
            f"seconds must be above 0, but is {seconds:g}.",
            field="seconds",
            value=seconds,
            allowed="above 0, to 3,600",
        )
    if not task.orders:
        return _batch([], "optimal", 0.0, started)
    program = allocation_program.build(task)
    places, bound, finished = program.solve(gap, seconds)
    greedy = batch_greedy(task)
    if places is None:
        return _batch(greedy.allocations, "greedy", bound, started)
    made = [judged(task, order, places[order.order_id], "milp") for order in task.orders]
    if sum(x.cost_minor for x in made) <= greedy.cost_minor:
        return _batch(made, "optimal" if finished else "time_limit", bound, started)
    return _batch(greedy.allocations, "optimal" if finished else "greedy", bound, started)


def shadow_prices(task: Task) -> dict[Cell, float]:
    """Return what a unit on a shelf is worth to the batch, in minor units; scarce shelves only.

    The duals of the linear relaxation: at least what one more unit saves there, at most what one
    less costs.
    """
    check(task)
    if not task.orders:
        return {}
    return allocation_program.build(task).prices()


def judged(task: Task, order: Order, places: Sequence[str | None], method: str) -> Allocation:
    """Return an order's allocation with its cost counted anew, every method by the same rule."""
    ways = task.ways(order)
    parts = dict.fromkeys(("shipping", "split", "short", "late", "scarcity"), 0.0)
    lines, late = [], 0.0
    for line, place in zip(order.lines, places, strict=True):
        if place is None:
            parts["short"] += task.rules.short_minor
        else:
            shipping, scarce = task.line_minor(ways[place], line.sku, line.quantity)
            parts["shipping"] += shipping
            parts["scarcity"] += scarce
        lines.append(
            AllocatedLine(
                sku=line.sku,
                quantity=line.quantity,
                warehouse_id=place,
                carrier="" if place is None else ways[place].carrier,
            )
        )
    used = sorted({place for place in places if place is not None})
    for place in used:
        parts["shipping"] += ways[place].parcel_minor
        late = max(late, task.late_minor(order, ways[place]))
    parts["split"] = float(task.rules.split_minor * max(0, len(used) - 1))
    parts["late"] = late
    whole = {name: round(value) for name, value in parts.items()}
    return Allocation(
        order_id=order.order_id,
        lines=tuple(lines),
        cost_minor=sum(whole.values()),
        parts=whole,
        method=method,
    )


def check(task: Task) -> None:
    """Refuse what cannot be allocated: an order twice or without ways, units below 0 or NaN."""
    seen: set[str] = set()
    for order in task.orders:
        if order.order_id in seen:
            raise BadInput(
                f"Order {order.order_id} stands twice in the batch.",
                field="order_id",
                value=order.order_id,
            )
        seen.add(order.order_id)
        if order.order_id not in task.lanes:
            raise BadInput(
                f"Order {order.order_id} has no entry in lanes.",
                hint="Give an empty list for an order that nothing reaches.",
                field="lanes",
                value=order.order_id,
            )
        for line in order.lines:
            if not 0 < line.quantity < math.inf:
                raise BadInput(
                    f"{line.sku} of order {order.order_id} asks for {line.quantity:g} units.",
                    field="quantity",
                    value=line.quantity,
                    allowed="above 0",
                )
    for (place, sku), units in task.stock.units.items():
        if not units >= 0:
            raise BadInput(
                f"{sku} at {place} has {units:g} units.",
                field="stock",
                value=units,
                allowed="0 or more",
            )


def oversold(task: Task, allocations: Sequence[Allocation]) -> dict[Cell, float]:
    """Return by how much shelves would be overdrawn; empty when the batch holds."""
    left = dict(task.stock.units)
    for allocation in allocations:
        for line in allocation.lines:
            if line.warehouse_id is not None:
                cell = (line.warehouse_id, line.sku)
                left[cell] = left.get(cell, 0.0) - line.quantity
    return {cell: -units for cell, units in sorted(left.items()) if units < -checkout.EPSILON}


def _take(left: dict[Cell, float], order: Order, places: Sequence[str | None]) -> None:
    for line, place in zip(order.lines, places, strict=True):
        if place is not None:
            left[place, line.sku] -= line.quantity


def _batch(made: Sequence[Allocation], status: str, bound: float | None, started: float) -> Batch:
    total = float(sum(allocation.cost_minor for allocation in made))
    gap = math.inf if bound is None else (total - bound) / total if total > 0 else 0.0
    return Batch(
        allocations=tuple(made),
        cost_minor=total,
        status=status,
        gap=max(0.0, gap),
        bound_minor=bound,
        seconds=time.perf_counter() - started,
    )
