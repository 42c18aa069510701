"""One product at one location, whole: history, forecast, projection, orders, policy, what-if."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.data import demand as tables
from shopkeeper.data import proposals
from shopkeeper.inventory import exchange, known, policy
from shopkeeper.inventory.panel import PROMOTION
from shopkeeper.inventory.schema import FREQUENCIES, LeadTime, Proposal, SupplyTerms
from shopkeeper.inventory.telling import REASONS
from shopkeeper.operate.replenish import bench as benches
from shopkeeper.operate.replenish import whatif
from shopkeeper.operate.replenish.bench import Bench
from shopkeeper.operate.replenish.desk import plain
from shopkeeper.operate.replenish.whatif import Wish

HISTORY_DAYS = 91
PROJECTED_DAYS = 63
SHOWN_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def whole(shop: Any, sku: str, location: str | None, asked: Wish) -> dict[str, Any]:
    """Return everything that a planner looks at; nothing is recorded."""
    bench = benches.of_sku(shop, sku, location)
    place = bench.belief.keys[0][1]
    now, other, rules, lead = whatif.sku(bench, asked)
    orders = _orders(shop, sku, place)
    return {
        "sku": sku,
        "location": place,
        "locations": benches.locations(shop, sku),
        "title": bench.titles.get(sku, ""),
        "price_minor": round(float(bench.prices_minor[0])),
        "forecast": forecast(bench),
        "history": history(shop, sku, place),
        "orders": orders,
        "proposals": [plain(one) for one in _proposals(shop, sku, place)],
        "policy": {
            "policy": rules.policy,
            "target": rules.target,
            "service_level": bench.rules.service_level,
            "review_period_days": bench.rules.review_period_days,
        },
        "terms": _terms(bench, now),
        "lead_time": _lead(lead),
        "now": told(now),
        "what_if": told(other),
        "asked": {k: v for k, v in asdict(asked).items() if v is not None},
        "projection": projection(bench, now, other, orders),
    }


def forecast(bench: Bench) -> dict[str, Any]:
    """Return the belief on one product: per horizon the mean and quantiles of what comes in all."""
    belief = bench.belief
    one = belief.demand
    period = FREQUENCIES[one.frequency]
    place = {level: int(np.abs(one.levels - level).argmin()) for level in SHOWN_LEVELS}
    # The belief carries 0.7 and 0.8; 0.75 lies between them.
    rows = []
    for at, horizon in enumerate(one.horizons.tolist()):
        days = round(horizon * period)
        quantiles = {
            f"q{round(level * 100)}": _rounded(
                np.interp(level, one.levels, one.quantiles[0, at])
                if abs(one.levels[spot] - level) > 1e-9
                else one.quantiles[0, at, spot]
            )
            for level, spot in place.items()
        }
        rows.append(
            {
                "days": days,
                "until": str(belief.origin + timedelta(days=days - 1)),
                "mean": _rounded(one.mean[0, at]),
                **quantiles,
            }
        )
    return {
        "origin": str(belief.origin),
        "made_at": clock.iso(belief.made_us),
        "model": belief.model,
        "method": one.model[0],
        "segment": one.segment[0],
        "horizons": rows,
    }


def history(shop: Any, sku: str, location: str) -> list[dict[str, Any]]:
    """Return the last days, oldest first: units wanted, share in stock, promotion, bulk units."""
    found = known.read(shop.warehouse, now_us=clock.now_us(), frequency="D", items=[sku])
    if found is None or (sku, location) not in found.keys:
        return []
    row, panel = found.keys.index((sku, location)), found.panel
    first = max(0, panel.units.shape[1] - HISTORY_DAYS)
    share = panel.in_stock_share
    plan, bulk = panel.known[PROMOTION], panel.one_off
    return [
        {
            "day": str(panel.starts[at]),
            "units": None if np.isnan(panel.units[row, at]) else float(panel.units[row, at]),
            "in_stock_share": 1.0 if share is None else round(float(share[row, at]), 3),
            "promoted": bool(np.nan_to_num(plan[row, at]) > 0),
            "one_off": 0.0 if bulk is None else float(bulk[row, at]),
        }
        for at in range(first, panel.units.shape[1])
    ]


def projection(
    bench: Bench, now: Proposal, other: Proposal, orders: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return stock per day to come: without an order, with the plan's, with the what-if's.

    ``low``, ``middle`` and ``high`` are what is left where demand is at its 0.9, 0.5 and 0.1
    quantile. Open orders arrive on their promised day, late ones tomorrow.
    """
    days = np.arange(0, PROJECTED_DAYS + 1)
    open_ = np.zeros(len(days))
    for one in orders:
        if one["due"] is not None:
            at = max(1, (date.fromisoformat(one["due"]) - bench.today).days)
            open_[min(at, PROJECTED_DAYS) :] += one["outstanding"] if at <= PROJECTED_DAYS else 0
    on_hand = bench.positions[0].on_hand
    sides = {}
    for name, made in (("without", None), ("with", now), ("what_if", other)):
        arriving = open_.copy()
        if made is not None and made.quantity > 0:
            at = (date.fromisoformat(made.expected_receipt) - bench.today).days
            arriving[max(0, min(at, PROJECTED_DAYS + 1)) :] += made.quantity
        sides[name] = exchange.projection(
            bench.belief.demand, days, on_hand=on_hand, arriving=arriving
        )
    return [
        {
            "day": str(bench.today + timedelta(days=int(day))),
            **{
                name: dict(zip(("low", "middle", "high"), map(_rounded, found[at]), strict=True))
                for name, found in sides.items()
            },
        }
        for at, day in enumerate(days.tolist())
    ]


