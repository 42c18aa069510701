"""VRPLIB files (``.vrp``, ``.sol``): read, checked, and turned into a day to plan.

Published best costs hold only under the rounding they were made with: CVRP instances of the X
set use ``round``, the DIMACS competition's VRPTW instances ``dimacs`` (ten times, cut off).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.routing_schema import FOREVER, Matrix, Problem, Stop, Vehicle
from shopkeeper.supply.schema import Warehouse

# name -> what one unit of the file becomes; costs are divided by it again.
ROUNDINGS = {"round": 1, "dimacs": 10, "trunc": 1, "exact": 1000}
_SECTIONS = ("NODE_COORD", "DEMAND", "DEPOT", "TIME_WINDOW", "SERVICE_TIME", "EDGE_WEIGHT")
DEPOT, VEHICLE = "0", "vehicle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One file. Node 0 is the depot; arrays (n,) or (n, n) in whole units after rounding."""

    name: str
    distance: np.ndarray
    demand: np.ndarray
    capacity: int
    windows: np.ndarray | None  # (n, 2)
    service: np.ndarray
    vehicles: int
    rounding: str
    points: np.ndarray | None
    sha256: str

    @property
    def scale(self) -> int:
        """Whole units per unit of the file."""
        return ROUNDINGS[self.rounding]

    @property
    def clients(self) -> int:
        """Stops, the depot not counted."""
        return len(self.demand) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A ``.sol`` file: routes of client numbers from 1, and the cost it states."""

    routes: tuple[tuple[int, ...], ...]
    cost: float


def read(path: Path, rounding: str | None = None) -> Instance:
    """Read a ``.vrp`` file; without a rounding, ``dimacs`` where it has time windows, else round.

    Raises
    ------
    BadInput
        Naming the file and the line, section or value that is wrong or not supported.
    """
    if rounding is not None and rounding not in ROUNDINGS:
        raise BadInput(
            f"--round must be one of {', '.join(ROUNDINGS)}, but is '{rounding}'.",
            field="round",
            value=rounding,
            allowed=", ".join(ROUNDINGS),
        )
    fields, sections = _parse(path)
    size = _count(path, fields, "DIMENSION")
    capacity = _count(path, fields, "CAPACITY")
    windows = None
    if "TIME_WINDOW" in sections:
        windows = _rows(path, sections, "TIME_WINDOW", size, 3)[:, 1:]
    rounding = rounding or ("dimacs" if windows is not None else "round")
    points = None
    kind = fields.get("EDGE_WEIGHT_TYPE", "EUC_2D")
    if kind == "EUC_2D":
        points = _rows(path, sections, "NODE_COORD", size, 3)[:, 1:]
        apart = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    elif kind == "EXPLICIT" and fields.get("EDGE_WEIGHT_FORMAT") == "FULL_MATRIX":
        values = [value for line in sections.get("EDGE_WEIGHT", []) for value in line]
        if len(values) != size * size:
            raise _bad(path, "EDGE_WEIGHT_SECTION", f"{len(values)} values", f"{size * size}")
        apart = np.array(values, dtype=float).reshape(size, size)
    else:
        allowed = "EUC_2D, or EXPLICIT with FULL_MATRIX"
        raise _bad(path, "EDGE_WEIGHT_TYPE", kind, allowed)
    demand = _rows(path, sections, "DEMAND", size, 2)[:, 1]
    depots = [int(line[0]) for line in sections.get("DEPOT", []) if line and line[0] > 0]
    if depots not in ([], [1]):
        raise _bad(path, "DEPOT_SECTION", str(depots), "node 1 alone")
    service = np.full(size, float(fields.get("SERVICE_TIME", 0)))
    if "SERVICE_TIME" in sections:
        service = _rows(path, sections, "SERVICE_TIME", size, 2)[:, 1]
    service[0] = 0
    scale = ROUNDINGS[rounding]
    return Instance(
        name=fields.get("NAME", path.stem),
        distance=_rounded(apart, rounding),
        demand=demand.astype(np.int64),
        capacity=capacity,
        windows=None if windows is None else (windows * scale).astype(np.int64),
        service=(service * scale).astype(np.int64),
        vehicles=int(fields.get("VEHICLES", size - 1)),
        rounding=rounding,
        points=points,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def read_solution(path: Path) -> Solution:
    """Read a ``.sol`` file."""
    routes, cost = [], None
    for number, line in enumerate(_lines(path), start=1):
        words = line.replace(":", " ").split()
        try:
            if words[:1] == ["Route"]:
                routes.append(tuple(int(word) for word in words[2:]))
            elif words[:1] and words[0].lower() == "cost":
                cost = float(words[1])
        except (ValueError, IndexError) as problem:
            raise _bad(path, f"line {number}", line, "whole client numbers, or a cost") from problem
    if cost is None:
        raise _bad(path, "Cost", "missing", "a line 'Cost 123'")
    return Solution(routes=tuple(routes), cost=cost)


def cost_of(instance: Instance, routes: Sequence[Sequence[int]]) -> float:
    """Return the distance of routes in the file's units."""
    total = 0
    for route in routes:
        stations = [0, *route, 0]
        total += int(instance.distance[stations[:-1], stations[1:]].sum())
    return total / instance.scale


