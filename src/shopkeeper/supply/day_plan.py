"""A day to plan as JSON: read it, or say what is wrong; write a plan; move one stop by hand.

Times are ``HH:MM`` of the plan's day. docs/reference/supply.md lists the fields. The same JSON
goes through the API, the command line and the page of the dispatcher.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shopkeeper.base.errors import BadInput, NotFound, shorten
from shopkeeper.supply import matrix as matrices
from shopkeeper.supply.replan_joined import Moment
from shopkeeper.supply.request import coordinates
from shopkeeper.supply.routing_check import check
from shopkeeper.supply.routing_schedule import Day, drive
from shopkeeper.supply.routing_schema import (
    Dropped,
    Matrix,
    Problem,
    Route,
    RoutePlan,
    Stop,
    Vehicle,
    Visit,
)
from shopkeeper.supply.schema import Warehouse

MOST_STOPS, MOST_VEHICLES, MOST_DEPOTS = 2000, 200, 50
MOST_SECONDS = 3600.0
FIELDS = ("date", "depots", "vehicles", "stops", "seconds", "seed", "road_factor", "speed_kmh")
_DEPOT = ("depot_id", "latitude", "longitude", "opens", "closes", "title")
_VEHICLE = (
    *("vehicle_id", "capacity", "depot_id", "end_depot_id", "starts", "ends", "fixed_minor"),
    *("km_minor", "hour_minor", "most_km", "reload_depots", "max_reloads"),
)
_STOP = (
    *("stop_id", "order_id", "latitude", "longitude", "demand", "service_minutes", "opens"),
    *("closes", "penalty_minor", "depot_id", "vehicles", "ready"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What moving a stop would do. ``broken`` says why it cannot be, in reasons and figures."""

    stop_id: str
    vehicle_id: str
    position: int
    feasible: bool
    broken: tuple[tuple[str, Mapping[str, Any]], ...]
    cost_before_minor: int
    cost_after_minor: int
    metres_before: int
    metres_after: int
    routes: tuple[Route, ...]  # the changed ones


def problem_of(raw: Mapping[str, Any], *, matrix: Matrix | None = None) -> Problem:
    """Return the day; BadInput names the field, its value and what is allowed.

    ``matrix`` None: great circles times ``road_factor`` at ``speed_kmh``.
    """
    if not isinstance(raw, Mapping):
        raise _bad("plan", raw, "a JSON object")
    _known(raw, FIELDS, "plan")
    depots = tuple(_depot(one, n) for n, one in enumerate(_list(raw, "depots", MOST_DEPOTS)))
    vehicles = tuple(
        _vehicle(one, n) for n, one in enumerate(_list(raw, "vehicles", MOST_VEHICLES))
    )
    stops = tuple(_stop(one, n) for n, one in enumerate(_list(raw, "stops", MOST_STOPS)))
    if matrix is None:
        points = {d.warehouse_id: (d.latitude, d.longitude) for d in depots}
        matrices.check_points(
            points | {s.stop_id: (s.latitude, s.longitude) for s in stops}, list(points)
        )
        points |= {s.stop_id: (s.latitude, s.longitude) for s in stops}
        matrix = matrices.haversine(
            points,
            road_factor=_number("road_factor", raw.get("road_factor", 1.3), 1.0, 5.0),
            speed_kmh=_number("speed_kmh", raw.get("speed_kmh", 40.0), 1.0, 200.0),
        )
    problem = Problem(depots=depots, vehicles=vehicles, stops=stops, matrices={"": matrix})
    check(problem)
    return problem


def vehicle_of(one: Any) -> Vehicle:
    """Return one vehicle of a day, checked."""
    return _vehicle(one, 0)


def search_of(raw: Mapping[str, Any]) -> tuple[float, int]:
    """Return (seconds, seed) of the search."""
    seed = raw.get("seed", 1)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:
        raise _bad("seed", seed, "a whole number from 0")
    return _number("seconds", raw.get("seconds", 10.0), 0.1, MOST_SECONDS), seed


def plan_json(plan: RoutePlan) -> dict[str, Any]:
    """Return a plan as plain JSON values."""
    told = asdict(plan)
    told["facts"] = dict(plan.facts)
    return told


