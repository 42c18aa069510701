"""The planner's workbench: the plan's own belief beside the stock, terms and rules of now.

The belief is what the newest plan wrote (``demand_forecast``), so a what-if and the proposals on
the page rest on the same forecast; stock, open orders and terms are read at each question.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.data import demand as tables
from shopkeeper.data.forecasts import QUANTILES, Entry, OriginShelf
from shopkeeper.inventory.schema import LEVELS, Demand, Position, Rules, SupplyTerms
from shopkeeper.inventory.terms import supply_terms
from shopkeeper.operate.replenish.rules import rules_of

FORECAST = "demand_forecast"
TERMS_US = 300_000_000  # terms and lead times of a whole plan are read again after five minutes
_KEPT: dict[str, Any] = {}
_LOCK = threading.Lock()
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A forecast of the plan: row i of ``demand`` is ``keys[i]`` from ``origin`` on."""

    origin: date
    made_us: int
    model: str
    kind: str
    keys: tuple[Key, ...]
    demand: Demand

    def only(self, rows: Sequence[int]) -> Belief:
        """Return the belief on some of its rows."""
        some = list(rows)
        one = self.demand
        return replace(
            self,
            keys=tuple(self.keys[row] for row in some),
            demand=replace(
                one,
                quantiles=one.quantiles[some],
                mean=one.mean[some],
                path=one.path[some],
                model=tuple(one.model[row] for row in some),
                segment=tuple(one.segment[row] for row in some),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything a what-if needs, per row of the belief; ``positions`` hold no proposals."""

    belief: Belief
    today: date
    positions: tuple[Position, ...]
    terms: tuple[tuple[SupplyTerms, ...], ...]
    prices_minor: np.ndarray
    rules: Rules
    titles: dict[str, str]


def belief(shop: Any) -> Belief:
    """Return the newest forecast that a plan wrote.

    Raises
    ------
    NotFound
        If no plan has run yet.
    """
    shelf = OriginShelf(shop.settings.lake_path, FORECAST)
    entries = shelf.entries()
    if not entries:
        raise NotFound(
            "No plan has run yet, so there is no forecast to show.",
            hint="`shopkeeper plan inventory` makes one; the server does it nightly.",
            field="forecast",
            code="no_forecast",
        )
    newest = max(entries, key=lambda entry: (entry.origin, entry.made_us))
    name = f"{shop.settings.home}|belief"
    with _LOCK:
        held = _KEPT.get(name)
        if held is None or held[0] != newest.sha256:
            held = _KEPT[name] = (newest.sha256, _read(shelf.read(newest), newest))
        found: Belief = held[1]
    return found


def whole(shop: Any) -> Bench:
    """Return the bench of everything that the newest plan looked at."""
    return _bench(shop, belief(shop), patient=True)


def of_sku(shop: Any, sku: str, location: str | None = None) -> Bench:
    """Return the bench of one product at one location; None: its only one.

    Raises
    ------
    NotFound
        If the newest plan holds no forecast of it.
    BadInput
        If it is kept at several locations and none is named.
    """
    everything = belief(shop)
    rows = [row for row, key in enumerate(everything.keys) if key[0] == sku]
    if not rows:
        raise NotFound(
            f"The newest plan holds no forecast of '{sku}'.",
            hint="Check the sku. A product that did not sell lately is not planned.",
            field="sku",
            value=sku,
            code="unknown_sku",
        )
    places = [everything.keys[row][1] for row in rows]
    if location is None and len(rows) > 1:
        raise BadInput(
            f"'{sku}' is kept at {len(rows)} locations; name one.",
            field="location",
            value="",
            allowed=", ".join(sorted(places)),
        )
    if location is not None and location not in places:
        raise NotFound(
            f"'{sku}' is not planned at location '{location}'.",
            field="location",
            value=location,
            allowed=", ".join(sorted(places)),
            code="unknown_location",
        )
    row = rows[0] if location is None else rows[places.index(location)]
    return _bench(shop, everything.only([row]), patient=False)


def locations(shop: Any, sku: str) -> list[str]:
    """Return where the newest plan keeps a product."""
    return sorted(place for item, place in belief(shop).keys if item == sku)


def _bench(shop: Any, held: Belief, *, patient: bool) -> Bench:
    warehouse = shop.warehouse
    warehouse.refresh()
    items = [item for item, _ in held.keys]
    facts = tables.described(warehouse, sorted(set(items)))
    now_us = clock.now_us()
    terms = _terms(shop, items, now_us) if patient else supply_terms(warehouse, items, now_us)
    prices = [float(facts.get(item, {}).get("price_minor") or 0) for item in items]
    return Bench(
        belief=held,
        today=clock.from_us(now_us).date(),
        positions=_positions(warehouse, held.keys),
        terms=terms,
        prices_minor=np.array(prices),
        rules=rules_of(shop),
        titles={item: str(one.get("title") or "") for item, one in facts.items()},
    )


def _terms(shop: Any, items: Sequence[str], now_us: int) -> tuple[tuple[SupplyTerms, ...], ...]:
    """Return the terms of a whole plan, read again after a while: they change by the day."""
    name = f"{shop.settings.home}|terms"
    with _LOCK:
        held = _KEPT.get(name)
        if held is None or held[0] != tuple(items) or now_us - held[1] > TERMS_US:
            found = supply_terms(shop.warehouse, items, now_us)
            held = _KEPT[name] = (tuple(items), now_us, found)
        terms: tuple[tuple[SupplyTerms, ...], ...] = held[2]
    return terms


def _positions(warehouse: Any, keys: Sequence[Key]) -> tuple[Position, ...]:
    stock = tables.on_hand(warehouse)
    on_order: dict[Key, float] = {}
    for row in tables.outstanding(warehouse):
        place = (row["item_id"], row["location_id"])
        on_order[place] = on_order.get(place, 0.0) + float(row["outstanding"])
    return tuple(
        Position(on_hand=stock.get(k, 0.0), on_order=on_order.get(k, 0.0), counted=k in stock)
        for k in keys
    )


def _read(table: pa.Table, entry: Entry) -> Belief:
    """Return the rows of an origin as one belief, products in the file's order."""
    horizons = np.unique(table["horizon"].to_numpy())
    h = len(horizons)
    order = pc.sort_indices(
        table.append_column("row", pa.array(np.arange(table.num_rows) // h)),
        sort_keys=[("row", "ascending"), ("horizon", "ascending")],
    )
    table = table.take(order)
    n = table.num_rows // h
    first = table.take(pa.array(np.arange(n) * h))
    levels = [table[name].to_numpy() for name in QUANTILES]
    mean = table["mean"].to_numpy().reshape(n, h).astype(float)
    return Belief(
        origin=date.fromisoformat(entry.origin),
        made_us=entry.made_us,
        model=entry.model,
        kind=entry.kind,
        keys=tuple(
            zip(first["item_id"].to_pylist(), first["location_id"].to_pylist(), strict=True)
        ),
        demand=Demand(
            horizons=horizons,
            levels=np.array(LEVELS),
            quantiles=np.stack(levels, axis=1).reshape(n, h, len(LEVELS)).astype(float),
            mean=mean,
            path=np.diff(np.concatenate([np.zeros((n, 1)), mean], axis=1), axis=1),
            frequency=first["frequency"].to_pylist()[0] if n else "W",
            model=tuple(first["method"].to_pylist()),
            segment=tuple(first["segment"].to_pylist()),
        ),
    )
