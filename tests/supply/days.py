"""Small days to plan, made by hand or by a seed."""

from __future__ import annotations

import numpy as np

from shopkeeper.supply import matrix
from shopkeeper.supply.routing_schema import Matrix, Problem, Stop, Vehicle
from shopkeeper.supply.schema import Warehouse


def line(stops, vehicles, *, depots=None, holes=(), metres=1000, seconds=100, **more):
    """Return a day on a straight road: depots and stops lie ``latitude`` kilometres along it."""
    depots = depots or (Warehouse(warehouse_id="north", latitude=0.0),)
    shipped = [end for s in more.get("shipments", ()) for end in (s.pickup, s.delivery)]
    things = [*depots, *stops, *shipped]
    at = np.array([thing.latitude for thing in things])
    apart = np.abs(at[:, None] - at[None, :])
    distance = np.rint(apart * metres).astype(np.int64)
    duration = np.rint(apart * seconds).astype(np.int64)
    names = [d.warehouse_id for d in depots] + [s.stop_id for s in (*stops, *shipped)]
    for a, b in holes:
        distance[names.index(a), names.index(b)] = duration[names.index(a), names.index(b)] = -1
    made = Matrix(places=tuple(names), distance_m=distance, duration_s=duration)
    return Problem(
        depots=tuple(depots),
        vehicles=tuple(vehicles),
        stops=tuple(stops),
        matrices={"": made},
        **more,
    )


def city(seed=7, *, stops=200, vehicles=4, width_h=4, km_minor=60):
    """Return a day of a town: two depots, stops with hours, vans with a shift."""
    rng = np.random.default_rng(seed)
    depots = (
        Warehouse(warehouse_id="north", latitude=52.56, longitude=13.35, closes_s=79_200),
        Warehouse(warehouse_id="south", latitude=52.45, longitude=13.45, closes_s=79_200),
    )
    made = []
    for n in range(stops):
        opens = int(rng.integers(8, 18 - width_h)) * 3600
        made.append(
            Stop(
                stop_id=f"s{n}",
                latitude=round(float(rng.normal(52.51, 0.05)), 6),
                longitude=round(float(rng.normal(13.40, 0.07)), 6),
                demand=(int(rng.integers(1, 5)),),
                service_s=90,
                opens_s=opens,
                closes_s=opens + width_h * 3600,
            )
        )
    vans = tuple(
        Vehicle(
            vehicle_id=f"van{n}",
            depot_id=("north", "south")[n % 2],
            capacity=(200,),
            shift_start_s=7 * 3600,
            shift_end_s=20 * 3600,
            km_minor=km_minor,
            hour_minor=1800,
        )
        for n in range(vehicles)
    )
    points = {d.warehouse_id: (d.latitude, d.longitude) for d in depots}
    points |= {s.stop_id: (s.latitude, s.longitude) for s in made}
    return Problem(
        depots=depots, vehicles=vans, stops=tuple(made), matrices={"": matrix.haversine(points)}
    )
