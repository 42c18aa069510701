"""What a route plan is made of: stops, vehicles, shipments, a matrix, and the plan itself.

Times are whole seconds of the plan's day, distances whole metres, money minor units. A stop's
depot, a vehicle's start and a warehouse share ids: a depot is a Warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.supply.schema import Warehouse

DAY_S = 86_400
FOREVER = int(np.iinfo(np.int64).max)  # a window or shift without an end
# Why a stop was left out. Every dropped stop carries exactly one of them, with its figures.
DROP_REASONS = (
    "capacity",  # more than any vehicle, or than what is left in those that could come
    "window",  # its hours cannot be met
    "shift",  # no driver can be back in time
    "distance",  # beyond the range of every vehicle that could come
    "unreachable",  # the matrix has no way there or back
    "dearer_than_penalty",  # it could be served, for more than leaving it out costs
    "no_vehicle",  # no vehicle may serve it
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place to deliver to, or to collect from.

    demand       units per load dimension, left there; ``pickup`` the same, taken along
    penalty_minor  what leaving it out costs; None: it must be served if anyhow possible
    depot_id     where its goods lie; None: any depot has them
    vehicles     the only vehicles that may serve it; empty: any
    """

    stop_id: str
    latitude: float = 0.0
    longitude: float = 0.0
    demand: tuple[int, ...] = (0,)
    pickup: tuple[int, ...] = ()
    service_s: int = 0
    opens_s: int = 0
    closes_s: int = DAY_S
    release_s: int = 0  # not ready to leave the depot before
    penalty_minor: int | None = None
    depot_id: str | None = None
    vehicles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Take ``amount`` from one place to another with the same vehicle."""

    shipment_id: str
    pickup: Stop
    delivery: Stop
    amount: tuple[int, ...] = (1,)
    penalty_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """One vehicle, or ``count`` equal ones. ``profile`` picks its matrix."""

    vehicle_id: str
    capacity: tuple[int, ...] = (100,)
    depot_id: str = ""  # empty: the first depot
    end_depot_id: str | None = None  # None: back where it started
    count: int = 1
    shift_start_s: int = 0
    shift_end_s: int = DAY_S
    max_work_s: int | None = None
    max_distance_m: int | None = None
    fixed_minor: int = 0
    km_minor: int = 100
    hour_minor: int = 0
    reload_depots: tuple[str, ...] = ()
    max_reloads: int = 0
    profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Metres and seconds between places; -1 where there is no way. Row: from, column: to."""

    places: Sequence[str]
    distance_m: np.ndarray  # (n, n) int64
    duration_s: np.ndarray  # (n, n) int64
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A day to plan. ``matrices`` by profile; every place id is a depot, stop or shipment end."""

    depots: tuple[Warehouse, ...]
    vehicles: tuple[Vehicle, ...]
    stops: tuple[Stop, ...]
    matrices: Mapping[str, Matrix]
    shipments: tuple[Shipment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One arrival of a vehicle. ``kind``: depot, delivery, pickup; ``trip`` counts reloads."""

    stop_id: str
    kind: str
    arrive_s: int
    start_s: int
    leave_s: int
    trip: int = 0

    @property
    def wait_s(self) -> int:
        """Seconds at the door before it opens."""
        return self.start_s - self.arrive_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What one vehicle does, depot to depot; ``number`` tells equal vehicles apart."""

    vehicle_id: str
    visits: tuple[Visit, ...]
    distance_m: int
    duration_s: int
    cost_minor: int
    load: tuple[int, ...]  # highest on the way, per dimension
    number: int = 1

    @property
    def stop_ids(self) -> tuple[str, ...]:
        """Stops in order, without depots."""
        return tuple(v.stop_id for v in self.visits if v.kind != "depot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A stop left out: one of DROP_REASONS and the figures that show it."""

    stop_id: str
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePlan:
    """Routes, what was left out and why, and how the search ended.

    status    "finished" (asked iterations done), "time_limit" (best so far) or "cancelled"
    feasible  every constraint holds for every route here
    """

    routes: tuple[Route, ...]
    dropped: tuple[Dropped, ...]
    cost_minor: int
    feasible: bool
    status: str
    seconds: float
    iterations: int
    distance_m: int = 0
    first_feasible_s: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Best so far while the search runs. ``plan`` makes the plan when somebody looks."""

    seconds: float
    cost_minor: float
    feasible: bool
    iterations: int
    plan: Callable[[], RoutePlan]
