"""How a product's shelf goes on, with what is on order as it stands and as a message changes it.

The usual daily demand leaves, purchase orders arrive on their day, what is missing is lost. Days
are counted from today; this is a look ahead for a person, not the forecast that orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import demand, supply_reports
from shopkeeper.data import proposals as tables
from shopkeeper.inventory import known, policy
from shopkeeper.operate.replenish.rules import rules_of

HORIZON_DAYS = 60
DEMAND_DAYS = 28
Arrival = tuple[int, float]  # day from today, units


def path(
    on_hand: float, per_day: float, arrivals: Sequence[Arrival], horizon: int = HORIZON_DAYS
) -> tuple[int | None, float]:
    """Return (first day without units, units missed until the horizon).

    >>> path(10, 2, [(8, 20)])
    (5, 92.0)
    >>> path(10, 0, [])
    (None, 0.0)
    """
    left, missed, out = on_hand, 0.0, None
    for day in range(horizon):
        left += sum(units for at, units in arrivals if max(0, at) == day)
        sold = min(left, per_day)
        missed += per_day - sold
        left -= sold
        if out is None and per_day - sold > 1e-9:
            out = day
    return out, round(missed, 1)


def look(
    shop: Any, item_ids: Sequence[str], changed: Mapping[tuple[str, str], Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return per product the outlook before and after; units are missed in ``missed_days``.

    ``changed``: (purchase order, item) -> ``units`` and ``day_us`` as they would be.
    """
    now_us = clock.now_us()
    shelves = demand.on_hand(shop.warehouse)
    rows = [r for r in supply_reports.open_purchases(shop.warehouse) if r["item_id"] in item_ids]
    orders = _proposed(shop, item_ids, _lost(rows, changed))
    found = {}
    for item in item_ids:
        mine = [r for r in rows if r["item_id"] == item]
        units = sum(n for (name, _), n in shelves.items() if name == item)
        since = now_us - DEMAND_DAYS * DAY_US
        per_day = supply_reports.daily_units(shop.warehouse, item, since) / DEMAND_DAYS
        told: dict[str, Any] = {"on_hand": units, "units_per_day": round(per_day, 2)}
        told["missed_days"] = days = _until(mine, changed, now_us)
        for name, change in (("before", {}), ("after", changed)):
            coming = [_arrival(r, change, now_us) for r in mine]
            out, _ = path(units, per_day, coming)
            _, missed = path(units, per_day, coming, days)
            told |= {
                f"out_on_{name}": None if out is None else _day(now_us, out),
                f"missed_{name}": missed,
            }
        found[item] = told | orders.get(item, {"order_before": None, "order_after": None})
    return found


def _arrival(
    row: Mapping[str, Any], changed: Mapping[tuple[str, str], Mapping[str, Any]], now_us: int
) -> Arrival:
    one = changed.get((row["purchase_order_id"], row["item_id"]), {})
    units = one.get("units", row["outstanding"])
    at_us = one.get("day_us", row["promised_us"])
    day = HORIZON_DAYS if at_us is None else at_us // DAY_US - now_us // DAY_US
    return int(day), float(units)


def _until(
    rows: Sequence[Mapping[str, Any]],
    changed: Mapping[tuple[str, str], Mapping[str, Any]],
    now_us: int,
) -> int:
    """Return over how many days the missed units count.

    Of a new day: until the later of both days, since afterwards it is the same. Else the horizon.
    """
    moved = [r for r in rows if "day_us" in changed.get((r["purchase_order_id"], r["item_id"]), {})]
    days = [_arrival(r, change, now_us)[0] for r in moved for change in ({}, changed)]
    return min(HORIZON_DAYS, max(1, *days)) if days else HORIZON_DAYS


def _lost(
    rows: Sequence[Mapping[str, Any]], changed: Mapping[tuple[str, str], Mapping[str, Any]]
) -> dict[tuple[str, str], float]:
    """Return units that would not come any more, by (item, location)."""
    lost: dict[tuple[str, str], float] = {}
    for row in rows:
        one = changed.get((row["purchase_order_id"], row["item_id"]), {})
        gone = row["outstanding"] - one.get("units", row["outstanding"])
        if gone:
            key = (row["item_id"], row["location_id"])
            lost[key] = lost.get(key, 0.0) + gone
    return lost


def _proposed(
    shop: Any, items: Sequence[str], lost: Mapping[tuple[str, str], float]
) -> dict[str, dict[str, float]]:
    """Return what stock planning would order of each product now, before and after."""
    # The models bring scikit-learn, which a server loads only when somebody asks.
    from shopkeeper.inventory.models import ladder

    waiting: dict[tuple[str, str], float] = {}
    for one in tables.pending(shop.warehouse):
        key = (one["item_id"], one["location_id"])
        waiting[key] = waiting.get(key, 0.0) + float(one["quantity"])
    found = known.read(shop.warehouse, now_us=clock.now_us(), items=items, proposed=waiting)
    if found is None:
        return {}
    belief = ladder.forecast(found.panel)
    today = clock.from_us(clock.now_us()).date()
    after = tuple(
        replace(position, on_order=max(0.0, position.on_order - lost.get(key, 0.0)))
        for position, key in zip(found.positions, found.keys, strict=True)
    )
    told: dict[str, dict[str, float]] = {}
    for name, positions in (("order_before", found.positions), ("order_after", after)):
        made = policy.propose_many(
            belief,
            skus=found.panel.skus,
            locations=found.panel.locations,
            positions=positions,
            terms=found.terms,
            prices_minor=found.prices_minor,
            rules=rules_of(shop),
            today=today,
            notes=found.notes,
        )
        for proposal in made:
            row = told.setdefault(proposal.sku, {"order_before": 0.0, "order_after": 0.0})
            row[name] += float(proposal.quantity)
    return told


def _day(now_us: int, days: int) -> str:
    return clock.iso(now_us + days * DAY_US)[:10]
