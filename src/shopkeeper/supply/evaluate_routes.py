"""Routes on VRPLIB files: one run per instance and seed, each answer checked from the file.

The solver's own word for feasible and cost is not taken: visits, load, windows and distance are
counted again from the instance. Nothing is learned, so there is nothing to choose on validation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.learn import report
from shopkeeper.supply import evaluate, routing, routing_vrplib
from shopkeeper.supply.evaluate import Say
from shopkeeper.supply.routing_vrplib import Instance

MODEL, BASELINE = "shopkeeper", "nearest_neighbour"
Routes = list[list[int]]
Solver = Callable[[Instance, Path, int], Routes]
Run = Mapping[str, Any]


def evaluate_routes(
    paths: Sequence[Path],
    *,
    seconds: float,
    rounding: str | None = None,
    seeds: Sequence[int] = (1,),
    clock: Callable[[], float] = time.perf_counter,
    peers: Mapping[str, Solver] | None = None,
    seedless: Collection[str] = (),
    known: Collection[Run] = (),
    on_run: Callable[[Run], None] = lambda _: None,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Return the printed object: gap to the best known, feasibility, routes, per model and run.

    Parameters
    ----------
    seconds
        For each run, by ``clock``: wall time, or processor time on a machine that others use.
    peers
        Other solvers by name, for benchmarks.
    seedless
        Peers that draw nothing: they run once, with the first seed.
    known, on_run
        Runs of an earlier, interrupted call, not run again; and who is told of each new one.
    """
    instances = [(path, routing_vrplib.read(path, rounding)) for path in expanded(paths)]
    best_known = {path: _best_known(path) for path, _ in instances}
    solvers: dict[str, Solver] = {
        BASELINE: lambda instance, _path, _seed: nearest_neighbour(instance),
        **(peers or {}),
        MODEL: lambda instance, _path, seed: _ours(instance, seconds, seed, clock),
    }
    runs: list[Run] = []
    memory: dict[str, float] = {}
    old = {(run["model"], run["instance"], run["seed"]): run for run in known}
    for name, solver in solvers.items():
        for path, instance in instances:
            for seed in seeds[:1] if name in (BASELINE, *seedless) else seeds:
                run = old.get((name, instance.name, seed))
                if run is None:
                    with report.measured() as cost:
                        started = clock()
                        routes = solver(instance, path, seed)
                        taken = clock() - started
                    judged = _judged(name, instance, seed, routes, best_known[path], taken)
                    run = {**judged, "peak_memory_mb": round(cost.peak_memory_mb, 1)}
                    on_run(run)
                memory[name] = max(memory.get(name, 0.0), run["peak_memory_mb"])
                runs.append(run)
                say(_line(run))
    return _printed(instances, runs, memory, seconds, seeds, clock)