def faults(instance: Instance, routes: Sequence[Sequence[int]]) -> list[str]:
    """Return what is wrong with routes: visits missing or double, load, windows, vehicles."""
    found = []
    visited = sorted(client for route in routes for client in route)
    if visited != list(range(1, instance.clients + 1)):
        found.append("not every client exactly once")
    if len(routes) > instance.vehicles:
        found.append(f"{len(routes)} routes, {instance.vehicles} vehicles")
    for number, route in enumerate(routes, start=1):
        load = int(instance.demand[list(route)].sum())
        if load > instance.capacity:
            found.append(f"route {number} carries {load} of {instance.capacity}")
        if instance.windows is not None and not _in_time(instance, route):
            found.append(f"route {number} is late")
    return found


def problem_of(instance: Instance) -> Problem:
    """Return the instance as a day: one depot, equal vehicles, cost is distance."""
    names = tuple(str(node) for node in range(len(instance.demand)))
    windows = instance.windows
    none = np.tile([0, FOREVER], (len(names), 1))
    hours = none if windows is None else windows
    # Without windows time says nothing, and a zero matrix lets the solver leave it out.
    duration = np.zeros_like(instance.distance) if windows is None else instance.distance
    points = np.zeros((len(names), 2)) if instance.points is None else instance.points
    return Problem(
        depots=(
            Warehouse(
                warehouse_id=DEPOT,
                latitude=float(points[0, 1]),
                longitude=float(points[0, 0]),
                opens_s=int(hours[0, 0]),
                closes_s=int(hours[0, 1]),
            ),
        ),
        vehicles=(
            Vehicle(
                vehicle_id=VEHICLE,
                capacity=(instance.capacity,),
                count=instance.vehicles,
                shift_end_s=FOREVER,
                km_minor=1000,
            ),
        ),
        stops=tuple(
            Stop(
                stop_id=name,
                latitude=float(points[node, 1]),
                longitude=float(points[node, 0]),
                demand=(int(instance.demand[node]),),
                service_s=0 if windows is None else int(instance.service[node]),
                opens_s=int(hours[node, 0]),
                closes_s=int(hours[node, 1]),
            )
            for node, name in enumerate(names)
            if node
        ),
        matrices={"": Matrix(places=names, distance_m=instance.distance, duration_s=duration)},
    )


def _in_time(instance: Instance, route: Sequence[int]) -> bool:
    assert instance.windows is not None
    now, at = int(instance.windows[0, 0]), 0
    for node in [*route, 0]:
        now = max(now + int(instance.distance[at, node]), int(instance.windows[node, 0]))
        if now > instance.windows[node, 1]:
            return False
        now += int(instance.service[node])
        at = node
    return True


def _rounded(apart: np.ndarray, rounding: str) -> np.ndarray:
    if rounding == "dimacs":
        return np.trunc(10 * apart).astype(np.int64)
    if rounding == "trunc":
        return np.trunc(apart).astype(np.int64)
    return np.rint(apart * ROUNDINGS[rounding]).astype(np.int64)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except FileNotFoundError as problem:
        raise BadInput(
            f"{path} is not a file.", hint="Check the path.", field="routes"
        ) from problem
    except (OSError, UnicodeDecodeError) as problem:
        raise BadInput(f"{path} cannot be read: {problem}.", field="routes") from problem


def _parse(path: Path) -> tuple[dict[str, str], dict[str, list[list[float]]]]:
    fields: dict[str, str] = {}
    sections: dict[str, list[list[float]]] = {}
    current: list[list[float]] | None = None
    for number, raw in enumerate(_lines(path), start=1):
        line = raw.strip()
        if not line or line == "EOF":
            continue
        if ":" in line and not line[0].isdigit():
            name, _, value = line.partition(":")
            fields[name.strip()] = value.strip().strip('"')
            current = None
        elif line.endswith("_SECTION"):
            name = line.removesuffix("_SECTION")
            if name not in _SECTIONS:
                raise _bad(
                    path, f"line {number}", line, ", ".join(f"{s}_SECTION" for s in _SECTIONS)
                )
            current = sections.setdefault(name, [])
        else:
            try:
                values = [float(word) for word in line.split()]
            except ValueError as problem:
                raise _bad(path, f"line {number}", line, "numbers") from problem
            if current is None:
                raise _bad(path, f"line {number}", line, "NAME : VALUE, or a _SECTION first")
            current.append(values)
    if not fields and not sections:
        raise BadInput(f"{path} has no rows.", field="routes", value=str(path))
    return fields, sections


def _count(path: Path, fields: dict[str, str], name: str) -> int:
    text = fields.get(name, "missing")
    try:
        value = int(float(text))
    except ValueError:
        value = 0
    if value < 1:
        raise _bad(path, name, text, "a whole number above 0")
    return value


def _rows(
    path: Path, sections: dict[str, list[list[float]]], name: str, size: int, width: int
) -> np.ndarray:
    rows = sections.get(name, [])
    if len(rows) != size:
        raise _bad(path, f"{name}_SECTION", f"{len(rows)} rows", f"{size}, as DIMENSION says")
    for number, row in enumerate(rows, start=1):
        if len(row) != width or not np.isfinite(row).all() or int(row[0]) != number:
            said = " ".join(f"{value:g}" for value in row)
            raise _bad(
                path, f"{name}_SECTION row {number}", said, f"{number} and {width - 1} numbers"
            )
    return np.array(rows, dtype=float)


def _bad(path: Path, where: str, value: str, allowed: str) -> BadInput:
    return BadInput(
        f"{path}: {where} is '{value[:80]}'.", field=where, value=value[:80], allowed=allowed
    )
