"""Measure what allocating again every few orders saves, and what its prices are worth at checkout.

    python benchmarks/quality/supply_batches.py [--seeds 5] [--save]

The orders of supply_allocation.py come one by one. Each is allocated at checkout; after every
``every`` orders all orders not yet picked are allocated together (supply/reallocation.py, as the
job does) and picked then. Counted is what is paid at the end: parcels and short lines, above the
bound of all orders at once, which nobody who must answer at once can reach.

    checkout          each order alone, last units a little dearer
    batches           the same, allocated together again before picking
    batches_priced    the same, and the next checkouts count the last batch's prices
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from supply_allocation import MIXES, UNIT, batch

from shopkeeper.learn import report
from shopkeeper.supply import allocation, checkout, reallocation
from shopkeeper.supply.allocation_program import Task
from shopkeeper.supply.schema import Order, Rules, Stock

EVERY = (30, 100)
MIX = "300 orders, 120 products"
RESULT = Path(__file__).parents[1] / "results" / "supply_batches.json"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    runs = []
    for seed in range(args.seeds):
        task = batch(seed, *MIXES[MIX])
        optimum = allocation.batch_milp(task, gap=0.001, seconds=120)
        bound = (optimum.bound_minor or 0.0) / UNIT
        row: dict[str, Any] = {"seed": seed, "bound": round(bound, 1)}
        row["checkout"] = told(stream(task, 0, priced=False), bound)
        for every in EVERY:
            row[f"batches_{every}"] = told(stream(task, every, priced=False), bound)
            row[f"batches_priced_{every}"] = told(stream(task, every, priced=True), bound)
        runs.append(row)
        print(json.dumps(row), flush=True)
    names = [name for name in runs[0] if name not in ("seed", "bound")]
    values = {
        f"{name}.above_bound_percent": np.array([run[name]["above_bound_percent"] for run in runs])
        for name in names
    }
    means, intervals = report.summary(values, 7)
    found = {
        "made_by": f"python benchmarks/quality/supply_batches.py --seeds {args.seeds} --save",
        "machine": f"{platform.machine()}, one core, wall time, shared machine",
        "capability": "supply",
        "protocol": {"name": "batches", "mix": MIX, "seeds": list(range(args.seeds))},
        "mean": means,
        "interval_95": intervals,
        "runs": runs,
    }
    print(json.dumps(means, indent=1))
    if args.save:
        RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def stream(task: Task, every: int, *, priced: bool) -> dict[str, Any]:
    """Return what the orders cost, taken one by one; ``every`` 0: nothing is allocated again."""
    rules = replace(task.rules, scarcity_weight=Rules().scarcity_weight)
    left = dict(task.stock.units)
    open_orders: dict[str, tuple[Order, list[str | None]]] = {}
    paid, moved, slowest = 0.0, 0, 0.0
    prices: dict[tuple[str, str], float] = {}
    items: frozenset[str] = frozenset()
    for number, order in enumerate(task.orders, start=1):
        made = checkout.best(
            order,
            Stock(units=left),
            task.lanes[order.order_id],
            rules,
            None,
            prices if priced and items else None,
            items if priced and items else None,
        )
        places = [line.warehouse_id for line in made.lines]
        take(left, order, places, -1.0)
        open_orders[order.order_id] = (order, places)
        if number == len(task.orders) or (every and number % every == 0):
            started = time.perf_counter()
            if every:
                done = again(task, left, open_orders)
                moved, prices, items = moved + len(done.moves), dict(done.prices), done.items
            slowest = max(slowest, time.perf_counter() - started)
            paid += sum(cost(task, order, places) for order, places in open_orders.values())
            open_orders = {}
    if min(left.values()) < -1e-9:
        raise SystemExit("a unit was sold twice")
    return {"cost": paid / UNIT, "moved": moved, "slowest_batch_s": round(slowest, 2)}


def again(
    task: Task,
    left: dict[tuple[str, str], float],
    open_orders: dict[str, tuple[Order, list[str | None]]],
) -> reallocation.Moves:
    """Allocate the open orders together, carry out what pays, and return what came of it."""
    for order, places in open_orders.values():
        take(left, order, places, 1.0)
    part = replace(
        task,
        orders=[order for order, _ in open_orders.values()],
        stock=Stock(units=left),
        lanes={name: task.lanes[name] for name in open_orders},
    )
    now = {name: places for name, (_, places) in open_orders.items()}
    done = reallocation.improve(part, now, least_minor=UNIT // 20, seconds=20)
    for move in done.moves:
        order, _ = open_orders[move.order_id]
        open_orders[move.order_id] = (order, [line.warehouse_id for line in move.after.lines])
    for order, places in open_orders.values():
        take(left, order, places, -1.0)
    return done


def take(
    left: dict[tuple[str, str], float], order: Order, places: list[str | None], sign: float
) -> None:
    """Take an order's units from the shelves, or put them back."""
    for line, place in zip(order.lines, places, strict=True):
        if place is not None:
            left[place, line.sku] += sign * line.quantity


def cost(task: Task, order: Order, places: list[str | None]) -> float:
    """Return what is paid for an order: its parcels and short lines."""
    made = allocation.judged(task, order, places, "paid")
    return float(made.parts["shipping"] + made.parts["short"])


def told(found: dict[str, Any], bound: float) -> dict[str, Any]:
    """Return a run's figures with its distance to the bound."""
    above = round(100 * (found["cost"] / bound - 1), 3)
    return {**found, "cost": round(found["cost"], 1), "above_bound_percent": above}


if __name__ == "__main__":
    main()