def plan_of(told: Mapping[str, Any]) -> RoutePlan:
    """Return the plan that ``plan_json`` wrote."""
    routes = tuple(
        Route(
            **{
                **route,
                "visits": tuple(Visit(**visit) for visit in route["visits"]),
                "load": tuple(route["load"]),
            }
        )
        for route in told["routes"]
    )
    left_out = tuple(Dropped(**one) for one in told["dropped"])
    return RoutePlan(**{**told, "routes": routes, "dropped": left_out})


def moment_of(told: Mapping[str, Any]) -> Moment:
    """Return the moment of a day planned again, from its JSON."""
    return Moment(
        now_s=int(told["now_s"]),
        done=frozenset(told["done"]),
        departed=frozenset(told["departed"]),
        broken=frozenset(told["broken"]),
        carried=dict(told["carried"]),
    )


def move(day: Day, plan: RoutePlan, stop_id: str, vehicle_id: str, position: int) -> Move:
    """Return what putting a stop into a vehicle's route at a position would do; changes nothing.

    ``position`` counts stops from 0; a stop that was left out may be moved in.
    """
    stop = day.stops.get(stop_id)
    if stop is None:
        raise _none("stop_id", stop_id, "stop")
    vehicle = day.vehicles.get(vehicle_id)
    if vehicle is None:
        raise _none("vehicle_id", vehicle_id, "vehicle")
    source = next((r for r in plan.routes if stop_id in r.stop_ids), None)
    target = next((r for r in plan.routes if r.vehicle_id == vehicle_id), None)
    before = {id(r): r for r in (source, target) if r is not None}
    sequences: dict[str, list[str]] = {}
    if source is not None:
        sequences[source.vehicle_id] = [s for s in _inner(source) if s != stop_id]
    into = sequences.get(vehicle_id) or ([] if target is None else _inner(target))
    into = [s for s in into if s != stop_id]
    place = min(max(0, position), len(into))
    sequences[vehicle_id] = [*into[:place], stop_id, *into[place:]]
    made = {name: drive(day, day.vehicles[name], sequence) for name, sequence in sequences.items()}
    broken = [fault for one in made.values() for fault in one.broken]
    # A stop that was left out costs its penalty until it is served.
    saved = (stop.penalty_minor or 0) if source is None else 0
    return Move(
        stop_id=stop_id,
        vehicle_id=vehicle_id,
        position=place,
        feasible=not broken,
        broken=tuple(broken),
        cost_before_minor=sum(r.cost_minor for r in before.values()) + saved,
        cost_after_minor=sum(one.route.cost_minor for one in made.values()),
        metres_before=sum(r.distance_m for r in before.values()),
        metres_after=sum(one.route.distance_m for one in made.values()),
        routes=tuple(one.route for one in made.values()),
    )


def moved(plan: RoutePlan, change: Move) -> RoutePlan:
    """Return the plan with a move carried out; BadInput if it breaks something."""
    if not change.feasible:
        reason, facts = change.broken[0]
        raise BadInput(
            f"Stop '{change.stop_id}' does not fit into {change.vehicle_id}: {reason}, "
            f"{dict(facts)}.",
            field="vehicle_id",
            value=change.vehicle_id,
            code="does_not_fit",
        )
    changed = {route.vehicle_id: route for route in change.routes}
    routes = [changed.pop(r.vehicle_id, r) for r in plan.routes]
    routes = [r for r in [*routes, *changed.values()] if r.stop_ids]
    left_out = tuple(one for one in plan.dropped if one.stop_id != change.stop_id)
    told = asdict(plan)
    return RoutePlan(
        **{
            **told,
            "routes": tuple(routes),
            "dropped": left_out,
            "cost_minor": plan.cost_minor + change.cost_after_minor - change.cost_before_minor,
            "distance_m": sum(r.distance_m for r in routes),
            "facts": {**plan.facts, "edited": int(plan.facts.get("edited", 0)) + 1},
        }
    )


def clock_s(text: Any, where: str) -> int:
    """Return seconds of the day of ``HH:MM``.

    >>> clock_s("07:30", "opens")
    27000
    """
    found = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text) if isinstance(text, str) else None
    if found is None or int(found[1]) > 47:
        raise _bad(where, text, "a time such as 08:30 (24:00 and later: the next day)")
    return int(found[1]) * 3600 + int(found[2]) * 60


def _inner(route: Route) -> list[str]:
    """Return stops and reloads between the ends."""
    return [visit.stop_id for visit in route.visits[1:-1]]


