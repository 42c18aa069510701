"""A plan meets the day: what is done stays, what is on board stays on board, the rest is planned.

At ``now_s`` each vehicle stands where it was last seen. Stops done are history and never move.
Parcels already loaded can only be handed over by the vehicle that has them. New orders, and those
not loaded yet, must first be fetched from their depot: they become shipments.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import routing, routing_schedule
from shopkeeper.supply.routing_schedule import Day, ends
from shopkeeper.supply.routing_schema import (
    FOREVER,
    Dropped,
    Matrix,
    Problem,
    Route,
    RoutePlan,
    Shipment,
    Stop,
    Vehicle,
    Visit,
)
from shopkeeper.supply.schema import Warehouse

_HERE = "here:"  # where a vehicle stands now, as a depot
_FETCH = "fetch:"  # the depot end of an order that is not loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is known in the middle of the day.

    done      stops that are over (delivered or failed), wherever they were planned
    departed  vehicles that have left with their first trip loaded
    """

    now_s: int
    done: frozenset[str] = frozenset()
    departed: frozenset[str] = frozenset()


def replan(
    problem: Problem,
    plan: RoutePlan,
    moment: Moment,
    *,
    seconds: float = 5.0,
    seed: int = 1,
    max_iterations: int | None = None,
    stop: Callable[[], bool] | None = None,
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
    _check(problem, plan, moment)
    rest = _rest(day, plan, moment)
    made = routing.solve(
        rest.problem,
        seconds=seconds,
        seed=seed,
        stop=stop,
        start=rest.start,
        max_iterations=max_iterations,
        clock=clock,
    )
    return _joined(day, plan, moment, made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    problem: Problem
    start: RoutePlan


def _check(problem: Problem, plan: RoutePlan, moment: Moment) -> None:
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


def _rest(day: Day, plan: RoutePlan, moment: Moment) -> _Rest:
    """Return what is left to plan, and the old plan cut down to it."""
    problem = day.problem
    routes = {route.vehicle_id: route for route in plan.routes}
    depots = list(problem.depots)
    same: dict[str, str] = {}  # new place id -> the place whose row of the matrix it takes
    vehicles, stops, shipments, start = [], [], [], []
    aboard: dict[str, str] = {}
    for vehicle in problem.vehicles:
        route = routes.get(vehicle.vehicle_id)
        out = vehicle.vehicle_id in moment.departed and route is not None
        if route is not None and out:
            over = [v.trip for v in route.visits if v.stop_id in moment.done]
            for visit in route.visits[1:-1]:
                if visit.trip <= max(over, default=0) and visit.stop_id not in moment.done:
                    aboard[visit.stop_id] = vehicle.vehicle_id
        here, place, ready = _stand(day, vehicle, route if out else None, moment)
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
        if one.stop_id in aboard:
            stops.append(replace(one, vehicles=(aboard[one.stop_id],), depot_id=None))
            continue
        made = _fetched(day, one, same)
        shipments.append(made)
    for route in plan.routes:
        start.append(_cut(day, route, moment, {s.delivery.stop_id: s for s in shipments}))
    matrices = {name: _extended(matrix, same) for name, matrix in problem.matrices.items()}
    smaller = Problem(
        depots=tuple(depots),
        vehicles=tuple(vehicles),
        stops=tuple(stops),
        matrices=matrices,
        shipments=(*shipments, *_open_shipments(problem, moment)),
    )
    return _Rest(problem=smaller, start=replace(plan, routes=tuple(start)))


def _stand(day: Day, vehicle: Vehicle, route: Route | None, moment: Moment) -> tuple[str, str, int]:
    """Return (id, place, from when) of where a vehicle is: its depot, or its last done stop."""
    here = _HERE + vehicle.vehicle_id
    start, _ = ends(day, vehicle)
    place, ready = start, max(moment.now_s, day.depots[start].opens_s)
    if route is not None:
        over = [v for v in route.visits[1:-1] if v.stop_id in moment.done]
        if over:
            place = over[-1].stop_id
        ready = moment.now_s
    return here, place, ready


def _left_to_work(vehicle: Vehicle, route: Route | None, ready: int) -> int | None:
    if vehicle.max_work_s is None or route is None:
        return vehicle.max_work_s
    return max(0, vehicle.max_work_s - (ready - route.visits[0].leave_s))


def _fetched(day: Day, one: Stop, same: dict[str, str]) -> Shipment:
    """Return a stop that is not loaded as a shipment from its depot."""
    depot = one.depot_id or day.problem.depots[0].warehouse_id
    home = day.depots[depot]
    fetch = Stop(
        stop_id=_FETCH + one.stop_id,
        opens_s=max(home.opens_s, one.release_s),
        closes_s=home.closes_s,
        demand=(),
        vehicles=one.vehicles,
    )
    same[fetch.stop_id] = depot
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
        v for v in route.visits[1:-1] if v.stop_id in day.stops and v.stop_id not in moment.done
    ]
    fetch = [
        replace(v, stop_id=fetched[v.stop_id].pickup.stop_id)
        for v in open_visits
        if v.stop_id in fetched
    ]
    return replace(route, visits=(route.visits[0], *fetch, *open_visits, route.visits[-1]))


def _extended(matrix: Matrix, same: Mapping[str, str]) -> Matrix:
    """Return the matrix with rows for places that stand where others do."""
    row = {place: at for at, place in enumerate(matrix.places)}
    rows = np.array([*range(len(row)), *(row[place] for place in same.values())])
    return Matrix(
        places=(*matrix.places, *same),
        distance_m=matrix.distance_m[np.ix_(rows, rows)],
        duration_s=matrix.duration_s[np.ix_(rows, rows)],
        source=matrix.source,
    )


def _joined(day: Day, plan: RoutePlan, moment: Moment, made: RoutePlan) -> RoutePlan:
    """Return history and future as one plan of the day."""
    future = {route.vehicle_id: route for route in made.routes}
    past = {route.vehicle_id: route for route in plan.routes}
    routes = []
    for vehicle in day.problem.vehicles:
        old, new = past.get(vehicle.vehicle_id), future.get(vehicle.vehicle_id)
        history: tuple[Visit, ...] = ()
        if old is not None and vehicle.vehicle_id in moment.departed:
            over = [v for v in old.visits[1:-1] if v.stop_id in moment.done]
            history = (old.visits[0], *over)
        route = _one(day, vehicle, history, new)
        if route is not None:
            routes.append(route)
    left_out = tuple(
        one if not one.stop_id.startswith(_FETCH) else _renamed(one) for one in made.dropped
    )
    penalties = made.facts.get("penalties_minor", 0)
    return replace(
        made,
        routes=tuple(routes),
        dropped=left_out,
        cost_minor=sum(route.cost_minor for route in routes) + penalties,
        distance_m=sum(route.distance_m for route in routes),
        facts={**made.facts, "frozen": len(moment.done), "now_s": moment.now_s},
    )


def _renamed(one: Dropped) -> Dropped:
    return replace(one, stop_id=one.stop_id.removeprefix(_FETCH))


def _one(day: Day, vehicle: Vehicle, history: Sequence[Visit], new: Route | None) -> Route | None:
    """Return one vehicle's whole day; None where it never moves."""
    if new is None and not history:
        return None
    start, end = ends(day, vehicle)
    trip = max((visit.trip for visit in history), default=0)
    future: tuple[Visit, ...] = ()
    if new is not None:
        future = _plain(new.visits, start, out=bool(history), trip=trip)
    elif history:
        future = (_home(day, vehicle, history[-1], end),)
    visits = (*history, *future)
    rows = [day.place[vehicle.profile][v.stop_id] for v in visits]
    legs = day.problem.matrices[vehicle.profile].distance_m[rows[:-1], rows[1:]]
    metres, seconds = int(np.maximum(legs, 0).sum()), visits[-1].arrive_s - visits[0].leave_s
    return Route(
        vehicle_id=vehicle.vehicle_id,
        visits=visits,
        distance_m=metres,
        duration_s=seconds,
        cost_minor=routing_schedule.cost_minor(vehicle, metres, seconds),
        load=new.load if new is not None else (0,) * len(vehicle.capacity),
    )


def _plain(visits: Sequence[Visit], start: str, *, out: bool, trip: int) -> tuple[Visit, ...]:
    """Return visits by the names of the day; a parcel's trip is the call it was loaded at."""
    plain: list[Visit] = []
    loaded: dict[str, int] = {}
    base = trip
    for visit in visits:
        name = visit.stop_id
        if name.startswith(_HERE):
            # A vehicle on the road stands at its last stop, which history already has.
            if not out:
                plain.append(replace(visit, stop_id=start, kind="depot", trip=base))
        elif name.startswith(_FETCH):
            # Several parcels fetched at once are one call at the depot.
            if plain and plain[-1].kind == "depot":
                plain[-1] = replace(plain[-1], leave_s=visit.leave_s)
            else:
                trip += 1
                plain.append(replace(visit, stop_id=start, kind="depot", trip=trip))
            loaded[name.removeprefix(_FETCH)] = trip
        elif visit.kind == "depot":
            plain.append(replace(visit, trip=trip))
        else:
            kind = "delivery" if name in loaded else visit.kind
            plain.append(replace(visit, kind=kind, trip=loaded.get(name, base)))
    return tuple(plain)


def _home(day: Day, vehicle: Vehicle, last: Visit, end: str) -> Visit:
    row = day.place[vehicle.profile]
    taken = int(day.problem.matrices[vehicle.profile].duration_s[row[last.stop_id], row[end]])
    at = last.leave_s + max(0, taken)
    return Visit(stop_id=end, kind="depot", arrive_s=at, start_s=at, leave_s=at, trip=last.trip)
