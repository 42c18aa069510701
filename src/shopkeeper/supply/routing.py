"""Which vehicle visits which stop, in what order: search with PyVRP, explain what is left out.

``solve`` always answers with a plan: the best found when its time is over or somebody says stop,
and for every stop that is not in it the reason. It knows nothing of orders or tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyvrp
from pyvrp.IteratedLocalSearch import IteratedLocalSearchCallbacks, IteratedLocalSearchParams
from pyvrp.PenaltyManager import PenaltyParams

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import dropped, routing_model, routing_schedule
from shopkeeper.supply.routing_check import check
from shopkeeper.supply.routing_greedy import complete
from shopkeeper.supply.routing_model import Built
from shopkeeper.supply.routing_schedule import Day
from shopkeeper.supply.routing_schema import Dropped, Problem, Progress, RoutePlan, Vehicle, Visit

Report = Callable[[Progress], None]

_FORCE_SHARE = 0.25  # of the time, until a day that must hold all its stops is given up


@dataclass(slots=True)
class _Run:
    """One search: its clock, its best, and who wants to know."""

    day: Day
    built: Built
    started: float
    clock: Callable[[], float]
    ends: float
    stop: Callable[[], bool] | None
    on_progress: Report | None
    max_iterations: int | None
    iterations: int = 0
    cancelled: bool = False
    first_feasible_s: float | None = None
    give_up_at: float | None = None
    best: pyvrp.Solution | None = None
    known: list[Dropped] = field(default_factory=list)

    def __call__(self, best_cost: float) -> bool:
        """Say whether to stop; PyVRP asks before every iteration."""
        if self.stop is not None and self.stop():
            self.cancelled = True
            return True
        if self.max_iterations is not None and self.iterations >= self.max_iterations:
            return True
        now = self.clock()
        if self.give_up_at is not None and self.first_feasible_s is None and now > self.give_up_at:
            return True
        return now > self.ends


class _Watch(IteratedLocalSearchCallbacks):
    """What PyVRP calls while it searches."""

    def __init__(self, run: _Run) -> None:
        self.run = run

    def on_start(self, ils: pyvrp.IteratedLocalSearch) -> None:
        self._seen(ils.initial_solution)

    def on_best(self, best: pyvrp.Solution) -> None:
        self._seen(best)

    def on_iteration(
        self,
        current: pyvrp.Solution,
        candidate: pyvrp.Solution,
        best: pyvrp.Solution,
        cost_evaluator: pyvrp.CostEvaluator,
    ) -> None:
        self.run.iterations += 1

    def _seen(self, best: pyvrp.Solution) -> None:
        run = self.run
        feasible = best.is_feasible()
        if not feasible:
            return
        run.best = best
        elapsed = run.clock() - run.started
        if run.first_feasible_s is None:
            run.first_feasible_s = elapsed
        if run.on_progress is not None:
            run.on_progress(
                Progress(
                    seconds=elapsed,
                    cost_minor=_cost(run.built, best),
                    feasible=True,
                    iterations=run.iterations,
                    plan=lambda: _plan(run, best, "best_so_far"),
                )
            )


def solve(
    problem: Problem,
    *,
    seconds: float = 10.0,
    seed: int = 1,
    on_progress: Report | None = None,
    stop: Callable[[], bool] | None = None,
    start: RoutePlan | None = None,
    max_iterations: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> RoutePlan:
    """Return the best plan found in ``seconds``; the same seed and iterations give the same plan.

    Parameters
    ----------
    on_progress
        Called with every better plan; ``Progress.plan()`` makes it when somebody looks.
    stop
        Asked before every iteration; True ends the search with the best so far.
    start
        A plan of an earlier day or hour to begin from; stops it does not know are added.
    clock
        Seconds that count: wall time, or processor time for a fair comparison on a busy machine.

    Raises
    ------
    BadInput
        If there are no vehicles, ids stand twice, a window closes before it opens, or a matrix
        lacks a place.
    """
    if not seconds > 0:
        raise BadInput(
            f"seconds must be above 0, but is {seconds}.", field="seconds", value=seconds
        )
    check(problem)
    started = clock()
    day = routing_schedule.index(problem)
    known = dropped.screen(day)
    stop_ids = [unit[0] for unit in dropped.servable(day, known)]
    hope_ends = started + max(1.0, _FORCE_SHARE * seconds)
    run: _Run | None = None
    for force in (True, False):
        if force and dropped.overfull(day, stop_ids):
            continue
        built = routing_model.build(day, stop_ids, force=force)
        run = _Run(
            day=day,
            built=built,
            started=started,
            clock=clock,
            ends=started + seconds,
            stop=stop,
            on_progress=on_progress,
            max_iterations=max_iterations,
            give_up_at=hope_ends if force else None,
            known=known,
        )
        _search(run, seed, start)
        if run.first_feasible_s is not None or run.cancelled:
            break
    assert run is not None  # the second turn of the loop always searches
    return _finish(run)


def _search(run: _Run, seed: int, start: RoutePlan | None) -> None:
    if not run.built.clients and not run.built.shipments:
        run.best = pyvrp.Solution(run.built.data, [])
        run.first_feasible_s = run.clock() - run.started
        return
    initial = None
    if start is not None:
        driven = [(route.vehicle_id, _sequence(run.day, route.visits)) for route in start.routes]
        initial = routing_model.solution_of(run.built, run.day, driven)
    # A unit of load or second too much must always cost more than any detour that avoids it.
    ceiling = max(100_000.0, 4.0 * run.built.dearest_leg)
    params = pyvrp.SolveParams(
        ils=IteratedLocalSearchParams(callbacks=_Watch(run)),
        penalty=PenaltyParams(max_penalty=ceiling),
    )
    pyvrp.solve(
        run.built.data,
        run,
        seed=seed,
        collect_stats=False,
        display=False,
        params=params,
        initial_solution=initial,
    )


def _finish(run: _Run) -> RoutePlan:
    if run.cancelled:
        status = "cancelled"
    elif run.max_iterations is not None and run.iterations >= run.max_iterations:
        status = "finished"
    else:
        status = "time_limit" if run.built.clients or run.built.shipments else "finished"
    return _plan(run, run.best, status)


def _plan(run: _Run, best: pyvrp.Solution | None, status: str) -> RoutePlan:
    """Return our plan: holes and gaps mended by insertion, everything left out explained."""
    day = run.day
    found = [] if best is None else routing_model.sequences(day, run.built, best)
    driven: list[tuple[Vehicle, list[str]]] = []
    for vehicle, sequence in found:
        # A leg through a hole of the matrix is no leg; its stops are offered to insertion again.
        if routing_schedule.drive(day, vehicle, sequence).feasible:
            driven.append((vehicle, sequence))
    driven, missing = complete(day, driven, {one.stop_id for one in run.known})
    routes = routing_model.routes_of(day, driven)
    left_out = [*run.known, *dropped.explain(day, driven, missing)]
    penalties = dropped.penalties(day, left_out)
    return RoutePlan(
        routes=tuple(routes),
        dropped=tuple(left_out),
        cost_minor=sum(route.cost_minor for route in routes) + penalties,
        feasible=True,
        status=status,
        seconds=round(run.clock() - run.started, 3),
        iterations=run.iterations,
        distance_m=sum(route.distance_m for route in routes),
        first_feasible_s=run.first_feasible_s,
        facts={"penalties_minor": penalties},
    )


def _sequence(day: Day, visits: Sequence[Visit]) -> list[str]:
    known = []
    for visit in list(visits)[1:-1]:
        name = visit.stop_id
        if name in day.stops or name in day.depots:
            known.append(name)
    return known


def _raw_cost(solution: pyvrp.Solution) -> float:
    dimensions = len(solution.excess_load())
    evaluator = pyvrp.CostEvaluator([0.0] * dimensions, 0.0, 0.0)
    return float(evaluator.cost(solution))


def _cost(built: Built, solution: pyvrp.Solution) -> float:
    return _raw_cost(solution) / built.scale