def _depot(one: Any, n: int) -> Warehouse:
    where = f"depots[{n}]"
    _known(one, _DEPOT, where)
    _place(one, where)
    return Warehouse(
        warehouse_id=_id(one, "depot_id", where),
        latitude=float(one["latitude"]),
        longitude=float(one["longitude"]),
        opens_s=clock_s(one.get("opens", "00:00"), f"{where}.opens"),
        closes_s=clock_s(one.get("closes", "24:00"), f"{where}.closes"),
    )


def _vehicle(one: Any, n: int) -> Vehicle:
    where = f"vehicles[{n}]"
    _known(one, _VEHICLE, where)
    most_km = one.get("most_km")
    return Vehicle(
        vehicle_id=_id(one, "vehicle_id", where),
        capacity=_amounts(one.get("capacity", 100), f"{where}.capacity"),
        depot_id=str(one.get("depot_id") or ""),
        end_depot_id=one.get("end_depot_id"),
        shift_start_s=clock_s(one.get("starts", "00:00"), f"{where}.starts"),
        shift_end_s=clock_s(one.get("ends", "24:00"), f"{where}.ends"),
        max_distance_m=None
        if most_km is None
        else round(1000 * _number(f"{where}.most_km", most_km, 0, 1e5)),
        fixed_minor=round(_number(f"{where}.fixed_minor", one.get("fixed_minor", 0), 0, 1e9)),
        km_minor=round(_number(f"{where}.km_minor", one.get("km_minor", 100), 0, 1e6)),
        hour_minor=round(_number(f"{where}.hour_minor", one.get("hour_minor", 0), 0, 1e7)),
        reload_depots=tuple(one.get("reload_depots") or ()),
        max_reloads=round(_number(f"{where}.max_reloads", one.get("max_reloads", 0), 0, 20)),
    )


def _stop(one: Any, n: int) -> Stop:
    where = f"stops[{n}]"
    _known(one, _STOP, where)
    _place(one, where)
    penalty = one.get("penalty_minor")
    minutes = _number(f"{where}.service_minutes", one.get("service_minutes", 5), 0, 1440)
    return Stop(
        stop_id=_id(one, "stop_id", where),
        latitude=float(one["latitude"]),
        longitude=float(one["longitude"]),
        demand=_amounts(one.get("demand", 1), f"{where}.demand"),
        service_s=round(60 * minutes),
        opens_s=clock_s(one.get("opens", "00:00"), f"{where}.opens"),
        closes_s=clock_s(one.get("closes", "24:00"), f"{where}.closes"),
        release_s=clock_s(one.get("ready", "00:00"), f"{where}.ready"),
        penalty_minor=None
        if penalty is None
        else round(_number(f"{where}.penalty_minor", penalty, 0, 1e9)),
        depot_id=one.get("depot_id"),
        vehicles=tuple(one.get("vehicles") or ()),
    )


def _place(one: Mapping[str, Any], where: str) -> None:
    coordinates(one.get("latitude"), one.get("longitude"), where)


def _list(raw: Mapping[str, Any], name: str, most: int) -> Sequence[Any]:
    value = raw.get(name)
    if not isinstance(value, list | tuple) or len(value) > most:
        raise _bad(name, value, f"a list of up to {most}")
    return value


def _known(one: Any, names: Sequence[str], where: str) -> None:
    if not isinstance(one, Mapping):
        raise _bad(where, one, "an object")
    for name in one:
        if name not in names:
            raise _bad(f"{where}.{shorten(str(name))}", one[name], ", ".join(names))


def _id(one: Mapping[str, Any], name: str, where: str) -> str:
    value = one.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 128:
        raise _bad(f"{where}.{name}", value, "a text of 1 to 128 characters")
    return value


def _amounts(value: Any, where: str) -> tuple[int, ...]:
    some = value if isinstance(value, list | tuple) else [value]
    return tuple(round(_number(where, one, 0, 1e9)) for one in some)


def _number(where: str, value: Any, least: float, most: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or not least <= value <= most:
        raise _bad(where, value, f"a number from {least:g} to {most:g}")
    return float(value)


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} must be {allowed}, but is {shorten(value)!r}.",
        hint="docs/reference/supply.md describes a plan.",
        field=name,
        value=value,
        allowed=allowed,
    )


def _none(field: str, value: str, what: str) -> NotFound:
    return NotFound(f"The plan has no {what} '{shorten(value)}'.", field=field, value=value)
