"""A day as PyVRP wants it, and PyVRP's routes as ours.

PyVRP counts in whole numbers: a cost unit here is a thousandth of a minor unit, divided by what
all costs have in common, so that a plain distance problem reaches the solver unscaled. Which
vehicle may serve which stop is told by profiles: a matrix in which the way there is too far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvrp

from shopkeeper.supply import routing_schedule
from shopkeeper.supply.routing_schedule import Day
from shopkeeper.supply.routing_schema import FOREVER, Route, Stop, Vehicle

_MILLI = 1000
_HOLE_TIMES = 20  # a hole costs this many of the longest legs


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The solver's data and what its numbers stand for."""

    data: pyvrp.ProblemData
    clients: tuple[str, ...]
    shipments: tuple[str, ...]
    depots: tuple[str, ...]
    scale: float  # cost units per minor unit
    dearest_leg: int  # cost units


def build(day: Day, stop_ids: Sequence[str], *, force: bool) -> Built:
    """Return the solver's data for the stops given; shipments come along with their pickups.

    ``force``: a stop without a penalty must be served. Otherwise it gets a penalty above any
    detour, so that a day that cannot hold all stops still has a plan.
    """
    problem = day.problem
    kept = set(stop_ids)
    stops = [stop for stop in problem.stops if stop.stop_id in kept]
    shipments = [s for s in problem.shipments if s.pickup.stop_id in kept]
    places = [d.warehouse_id for d in problem.depots]
    ends = [stop for s in shipments for stop in (s.pickup, s.delivery)]
    places += [stop.stop_id for stop in (*stops, *ends)]
    row = {place: at for at, place in enumerate(places)}
    depots = {depot.warehouse_id: at for at, depot in enumerate(problem.depots)}
    unit = _unit(day)
    profiles, profile_of = _profiles(day, places, [*stops, *ends])
    dearest = _dearest_leg(day, profiles, profile_of, unit)
    cover = 4 * dearest + max(v.fixed_minor for v in problem.vehicles) * _MILLI // unit + 1
    distances: Any = [distance for distance, _ in profiles]
    durations: Any = [duration for _, duration in profiles]
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(*_point(day, place)) for place in places],
        clients=[_client(stop, row, unit, cover, force=force) for stop in stops],
        depots=[
            pyvrp.Depot(location=row[d.warehouse_id], tw_early=d.opens_s, tw_late=d.closes_s)
            for d in problem.depots
        ],
        vehicle_types=[
            _vehicle_type(day, vehicle, depots, profile_of[vehicle.vehicle_id], unit)
            for vehicle in problem.vehicles
        ],
        distance_matrices=distances,
        duration_matrices=durations,
        shipments=[
            pyvrp.Shipment(
                pickup_location=row[s.pickup.stop_id],
                delivery_location=row[s.delivery.stop_id],
                pickup_tw_early=s.pickup.opens_s,
                pickup_tw_late=s.pickup.closes_s,
                pickup_service_duration=s.pickup.service_s,
                delivery_tw_early=s.delivery.opens_s,
                delivery_tw_late=s.delivery.closes_s,
                delivery_service_duration=s.delivery.service_s,
                amount=list(s.amount),
                prize=_prize(s.penalty_minor, unit, cover, force=force),
                required=force and s.penalty_minor is None,
            )
            for s in shipments
        ],
    )
    return Built(
        data=data,
        clients=tuple(stop.stop_id for stop in stops),
        shipments=tuple(s.shipment_id for s in shipments),
        depots=tuple(depots),
        scale=_MILLI / unit,
        dearest_leg=dearest,
    )


