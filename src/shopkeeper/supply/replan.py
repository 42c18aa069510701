"""A plan meets the day: what is done stays, what is on board stays on board, the rest is planned.

At ``now_s`` each vehicle stands where it was last seen. Stops done are history and never move.
Parcels already loaded can only be handed over by the vehicle that has them. New orders, and those
not loaded yet, must first be fetched from their depot: they become shipments. What lies in a
vehicle that broke down is fetched from where that stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import routing, routing_schedule
from shopkeeper.supply.replan_joined import FETCH, HERE, Moment, joined, over
from shopkeeper.supply.routing_schedule import Day, ends
from shopkeeper.supply.routing_schema import (
    FOREVER,
    Matrix,
    Problem,
    Progress,
    Route,
    RoutePlan,
    Shipment,
    Stop,
    Vehicle,
)
from shopkeeper.supply.schema import Warehouse


def replan(
    problem: Problem,
    plan: RoutePlan,
    moment: Moment,
    *,
    seconds: float = 5.0,
    seed: int = 1,
    max_iterations: int | None = None,
    stop: Callable[[], bool] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> RoutePlan:
    """Return the plan of the whole day: done visits as they were, the rest planned anew.

    ``problem`` is the day as it is known now: new stops are in it, cancelled ones are not. The
    search starts from what is left of ``plan``.

    Raises
    ------
    BadInput
        If a departed vehicle or a done stop is not in the plan, or two vehicles share a name.
    """
    day = routing_schedule.index(problem)
    check(problem, plan, moment)
    rest = _rest(day, plan, moment)

    def whole(made: RoutePlan) -> RoutePlan:
        return joined(day, plan, moment, made, rest.same)

    def told(seen: Progress) -> None:
        if on_progress is not None:
            on_progress(replace(seen, plan=lambda: whole(seen.plan())))

    made = routing.solve(
        rest.problem,
        seconds=seconds,
        seed=seed,
        stop=stop,
        on_progress=None if on_progress is None else told,
        start=rest.start,
        max_iterations=max_iterations,
        clock=clock,
    )
    return whole(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    problem: Problem
    start: RoutePlan
    same: Mapping[str, str]  # a new place -> the one where it lies


def check(problem: Problem, plan: RoutePlan, moment: Moment) -> None:
    """Raise BadInput where the moment says what the plan and the day do not know."""
    planned = {stop_id for route in plan.routes for stop_id in route.stop_ids}
    strange = sorted(moment.done - planned)
    if strange:
        raise BadInput(
            f"Stop '{strange[0]}' is done, but the plan does not have it.",
            field="done",
            value=strange[0],
            allowed="stops of the plan",
        )
    routes = {route.vehicle_id for route in plan.routes}
    if len(routes) < len(plan.routes):
        raise BadInput(
            "The plan has two routes of one vehicle id.",
            hint="To replan, name each vehicle of its own: count 1.",
            field="vehicles",
        )
    strange = sorted(moment.departed - routes)
    if strange:
        raise BadInput(
            f"Vehicle '{strange[0]}' has departed, but the plan has no route for it.",
            field="departed",
            value=strange[0],
            allowed=", ".join(sorted(routes)),
        )
    known = {vehicle.vehicle_id for vehicle in problem.vehicles}
    strange = sorted(moment.broken - known)
    if strange:
        raise BadInput(
            f"Vehicle '{strange[0]}' broke down, but the day does not have it.",
            field="broken",
            value=strange[0],
            allowed=", ".join(sorted(known)),
        )
    if known <= moment.broken:
        raise BadInput(
            "Every vehicle broke down, so nobody can drive what is left.",
            hint="Name a vehicle that drives, or call the stops failed.",
            field="broken",
            value=len(known),
            code="no_vehicles",
        )


def _rest(day: Day, plan: RoutePlan, moment: Moment) -> _Rest:
    """Return what is left to plan, and the old plan cut down to it."""
    problem = day.problem
    routes = {route.vehicle_id: route for route in plan.routes}
    depots = list(problem.depots)
    same: dict[str, str] = {}  # new place id -> the place whose row of the matrix it takes
    vehicles, stops, shipments, start = [], [], [], []
    aboard = dict(moment.carried)
    wrecks: dict[str, str] = {}  # a vehicle that broke down -> where it stands
    for vehicle in problem.vehicles:
        route = routes.get(vehicle.vehicle_id)
        out = vehicle.vehicle_id in moment.departed and route is not None
        if route is not None and out:
            aboard |= dict.fromkeys(_loaded(route, moment), vehicle.vehicle_id)
        here, place, ready = _stand(day, vehicle, route if out else None, moment)
        if vehicle.vehicle_id in moment.broken:
            wrecks[vehicle.vehicle_id] = place
            continue
        same[here] = place
        depots.append(Warehouse(warehouse_id=here, opens_s=ready, closes_s=FOREVER))
        _, end = ends(day, vehicle)
        vehicles.append(
            replace(
                vehicle,
                depot_id=here,
                end_depot_id=end,
                shift_start_s=max(vehicle.shift_start_s, ready),
                shift_end_s=max(vehicle.shift_end_s, vehicle.shift_start_s, ready),
                max_work_s=_left_to_work(vehicle, route if out else None, ready),
                fixed_minor=0 if out else vehicle.fixed_minor,
                reload_depots=(),
                max_reloads=0,
            )
        )
    for one in problem.stops:
        if one.stop_id in moment.done:
            continue
        holder = aboard.get(one.stop_id, "")
        if holder and holder not in wrecks:
            stops.append(replace(one, vehicles=(holder,), depot_id=None))
            continue
        shipments.append(_fetched(day, one, same, wrecks.get(holder)))
    for route in plan.routes:
        if route.vehicle_id in moment.broken:
            continue
        start.append(_cut(day, route, moment, {s.delivery.stop_id: s for s in shipments}))
    matrices = {name: extended(matrix, same) for name, matrix in problem.matrices.items()}
    smaller = Problem(
        depots=tuple(depots),
        vehicles=tuple(vehicles),
        stops=tuple(stops),
        matrices=matrices,
        shipments=(*shipments, *_open_shipments(problem, moment)),
    )
    return _Rest(problem=smaller, start=replace(plan, routes=tuple(start)), same=same)


def _stand(day: Day, vehicle: Vehicle, route: Route | None, moment: Moment) -> tuple[str, str, int]:
    """Return (id, place, from when) of where a vehicle is: its depot, or its last done stop."""
    here = HERE + vehicle.vehicle_id
    start, _ = ends(day, vehicle)
    place, ready = start, max(moment.now_s, day.depots[start].opens_s)
    if route is not None:
        seen = over(route, moment)
        if seen:
            place = seen[-1].stop_id
        ready = moment.now_s
    return here, place, ready


def _loaded(route: Route, moment: Moment) -> list[str]:
    """Return the stops whose goods lie in a departed vehicle: those of the trips it began."""
    trips = {visit.trip for visit in over(route, moment)} | {0}
    # A later trip has begun when its call at the depot is over.
    trips |= {v.trip for v in route.visits if v.kind == "depot" and v.leave_s <= moment.now_s}
    return [
        v.stop_id
        for v in route.visits[1:-1]
        if v.kind != "depot" and v.trip <= max(trips) and v.stop_id not in moment.done
    ]


def _left_to_work(vehicle: Vehicle, route: Route | None, ready: int) -> int | None:
    if vehicle.max_work_s is None or route is None:
        return vehicle.max_work_s
    return max(0, vehicle.max_work_s - (ready - route.visits[0].leave_s))


def _fetched(day: Day, one: Stop, same: dict[str, str], wreck: str | None) -> Shipment:
    """Return a stop that is not loaded as a shipment from its depot, or from a broken vehicle."""
    depot = one.depot_id or day.problem.depots[0].warehouse_id
    home = day.depots[depot]
    fetch = Stop(
        stop_id=FETCH + one.stop_id,
        opens_s=0 if wreck else max(home.opens_s, one.release_s),
        closes_s=FOREVER if wreck else home.closes_s,
        demand=(),
        vehicles=one.vehicles,
    )
    same[fetch.stop_id] = wreck or depot
    return Shipment(
        shipment_id=one.stop_id,
        pickup=fetch,
        delivery=replace(one, demand=(), depot_id=None, release_s=0),
        amount=one.demand,
        penalty_minor=one.penalty_minor,
    )


def _open_shipments(problem: Problem, moment: Moment) -> list[Shipment]:
    return [
        s
        for s in problem.shipments
        if s.pickup.stop_id not in moment.done and s.delivery.stop_id not in moment.done
    ]


def _cut(day: Day, route: Route, moment: Moment, fetched: Mapping[str, Shipment]) -> Route:
    """Return a route without what is done; what must be fetched is fetched right at its start."""
    open_visits = [
        v
        for v in route.visits[1:-1]
        if v.kind != "depot" and v.stop_id in day.stops and v.stop_id not in moment.done
    ]
    fetch = [
        replace(v, stop_id=fetched[v.stop_id].pickup.stop_id)
        for v in open_visits
        if v.stop_id in fetched
    ]
    return replace(route, visits=(route.visits[0], *fetch, *open_visits, route.visits[-1]))


def extended(matrix: Matrix, same: Mapping[str, str]) -> Matrix:
    """Return the matrix with rows for places that stand where others do: new place -> known."""
    row = {place: at for at, place in enumerate(matrix.places)}
    rows = np.array([*range(len(row)), *(row[place] for place in same.values())])
    return Matrix(
        places=(*matrix.places, *same),
        distance_m=matrix.distance_m[np.ix_(rows, rows)],
        duration_s=matrix.duration_s[np.ix_(rows, rows)],
        source=matrix.source,
    )
