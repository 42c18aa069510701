"""Measure routes on public VRPLIB instances beside bare PyVRP, OR-Tools and a greedy.

    python benchmarks/quality/supply_routing.py --data FOLDER --set cvrp|vrptw [--seconds 60]
        [--seeds 1,2,3] [--only NAME,NAME] [--peers pyvrp,ortools] [--clock processor]
        [--runs FILE.jsonl]

FOLDER holds routing/CVRP and routing/VRPTW with ``.vrp`` and ``.sol`` files; what is missing is
named and skipped. OR-Tools is measured only where it is installed; it is no dependency and
draws nothing, so it runs once whatever the seeds. Seconds are processor time by default, so that
other work on the machine does not shorten the search. With --runs each finished run is written
down at once, and an interrupted call goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import time
from pathlib import Path
from typing import Any

from shopkeeper.supply.evaluate_routes import Routes, Run, Solver, evaluate_routes
from shopkeeper.supply.routing_vrplib import Instance

RESULTS = Path(__file__).parents[1] / "results"
SEEDLESS = ("ortools",)
FOLDERS = {"cvrp": ("CVRP", 500), "vrptw": ("VRPTW", 10_000)}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--set", choices=list(FOLDERS), default="cvrp")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, help="Take every n-th instance by size.")
    parser.add_argument("--peers", default="pyvrp,ortools")
    parser.add_argument("--clock", choices=["processor", "wall"], default="processor")
    parser.add_argument("--name", default="")
    parser.add_argument("--runs", type=Path, default=None)
    args = parser.parse_args()
    folder, most = FOLDERS[args.set]
    place = args.data / "routing" / folder
    if not place.is_dir():
        print(f"missing: {place}; skipped")
        return
    paths = chosen(place, most, args.only, args.every)
    clock = time.process_time if args.clock == "processor" else time.perf_counter
    peers: dict[str, Solver] = {}
    for name in filter(None, args.peers.split(",")):
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed; left out")
            continue
        make = {"pyvrp": bare_pyvrp, "ortools": or_tools}[name]
        peers[name] = make(args.seconds, clock)
    started = time.perf_counter()
    found = evaluate_routes(
        paths,
        seconds=args.seconds,
        seeds=[int(seed) for seed in args.seeds.split(",")],
        clock=clock,
        peers=peers,
        seedless=SEEDLESS,
        known=kept(args.runs, args.seconds, args.clock),
        on_run=lambda run: keep(args.runs, {**run, "limit": args.seconds, "clock": args.clock}),
        say=lambda line: print(line, flush=True),
    )
    found = {
        "made_by": f"python benchmarks/quality/supply_routing.py --data FOLDER --set {args.set}"
        f" --seconds {args.seconds:g} --seeds {args.seeds} --every {args.every}"
        f" --peers {args.peers}" + (f" --only {args.only}" if args.only else ""),
        "machine": f"{platform.machine()}, one core, processor time, shared machine",
        "wall_seconds": round(time.perf_counter() - started),
        **found,
    }
    target = RESULTS / f"{args.name or f'supply_{args.set}'}.json"
    target.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, model in found["models"].items():
        print(name, model["metrics"], model["interval_95"].get("gap_to_best_known_percent"))


def kept(file: Path | None, seconds: float, clock: str) -> list[Run]:
    """Return the runs of earlier calls that had the same seconds by the same clock."""
    if file is None or not file.exists():
        return []
    found = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return [run for run in found if (run.pop("limit"), run.pop("clock")) == (seconds, clock)]


def keep(file: Path | None, run: Run) -> None:
    """Write a run down."""
    if file is not None:
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(run) + "\n")


def chosen(place: Path, most: int, only: str, every: int) -> list[Path]:
    """Return the instances asked for, by size then name."""
    names = set(filter(None, only.split(",")))
    found = []
    for path in sorted(place.glob("*.vrp")):
        size = next(
            int(line.split(":")[1])
            for line in path.read_text("utf-8").splitlines()
            if line.startswith("DIMENSION")
        )
        if size <= most + 1 and (not names or path.stem in names):
            found.append((size, path.name, path))
    return [path for _, _, path in sorted(found)][::every]


def bare_pyvrp(seconds: float, clock: Any) -> Solver:
    """Return PyVRP as its documentation calls it, with its own reader."""
    import pyvrp

    def solve(instance: Instance, path: Path, seed: int) -> Routes:
        ends = clock() + seconds
        data = pyvrp.read(path, round_func=instance.rounding)
        result = pyvrp.solve(
            data, lambda _best: clock() > ends, seed=seed, collect_stats=False, display=False
        )
        return [
            [visit.idx + 1 for visit in route if visit.is_client()]
            for route in result.best.routes()
        ]

    return solve


def or_tools(seconds: float, clock: Any) -> Solver:
    """Return OR-Tools' routing: parallel cheapest insertion, then guided local search."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    def solve(instance: Instance, _path: Path, _seed: int) -> Routes:
        size = len(instance.demand)
        manager = pywrapcp.RoutingIndexManager(size, instance.vehicles, 0)
        model = pywrapcp.RoutingModel(manager)
        matrix = instance.distance.tolist()
        transit = model.RegisterTransitMatrix(matrix)
        model.SetArcCostEvaluatorOfAllVehicles(transit)
        load = model.RegisterUnaryTransitVector(instance.demand.tolist())
        model.AddDimension(load, 0, instance.capacity, True, "load")
        if instance.windows is not None:
            taken = (instance.distance + instance.service[:, None]).tolist()
            times = model.RegisterTransitMatrix(taken)
            horizon = int(instance.windows[:, 1].max())
            model.AddDimension(times, horizon, horizon, False, "time")
            dimension = model.GetDimensionOrDie("time")
            for node in range(1, size):
                low, high = (int(x) for x in instance.windows[node])
                dimension.CumulVar(manager.NodeToIndex(node)).SetRange(low, high)
        options = pywrapcp.DefaultRoutingSearchParameters()
        first = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        options.first_solution_strategy = first
        guided = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        options.local_search_metaheuristic = guided
        ends = clock() + seconds
        model.AddSearchMonitor(model.solver().CustomLimit(lambda: clock() > ends))
        found = model.SolveWithParameters(options)
        routes: Routes = []
        if found is None:
            return routes
        for vehicle in range(instance.vehicles):
            at, route = model.Start(vehicle), []
            while not model.IsEnd(at):
                route.append(manager.IndexToNode(at))
                at = found.Value(model.NextVar(at))
            if len(route) > 1:
                routes.append(route[1:])
        return routes

    return solve


if __name__ == "__main__":
    main()
