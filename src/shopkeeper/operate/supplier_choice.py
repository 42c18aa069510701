"""Which supplier for which product, from the shop's own terms, deliveries and demand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import supplier_history
from shopkeeper.operate import supplier_cards
from shopkeeper.supply import lead_time, lead_time_committee, sourcing
from shopkeeper.supply.lead_time import Deliveries, Learned
from shopkeeper.supply.schema import LeadTime

LEVELS = (("supplier",), ("supplier", "item"))
HOLDING_RATE = 0.25  # of the price, per year
DEMAND_DAYS = 91


def choices(
    shop: Any, *, item_id: str | None = None, several: bool = True, most: int = 50, offset: int = 0
) -> list[dict[str, Any]]:
    """Return products with their suppliers ranked, the most bought first.

    ``several``: only products that more than one supplier offers. ``item_id``: this product alone.
    """
    since = clock.now_us() - DEMAND_DAYS * DAY_US
    rows = supplier_history.offers(
        shop.warehouse, since, item_id or "", 2 if several and item_id is None else 1, most, offset
    )
    if not rows:
        return []
    lead, late = _learned(shop)
    told: dict[str, dict[str, Any]] = {}
    offers: dict[str, list[sourcing.Offer]] = {}
    for row in rows:
        name = row["item_id"]
        told.setdefault(
            name,
            {
                "item_id": name,
                "title": row["title"],
                "units_per_day": round(row["units"] / DEMAND_DAYS, 3),
                "currency": row["currency"],
            },
        )
        offers.setdefault(name, []).append(_offer(row, lead, late))
    return [
        {
            **facts,
            "suppliers": [
                _plain(one)
                for one in sourcing.rank(
                    offers[name],
                    units_per_day=facts["units_per_day"],
                    holding_rate=HOLDING_RATE,
                )
            ],
        }
        for name, facts in told.items()
    ]


def _learned(shop: Any) -> tuple[Learned | None, Learned | None]:
    """Return what deliveries teach: days from ordering, and days against the promise."""
    rows = supplier_history.history(shop.warehouse)
    if not rows:
        return None, None
    data = supplier_cards.history_of(rows).deliveries
    today = clock.now_us() // DAY_US
    promised = bool(np.isfinite(data.promised).any())
    return _fit(data, today, lateness=False), _fit(data, today, lateness=True) if promised else None


def _fit(data: Deliveries, today: int, *, lateness: bool) -> Learned | None:
    known = data.ordered < today
    if lateness:
        known &= np.isfinite(data.promised)
    if not known.any():
        return None
    members = lead_time_committee.members_for(LEVELS, lateness=lateness)
    return lead_time_committee.fit(data, members, today)


def _offer(row: dict[str, Any], lead: Learned | None, late: Learned | None) -> sourcing.Offer:
    keys = {"supplier": row["supplier_id"], "item": row["item_id"]}
    if lead is not None and row["orders"] > 0:
        days = lead_time.lead_time(lead, keys)
    else:
        word = float(row["lead_time_days"] or 7.0)
        days = LeadTime(
            days=np.array([word]),
            probability=np.array([1.0]),
            source="supplier's word" if row["lead_time_days"] else "default",
        )
    return sourcing.Offer(
        supplier_id=row["supplier_id"],
        price_minor=float(row["price_minor"]),
        lead_time=days,
        p_late=math.nan if late is None else 1 - late.curve(keys).below(0)[1],
        order_cost_minor=float(row["order_cost_minor"] or 0.0),
        minimum_quantity=float(row["minimum_quantity"] or 0.0),
    )


def _plain(one: sourcing.Ranked) -> dict[str, Any]:
    offer = one.offer
    return {
        "supplier_id": offer.supplier_id,
        "best": one.best,
        "reason": one.reason,
        "price_minor": round(offer.price_minor),
        "total_minor": round(one.total_minor, 2),
        "safety_minor": round(one.safety_minor, 2),
        "ordering_minor": round(one.ordering_minor, 2),
        "usual_days": one.usual_days,
        "bad_days": one.bad_days,
        "p_late": None if math.isnan(offer.p_late) else round(offer.p_late, 4),
        "minimum_quantity": offer.minimum_quantity,
        "observed": offer.lead_time.observed,
        "lead_time_source": offer.lead_time.source,
    }
