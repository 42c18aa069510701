"""Why a stop was left out: each gets one reason with the figures that show it.

First ``screen``: what no vehicle could do even if it did nothing else. Then, against the finished
routes, ``explain``: the reason is the least that stands in the way, over every vehicle and every
place in its route; where nothing does, serving it costs more than leaving it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from shopkeeper.supply.routing_schedule import Day, Schedule, drive, ends, may_serve
from shopkeeper.supply.routing_schema import DROP_REASONS, FOREVER, Dropped, Vehicle

Driven = Sequence[tuple[Vehicle, Sequence[str]]]

_MANY = 40_000  # insertions to try in full; above, only the cheapest places of each route
_CHEAPEST = 12


def screen(day: Day) -> list[Dropped]:
    """Return what no vehicle could serve on a day of its own; it is not given to the solver."""
    found = []
    for unit in units(day):
        name = name_of(unit)
        stop = day.stops[name]
        able = [v for v in day.problem.vehicles if v.count > 0]
        allowed = [v for v in able if all(may_serve(day, v, day.stops[one]) for one in unit)]
        if not allowed:
            facts = {"depot": stop.depot_id, "vehicles": list(stop.vehicles)}
            found.append(Dropped(stop_id=name, reason="no_vehicle", facts=facts))
            continue
        tries = [drive(day, vehicle, unit) for vehicle in allowed]
        if all(one.broken for one in tries):
            found.append(_least(unit, [(v, t) for v, t in zip(allowed, tries, strict=True)], True))
    return found


def servable(day: Day, known: Sequence[Dropped]) -> list[tuple[str, ...]]:
    """Return the units that are not among the dropped."""
    names = {one.stop_id for one in known}
    return [unit for unit in units(day) if not names.intersection(unit)]


def overfull(day: Day, stop_ids: Sequence[str]) -> bool:
    """Return whether the stops' goods cannot fit into all vehicles with all their reloads."""
    size = len(day.problem.vehicles[0].capacity)
    room = np.zeros(size)
    for vehicle in day.problem.vehicles:
        trips = vehicle.count * (1 + (vehicle.max_reloads if vehicle.reload_depots else 0))
        room += np.array(vehicle.capacity, dtype=float) * trips
    asked = np.zeros(size)
    for name in stop_ids:
        stop = day.stops[name]
        if stop.penalty_minor is None:
            asked[: len(stop.demand)] += stop.demand
    return bool((asked > room).any())


def explain(day: Day, driven: Driven, missing: Sequence[tuple[str, ...]]) -> list[Dropped]:
    """Return the reason of every unit that stands in no route."""
    routes = with_idle(day, driven)
    places = sum(len(sequence) + 1 for _, sequence in routes)
    narrow = len(missing) * places > _MANY
    found = []
    for unit in missing:
        tries = []
        for vehicle, sequence in routes:
            if not all(may_serve(day, vehicle, day.stops[one]) for one in unit):
                continue
            for longer in insertions(day, vehicle, sequence, unit, narrow=narrow):
                tries.append((vehicle, drive(day, vehicle, longer)))
        fits = [one for one in tries if one[1].feasible]
        found.append(_dearer(day, unit, fits) if fits else _least(unit, tries, False))
    return found


def penalties(day: Day, left_out: Sequence[Dropped]) -> int:
    """Return what the stops left out cost by their own penalties."""
    total = 0
    for one in left_out:
        if one.stop_id in day.picks:
            total += day.picks[one.stop_id].penalty_minor or 0
        elif one.stop_id in day.gives:
            total += day.gives[one.stop_id].penalty_minor or 0
        else:
            total += day.stops[one.stop_id].penalty_minor or 0
    return total


def units(day: Day) -> Iterator[tuple[str, ...]]:
    """Yield what is served together: a stop alone, a shipment's two ends."""
    for stop in day.problem.stops:
        yield (stop.stop_id,)
    for shipment in day.problem.shipments:
        yield (shipment.pickup.stop_id, shipment.delivery.stop_id)


def name_of(unit: tuple[str, ...]) -> str:
    """Return the stop that a person knows a unit by: of a shipment, where it goes."""
    return unit[-1]


def penalty_of(day: Day, unit: tuple[str, ...]) -> int | None:
    """Return what leaving a unit out costs; None: it must be served."""
    if len(unit) == 2:
        return day.picks[unit[0]].penalty_minor
    return day.stops[unit[0]].penalty_minor


