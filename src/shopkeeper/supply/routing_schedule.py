"""What happens when one vehicle drives one sequence: times, load, cost, and what it breaks.

Plain arithmetic, independent of the solver: it checks the solver's plans, prices a stop dragged
to another route at once, and says why a stop does not fit. A depot id inside a sequence is a
reload. The vehicle leaves as late as it can without coming home later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.supply.routing_schema import Matrix, Problem, Route, Shipment, Stop, Vehicle, Visit
from shopkeeper.supply.schema import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A Problem indexed for lookups; build it once and reuse it."""

    problem: Problem
    depots: Mapping[str, Warehouse]
    stops: Mapping[str, Stop]  # shipment ends included
    picks: Mapping[str, Shipment]  # pickup stop id -> its shipment
    gives: Mapping[str, Shipment]  # delivery stop id -> its shipment
    vehicles: Mapping[str, Vehicle]
    place: Mapping[str, Mapping[str, int]]  # profile -> place id -> row of its matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One sequence as driven. ``broken`` holds (reason, figures); empty: feasible."""

    route: Route
    broken: tuple[tuple[str, Mapping[str, Any]], ...]

    @property
    def feasible(self) -> bool:
        """Whether every constraint holds."""
        return not self.broken


def index(problem: Problem) -> Day:
    """Return the problem with its ids looked up."""
    stops = {stop.stop_id: stop for stop in problem.stops}
    for shipment in problem.shipments:
        stops[shipment.pickup.stop_id] = shipment.pickup
        stops[shipment.delivery.stop_id] = shipment.delivery
    return Day(
        problem=problem,
        depots={depot.warehouse_id: depot for depot in problem.depots},
        stops=stops,
        picks={s.pickup.stop_id: s for s in problem.shipments},
        gives={s.delivery.stop_id: s for s in problem.shipments},
        vehicles={vehicle.vehicle_id: vehicle for vehicle in problem.vehicles},
        place={
            name: {place: row for row, place in enumerate(matrix.places)}
            for name, matrix in problem.matrices.items()
        },
    )


def ends(day: Day, vehicle: Vehicle) -> tuple[str, str]:
    """Return where a vehicle starts and ends."""
    start = vehicle.depot_id or day.problem.depots[0].warehouse_id
    return start, vehicle.end_depot_id or start


def drive(day: Day, vehicle: Vehicle, sequence: Sequence[str]) -> Schedule:
    """Return the schedule of a vehicle that visits ``sequence``; depots at the ends are added."""
    start, end = ends(day, vehicle)
    stations = [start, *sequence, end]
    broken: list[tuple[str, Mapping[str, Any]]] = []
    distance, travel = _legs(day, vehicle, stations, broken)
    peak = _load(day, vehicle, stations, broken)
    visits, duration = _times(day, vehicle, stations, travel, broken)
    metres = int(distance.sum())
    if vehicle.max_distance_m is not None and metres > vehicle.max_distance_m:
        broken.append(("distance", {"metres": metres, "allowed_m": vehicle.max_distance_m}))
    if vehicle.max_work_s is not None and duration > vehicle.max_work_s:
        broken.append(("shift", {"work_s": duration, "allowed_s": vehicle.max_work_s}))
    cost = cost_minor(vehicle, metres, duration) if sequence else 0
    route = Route(
        vehicle_id=vehicle.vehicle_id,
        visits=tuple(visits),
        distance_m=metres,
        duration_s=duration,
        cost_minor=cost,
        load=tuple(int(x) for x in peak),
    )
    return Schedule(route=route, broken=tuple(broken))


def cost_minor(vehicle: Vehicle, metres: int, seconds: int) -> int:
    """Return what a used vehicle costs: fixed, by kilometre, by hour.

    >>> cost_minor(Vehicle(vehicle_id="v", fixed_minor=500, km_minor=60, hour_minor=0), 10_000, 0)
    1100
    """
    running = vehicle.km_minor * metres / 1000 + vehicle.hour_minor * seconds / 3600
    return vehicle.fixed_minor + round(running)


def may_serve(day: Day, vehicle: Vehicle, stop: Stop) -> bool:
    """Return whether the stop's goods and the stop's own list allow this vehicle."""
    start, _ = ends(day, vehicle)
    if stop.vehicles and vehicle.vehicle_id not in stop.vehicles:
        return False
    return stop.depot_id is None or stop.depot_id == start


def _legs(
    day: Day, vehicle: Vehicle, stations: Sequence[str], broken: list[tuple[str, Mapping[str, Any]]]
) -> tuple[np.ndarray, list[int]]:
    matrix: Matrix = day.problem.matrices[vehicle.profile]
    rows = [day.place[vehicle.profile][station] for station in stations]
    distance = matrix.distance_m[rows[:-1], rows[1:]]
    travel = matrix.duration_s[rows[:-1], rows[1:]]
    for leg in np.flatnonzero((distance < 0) | (travel < 0)).tolist():
        broken.append(("unreachable", {"from": stations[leg], "to": stations[leg + 1]}))
    for station in stations[1:-1]:
        stop = day.stops.get(station)
        if stop is not None and not may_serve(day, vehicle, stop):
            broken.append(("no_vehicle", {"stop": station, "vehicle": vehicle.vehicle_id}))
    return np.maximum(distance, 0), [int(x) for x in np.maximum(travel, 0)]


