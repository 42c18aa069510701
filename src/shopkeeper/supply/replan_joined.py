"""What a day's plan and its rest become together: history, then the future, as one plan.

``Moment`` says what is known in the middle of the day. Places of the rest that are made for the
solver ("here", "fetch") get the names of the day again, so the plan can be replanned once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shopkeeper.supply import routing_schedule
from shopkeeper.supply.routing_schedule import Day, ends
from shopkeeper.supply.routing_schema import Dropped, Route, RoutePlan, Vehicle, Visit

HERE = "here:"  # where a vehicle stands now, as a depot
FETCH = "fetch:"  # the depot end of an order that is not loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is known in the middle of the day.

    done      stops that are over (delivered or failed), wherever they were planned
    departed  vehicles that have left with their first trip loaded
    broken    vehicles that drive no more today
    carried   stops that are not in the plan, whose goods a departed vehicle has (a second try)
    """

    now_s: int
    done: frozenset[str] = frozenset()
    departed: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    carried: Mapping[str, str] = field(default_factory=dict)


def over(route: Route, moment: Moment) -> list[Visit]:
    """Return the visits of a route that are history."""
    return [v for v in route.visits[1:-1] if v.kind != "depot" and v.stop_id in moment.done]


def joined(
    day: Day, plan: RoutePlan, moment: Moment, made: RoutePlan, same: Mapping[str, str]
) -> RoutePlan:
    """Return history and future as one plan of the day."""
    future = {route.vehicle_id: route for route in made.routes}
    past = {route.vehicle_id: route for route in plan.routes}
    routes = []
    for vehicle in day.problem.vehicles:
        old, new = past.get(vehicle.vehicle_id), future.get(vehicle.vehicle_id)
        history: tuple[Visit, ...] = ()
        if old is not None and vehicle.vehicle_id in moment.departed:
            history = _history(old, moment)
        if vehicle.vehicle_id in moment.broken:
            route = _stranded(day, vehicle, history)
        else:
            route = _one(day, vehicle, history, new, same)
        if route is not None:
            routes.append(route)
    left_out = tuple(
        one if not one.stop_id.startswith(FETCH) else _renamed(one) for one in made.dropped
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
    return replace(one, stop_id=one.stop_id.removeprefix(FETCH))


def _history(route: Route, moment: Moment) -> tuple[Visit, ...]:
    """Return the visits up to the last that is over, calls at depots in between included."""
    last = max((route.visits.index(v) for v in over(route, moment)), default=0)
    return tuple(
        v for v in route.visits[: last + 1] if v.kind == "depot" or v.stop_id in moment.done
    )


def _stranded(day: Day, vehicle: Vehicle, history: Sequence[Visit]) -> Route | None:
    """Return the day of a vehicle that broke down: it ends where it stands."""
    if len(history) < 2:
        return None
    last = history[-1]
    stands = replace(last, kind="depot", arrive_s=last.leave_s, start_s=last.leave_s)
    return _route(day, vehicle, (*history, stands), (0,) * len(vehicle.capacity))


def _one(
    day: Day,
    vehicle: Vehicle,
    history: Sequence[Visit],
    new: Route | None,
    same: Mapping[str, str],
) -> Route | None:
    """Return one vehicle's whole day; None where it never moves."""
    if new is None and not history:
        return None
    start, end = ends(day, vehicle)
    trip = max((visit.trip for visit in history), default=0)
    future: tuple[Visit, ...] = ()
    if new is not None:
        future = _plain(new.visits, start, same, out=bool(history), trip=trip)
    elif history:
        future = (_home(day, vehicle, history[-1], end),)
    load = new.load if new is not None else (0,) * len(vehicle.capacity)
    return _route(day, vehicle, (*history, *future), load)


def _route(day: Day, vehicle: Vehicle, visits: tuple[Visit, ...], load: tuple[int, ...]) -> Route:
    rows = [day.place[vehicle.profile][v.stop_id] for v in visits]
    legs = day.problem.matrices[vehicle.profile].distance_m[rows[:-1], rows[1:]]
    metres, seconds = int(np.maximum(legs, 0).sum()), visits[-1].arrive_s - visits[0].leave_s
    return Route(
        vehicle_id=vehicle.vehicle_id,
        visits=visits,
        distance_m=metres,
        duration_s=seconds,
        cost_minor=routing_schedule.cost_minor(vehicle, metres, seconds),
        load=load,
    )


def _plain(
    visits: Sequence[Visit], start: str, same: Mapping[str, str], *, out: bool, trip: int
) -> tuple[Visit, ...]:
    """Return visits by the names of the day; a parcel's trip is the call it was loaded at."""
    plain: list[Visit] = []
    loaded: dict[str, int] = {}
    base = trip
    for visit in visits:
        name = visit.stop_id
        if name.startswith(HERE):
            # A vehicle on the road stands at its last stop, which history already has.
            if not out:
                plain.append(replace(visit, stop_id=start, kind="depot", trip=base))
        elif name.startswith(FETCH):
            # Several parcels fetched at once are one call where they lie.
            if plain and (plain[-1].kind, plain[-1].stop_id) == ("depot", same[name]):
                plain[-1] = replace(plain[-1], leave_s=visit.leave_s)
            else:
                trip += 1
                plain.append(replace(visit, stop_id=same[name], kind="depot", trip=trip))
            loaded[name.removeprefix(FETCH)] = trip
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
