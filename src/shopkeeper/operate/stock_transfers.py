"""Transfers between warehouses before anything is bought: what to move, and moving it.

Needs are what stock planning proposes to buy, and what a place will lack in COVER_DAYS; excess is
what a place has beyond its own demand of KEEP_DAYS. Demand is inventory's forecast where it has one
for the place, else what left there lately. An accepted transfer is a purchase order from the
warehouse that gives (so it counts as on order where it goes) and a hold there until it leaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import proposals as proposed
from shopkeeper.data import transfer_reads
from shopkeeper.operate.replenish.rules import rules_of
from shopkeeper.supply import features, transfers
from shopkeeper.supply.rebuild import attach, rebuild
from shopkeeper.supply.state import LiveState
from shopkeeper.supply.tariffs import Tariff, tariff_of
from shopkeeper.supply.transfers import Need, Plan, Transfer, Way

COVER_DAYS, KEEP_DAYS = 14, 42
DEMAND_DAYS = 28
DEFAULT = Tariff(
    carrier="transfer", parcel_minor=1500, km_minor=30, unit_minor=10, days=1, km_per_day=400
)
Cell = tuple[str, str]  # (location_id, item_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """The plan, and what it was made from: per cell demand a day, free units, and the proposals."""

    plan: Plan
    ways: Mapping[tuple[str, str], Way]
    instead: Mapping[Cell, str]  # a need of stock planning -> its proposal's decision id
    per_day: Mapping[Cell, float]
    free: Mapping[Cell, float]
    titles: Mapping[str, str | None]
    source: str  # of the demand: forecast, or what left


def propose(shop: Any, state: LiveState | None = None) -> Proposed | None:
    """Return what to move now; None where fewer than two places hold stock."""
    shop.warehouse.refresh()
    if state is None:
        state = rebuild(shop.warehouse)
        attach(state, shop)
    places = {one.warehouse_id: one for one in state.open_places()}
    items = sorted({item for place, item in state.shelves if place in places})
    if len(places) < 2 or not items:
        return None
    free = _free(state, items)
    per_day, source = _demand(shop, places, items)
    bought = _bought(shop, set(places))
    arriving = _arriving(state, places, items)
    needs, instead = _needs(shop, places, free, per_day, bought, arriving)
    asked = {(need.warehouse_id, need.sku) for need in needs}
    excess = {
        cell: math.floor(units - KEEP_DAYS * per_day.get(cell, 0.0))
        for cell, units in free.items()
        if cell not in asked and units - KEEP_DAYS * per_day.get(cell, 0.0) >= 1
    }
    ways = _ways(state, list(places.values()))
    return Proposed(
        plan=transfers.plan(needs, excess, ways, seconds=10.0),
        ways={(way.from_id, way.to_id): way for way in ways},
        instead=instead,
        per_day=per_day,
        free=free,
        titles=transfer_reads.titles(shop.warehouse, sorted({need.sku for need in needs})),
        source=source,
    )


def plain(found: Proposed | None) -> dict[str, Any]:
    """Return the plan as JSON holds it: one entry per way that is used, with its items."""
    if found is None:
        return {"transfers": [], "saved_minor": 0, "status": "one_place", "source": None}
    ways: dict[tuple[str, str], list[Transfer]] = {}
    for one in found.plan.transfers:
        ways.setdefault((one.from_id, one.to_id), []).append(one)
    return {
        "transfers": [_way(found, pair, some) for pair, some in sorted(ways.items())],
        "saved_minor": round(found.plan.saved_minor),
        "status": found.plan.status,
        "source": found.source,
        "bought_all_the_same": sum(found.plan.bought.values()),
        "too_late": sum(found.plan.too_late.values()),
    }


def _way(found: Proposed, pair: tuple[str, str], some: Sequence[Transfer]) -> dict[str, Any]:
    way = found.ways[pair]
    return {
        "from_id": pair[0],
        "to_id": pair[1],
        "days": way.days,
        "cost_minor": round(way.fixed_minor + sum(one.units * way.unit_minor for one in some)),
        "units": sum(one.units for one in some),
        "items": [
            {
                "item_id": one.sku,
                "title": found.titles.get(one.sku),
                "units": one.units,
                "from_free": found.free.get((one.from_id, one.sku), 0.0),
                "from_per_day": round(found.per_day.get((one.from_id, one.sku), 0.0), 2),
                "to_free": found.free.get((one.to_id, one.sku), 0.0),
                "to_per_day": round(found.per_day.get((one.to_id, one.sku), 0.0), 2),
                "instead_of": found.instead.get((one.to_id, one.sku)),
            }
            for one in sorted(some, key=lambda one: (-one.units, one.sku))
        ],
    }


def _free(state: LiveState, items: Sequence[str]) -> dict[Cell, float]:
    held = state.reservations.held(items, seq=state.seq, now_us=clock.now_us())
    return {
        cell: max(0.0, units - held.get(cell, 0.0)) for cell, units in state.on_hand(items).items()
    }


def _demand(
    shop: Any, places: Mapping[str, Any], items: Sequence[str]
) -> tuple[dict[Cell, float], str]:
    """Return units a day by cell: the newest forecast of a place, else what left there."""
    since = clock.now_us() - DEMAND_DAYS * DAY_US
    found = {
        (row["location_id"], row["item_id"]): row["units"] / DEMAND_DAYS
        for row in transfer_reads.left(shop.warehouse, since)
        if row["location_id"] in places
    }
    believed = {
        (row["location_id"], row["item_id"]): row["mean"] / row["days"]
        for row in transfer_reads.forecast(shop.warehouse)
        if row["location_id"] in places and row["days"]
    }
    # What ships from a place for customers elsewhere is no demand of the place's own forecast.
    for cell, units in believed.items():
        found[cell] = max(units, found.get(cell, 0.0))
    return found, "forecast" if believed else "what left"


def _bought(shop: Any, places: set[str]) -> list[dict[str, Any]]:
    """Return what stock planning proposes to buy for places that are known."""
    rows = proposed.listed(shop.warehouse, limit=5000)
    return [row for row in rows if row["location_id"] in places and row["quantity"] > 0]


def _arriving(
    state: LiveState, places: Mapping[str, Any], items: Sequence[str]
) -> dict[Cell, float]:
    """Return units that suppliers or transfers bring within COVER_DAYS, by cell."""
    until = clock.now_us() + COVER_DAYS * DAY_US
    found: dict[Cell, float] = {}
    for item in items:
        for one in state.purchases.of(item):
            soon = one.expected_us is not None and one.expected_us <= until
            if soon and one.location_id in places:
                cell = (one.location_id, item)
                found[cell] = found.get(cell, 0.0) + one.units
    return found


def _needs(
    shop: Any,
    places: Mapping[str, Any],
    free: Mapping[Cell, float],
    per_day: Mapping[Cell, float],
    bought: Sequence[Mapping[str, Any]],
    arriving: Mapping[Cell, float],
) -> tuple[list[Need], dict[Cell, str]]:
    rate = rules_of(shop).holding_rate
    units: dict[Cell, int] = {}
    instead: dict[Cell, str] = {}
    cost: dict[str, float] = {}
    for row in bought:
        cell = (row["location_id"], row["item_id"])
        units[cell] = math.ceil(row["quantity"])
        instead[cell] = row["decision_id"]
        cost[row["item_id"]] = float(row["unit_cost_minor"])
    for cell, demand in per_day.items():
        lacks = math.ceil(
            COVER_DAYS * demand - free.get(cell, 0.0) - arriving.get(cell, 0.0) - 1e-9
        )
        if lacks > 0 and cell not in units and cell in free:
            units[cell] = lacks
    costs = transfer_reads.unit_costs(shop.warehouse, sorted({item for _, item in units}))
    network: dict[str, list[float]] = {}
    for (_, item), held in free.items():
        network.setdefault(item, [0.0, 0.0])[0] += held
    for (_, item), demand in per_day.items():
        network.setdefault(item, [0.0, 0.0])[1] += demand
    found = []
    for (place, item), count in sorted(units.items()):
        price = cost.get(item, costs.get(item, 0.0))
        held, demand = network.get(item, [0.0, 0.0])
        # A unit bought although another lies elsewhere lies in its turn until that one is sold.
        days = min(365.0, held / demand) if demand > 0 else 365.0
        share = 1.0 if demand <= 0 else rate * days / 365.0
        found.append(
            Need(warehouse_id=place, sku=item, units=count, buy_minor=max(1.0, price * share))
        )
    return found, instead


def _ways(state: LiveState, places: Sequence[Any]) -> list[Way]:
    _, text = state.rule_texts.get("transfer", (0, None))
    costs = DEFAULT if text is None else tariff_of("transfer", text)
    found = []
    for a in places:
        for b in places:
            if a.warehouse_id == b.warehouse_id:
                continue
            km = features.distance_to(a, b.latitude or None, b.longitude or None)
            if costs.most_km and km is not None and km > costs.most_km:
                continue
            far = 0.0 if km is None or costs.km_per_day <= 0 else km / costs.km_per_day
            found.append(
                Way(
                    from_id=a.warehouse_id,
                    to_id=b.warehouse_id,
                    unit_minor=costs.unit_minor,
                    fixed_minor=costs.parcel_minor + costs.km_minor * (km or 0.0),
                    days=math.ceil(costs.days + far),
                )
            )
    return found
