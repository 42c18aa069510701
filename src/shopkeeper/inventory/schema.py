"""What is asked, known and believed about stock: Request, DemandPanel, Demand, Position, terms.

Units are sold units; money is shop currency in minor units (cents) per unit; times are days.
A period is one column of a panel (a day, seven days, a month). This file reads no data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FREQUENCIES = {"D": 1.0, "W": 7.0, "M": 365.25 / 12}  # days in a period
SEGMENTS = ("smooth", "erratic", "intermittent", "lumpy", "new", "ended")
POLICIES = ("R,S", "s,S", "s,Q")
TARGETS = ("cycle_service", "fill_rate", "cost")
# Levels at which a predictive distribution is carried; the tails matter, so they are dense there.
LEVELS = (0.02, 0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.997)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question: what to order of a product at a location. None: the shop's rule decides."""

    sku: str
    location: str = ""
    service_level: float | None = None
    lead_time_days: float | None = None
    review_period_days: float | None = None
    budget_minor: int | None = None
    supplier_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandPanel:
    """Demand of n series over t periods of equal length, oldest first, up to yesterday.

    units            (n, t) ordered units, net of cancelled, fraudulent and test orders; NaN
                     where nobody knows (before the first period, a gap in the record)
    starts           (t,) datetime64[D], first day of each period
    in_stock_share   (n, t) share of the period in which it could be bought, or None: always
    price_minor      (n, t) price per unit, or None
    known            name -> (n, t + ahead): what is planned and so known beyond the end
                     (promotions, price); NaN where it is not
    category, titles (n,) texts, or empty
    """

    skus: Sequence[str]
    locations: Sequence[str]
    frequency: str
    starts: np.ndarray
    units: np.ndarray
    in_stock_share: np.ndarray | None = None
    price_minor: np.ndarray | None = None
    known: Mapping[str, np.ndarray] = field(default_factory=dict)
    category: Sequence[str] = ()
    titles: Sequence[str] = ()
    one_off: np.ndarray | None = None  # (n, t) units of tagged bulk orders, kept in ``units``
    returned: np.ndarray | None = None  # (n, t) units that came back, not taken off ``units``

    @property
    def period_days(self) -> float:
        """Days in a period."""
        return FREQUENCIES[self.frequency]

    @property
    def planned_periods(self) -> int:
        """Periods beyond the end for which every series' plans are known; 0: none is told ahead."""
        t = self.units.shape[1]
        known = [np.isfinite(values[:, t:]).all(axis=0) for values in self.known.values()]
        return min((int(np.cumprod(one).sum()) for one in known), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Belief about n series: *cumulative* demand over the next horizons[j] periods.

    quantiles (n, h, q), never negative, rising in q and in h; mean (n, h); both cumulative,
    because quantiles of single periods do not add. path (n, p): expected units per period.
    """

    horizons: np.ndarray  # (h,) whole periods, rising
    levels: np.ndarray  # (q,) rising, in (0, 1)
    quantiles: np.ndarray
    mean: np.ndarray
    path: np.ndarray
    frequency: str
    model: Sequence[str] = ()  # (n,) which model answered
    segment: Sequence[str] = ()  # (n,) one of SEGMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """A distribution of whole days from ordering to receiving.

    ``source`` says where it comes from: own deliveries, shrunk to the supplier, the supplier's
    word, or the shop's default; ``observed`` counts the deliveries behind it.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Stock of one product at one location: units on hand, on the way, proposed, owed."""

    on_hand: float = 0.0
    on_order: float = 0.0
    proposed: float = 0.0  # proposed or approved in this cycle, not sent yet
    backorders: float = 0.0
    counted: bool = True  # False: nobody ever counted; on_hand is a guess of zero

    @property
    def inventory_position(self) -> float:
        """What an order is compared with: on hand + on order + proposed - owed."""
        return self.on_hand + self.on_order + self.proposed - self.backorders


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBreak:
    """From ``quantity`` units on, every unit costs ``unit_cost_minor``."""

    quantity: float
    unit_cost_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyTerms:
    """On what terms a supplier delivers one product."""

    supplier_id: str
    unit_cost_minor: int
    lead_time: LeadTime | None = None  # None: unknown, the shop's default is used and said
    minimum_quantity: float = 0.0
    pack_size: float = 1.0
    price_breaks: tuple[PriceBreak, ...] = ()
    order_cost_minor: int = 0  # fixed cost of one order line
    minimum_value_minor: int = 0  # of one whole order to this supplier
    order_weekdays: tuple[int, ...] = ()  # 0 Monday; empty: any day
    closed_dates: tuple[str, ...] = ()  # ISO days without ordering or receiving
    shelf_life_days: float | None = None
    volume_per_unit: float = 0.0
    returnable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the shop wants: targets, costs and limits. Rates are per year of the unit cost."""

    policy: str = "R,S"
    target: str = "cycle_service"
    service_level: float = 0.95
    review_period_days: float = 7.0
    default_lead_time_days: float = 7.0
    holding_rate: float = 0.25
    stockout_cost_share: float = 0.5  # of the price, per unit not served
    markdown_share: float = 0.5  # of the unit cost, lost when a unit must go
    budget_minor: int | None = None
    volume_cap: float | None = None
    max_cover_days: float = 180.0
    overstock_cover_days: float = 90.0
    # Approved without a planner: none of these may be exceeded. None: nothing is.
    auto_approve_value_minor: int | None = None
    auto_approve_cover_days: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Buy ``quantity`` units of a product; the numbers behind it travel along.

    p_stockout_now      probability of running out before the order could be replaced, without it
    p_stockout_after    the same with it
    cost_of_nothing_minor   expected margin lost until the next chance to order, if nothing is done
    reasons             (code, facts) pairs; texts are the console's
    """

    sku: str
    location: str
    supplier_id: str
    quantity: float
    unit_cost_minor: int
    order_by: str  # ISO day
    expected_receipt: str  # ISO day
    p_stockout_now: float
    p_stockout_after: float
    cost_of_nothing_minor: int
    reasons: tuple[tuple[str, Mapping[str, Any]], ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    advice: str | None = None  # markdown, transfer or return, where stock is too high
    abc: str = ""  # A, B, C by value of demand
    xyz: str = ""  # X, Y, Z by steadiness of demand

    @property
    def value_minor(self) -> int:
        """What the order costs."""
        return round(self.quantity * self.unit_cost_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is known of one product at one location at ``as_of_us``; ``panel`` holds one series."""

    as_of_us: int
    sku: str
    location: str
    panel: DemandPanel
    position: Position
    terms: tuple[SupplyTerms, ...]
    rules: Rules
    price_minor: int = 0
    notes: tuple[tuple[str, Mapping[str, Any]], ...] = ()  # what is odd about its data
