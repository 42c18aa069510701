"""The live state from the tables, all at once: what applying every event one by one would give.

``attach`` then tells the reservations what the log said of their orders while nobody listened.
"""

from __future__ import annotations

from typing import Any

from shopkeeper.data import supply_reads
from shopkeeper.supply.state import LiveState


def rebuild(warehouse: Any) -> LiveState:
    """Return the live state of everything in the tables."""
    state = LiveState()
    # First the number, then the tables: what came in between is applied again, and changes nothing.
    seq = supply_reads.last_seq(warehouse)
    for row in supply_reads.locations(warehouse):
        facts = {k: row[k] for k in ("latitude", "longitude", "pick_minor")}
        facts |= {k: row[k] for k in ("opens_minute", "closes_minute")}
        properties = {name: value for name, value in facts.items() if value is not None}
        event = {
            "kind": "location",
            "location_id": row["location_id"],
            "status": row["status"],
            "occurred_us": row["occurred_us"],
            "properties": properties,
        }
        state.apply({k: v for k, v in event.items() if v is not None})
    for row in supply_reads.supply_rules(warehouse):
        active = row["status"] == "active"
        state.rule_texts[row["rule_id"]] = (row["occurred_us"], row["text"] if active else None)
    state.allocated = supply_reads.allocated_orders(warehouse)
    _fill_shelves(state, supply_reads.stock_moves(warehouse))
    state.seq = seq
    return state


def attach(state: LiveState, shop: Any) -> None:
    """Give the state the shop's reservations, and them what became of their orders."""
    reservations = shop.reservations
    held = reservations.live_orders()
    state.held = set(held)
    for row in supply_reads.ends_of_orders(shop.warehouse, sorted(held)):
        event = {**row, "lines": supply_reads.load_json(row["lines"])}
        state.note_end({k: v for k, v in event.items() if v is not None}, row["seq"])
    reservations.settle(state.take_pending())
    state.reservations = reservations


def _fill_shelves(state: LiveState, rows: dict[str, list[dict[str, Any]]]) -> None:
    for row in rows["counts"]:
        shelf = state.shelf(row["location_id"], row["item_id"])
        shelf.count(row["occurred_us"], row["quantity"])
    for row in rows["purchased"]:
        lines = [] if row["item_id"] is None else [(row["item_id"], float(row["quantity"] or 0.0))]
        state.purchases.order(row, row["occurred_us"], lines)
    for row in rows["arrived"]:
        units = float(row["quantity"] or 0.0)
        if row["purchase_order_id"]:
            state.purchases.deliver(row, [(row["item_id"], units)])
        name = ("in", row["purchase_order_id"], row["shipment_id"], f"{units:g}")
        shelf = state.shelf(row["location_id"], row["item_id"])
        shelf.move(name, row["occurred_us"], units)
    for row in rows["left"]:
        shelf = state.shelf(row["location_id"], row["item_id"])
        units = float(row["quantity"] or 0.0)
        shelf.move(("out", row["shipment_id"] or ""), row["occurred_us"], -units)
    for row in rows["sold"]:
        cell = (row["location_id"], row["item_id"])
        if cell in state.shelves:
            state.sell(row["order_id"], cell, row["occurred_us"], row["quantity"])
