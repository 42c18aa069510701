"""Which orders should ship from elsewhere after all, though they were promised one by one.

At checkout each order took what was best for it alone. Here the orders not yet picked are allocated
together (allocation.batch_milp), and of the differences only groups that pay are kept: orders
that change shelves with one another move together or not at all. No order gets a later day than it
was promised, unless its own units are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.supply import allocation, promise
from shopkeeper.supply.allocation_program import Cell, Task
from shopkeeper.supply.schema import Allocation, Lane, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An order that ships otherwise than before; ``saved_minor`` may be below 0 in a group."""

    order_id: str
    before: Allocation
    after: Allocation
    forced: bool  # its units were not there any more

    @property
    def saved_minor(self) -> int:
        """What this order alone costs less."""
        return self.before.cost_minor - self.after.cost_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What a batch came to: moves that pay, prices of scarce units, and how the solver ended."""

    moves: tuple[Move, ...]
    prices: Mapping[Cell, float]
    items: frozenset[str]
    status: str
    gap: float
    before_minor: int
    after_minor: int
    seconds: float


def improve(
    task: Task,
    places: Mapping[str, Sequence[str | None]],
    *,
    keeps: Callable[[Order, Allocation], bool] = lambda order, made: True,
    least_minor: int = 50,
    gap: float = 0.005,
    seconds: float = 20.0,
) -> Moves:
    """Return the moves that pay ``least_minor`` or more per order moved.

    ``keeps`` says whether an order's promise holds with an allocation; a group with an order of
    which it does not hold stays, unless units are gone. ``places``: order_id -> where each line
    ships from now, in order of the lines. ``task.stock`` holds the units free to all of these
    orders together, their own holds included.
    """
    now = {o.order_id: allocation.judged(task, o, places[o.order_id], "now") for o in task.orders}
    lost = _without_units(task, now)
    made = allocation.batch_milp(task, gap=gap, seconds=seconds)
    after = {one.order_id: one for one in made.allocations}
    changed = [o for o in task.orders if _ships(now[o.order_id]) != _ships(after[o.order_id])]
    kept: list[Move] = []
    for group in _groups(changed, now, after):
        some = [
            Move(
                order_id=o.order_id,
                before=now[o.order_id],
                after=after[o.order_id],
                forced=o.order_id in lost,
            )
            for o in group
        ]
        pays = sum(move.saved_minor for move in some) >= least_minor * len(some)
        holds = all(keeps(o, after[o.order_id]) for o in group)
        if (pays and holds) or any(move.forced for move in some):
            kept += some
    saved = sum(move.saved_minor for move in kept)
    before = sum(one.cost_minor for one in now.values())
    return Moves(
        moves=tuple(kept),
        prices=allocation.shadow_prices(task),
        items=frozenset(line.sku for o in task.orders for line in o.lines),
        status=made.status,
        gap=made.gap,
        before_minor=before,
        after_minor=before - saved,
        seconds=made.seconds,
    )


def in_time(
    order: Order, lanes: Sequence[Lane], level: float, now_us: int, own: frozenset[str]
) -> list[Lane]:
    """Return the ways that keep an order's promise; those it has now (``own``) stay anyhow.

    An order without a promise may take every way.
    """
    if order.promised_us is None:
        return list(lanes)
    kept = []
    for lane in lanes:
        made = None
        if lane.lead_time is not None:
            made = promise.promise(order.order_id, now_us, [lane.lead_time], level)
        keeps = made is not None and made.arrive_by_us <= order.promised_us
        if keeps or f"{lane.warehouse_id}/{lane.carrier}" in own:
            kept.append(lane)
    return kept


def late_days(order: Order, lanes: Sequence[Lane], now_us: int) -> dict[tuple[str, str], float]:
    """Return the expected days beyond an order's promise if it left by each way now."""
    if order.promised_us is None:
        return {}
    left = order.promised_us // DAY_US - now_us // DAY_US
    return {
        (lane.warehouse_id, lane.carrier): float(
            np.maximum(0.0, lane.lead_time.days - left) @ lane.lead_time.probability
        )
        for lane in lanes
        if lane.lead_time is not None
    }


def _without_units(task: Task, now: Mapping[str, Allocation]) -> set[str]:
    """Return the orders that hold units of a shelf on which there are fewer than are held."""
    short = set(allocation.oversold(task, list(now.values())))
    return {
        one.order_id
        for one in now.values()
        if any((line.warehouse_id or "", line.sku) in short for line in one.lines)
    }


def _ships(one: Allocation) -> list[tuple[str | None, str]]:
    return [(line.warehouse_id, line.carrier) for line in one.lines]


def _groups(
    changed: Sequence[Order], now: Mapping[str, Allocation], after: Mapping[str, Allocation]
) -> list[list[Order]]:
    """Return the changed orders in groups that share a shelf they leave or go to."""
    group = {order.order_id: n for n, order in enumerate(changed)}
    first: dict[Cell, int] = {}
    for order in changed:
        for one in (now[order.order_id], after[order.order_id]):
            for line in one.lines:
                if line.warehouse_id is None:
                    continue
                mine = group[order.order_id]
                other = first.setdefault((line.warehouse_id, line.sku), mine)
                other = _root(group, changed, other)
                if other != mine:
                    group = {k: (other if g == mine else g) for k, g in group.items()}
    found: dict[int, list[Order]] = {}
    for order in changed:
        found.setdefault(group[order.order_id], []).append(order)
    return list(found.values())


def _root(group: Mapping[str, int], changed: Sequence[Order], number: int) -> int:
    """Return the group that the order with this number belongs to by now."""
    return group[changed[number].order_id]


def no_scarcity(task: Task) -> Task:
    """Return the task without the checkout's guess of scarcity: the batch knows the orders."""
    return replace(task, rules=replace(task.rules, scarcity_weight=0.0))