def told(one: Proposal) -> dict[str, Any]:
    """Return a proposal as plain values with its reasons in words."""
    reasons = [
        {"code": code, "facts": dict(facts), "text": REASONS.get(code, code)}
        for code, facts in one.reasons
    ]
    return {**policy.as_value(one), "reasons": reasons}


def _orders(shop: Any, sku: str, location: str) -> list[dict[str, Any]]:
    found = []
    for row in tables.outstanding(shop.warehouse):
        if (row["item_id"], row["location_id"]) == (sku, location):
            promised = row["promised_us"]
            due = None if promised is None else clock.iso(promised)[:10]
            ordered = clock.iso(row["ordered_us"])[:10]
            found.append(
                {
                    "purchase_order_id": row["purchase_order_id"],
                    "supplier_id": row["supplier_id"],
                    "outstanding": float(row["outstanding"]),
                    "ordered": ordered,
                    "due": due,
                    "state": row["state"],
                    "late": due is not None and due < clock.iso(clock.now_us())[:10],
                }
            )
    return found


def _proposals(shop: Any, sku: str, location: str) -> list[dict[str, Any]]:
    found = proposals.listed(shop.warehouse, states=(), item=sku, order="order_by", limit=20)
    mine = [one for one in found if one["location_id"] == location]
    return sorted(mine, key=lambda one: (one["cycle"] or "", one["decision_id"]), reverse=True)


def _terms(bench: Bench, now: Proposal) -> dict[str, Any] | None:
    one = next((t for t in bench.terms[0] if t.supplier_id == now.supplier_id), None)
    return None if one is None else _plain_terms(one)


def _plain_terms(one: SupplyTerms) -> dict[str, Any]:
    return {
        "supplier_id": one.supplier_id,
        "unit_cost_minor": one.unit_cost_minor,
        "minimum_quantity": one.minimum_quantity,
        "pack_size": one.pack_size,
        "order_cost_minor": one.order_cost_minor,
        "minimum_value_minor": one.minimum_value_minor,
        "shelf_life_days": one.shelf_life_days,
        "price_breaks": [asdict(step) for step in one.price_breaks],
    }


def _lead(one: LeadTime) -> dict[str, Any]:
    return {
        "mean_days": round(one.mean_days, 1),
        "p50_days": one.at(0.5),
        "p95_days": one.at(0.95),
        "source": one.source,
        "observed": one.observed,
    }


def _rounded(value: Any) -> float:
    return round(float(value), 2)
