"""Where things stand in the drawings of a route plan: the map and the vehicles' day, in SVG units.

The map needs no tile server: places lie by their coordinates, the outline is the hull of all of
them with a margin. It is the area of the day, not a coast.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

from shopkeeper.supply.routing_schema import Problem, RoutePlan

WIDTH, HEIGHT, MARGIN = 640.0, 420.0, 36.0
TONES = 7
LEFT, ROW, HOUR_WIDTH = 84.0, 34.0, 60.0
Point = tuple[float, float]


def plan_map(problem: Problem, plan: RoutePlan, over: Container[str] = ()) -> dict[str, Any]:
    """Return the outline, the depots, each route's line and stops, and what was left out.

    ``over``: stops that have happened.
    """
    places = {d.warehouse_id: (d.latitude, d.longitude) for d in problem.depots}
    places |= {s.stop_id: (s.latitude, s.longitude) for s in problem.stops}
    spot = _projected(places)
    routes = []
    for number, route in enumerate(plan.routes):
        points = [spot[visit.stop_id] for visit in route.visits]
        routes.append(
            {
                "vehicle_id": route.vehicle_id,
                "tone": number % TONES + 1,
                "line": " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
                "stops": [
                    {
                        "stop_id": v.stop_id,
                        "n": n,
                        "x": spot[v.stop_id][0],
                        "y": spot[v.stop_id][1],
                        "over": v.stop_id in over,
                    }
                    for n, v in enumerate([v for v in route.visits if v.kind != "depot"], start=1)
                ],
            }
        )
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "outline": " ".join(f"{x:.1f},{y:.1f}" for x, y in outline(list(spot.values()))),
        "depots": [
            {"name": d.warehouse_id, "x": spot[d.warehouse_id][0], "y": spot[d.warehouse_id][1]}
            for d in problem.depots
        ],
        "routes": routes,
        "dropped": [
            {"stop_id": d.stop_id, "x": spot[d.stop_id][0], "y": spot[d.stop_id][1]}
            for d in plan.dropped
            if d.stop_id in spot
        ],
    }


def gantt(
    problem: Problem, plan: RoutePlan, over: Container[str] = (), now_s: int | None = None
) -> dict[str, Any]:
    """Return each vehicle's day as bars: stops where they are served, idle vehicles too."""
    driven = {route.vehicle_id: route for route in plan.routes}
    ends = [route.visits[-1].leave_s for route in plan.routes]
    starts = [route.visits[0].leave_s for route in plan.routes]
    first = math.floor(min(starts, default=8 * 3600) / 3600)
    last = max(first + 1, math.ceil(max(ends, default=17 * 3600) / 3600))
    scale = HOUR_WIDTH / 3600
    stops = {stop.stop_id: stop for stop in problem.stops}
    lanes = []
    tones = {route.vehicle_id: n % TONES + 1 for n, route in enumerate(plan.routes)}
    for row, vehicle in enumerate(problem.vehicles):
        route = driven.get(vehicle.vehicle_id)
        bars = []
        for visit in () if route is None else [v for v in route.visits if v.kind != "depot"]:
            stop = stops[visit.stop_id]
            bars.append(
                {
                    "stop_id": visit.stop_id,
                    "x": LEFT + (visit.start_s - first * 3600) * scale,
                    "width": max(5.0, (visit.leave_s - visit.start_s) * scale),
                    "at": _hour(visit.start_s),
                    "opens": _hour(stop.opens_s),
                    "closes": _hour(stop.closes_s),
                    "over": visit.stop_id in over,
                }
            )
        lanes.append(
            {
                "vehicle_id": vehicle.vehicle_id,
                "y": 24 + row * ROW,
                "tone": tones.get(vehicle.vehicle_id, 7),
                "bars": bars,
                "from": None
                if route is None
                else LEFT + (route.visits[0].leave_s - first * 3600) * scale,
                "length": None if route is None else route.duration_s * scale,
                "load": 0 if route is None else route.load[0],
                "room": vehicle.capacity[0],
                "km": 0.0 if route is None else route.distance_m / 1000,
                "cost_minor": 0 if route is None else route.cost_minor,
                "stops": 0 if route is None else len(route.stop_ids),
            }
        )
    hours = [
        {"x": LEFT + (hour - first) * HOUR_WIDTH, "text": f"{hour:02d}:00"}
        for hour in range(first, last + 1)
    ]
    return {
        "width": LEFT + (last - first) * HOUR_WIDTH + 24,
        "height": 24 + ROW * len(lanes) + 8,
        "row": ROW,
        "lanes": lanes,
        "hours": hours,
        "now": None if now_s is None else LEFT + (now_s - first * 3600) * scale,
    }


def outline(points: Sequence[Point]) -> list[Point]:
    """Return the hull of points, pushed outwards, in order around it.

    >>> len(outline([(0, 0), (10, 0), (10, 10), (0, 10), (5, 5)]))
    4
    """
    some = sorted(set(points))
    if len(some) < 3:
        return []
    hull = [*_half(some), *_half(some[::-1])]
    middle = (sum(x for x, _ in hull) / len(hull), sum(y for _, y in hull) / len(hull))
    pushed = []
    for x, y in hull:
        away = math.hypot(x - middle[0], y - middle[1]) or 1.0
        grow = 1 + 24 / away
        pushed.append((middle[0] + (x - middle[0]) * grow, middle[1] + (y - middle[1]) * grow))
    return pushed


def _half(points: Sequence[Point]) -> list[Point]:
    chain: list[Point] = []
    for point in points:
        while len(chain) >= 2 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain[:-1]


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _projected(places: Mapping[str, Point]) -> dict[str, Point]:
    """Return places on the sheet: equirectangular, true to scale at the middle latitude."""
    middle = sum(north for north, _ in places.values()) / max(1, len(places))
    squeeze = math.cos(math.radians(middle))
    flat = {name: (east * squeeze, -north) for name, (north, east) in places.items()}
    left, right = min(x for x, _ in flat.values()), max(x for x, _ in flat.values())
    top, bottom = min(y for _, y in flat.values()), max(y for _, y in flat.values())
    scale = min(
        (WIDTH - 2 * MARGIN) / ((right - left) or 1.0),
        (HEIGHT - 2 * MARGIN) / ((bottom - top) or 1.0),
    )
    across = (WIDTH - (right - left) * scale) / 2
    down = (HEIGHT - (bottom - top) * scale) / 2
    return {
        name: (round(across + (x - left) * scale, 1), round(down + (y - top) * scale, 1))
        for name, (x, y) in flat.items()
    }


def _hour(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
