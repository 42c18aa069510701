"""What supply talks about: orders, stock, lanes, allocations, promises, lead times, scorecards.

Money is shop currency in minor units (cents); moments are microseconds UTC (``*_us``); days are
whole days. Routes have their own values in routing_schema.py. This file reads no data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Levels at which a lead time is carried; a promise is one of them or lies between two.
LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.975)
NOTICE_KINDS = ("delay", "early", "quantity", "price", "discontinued", "holiday", "confirmed")
NOTICE_FIELDS = (
    "purchase_order",
    "item",
    "days_late",
    "new_date",
    "quantity_confirmed",
    "quantity_short",
    "new_price",
    "discontinued",
    "holiday",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """A distribution of whole days from ordering (or picking) to receiving.

    ``source`` says what it was learned from: the lane's or supplier's own deliveries, shrunk to
    all suppliers, the supplier's word, or the shop's default; ``observed`` counts deliveries.
    """

    days: np.ndarray  # (k,) rising, 0 or more
    probability: np.ndarray  # (k,) sums to 1
    source: str = "default"
    observed: int = 0

    @property
    def mean_days(self) -> float:
        """Expected days."""
        return float(self.days @ self.probability)

    def at(self, level: float) -> float:
        """Return the smallest number of days that covers ``level`` of deliveries."""
        place = int(np.searchsorted(np.cumsum(self.probability), level - 1e-12))
        return float(self.days[min(place, len(self.days) - 1)])

    def later_than(self, days: float) -> float:
        """Return the probability of taking more than ``days``."""
        return float(self.probability[self.days > days].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A place that holds stock and where vehicles start; seconds are of the local day."""

    warehouse_id: str
    latitude: float = 0.0
    longitude: float = 0.0
    opens_s: int = 0
    closes_s: int = 86_400
    pick_minor: int = 0  # handling cost of one parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One product of an order. It ships whole from one warehouse, or is short."""

    sku: str
    quantity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a customer bought and where it goes. A sku stands in one line only."""

    order_id: str
    lines: tuple[Line, ...]
    placed_us: int = 0
    destination: str = ""  # a zone, postcode area or address key; never the address itself
    latitude: float | None = None
    longitude: float | None = None
    promised_us: int | None = None  # promised before: lateness against it costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Units that may still be promised, by (warehouse_id, sku). What is not named is 0."""

    units: Mapping[tuple[str, str], float]

    def at(self, warehouse_id: str, sku: str) -> float:
        """Return the units free at a warehouse."""
        return float(self.units.get((warehouse_id, sku), 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A way from a warehouse to where an order goes: what a parcel costs, how long it takes."""

    warehouse_id: str
    carrier: str = ""
    destination: str = ""
    parcel_minor: int = 0  # once per parcel
    unit_minor: int = 0  # and per unit in it
    lead_time: LeadTime | None = None  # from the order to the door: pick plus carrier


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the shop wants of an allocation; costs in minor units."""

    short_minor: int = 6_000  # per line that nobody ships
    split_minor: int = 0  # per parcel beyond an order's first
    late_day_minor: int = 0  # per expected day beyond the promise
    scarcity_weight: float = 0.1  # of checkout.scarcity_minor; from .5 it costs more
    promise_level: float = 0.9  # share of orders that should arrive by the promise


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedLine:
    """Where a line ships from; ``warehouse_id`` None: short."""

    sku: str
    quantity: float
    warehouse_id: str | None
    carrier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """From which warehouses an order ships and what that costs.

    cost_minor    shipping, splits, shortage, lateness and scarcity, as compared
    parts         name -> minor units: shipping, split, short, late, scarcity
    others        warehouse_id -> cost of shipping all from there, None where it cannot
    method        "greedy", "milp" or "nearest"
    """

    order_id: str
    lines: tuple[AllocatedLine, ...]
    cost_minor: int
    parts: Mapping[str, int]
    others: Mapping[str, int | None] = field(default_factory=dict)
    method: str = "greedy"

    @property
    def warehouses(self) -> tuple[str, ...]:
        """Which warehouses ship a parcel, each once, in order of the lines."""
        return tuple(dict.fromkeys(x.warehouse_id for x in self.lines if x.warehouse_id))

    @property
    def short(self) -> tuple[AllocatedLine, ...]:
        """Lines that nobody ships."""
        return tuple(line for line in self.lines if line.warehouse_id is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Allocations of many orders made together.

    ``status`` is "optimal" (within ``gap``), "time_limit" (best so far) or "greedy" (the solver
    found nothing better in its time); ``bound_minor`` is what no allocation can undercut.
    """

    allocations: tuple[Allocation, ...]
    cost_minor: float
    status: str
    gap: float
    bound_minor: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """When an order arrives: the day that ``level`` of such orders meet, and the likely day."""

    order_id: str
    arrive_by_us: int
    likely_us: int
    level: float
    source: str  # of the lead time
    observed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters ``start`` to ``end`` of a message that say so, and what they say."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEvent:
    """One change that a message announces for one purchase order or item.

    ``spans`` maps a field to where the text says it. ``certain`` holds the fields read from a
    span without a doubt; ``questions`` names what a person must answer (an ambiguous date, a
    purchase order nobody knows). Nothing here is applied by being read.
    """

    kind: str  # one of NOTICE_KINDS
    purchase_order: str | None = None
    order_known: bool = False  # it matches an open purchase order exactly
    item: str | None = None
    days_late: int | None = None
    new_date: str | None = None  # ISO day
    quantity_confirmed: float | None = None
    quantity_short: float | None = None
    new_price: float | None = None  # per unit, in currency units as written
    currency: str | None = None
    discontinued: bool = False
    holiday: tuple[str, str] | None = None  # closed from, to; ISO days, both included
    confidence: float = 0.0
    spans: Mapping[str, Span] = field(default_factory=dict)
    questions: tuple[str, ...] = ()

    @property
    def automatic(self) -> bool:
        """Whether it may be applied without a person: known order, spans, nothing to ask."""
        said = {name for name in NOTICE_FIELDS if getattr(self, name) not in (None, False)}
        return (
            self.order_known
            and not self.questions
            and said <= set(self.spans)
            and self.confidence >= 0.9
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message as it came and what was read in it."""

    notice_id: str
    text: str
    language: str
    received_us: int
    supplier_id: str | None = None
    events: tuple[NoticeEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An open purchase order, as the reader of notices and the planner know it."""

    purchase_order: str
    supplier_id: str
    items: tuple[str, ...]  # skus
    quantities: tuple[float, ...]
    ordered_day: str  # ISO
    expected_day: str  # ISO
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a reader of notices may look at: open orders, today, how the supplier writes dates."""

    open_orders: tuple[OpenOrder, ...] = ()
    today: str = ""  # ISO day on which the message came
    supplier_id: str | None = None
    date_style: str | None = None  # "dmy", "mdy" or "ymd" where the supplier's habit is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """How one supplier delivers: counts, shares with 95 % intervals, days."""

    supplier_id: str
    delivered: int
    open_orders: int
    on_time_share: float
    on_time_interval: tuple[float, float]
    late_days_mean: float
    lead_time: LeadTime
    p_late_next: float  # probability that the next order is late
    fill_rate: float | None = None  # received over ordered units
    price_change: float | None = None  # relative, last against first
    facts: Mapping[str, Any] = field(default_factory=dict)
