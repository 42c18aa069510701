"""One item or one customer by id, for the API: rows of the tables as plain values.

Never what identifies a person: the tables that are read here do not carry it.
"""

from __future__ import annotations

from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import NotFound
from shopkeeper.data.warehouse import Warehouse


def item(warehouse: Warehouse, item_id: str) -> dict[str, Any]:
    """Return a catalogue entry; NotFound when no event ever named the item."""
    found = warehouse.sql("SELECT * FROM items WHERE item_id = ?", [item_id]).to_pylist()
    if not found:
        raise NotFound(
            f"There is no item '{item_id[:60]}'.",
            hint="Post an event of kind item, or import a catalogue.",
            field="item_id",
            value=item_id,
        )
    return plain(found[0])


def customer(warehouse: Warehouse, customer_id: str, *, recent: int = 20) -> dict[str, Any]:
    """Return a customer's totals and latest orders; NotFound when nobody has the id."""
    found = warehouse.sql("SELECT * FROM customers WHERE customer_id = ?", [customer_id])
    if not found.num_rows:
        raise NotFound(
            f"There is no customer '{customer_id[:60]}'.", field="customer_id", value=customer_id
        )
    orders = warehouse.sql(
        "SELECT order_id, occurred_us, lines, units, net_minor, currency, status FROM orders "
        "WHERE customer_id = ? ORDER BY occurred_us DESC, order_id LIMIT ?",
        [customer_id, recent],
    )
    return plain(found.to_pylist()[0]) | {
        "recent_orders": [plain(row) for row in orders.to_pylist()]
    }


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for JSON: ``x_us`` becomes ``x_at`` in ISO 8601."""
    return {
        (f"{name[:-3]}_at" if name.endswith("_us") else name): (
            clock.iso(value) if name.endswith("_us") and value is not None else value
        )
        for name, value in row.items()
    }