def expanded(paths: Sequence[Path]) -> list[Path]:
    """Return the ``.vrp`` files: a folder stands for those in it; ``.sol`` files go along."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.vrp"))
            if not inside:
                raise BadInput(f"{path} has no .vrp file.", field="routes", value=str(path))
            found += inside
        elif path.suffix != ".sol":
            found.append(path)
    if not found:
        raise BadInput(
            "--routes names no .vrp file.",
            hint="A .sol file of the same name beside it gives the best known cost.",
            field="routes",
        )
    return found


def nearest_neighbour(instance: Instance) -> Routes:
    """Return routes that always go on to the nearest stop that still fits, then home."""
    distance, demand, windows = instance.distance, instance.demand, instance.windows
    waiting = np.ones(len(demand), dtype=bool)
    waiting[0] = False
    routes: Routes = []
    while waiting.any():
        route: list[int] = []
        at, load, now = 0, 0, 0 if windows is None else int(windows[0, 0])
        while True:
            fits = waiting & (demand + load <= instance.capacity)
            reach = distance[at].astype(float)
            if windows is not None:
                start = np.maximum(now + distance[at], windows[:, 0])
                fits &= start <= windows[:, 1]
                fits &= start + instance.service + distance[:, 0] <= windows[0, 1]
                reach = start - now + 0.001 * distance[at]
            if not fits.any():
                break
            nxt = int(np.argmin(np.where(fits, reach, np.inf)))
            if windows is not None:
                now = int(max(now + distance[at, nxt], windows[nxt, 0]) + instance.service[nxt])
            route.append(nxt)
            load += int(demand[nxt])
            waiting[nxt] = False
            at = nxt
        if not route:
            break  # what is left fits in no vehicle of its own
        routes.append(route)
    return routes


def _ours(instance: Instance, seconds: float, seed: int, clock: Callable[[], float]) -> Routes:
    problem = routing_vrplib.problem_of(instance)
    plan = routing.solve(problem, seconds=seconds, seed=seed, clock=clock)
    return [[int(stop_id) for stop_id in route.stop_ids] for route in plan.routes]


def _best_known(path: Path) -> float | None:
    solution = path.with_suffix(".sol")
    return routing_vrplib.read_solution(solution).cost if solution.exists() else None


def _judged(
    name: str,
    instance: Instance,
    seed: int,
    routes: Routes,
    best: float | None,
    seconds: float,
) -> dict[str, Any]:
    faults = routing_vrplib.faults(instance, routes)
    cost = routing_vrplib.cost_of(instance, routes)
    return {
        "model": name,
        "instance": instance.name,
        "clients": instance.clients,
        "seed": seed,
        "cost": cost,
        "best_known": best,
        "gap_percent": None if best is None or faults else round(100 * (cost / best - 1), 4),
        "feasible": not faults,
        "faults": faults[:5],
        "routes": len(routes),
        "seconds": round(seconds, 2),
    }


def _printed(
    instances: Sequence[tuple[Path, Instance]],
    runs: Sequence[Run],
    memory: Mapping[str, float],
    seconds: float,
    seeds: Sequence[int],
    clock: Callable[[], float],
) -> dict[str, Any]:
    base = {run["instance"]: run["cost"] for run in runs if run["model"] == BASELINE}
    per = {name: _per_instance([r for r in runs if r["model"] == name], base) for name in memory}
    models = {
        name: evaluate.model_entry(values, seed=7, peak_memory_mb=memory[name])
        for name, values in per.items()
    }
    return {
        "capability": "supply",
        "data": {
            "rows": len(instances),
            "stops": sum(instance.clients for _, instance in instances),
            "with_best_known": sum(path.with_suffix(".sol").exists() for path, _ in instances),
            "sha256": {instance.name: instance.sha256 for _, instance in instances},
        },
        "protocol": {
            "name": "routes",
            "seconds": seconds,
            "clock": "processor" if clock is time.process_time else "wall",
            "seeds": list(seeds),
            "rounding": {instance.name: instance.rounding for _, instance in instances},
            "checked": "visits, load, windows, vehicles and cost from the file",
            "champion_by": "fixed beforehand; nothing is learned",
        },
        "models": models,
        "runs": list(runs),
        "champion": MODEL,
        "baseline": BASELINE,
    }


def _per_instance(runs: Sequence[Run], base: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return values per instance, the mean over seeds; seeds of one instance are no new data."""
    mine: dict[str, list[Run]] = {}
    for run in runs:
        mine.setdefault(run["instance"], []).append(run)

    def each(value: Callable[[Run], float]) -> np.ndarray:
        return np.array([np.mean([value(run) for run in some]) for some in mine.values()])

    return {
        "gap_to_best_known_percent": each(
            lambda run: np.nan if run["gap_percent"] is None else run["gap_percent"]
        ),
        "feasible": each(lambda run: float(run["feasible"])),
        "routes": each(lambda run: float(run["routes"])),
        "cost": each(lambda run: run["cost"]),
        "against_baseline_percent": each(
            lambda run: 100 * (run["cost"] / base[run["instance"]] - 1)
        ),
        "seconds": each(lambda run: run["seconds"]),
    }


def _line(run: Run) -> str:
    gap = "no .sol" if run["best_known"] is None else f"gap {run['gap_percent']} %"
    state = gap if run["feasible"] else f"infeasible: {run['faults'][0]}"
    return f"  {run['model']:<18} {run['instance']:<14} seed {run['seed']}  {state}"