def sequences(day: Day, built: Built, solution: pyvrp.Solution) -> list[tuple[Vehicle, list[str]]]:
    """Return (vehicle, what it visits between its ends) per route of a solution."""
    by_id = {s.shipment_id: s for s in day.problem.shipments}
    found = []
    for route in solution.routes():
        visited = []
        for activity in list(route)[1:-1]:
            if activity.is_client():
                visited.append(built.clients[activity.idx])
            elif activity.is_depot():
                visited.append(built.depots[activity.idx])
            else:
                shipment = by_id[built.shipments[activity.idx]]
                end = shipment.pickup if activity.is_pickup() else shipment.delivery
                visited.append(end.stop_id)
        found.append((day.problem.vehicles[route.vehicle_type()], visited))
    return found


def solution_of(
    built: Built, day: Day, driven: Sequence[tuple[str, Sequence[str]]]
) -> pyvrp.Solution:
    """Return the solver's solution of (vehicle id, sequence) pairs; unknown stops are left out."""
    kind = {vehicle.vehicle_id: at for at, vehicle in enumerate(day.problem.vehicles)}
    client = {stop_id: at for at, stop_id in enumerate(built.clients)}
    number = {shipment_id: at for at, shipment_id in enumerate(built.shipments)}
    depot = {depot_id: at for at, depot_id in enumerate(built.depots)}
    types = pyvrp.ActivityType
    routes = []
    for vehicle_id, sequence in driven:
        activities = []
        for station in sequence:
            if station in client:
                activities.append(pyvrp.Activity(types.CLIENT, client[station]))
            elif station in depot:
                activities.append(pyvrp.Activity(types.DEPOT, depot[station]))
            elif station in day.picks and day.picks[station].shipment_id in number:
                at = number[day.picks[station].shipment_id]
                activities.append(pyvrp.Activity(types.PICKUP, at))
            elif station in day.gives and day.gives[station].shipment_id in number:
                at = number[day.gives[station].shipment_id]
                activities.append(pyvrp.Activity(types.DELIVERY, at))
        if activities:
            routes.append(pyvrp.Route(built.data, activities, kind[vehicle_id]))
    return pyvrp.Solution(built.data, routes)


def routes_of(day: Day, driven: Sequence[tuple[Vehicle, Sequence[str]]]) -> list[Route]:
    """Return our routes, scheduled by our own arithmetic; equal vehicles get numbers."""
    counts: dict[str, int] = {}
    routes = []
    for vehicle, sequence in driven:
        counts[vehicle.vehicle_id] = counts.get(vehicle.vehicle_id, 0) + 1
        made = routing_schedule.drive(day, vehicle, sequence).route
        routes.append(_numbered(made, counts[vehicle.vehicle_id]))
    return routes


def _numbered(route: Route, number: int) -> Route:
    return Route(
        vehicle_id=route.vehicle_id,
        visits=route.visits,
        distance_m=route.distance_m,
        duration_s=route.duration_s,
        cost_minor=route.cost_minor,
        load=route.load,
        number=number,
    )


def _point(day: Day, place: str) -> tuple[float, float]:
    thing = day.depots.get(place) or day.stops[place]
    return thing.longitude, thing.latitude


def _client(
    stop: Stop, row: Mapping[str, int], unit: int, cover: int, *, force: bool
) -> pyvrp.Client:
    return pyvrp.Client(
        location=row[stop.stop_id],
        delivery=list(stop.demand),
        pickup=list(stop.pickup),
        service_duration=stop.service_s,
        tw_early=stop.opens_s,
        tw_late=stop.closes_s,
        release_time=stop.release_s,
        prize=_prize(stop.penalty_minor, unit, cover, force=force),
        required=force and stop.penalty_minor is None,
    )


def _prize(penalty: int | None, unit: int, cover: int, *, force: bool) -> int:
    if penalty is not None:
        return penalty * _MILLI // unit
    return 0 if force else cover


