"""Cheapest insertion: a plan in a moment, and the last hand on a plan that has gaps.

Stops in order of how hard they are to place (narrow windows, then far away), each where it costs
least. It is the baseline of the benchmarks and what ``solve`` uses to put back a stop that the
search left out although it fits and pays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from shopkeeper.supply import dropped, routing_model, routing_schedule
from shopkeeper.supply.dropped import Driven
from shopkeeper.supply.routing_check import check
from shopkeeper.supply.routing_schedule import Day, drive, ends, may_serve
from shopkeeper.supply.routing_schema import Problem, RoutePlan, Vehicle


def plan(problem: Problem, *, clock: Callable[[], float] = time.perf_counter) -> RoutePlan:
    """Return the plan of cheapest insertion alone; no solver, no randomness."""
    started = clock()
    check(problem)
    day = routing_schedule.index(problem)
    known = dropped.screen(day)
    driven, missing = complete(day, [], {one.stop_id for one in known})
    left_out = [*known, *dropped.explain(day, driven, missing)]
    routes = routing_model.routes_of(day, driven)
    penalties = dropped.penalties(day, left_out)
    return RoutePlan(
        routes=tuple(routes),
        dropped=tuple(left_out),
        cost_minor=sum(route.cost_minor for route in routes) + penalties,
        feasible=True,
        status="finished",
        seconds=round(clock() - started, 3),
        iterations=0,
        distance_m=sum(route.distance_m for route in routes),
        facts={"penalties_minor": penalties},
    )


def complete(
    day: Day, driven: Driven, hopeless: Iterable[str]
) -> tuple[list[tuple[Vehicle, list[str]]], list[tuple[str, ...]]]:
    """Put in every unit that fits and costs less than its penalty; return routes and the rest."""
    routes = [(vehicle, list(sequence)) for vehicle, sequence in driven]
    served = {station for _, sequence in routes for station in sequence}
    given_up = set(hopeless)
    waiting = [
        unit
        for unit in dropped.units(day)
        if not served.issuperset(unit) and not given_up.intersection(unit)
    ]
    missing = []
    for unit in sorted(waiting, key=lambda unit: _hardness(day, unit)):
        if not _insert(day, routes, unit):
            missing.append(unit)
    return routes, missing


def _hardness(day: Day, unit: tuple[str, ...]) -> tuple[int, int, str]:
    stop = day.stops[unit[-1]]
    vehicle = day.problem.vehicles[0]
    start, _ = ends(day, vehicle)
    row = day.place[vehicle.profile]
    away = int(day.problem.matrices[vehicle.profile].distance_m[row[start], row[stop.stop_id]])
    return min(stop.closes_s - stop.opens_s, 1 << 40), -away, stop.stop_id


def _insert(day: Day, routes: list[tuple[Vehicle, list[str]]], unit: tuple[str, ...]) -> bool:
    penalty = dropped.penalty_of(day, unit)
    best: tuple[int, int, list[str], Vehicle] | None = None
    open_routes: Sequence[tuple[Vehicle, Sequence[str]]] = dropped.with_idle(day, routes)
    for at, (vehicle, sequence) in enumerate(open_routes):
        if not all(may_serve(day, vehicle, day.stops[one]) for one in unit):
            continue
        old = drive(day, vehicle, sequence).route.cost_minor if sequence else 0
        for longer in dropped.insertions(day, vehicle, sequence, unit, narrow=True):
            schedule = drive(day, vehicle, longer)
            if schedule.feasible:
                cost = schedule.route.cost_minor - old
                if best is None or cost < best[0]:
                    best = (cost, at, longer, vehicle)
                # Places come nearest detour first: the first that fits is the route's best.
                break
    if best is None or (penalty is not None and best[0] >= penalty):
        return False
    _, at, longer, vehicle = best
    if at < len(routes):
        routes[at] = (vehicle, longer)
    else:
        routes.append((vehicle, longer))
    return True