def with_idle(day: Day, driven: Driven) -> list[tuple[Vehicle, Sequence[str]]]:
    """Return the routes and, for every kind of vehicle that is not all out, an empty one."""
    used: dict[str, int] = {}
    for vehicle, _ in driven:
        used[vehicle.vehicle_id] = used.get(vehicle.vehicle_id, 0) + 1
    idle: list[tuple[Vehicle, Sequence[str]]] = [
        (vehicle, [])
        for vehicle in day.problem.vehicles
        if used.get(vehicle.vehicle_id, 0) < vehicle.count
    ]
    return [*driven, *idle]


def insertions(
    day: Day, vehicle: Vehicle, sequence: Sequence[str], unit: tuple[str, ...], *, narrow: bool
) -> Iterator[list[str]]:
    """Yield the sequence with the unit put in, nearest detour first, then on its own trip."""
    order = _by_detour(day, vehicle, sequence, unit[0])
    for at in order[:_CHEAPEST] if narrow else order:
        longer = [*sequence[:at], unit[0], *sequence[at:]]
        if len(unit) == 1:
            yield longer
            continue
        last = at + 1 + (3 if narrow else len(longer))
        for then in range(at + 1, min(last, len(longer)) + 1):
            yield [*longer[:then], unit[1], *longer[then:]]
    reloads = sum(station in day.depots for station in sequence)
    if sequence and reloads < vehicle.max_reloads:
        for depot in vehicle.reload_depots:
            yield [*sequence, depot, *unit]


def _by_detour(day: Day, vehicle: Vehicle, sequence: Sequence[str], stop_id: str) -> list[int]:
    start, end = ends(day, vehicle)
    row = day.place[vehicle.profile]
    distance = day.problem.matrices[vehicle.profile].distance_m
    stations = np.array([row[one] for one in (start, *sequence, end)])
    there = row[stop_id]
    detour = distance[stations[:-1], there] + distance[there, stations[1:]]
    detour = detour - distance[stations[:-1], stations[1:]]
    return [int(at) for at in np.argsort(detour, kind="stable")]


def _least(
    unit: tuple[str, ...], tries: Sequence[tuple[Vehicle, Schedule]], alone: bool
) -> Dropped:
    """Return the obstacle of the try with the fewest; ties go to the order of DROP_REASONS."""
    best: tuple[tuple[int, float], str, Mapping[str, Any]] | None = None
    for vehicle, schedule in tries:
        reasons = {reason for reason, _ in schedule.broken}
        # A hole or a bar makes everything after it meaningless.
        barred = [reason for reason in ("no_vehicle", "unreachable") if reason in reasons]
        why = barred[0] if barred else min(reasons, key=DROP_REASONS.index)
        facts = dict(next(facts for reason, facts in schedule.broken if reason == why))
        facts = {**facts, "vehicle": vehicle.vehicle_id, "alone": alone}
        # Among equals the one that misses by least says most.
        key = (len(reasons) + (10 if barred else 0), _missed_by(facts))
        if best is None or key < best[0]:
            best = (key, why, facts)
    if best is None:
        return Dropped(stop_id=name_of(unit), reason="no_vehicle", facts={"alone": alone})
    return Dropped(stop_id=name_of(unit), reason=best[1], facts=best[2])


def _missed_by(facts: Mapping[str, Any]) -> float:
    pairs = (
        ("load", "capacity"),
        ("arrive_s", "closes_s"),
        ("home_s", "shift_end_s"),
        ("work_s", "allowed_s"),
        ("metres", "allowed_m"),
    )
    for have, allowed in pairs:
        if have in facts and allowed in facts:
            return float(facts[have] - facts[allowed])
    return float(FOREVER)


def _dearer(day: Day, unit: tuple[str, ...], fits: Sequence[tuple[Vehicle, Schedule]]) -> Dropped:
    """Return the cheapest insertion against the penalty."""
    extra = []
    for vehicle, schedule in fits:
        rest = [s for s in _served(schedule) if s not in unit]
        old = drive(day, vehicle, rest).route.cost_minor if rest else 0
        extra.append((schedule.route.cost_minor - old, vehicle.vehicle_id))
    cost, vehicle_id = min(extra)
    facts = {
        "costs_minor": cost,
        "penalty_minor": penalty_of(day, unit) or 0,
        "vehicle": vehicle_id,
        "alone": False,
    }
    return Dropped(stop_id=name_of(unit), reason="dearer_than_penalty", facts=facts)


def _served(schedule: Schedule) -> list[str]:
    return [visit.stop_id for visit in schedule.route.visits[1:-1]]
