"""Refuse a day that makes no sense, by the name of what is wrong with it.

What can still be planned around (a stop that no vehicle reaches, a window before the depot
opens, more than any vehicle holds) is no error: the plan leaves it out and says why.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.routing_schema import Matrix, Problem, Stop


def check(problem: Problem) -> None:
    """Raise BadInput for the first thing that no plan could answer."""
    if not problem.depots:
        raise BadInput("There is no depot to start from.", field="depots", value=0)
    if not problem.vehicles or not any(vehicle.count > 0 for vehicle in problem.vehicles):
        raise BadInput(
            "There are no vehicles, so nothing can be planned.",
            hint="Give at least one vehicle with count 1 or more.",
            field="vehicles",
            value=len(problem.vehicles),
        )
    places = _ids(problem)
    for stop in _all_stops(problem):
        _check_stop(stop, problem)
    for vehicle in problem.vehicles:
        for depot in (vehicle.depot_id, vehicle.end_depot_id, *vehicle.reload_depots):
            if depot and all(depot != d.warehouse_id for d in problem.depots):
                raise _wrong("vehicle", vehicle.vehicle_id, "depot", depot, "an id in depots")
        if vehicle.profile not in problem.matrices:
            allowed = ", ".join(map(repr, problem.matrices))
            raise _wrong("vehicle", vehicle.vehicle_id, "profile", vehicle.profile, allowed)
        if vehicle.shift_end_s < vehicle.shift_start_s:
            raise _wrong(
                "vehicle",
                vehicle.vehicle_id,
                "shift_end_s",
                vehicle.shift_end_s,
                f"{vehicle.shift_start_s} or later, when the shift starts",
            )
        if any(amount < 0 for amount in vehicle.capacity) or not vehicle.capacity:
            raise _wrong("vehicle", vehicle.vehicle_id, "capacity", vehicle.capacity, "0 or more")
    for name, matrix in problem.matrices.items():
        check_matrix(matrix, places, name)


def check_matrix(matrix: Matrix, needed: Iterable[str], name: str = "") -> None:
    """Raise BadInput where a matrix is not square, lacks a place or holds impossible values.

    -1 is a hole (no way) and asymmetry is a one-way street; both are fine.
    """
    size = len(matrix.places)
    label = f"The matrix '{name}'" if name else "The matrix"
    for field, values in (("distance_m", matrix.distance_m), ("duration_s", matrix.duration_s)):
        if values.shape != (size, size):
            raise BadInput(
                f"{label}: {field} has shape {values.shape}, but there are {size} places.",
                field=field,
                value=str(values.shape),
                allowed=f"({size}, {size})",
            )
        bad = np.argwhere(values < -1)
        if len(bad):
            row, column = (int(x) for x in bad[0])
            raise BadInput(
                f"{label}: {field} from '{matrix.places[row]}' to '{matrix.places[column]}' is"
                f" {int(values[row, column])}.",
                hint="Write -1, or leave it empty in a file, where there is no way.",
                field=field,
                value=int(values[row, column]),
                allowed="0 or more, or -1 for no way",
            )
        stays = np.flatnonzero(np.diagonal(values) != 0)
        if len(stays):
            place = matrix.places[int(stays[0])]
            raise BadInput(
                f"{label}: {field} from '{place}' to itself is not 0.",
                field=field,
                value=int(values[stays[0], stays[0]]),
                allowed="0",
            )
    known = set(matrix.places)
    missing = sorted(set(needed) - known)
    if missing:
        raise BadInput(
            f"{label} lacks {len(missing)} of the places, the first is '{missing[0]}'.",
            hint="A matrix needs a row and a column for every depot and stop.",
            field="places",
            value=missing[0],
        )


def _ids(problem: Problem) -> set[str]:
    seen: set[str] = set()
    for depot in problem.depots:
        if depot.warehouse_id in seen:
            raise BadInput(
                f"Depot '{depot.warehouse_id}' stands twice.",
                field="depots",
                value=depot.warehouse_id,
            )
        seen.add(depot.warehouse_id)
    for stop in _all_stops(problem):
        if stop.stop_id in seen:
            raise BadInput(
                f"Stop '{stop.stop_id}' stands twice.",
                hint="Give each stop an id of its own; two stops may share an address.",
                field="stop_id",
                value=stop.stop_id,
                allowed="an id that no other stop or depot has",
            )
        seen.add(stop.stop_id)
    for vehicle in problem.vehicles:
        if sum(other.vehicle_id == vehicle.vehicle_id for other in problem.vehicles) > 1:
            raise BadInput(
                f"Vehicle '{vehicle.vehicle_id}' stands twice.",
                hint="For equal vehicles give one with count.",
                field="vehicle_id",
                value=vehicle.vehicle_id,
            )
    return seen


def _all_stops(problem: Problem) -> list[Stop]:
    ends = [stop for s in problem.shipments for stop in (s.pickup, s.delivery)]
    return [*problem.stops, *ends]


def _check_stop(stop: Stop, problem: Problem) -> None:
    if stop.closes_s < stop.opens_s:
        allowed = f"{stop.opens_s} or later, when it opens"
        raise _wrong("stop", stop.stop_id, "closes_s", stop.closes_s, allowed)
    for field, amounts in (("demand", stop.demand), ("pickup", stop.pickup)):
        if any(amount < 0 for amount in amounts):
            raise _wrong("stop", stop.stop_id, field, amounts, "0 or more")
    sizes = {len(vehicle.capacity) for vehicle in problem.vehicles}
    if len(sizes) > 1:
        raise BadInput(
            "Vehicles count load in different numbers of dimensions.",
            hint="Give every vehicle a capacity for each dimension, 0 where it takes none.",
            field="capacity",
            value=sorted(sizes),
        )
    if len(stop.demand) > max(sizes):
        allowed = f"{max(sizes)} amounts, as the vehicles have"
        raise _wrong("stop", stop.stop_id, "demand", stop.demand, allowed)
    if stop.service_s < 0:
        raise _wrong("stop", stop.stop_id, "service_s", stop.service_s, "0 or more")
    if stop.depot_id is not None and all(
        stop.depot_id != depot.warehouse_id for depot in problem.depots
    ):
        raise _wrong("stop", stop.stop_id, "depot_id", stop.depot_id, "an id in depots")
    known = {vehicle.vehicle_id for vehicle in problem.vehicles}
    strange = [name for name in stop.vehicles if name not in known]
    if strange:
        raise _wrong("stop", stop.stop_id, "vehicles", strange[0], "an id in vehicles")
    if stop.penalty_minor is not None and stop.penalty_minor < 0:
        raise _wrong("stop", stop.stop_id, "penalty_minor", stop.penalty_minor, "0 or more")


def _wrong(kind: str, name: str, field: str, value: object, allowed: str) -> BadInput:
    return BadInput(
        f"{kind.capitalize()} '{name}': {field} is {value!r}.",
        field=field,
        value=value,
        allowed=allowed,
    )
