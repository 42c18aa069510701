"""What inventory keeps in memory: the demand of a day, read once; stock is read when asked for.

Demand counts whole days, so the panel of yesterday serves all questions of today; an event that
falls into those days makes it be read again. Positions, terms and rules come from the tables at
each question, so a delivery of this minute counts.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.data import demand as tables
from shopkeeper.data import proposals
from shopkeeper.inventory import known, oddities, rules
from shopkeeper.inventory.known import Known
from shopkeeper.inventory.schema import DemandPanel, Features, Position, Request
from shopkeeper.inventory.terms import supply_terms

FREQUENCY = "W"
MOST = 2500  # products whose demand is kept in memory, most valuable first
KINDS = frozenset(("purchase", "cancel", "refund", "stock_level", "promotion", "item", "label"))
_EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class LiveState:
    """The tables, and the demand panel of the last whole day once somebody asked."""

    warehouse: Any
    demand: Known | None = None
    end_us: int = 0
    day: date | None = None
    reading: threading.Lock = field(default_factory=threading.Lock)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Forget the panel where an event falls into its days."""
        if event.get("occurred_us", 0) < self.end_us:
            self.demand = self.day = None

    def panel(self, now_us: int) -> Known | None:
        """Return demand up to the last whole day; read once a day, by one thread."""
        self.warehouse.refresh()
        today = clock.from_us(now_us).date()
        found, day = self.demand, self.day
        if day != today:
            with self.reading:
                if self.day == today:
                    return self.demand
                found = known.read(
                    self.warehouse, now_us=now_us, frequency=FREQUENCY, most=MOST, orders=False
                )
                end = found.end if found else today
                self.demand, self.end_us = found, (end - _EPOCH).days * DAY_US
                self.day = today
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Features):
    """Features whose panel holds the shop's other products too; ``row`` is the one asked for."""

    row: int = 0


def rebuild(warehouse: Any) -> LiveState:
    """Return the state; it reads when it is asked."""
    return LiveState(warehouse)


def ready(state: LiveState, as_of_us: int) -> None:
    """Read the demand of the day if nobody has; the state's lock is not needed for it."""
    state.panel(as_of_us)


def features_at(state: LiveState, request: Request, as_of_us: int) -> Asked:
    """Return what is known of one product: its demand among the others', stock, terms, rules."""
    found = state.panel(as_of_us)
    key = _key(found, request) if found else None
    if found is None or key is None:
        alone = known.read(state.warehouse, now_us=as_of_us, items=[request.sku], orders=False)
        key = _key(alone, request) if alone else None
        if alone is None or key is None:
            found = _with_new(state, found, request)
            key = found.keys[-1]
        else:
            found = alone
    row = found.keys.index(key)
    location = found.panel.locations[row]
    price = float(found.prices_minor[row])
    faults = known.faults_of(state.warehouse, [request.sku])
    return Asked(
        as_of_us=as_of_us,
        sku=request.sku,
        location=location,
        panel=found.panel,
        row=row,
        position=_position(state.warehouse, (request.sku, location)),
        terms=supply_terms(state.warehouse, [request.sku], as_of_us)[0],
        rules=rules.held(state.warehouse),
        price_minor=round(price) if np.isfinite(price) else 0,
        notes=(*found.notes[row], *oddities.of_faults(request.sku, faults)),
    )


def _key(found: Known, request: Request) -> tuple[str, str] | None:
    places = [place for sku, place in found.keys if sku == request.sku]
    if request.location in places:
        return request.sku, request.location
    if request.location or not places:
        return None
    if len(places) > 1:
        raise BadInput(
            f"'{request.sku}' is sold at {len(places)} locations; name one.",
            field="location",
            value="",
            allowed=", ".join(sorted(places)),
        )
    return request.sku, places[0]


def _with_new(state: LiveState, found: Known | None, request: Request) -> Known:
    """Return the panel with one more series that was never bought.

    One that was in stock all the while has sold nothing; of one that never was, nothing is
    known, and its neighbours are believed in.
    """
    facts = tables.described(state.warehouse, [request.sku]).get(request.sku)
    if facts is None or found is None:
        raise NotFound(
            f"Nothing is known of '{request.sku}'.",
            hint="Send its item event, or check the sku; a shop without orders has no plan.",
            field="sku",
            value=request.sku,
        )
    price = float(facts.get("price_minor") or 0)
    panel = _appended(found.panel, request, str(facts.get("category") or ""), price)
    since = tables.in_stock_since(state.warehouse, request.sku)
    if since is not None:
        waited = panel.starts.astype("datetime64[D]") >= np.datetime64(since)
        panel.units[-1, waited] = 0.0
    lived = int(np.isfinite(panel.units[-1]).sum())
    note = ("all_zero", {"periods": lived}) if lived else ("no_history", {})
    return replace(
        found,
        panel=panel,
        prices_minor=np.append(found.prices_minor, price),
        notes=(*found.notes, (note,)),
    )


def _appended(panel: DemandPanel, request: Request, category: str, price: float) -> DemandPanel:
    def more(values: np.ndarray | None, fill: float) -> np.ndarray | None:
        if values is None:
            return None
        return np.vstack([values, np.full((1, values.shape[1]), fill)])

    return replace(
        panel,
        skus=[*panel.skus, request.sku],
        locations=[*panel.locations, request.location],
        units=np.vstack([panel.units, np.full((1, panel.units.shape[1]), np.nan)]),
        in_stock_share=more(panel.in_stock_share, 1.0),
        price_minor=more(panel.price_minor, price or np.nan),
        known={n: np.vstack([v, np.full((1, v.shape[1]), np.nan)]) for n, v in panel.known.items()},
        category=[*panel.category, category] if len(panel.category) else (),
        titles=[*panel.titles, ""] if len(panel.titles) else (),
        one_off=more(panel.one_off, 0.0),
        returned=more(panel.returned, 0.0),
    )


def _position(warehouse: Any, key: tuple[str, str]) -> Position:
    stock = tables.on_hand(warehouse)
    owed = tables.outstanding(warehouse)
    waiting = proposals.pending(warehouse)
    here = [row for row in owed if (row["item_id"], row["location_id"]) == key]
    asked = [row for row in waiting if (row["item_id"], row["location_id"]) == key]
    return Position(
        on_hand=stock.get(key, 0.0),
        on_order=sum(float(row["outstanding"]) for row in here),
        proposed=sum(float(row["quantity"]) for row in asked),
        counted=key in stock,
    )
