"""Suppliers' terms out of the tables: offers per product, lead times learned from deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shopkeeper.data import demand as tables
from shopkeeper.inventory import lead_time
from shopkeeper.inventory.schema import PriceBreak, SupplyTerms


def supply_terms(
    warehouse: Any, items: Sequence[str], now_us: int
) -> tuple[tuple[SupplyTerms, ...], ...]:
    """Return each item's offers; what a supplier says in general fills what an offer leaves out."""
    seen = tables.lead_times(warehouse, now_us)
    learned = lead_time.estimate(
        lead_time.Deliveries(
            supplier=seen["supplier_id"].to_pylist(),
            sku=seen["item_id"].to_pylist(),
            days=seen["days"].to_numpy(),
            open=seen["open"].to_numpy(zero_copy_only=False),
        ),
        skus=set(items),
    )
    general: dict[str, dict[str, Any]] = {}
    offers: dict[str, list[SupplyTerms]] = {}
    for row in tables.terms(warehouse):
        if not row["item_id"]:
            general[row["supplier_id"]] = row
    for row in tables.terms(warehouse):
        if row["item_id"]:
            base = general.get(row["supplier_id"], {})
            one = _offer(row, base)
            days = _first(row, base, "lead_time_days")
            found = lead_time.lookup(learned, one.supplier_id, row["item_id"], promised=days)
            offers.setdefault(row["item_id"], []).append(replace(one, lead_time=found))
    return tuple(tuple(offers.get(item, ())) for item in items)


def _offer(row: Mapping[str, Any], base: Mapping[str, Any]) -> SupplyTerms:
    number = {
        name: float(_first(row, base, name) or 0)
        for name in ("minimum_quantity", "pack_size", "order_cost_minor", "volume_per_unit")
    }
    shelf = _first(row, base, "shelf_life_days")
    return SupplyTerms(
        supplier_id=row["supplier_id"],
        unit_cost_minor=int(row["price_minor"] or 0),
        minimum_quantity=number["minimum_quantity"],
        pack_size=number["pack_size"] or 1.0,
        price_breaks=price_breaks(row["price_breaks"]),
        order_cost_minor=round(number["order_cost_minor"]),
        minimum_value_minor=round(float(base.get("minimum_value_minor") or 0)),
        order_weekdays=weekdays(_first(row, base, "order_weekdays")),
        shelf_life_days=None if shelf is None else float(shelf),
        volume_per_unit=number["volume_per_unit"],
        returnable=bool(row["returnable"]),
    )


def price_breaks(text: str | None) -> tuple[PriceBreak, ...]:
    """Return the breaks of ``quantity:unit cost;…``; what is no pair is left out.

    >>> [(one.quantity, one.unit_cost_minor) for one in price_breaks("100:95;500:90")]
    [(100.0, 95), (500.0, 90)]
    """
    found = []
    for pair in (text or "").split(";"):
        quantity, _, cost = pair.partition(":")
        try:
            found.append(PriceBreak(quantity=float(quantity), unit_cost_minor=round(float(cost))))
        except ValueError:
            continue
    return tuple(sorted(found, key=lambda one: one.quantity))


def weekdays(text: str | None) -> tuple[int, ...]:
    """Return weekdays of ``0,2`` (0 Monday); what is none is left out.

    >>> weekdays("4, 0,x,9")
    (0, 4)
    """
    words = (word.strip() for word in (text or "").split(","))
    return tuple(sorted({int(w) for w in words if w.isdigit() and int(w) < 7}))


def _first(row: Mapping[str, Any], base: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    return base.get(name) if value is None else value
