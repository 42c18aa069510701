"""Measure the allocation of many orders: one after another by three rules, and all at once.

    python benchmarks/quality/supply_allocation.py [--seeds 5] [--seconds 60] [--save]
    python benchmarks/quality/supply_allocation.py --rules    # only the rules, bounds as saved

Orders are generated (seeded): 1 to 4 products of one quantity, 1 or 2, parcels 4 to 12 a
warehouse, 60 a line that nobody ships. What the program saves hangs on how scarce the shelves are,
so three mixes are measured; the first is the recipe of the golden test, the second the same stock
per order at 1,000 orders. "Above optimum" is against the bound of a run without a gap. Counted is
what is paid: parcels and short lines; what scarcity is worth to a rule is no cost.

    greedy         nearest (cheapest) complete warehouse, else the cheapest split
    checkout       what the shop does at checkout: the exact best of one order, last units dearer
    greedy_priced  the same at the batch's shadow prices
    milp           all orders at once
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

from shopkeeper.learn import report
from shopkeeper.supply import allocation, checkout
from shopkeeper.supply.schema import Batch, Lane, Line, Order, Rules, Stock

UNIT = 10_000
WAREHOUSES = 4
MIXES = {  # orders, products, mean units per shelf
    "300 orders, 120 products": (300, 120, 6.0),
    "1,000 orders, 400 products, the same scarcity": (1000, 400, 6.0),
    "1,000 orders, 120 products, shelves fuller": (1000, 120, 20.0),
}
RESULT = Path(__file__).parents[1] / "results" / "supply_allocation.json"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--rules", action="store_true", help="Measure the rules on saved bounds.")
    args = parser.parse_args()
    if args.rules:
        rules_again()
        return
    found: dict[str, Any] = {
        "made_by": f"python benchmarks/quality/supply_allocation.py --seeds {args.seeds}"
        f" --seconds {args.seconds:g} --save",
        "machine": f"{platform.machine()}, one core, wall time, shared machine",
        "capability": "supply",
        "protocol": {"name": "allocation", "seeds": list(range(args.seeds)), "gap_asked": 0.005},
        "mixes": {},
    }
    for name, (orders, products, mean) in MIXES.items():
        runs = []
        for seed in range(args.seeds):
            runs.append(one(batch(seed, orders, products, mean), seed, args.seconds))
            print(name, runs[-1], flush=True)
        found["mixes"][name] = {**summary(runs), "runs": runs}
        print(name, json.dumps(found["mixes"][name]["mean"]), flush=True)
    if args.save:
        RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def batch(seed: int, orders: int, products: int, mean: float) -> allocation.Task:
    """Return a generated batch: stock, then orders, then what parcels cost."""
    rng = np.random.default_rng(seed)
    units = rng.poisson(mean, (WAREHOUSES, products))
    made = []
    for number in range(orders):
        count = rng.integers(1, 5)
        items = rng.choice(products, count, replace=False)
        quantity = float(rng.integers(1, 3))
        lines = tuple(Line(sku=str(item), quantity=quantity) for item in items)
        made.append(Order(order_id=f"{number:05d}", lines=lines))
    ship = rng.uniform(4, 12, (orders, WAREHOUSES))
    return allocation.Task(
        orders=made,
        stock=Stock(
            units={
                (f"w{w}", str(i)): float(units[w, i]) for w, i in np.ndindex(WAREHOUSES, products)
            }
        ),
        lanes={
            order.order_id: [
                Lane(warehouse_id=f"w{w}", parcel_minor=round(UNIT * ship[n, w]))
                for w in range(WAREHOUSES)
            ]
            for n, order in enumerate(made)
        },
        rules=Rules(short_minor=60 * UNIT, scarcity_weight=0.0),
    )


def one(task: allocation.Task, seed: int, seconds: float) -> dict[str, Any]:
    """Return costs, times and the slowest single order of every method on one batch."""
    optimum = allocation.batch_milp(task, gap=0.0, seconds=seconds)
    bound = (optimum.bound_minor or 0.0) / UNIT
    started = time.perf_counter()
    prices = allocation.shadow_prices(task)
    row: dict[str, Any] = {
        "seed": seed,
        "bound": round(bound, 1),
        "scarce_shelves": len(prices),
        "pricing_seconds": round(time.perf_counter() - started, 3),
        "checkout_ms_max": round(slowest_ms(task), 2),
        **by_rules(task, prices, bound),
        "milp": told(task, allocation.batch_milp(task, seconds=seconds), bound),
        "milp_no_gap": told(task, optimum, bound),
    }
    row["saved_percent"] = round(100 * (1 - row["milp"]["cost"] / row["greedy"]["cost"]), 3)
    return row


def rules_again() -> None:
    """Measure the rules anew, against the bounds of the saved run."""
    found = json.loads(RESULT.read_text("utf-8"))
    for name, size in MIXES.items():
        runs = found["mixes"][name]["runs"]
        for run in runs:
            task = batch(run["seed"], *size)
            run.update(by_rules(task, allocation.shadow_prices(task), run["bound"]))
        found["mixes"][name] = {**summary(runs), "runs": runs}
        print(name, json.dumps(found["mixes"][name]["mean"]), flush=True)
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


def by_rules(
    task: allocation.Task, prices: dict[tuple[str, str], float], bound: float
) -> dict[str, Any]:
    """Return what taking one order after another costs, by each rule."""
    usual = replace(task.rules, scarcity_weight=Rules().scarcity_weight)
    return {
        "greedy": told(task, allocation.batch_greedy(task), bound),
        "checkout": told(task, at_checkout(replace(task, rules=usual)), bound),
        "greedy_priced": told(task, allocation.batch_greedy(task, prices), bound),
    }


def told(task: allocation.Task, made: Batch, bound: float) -> dict[str, Any]:
    """Return cost, distance to the bound and time of one method."""
    if allocation.oversold(task, made.allocations):
        raise SystemExit("a method oversold")
    cost = sum(x.parts["shipping"] + x.parts["short"] for x in made.allocations) / UNIT
    return {
        "cost": round(cost, 1),
        "above_optimum_percent": round(100 * (cost / bound - 1), 4),
        "short_lines": sum(len(x.short) for x in made.allocations),
        "status": made.status,
        "seconds": round(made.seconds, 3),
    }


def at_checkout(task: allocation.Task) -> Batch:
    """Return the orders one after another as the live checkout takes them."""
    started = time.perf_counter()
    left = dict(task.stock.units)
    made = []
    for order in task.orders:
        ways = task.lanes[order.order_id]
        found = checkout.best(order, Stock(units=left), ways, task.rules)
        for line in found.lines:
            if line.warehouse_id is not None:
                left[line.warehouse_id, line.sku] -= line.quantity
        made.append(found)
    return Batch(
        allocations=tuple(made),
        cost_minor=float(sum(x.cost_minor for x in made)),
        status="greedy",
        gap=0.0,
        bound_minor=None,
        seconds=time.perf_counter() - started,
    )


def slowest_ms(task: allocation.Task) -> float:
    """Return the longest that a single order took at checkout, the shelves full."""
    worst = 0.0
    for order in task.orders:
        started = time.perf_counter()
        checkout.best(order, task.stock, task.lanes[order.order_id], task.rules)
        worst = max(worst, time.perf_counter() - started)
    return 1000 * worst


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means over seeds, with intervals of what is claimed."""
    values = {"saved_percent": np.array([run["saved_percent"] for run in runs])}
    for name in ("greedy", "checkout", "greedy_priced", "milp"):
        for metric in ("above_optimum_percent", "seconds"):
            values[f"{name}.{metric}"] = np.array([run[name][metric] for run in runs])
    means, intervals = report.summary(values, 7)
    return {"mean": means, "interval_95": intervals}


if __name__ == "__main__":
    main()
