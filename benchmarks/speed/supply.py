"""Measure what the routing wrapper adds to bare PyVRP, and how fast a shop's day is planned.

    python benchmarks/speed/supply.py [--data FOLDER] [--save] [--iterations 1500] [--pairs 8]

Overhead: the same instance, seed and iterations through our ``solve`` and ``pyvrp.solve``, in
turns, processor time; both must end with the same cost. Where other work makes that too noisy, the
parts say it: what our calls cost in each iteration, and what is done outside the search. FOLDER
holds routing/CVRP; where it is missing only the day is measured. The day: 200 stops with hours,
4 vans, 2 depots, generated.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
RESULTS = HERE.parents[1] / "results"
sys.path.insert(0, str(HERE.parents[2] / "tests" / "supply"))

from days import city  # noqa: E402

from shopkeeper.supply import routing, routing_vrplib  # noqa: E402
from shopkeeper.supply.routing_schema import Progress  # noqa: E402

INSTANCES = ("X-n200-k36", "X-n303-k21")
DAYS, DAY_SECONDS = (7, 8, 9), 20.0
MARKS = (1.0, 2.0, 5.0, 10.0, DAY_SECONDS)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--iterations", type=int, default=1500)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    place = args.data / "routing" / "CVRP"
    overhead = {}
    for name in INSTANCES:
        path = place / f"{name}.vrp"
        if not path.exists():
            print(f"missing: {path}; skipped")
            continue
        overhead[name] = added(path, args.iterations, args.pairs)
        print(name, overhead[name])
    days = [planned(seed) for seed in DAYS]
    for day in days:
        print(day)
    printed = {
        "made_by": "python benchmarks/speed/supply.py --data FOLDER --save",
        "machine": f"{platform.machine()}, one core, processor time, shared machine",
        "load": list(os.getloadavg()),
        "overhead": overhead,
        "day": {"stops": 200, "vans": 4, "depots": 2, "clock": "processor", "runs": days},
    }
    if args.save:
        text = json.dumps(printed, indent=1) + "\n"
        (RESULTS / "supply_speed.json").write_text(text, "utf-8")


def added(path: Path, iterations: int, pairs: int) -> dict[str, Any]:
    """Return the share of time that our wrapper adds, from pairs of runs in turns."""
    ours, bare, costs = [], [], set()
    for pair in range(pairs):
        seed = pair // 2 + 1
        for first in (True, False) if pair % 2 else (False, True):
            started = time.process_time()
            cost = _wrapped(path, iterations, seed) if first else _bare(path, iterations, seed)
            (ours if first else bare).append(time.process_time() - started)
            costs.add((seed, cost))
    ratio = np.array(ours) / np.array(bare) - 1
    rng = np.random.default_rng(7)
    drawn = np.median(rng.choice(ratio, (2000, len(ratio))), axis=1)
    outside, calls = _outside(path), _calls()
    per_iteration = 1e6 * float(np.median(bare)) / iterations
    return {
        "iterations": iterations,
        "pairs": pairs,
        "same_cost": len(costs) == len({seed for seed, _ in costs}),
        "bare_seconds": round(float(np.median(bare)), 3),
        "added_percent": round(100 * float(np.median(ratio)), 2),
        "interval_95": [round(100 * float(q), 2) for q in np.quantile(drawn, (0.025, 0.975))],
        "outside_search_ms": outside,
        "our_calls_us": round(calls, 2),
        "iteration_us": round(per_iteration, 1),
        "of_60_s_percent": round(100 * (calls / per_iteration + outside / 60_000), 3),
    }


def _wrapped(path: Path, iterations: int, seed: int) -> int:
    problem = routing_vrplib.problem_of(routing_vrplib.read(path, "round"))
    plan = routing.solve(problem, seconds=1e6, seed=seed, max_iterations=iterations)
    return int(plan.distance_m)


def _bare(path: Path, iterations: int, seed: int) -> int:
    import pyvrp
    from pyvrp.stop import MaxIterations

    data = pyvrp.read(path, round_func="round")
    found = pyvrp.solve(
        data, MaxIterations(iterations), seed=seed, collect_stats=False, display=False
    )
    return int(found.best.distance())


def _outside(path: Path) -> float:
    """Return milliseconds of our ``solve`` beside the search: with one iteration alone."""
    problem = routing_vrplib.problem_of(routing_vrplib.read(path, "round"))
    taken = []
    for _ in range(5):
        started = time.process_time()
        routing.solve(problem, seconds=1e6, seed=1, max_iterations=1)
        taken.append(time.process_time() - started)
    return round(1000 * float(np.median(taken)), 1)


def _calls(repeats: int = 200_000) -> float:
    """Return microseconds of our part in each iteration: asked whether to stop, and told of it."""
    run = routing._Run(  # the watch of a search that never starts
        day=None,  # type: ignore[arg-type]
        built=None,  # type: ignore[arg-type]
        started=0.0,
        clock=time.perf_counter,
        ends=1e18,
        stop=None,
        on_progress=None,
        max_iterations=None,
    )
    watch = routing._Watch(run)
    none: Any = None
    started = time.process_time()
    for _ in range(repeats):
        run(1.0)
        watch.on_iteration(none, none, none, none)
    return 1e6 * (time.process_time() - started) / repeats


def planned(seed: int) -> dict[str, Any]:
    """Return when a day had its first feasible plan, and how its cost fell."""
    seen: list[tuple[float, float]] = []

    def note(progress: Progress) -> None:
        seen.append((progress.seconds, progress.cost_minor))

    plan = routing.solve(
        city(seed), seconds=DAY_SECONDS, seed=1, clock=time.process_time, on_progress=note
    )
    best = seen[-1][1]
    above = {}
    for mark in MARKS:
        by_then = [cost for seconds, cost in seen if seconds <= mark]
        above[f"{mark:g}"] = round(100 * (by_then[-1] / best - 1), 3) if by_then else None
    return {
        "seed": seed,
        "first_feasible_s": round(plan.first_feasible_s or float("nan"), 3),
        "above_best_percent_at_s": above,
        "dropped": len(plan.dropped),
        "iterations": plan.iterations,
    }


if __name__ == "__main__":
    main()