def _vehicle_type(
    day: Day, vehicle: Vehicle, depots: Mapping[str, int], profile: int, unit: int
) -> pyvrp.VehicleType:
    start, end = routing_schedule.ends(day, vehicle)
    return pyvrp.VehicleType(
        num_available=vehicle.count,
        capacity=list(vehicle.capacity),
        start_depot=depots[start],
        end_depot=depots[end],
        fixed_cost=vehicle.fixed_minor * _MILLI // unit,
        tw_early=vehicle.shift_start_s,
        tw_late=vehicle.shift_end_s,
        shift_duration=FOREVER if vehicle.max_work_s is None else vehicle.max_work_s,
        max_distance=FOREVER if vehicle.max_distance_m is None else vehicle.max_distance_m,
        unit_distance_cost=vehicle.km_minor // unit,
        unit_duration_cost=_second_cost(vehicle) // unit,
        profile=profile,
        reload_depots=[depots[depot] for depot in vehicle.reload_depots],
        max_reloads=vehicle.max_reloads,
    )


def _second_cost(vehicle: Vehicle) -> int:
    return round(vehicle.hour_minor * _MILLI / 3600)


def _unit(day: Day) -> int:
    """Return what all costs have in common, in thousandths of a minor unit."""
    costs = [0]
    for vehicle in day.problem.vehicles:
        costs += [vehicle.km_minor, _second_cost(vehicle), vehicle.fixed_minor * _MILLI]
    costs += [(stop.penalty_minor or 0) * _MILLI for stop in day.problem.stops]
    costs += [(s.penalty_minor or 0) * _MILLI for s in day.problem.shipments]
    return math.gcd(*costs) or 1


def _profiles(
    day: Day, places: Sequence[str], stops: Sequence[Stop]
) -> tuple[list[tuple[np.ndarray, np.ndarray]], dict[str, int]]:
    """Return the solver's (distance, duration) matrices and vehicle id -> which of them."""
    made: dict[tuple[str, frozenset[str]], int] = {}
    matrices: list[tuple[np.ndarray, np.ndarray]] = []
    profile_of = {}
    for vehicle in day.problem.vehicles:
        barred = frozenset(
            s.stop_id for s in stops if not routing_schedule.may_serve(day, vehicle, s)
        )
        key = (vehicle.profile, barred)
        if key not in made:
            made[key] = len(matrices)
            matrices.append(_with_holes(day, vehicle.profile, places, barred))
        profile_of[vehicle.vehicle_id] = made[key]
    return matrices, profile_of


def _with_holes(
    day: Day, profile: str, places: Sequence[str], barred: frozenset[str]
) -> tuple[np.ndarray, np.ndarray]:
    matrix = day.problem.matrices[profile]
    rows = np.array([day.place[profile][place] for place in places])
    distance = np.array(matrix.distance_m[np.ix_(rows, rows)], dtype=np.int64)
    duration = np.array(matrix.duration_s[np.ix_(rows, rows)], dtype=np.int64)
    hole = (distance < 0) | (duration < 0)
    for at, place in enumerate(places):
        if place in barred:
            hole[at, :] = hole[:, at] = True
    np.fill_diagonal(hole, val=False)
    if hole.any():
        # Far enough that no sensible route uses it, near enough that the search still counts.
        distance[hole] = _HOLE_TIMES * max(int(distance.max()), 1000)
        duration[hole] = max(_HOLE_TIMES * int(duration.max()), 10 * 86_400)
    return distance, duration


def _dearest_leg(
    day: Day,
    profiles: Sequence[tuple[np.ndarray, np.ndarray]],
    profile_of: Mapping[str, int],
    unit: int,
) -> int:
    dearest = 1
    for vehicle in day.problem.vehicles:
        distance, duration = profiles[profile_of[vehicle.vehicle_id]]
        finite = distance < distance.max() if distance.max() > distance.min() else distance >= 0
        metres = int(distance[finite].max()) if finite.any() else 1
        seconds = int(np.minimum(duration, 86_400).max())
        cost = metres * vehicle.km_minor + seconds * _second_cost(vehicle)
        dearest = max(dearest, cost // unit)
    return dearest