def _load(
    day: Day, vehicle: Vehicle, stations: Sequence[str], broken: list[tuple[str, Mapping[str, Any]]]
) -> np.ndarray:
    """Return the highest load per dimension: deliveries load at the trip's start."""
    capacity = np.array(vehicle.capacity, dtype=np.int64)
    peak = np.zeros_like(capacity)
    trip: list[str] = []
    reloads = 0
    for position, station in enumerate(stations[1:], start=1):
        if station not in day.depots:
            trip.append(station)
            continue
        load = sum((_vector(day.stops[s].demand, len(capacity)) for s in trip), peak * 0)
        highest = load.copy()
        for name in trip:
            stop = day.stops[name]
            load = load - _vector(stop.demand, len(capacity)) + _vector(stop.pickup, len(capacity))
            if name in day.picks:
                load = load + _vector(day.picks[name].amount, len(capacity))
            if name in day.gives:
                load = load - _vector(day.gives[name].amount, len(capacity))
            highest = np.maximum(highest, load)
        peak = np.maximum(peak, highest)
        trip = []
        if position < len(stations) - 1:
            reloads += 1
            if station not in vehicle.reload_depots:
                broken.append(("no_vehicle", {"reload": station, "vehicle": vehicle.vehicle_id}))
    if reloads > vehicle.max_reloads:
        broken.append(("capacity", {"reloads": reloads, "allowed": vehicle.max_reloads}))
    over = np.flatnonzero(peak > capacity)
    if len(over):
        at = int(over[0])
        facts = {"load": int(peak[at]), "capacity": int(capacity[at]), "dimension": at}
        broken.append(("capacity", facts))
    return peak


def _vector(amounts: Sequence[int], size: int) -> np.ndarray:
    found = np.zeros(size, dtype=np.int64)
    found[: len(amounts)] = amounts[:size]
    return found


def _times(
    day: Day,
    vehicle: Vehicle,
    stations: Sequence[str],
    travel: Sequence[int],
    broken: list[tuple[str, Mapping[str, Any]]],
) -> tuple[list[Visit], int]:
    early = max(vehicle.shift_start_s, day.depots[stations[0]].opens_s, _ready(day, stations, 0))
    faults, visits, slack, waited = _forward(day, stations, travel, early)
    if not faults and waited and slack > 0:
        # Leaving later by the waiting that windows leave over costs nothing at the end.
        early += min(slack, waited)
        faults, visits, _, _ = _forward(day, stations, travel, early)
    broken.extend(faults)
    home = visits[-1].arrive_s
    if home > vehicle.shift_end_s:
        broken.append(("shift", {"home_s": home, "shift_end_s": vehicle.shift_end_s}))
    return visits, home - early


def _ready(day: Day, stations: Sequence[str], position: int) -> int:
    """Return when everything of the trip that starts at ``position`` is ready."""
    latest = 0
    for station in stations[position + 1 :]:
        if station in day.depots:
            break
        latest = max(latest, day.stops[station].release_s)
    return latest


def _forward(
    day: Day, stations: Sequence[str], travel: Sequence[int], leave: int
) -> tuple[list[tuple[str, Mapping[str, Any]]], list[Visit], int, int]:
    """Return (faults, visits, how much later one may leave, seconds waited)."""
    faults: list[tuple[str, Mapping[str, Any]]] = []
    visits = [
        Visit(stop_id=stations[0], kind="depot", arrive_s=leave, start_s=leave, leave_s=leave)
    ]
    now, waited, slack, trip = leave, 0, 1 << 62, 0
    for position, station in enumerate(stations[1:], start=1):
        arrive = now + travel[position - 1]
        depot = day.depots.get(station)
        if depot is not None:
            opens, closes, service, kind = depot.opens_s, depot.closes_s, 0, "depot"
            if position < len(stations) - 1:
                opens = max(opens, _ready(day, stations, position))
                trip += 1
            else:
                opens = arrive  # nobody waits to come home
        else:
            stop = day.stops[station]
            opens, closes, service = stop.opens_s, stop.closes_s, stop.service_s
            kind = "pickup" if station in day.picks or any(stop.pickup) else "delivery"
        start = max(arrive, opens)
        if start > closes:
            why = "shift" if depot is not None else "window"
            facts = {"stop": station, "arrive_s": arrive, "closes_s": closes}
            faults.append((why, facts))
        waited += start - arrive
        slack = min(slack, waited + closes - start)
        now = start + service
        visits.append(
            Visit(
                stop_id=station, kind=kind, arrive_s=arrive, start_s=start, leave_s=now, trip=trip
            )
        )
    return faults, visits, max(0, slack), waited
