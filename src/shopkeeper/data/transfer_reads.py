"""What transfers between warehouses read: what left each place, forecasts, costs, transfers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shopkeeper.data.warehouse import Warehouse

PREFIX = "transfer:"  # of the supplier of a purchase order that is a transfer

_LEFT = """
SELECT location_id, item_id, sum(units) AS units
FROM (
    SELECT r.location_id, r.item_id, r.quantity AS units
    FROM reservation_lines AS r
    JOIN allocations AS a ON r.order_id = a.order_id AND r.decision_id = a.decision_id
        AND r.location_id = a.location_id
    WHERE r.status = 'held' AND r.occurred_us >= $since AND a.ordered_us IS NOT NULL
        AND a.state IN ('waiting', 'shipped')
    UNION ALL
    SELECT s.location_id, s.item_id, s.quantity
    FROM shipments AS s
    WHERE s.occurred_us >= $since AND s.supplier_id IS NULL AND s.item_id IS NOT NULL
        AND s.order_id IN (SELECT order_id FROM orders)
        AND s.order_id NOT IN (SELECT order_id FROM allocations)
    UNION ALL
    SELECT l.location_id, l.item_id, l.quantity
    FROM order_lines AS l JOIN locations AS p ON l.location_id = p.location_id
    WHERE l.occurred_us >= $since
        AND l.order_id NOT IN (SELECT order_id FROM allocations)
        AND l.order_id NOT IN (SELECT order_id FROM shipments WHERE order_id IS NOT NULL)
) AS gone
GROUP BY location_id, item_id
"""
_FORECAST = """
SELECT location_id, item_id, mean, days
FROM demand_forecast
WHERE kind = 'live' AND location_id <> ''
    AND origin = (SELECT max(origin) FROM demand_forecast WHERE kind = 'live')
QUALIFY row_number() OVER (PARTITION BY location_id, item_id ORDER BY abs(days - 14)) = 1
"""
_OPEN = """
SELECT p.purchase_order_id AS transfer_id, min(p.supplier_id) AS supplier_id,
    min(p.location_id) AS to_id, min(p.promised_us) AS promised_us, sum(p.quantity) AS units,
    sum(p.received) AS received, count(*) AS items, min(s.shipped_us) AS left_us,
    min(p.ordered_us) AS made_us, min(p.state) AS state
FROM purchase_orders AS p
LEFT JOIN (
    SELECT order_id, min(occurred_us) AS shipped_us FROM shipments
    WHERE order_id IS NOT NULL GROUP BY order_id
) AS s ON p.purchase_order_id = s.order_id
WHERE starts_with(p.supplier_id, 'transfer:')
GROUP BY p.purchase_order_id
ORDER BY made_us DESC, transfer_id
LIMIT $most
"""


def left(warehouse: Warehouse, since_us: int) -> list[dict[str, Any]]:
    """Return units that customers took from each place since a moment, held ones included."""
    return warehouse.sql(_LEFT, {"since": since_us}).to_pylist()


def forecast(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the newest live forecast of each place, the horizon nearest to two weeks."""
    return warehouse.sql(_FORECAST).to_pylist()


def titles(warehouse: Warehouse, item_ids: Sequence[str]) -> dict[str, str | None]:
    """Return item -> title."""
    rows = warehouse.sql(
        "SELECT item_id, title FROM items WHERE item_id IN (SELECT unnest($items))",
        {"items": list(item_ids)},
    ).to_pylist()
    return {row["item_id"]: row["title"] for row in rows}


def unit_costs(warehouse: Warehouse, item_ids: Sequence[str]) -> dict[str, float]:
    """Return item -> the least that a supplier asks, else the shop's own price; minor units."""
    rows = warehouse.sql(
        "SELECT i.item_id, coalesce(min(s.price_minor), min(i.price_minor)) AS minor "
        "FROM items AS i LEFT JOIN suppliers AS s ON i.item_id = s.item_id "
        "AND s.status = 'active' WHERE i.item_id IN (SELECT unnest($items)) GROUP BY i.item_id",
        {"items": list(item_ids)},
    ).to_pylist()
    return {row["item_id"]: float(row["minor"]) for row in rows if row["minor"] is not None}


def made(warehouse: Warehouse, most: int = 50) -> list[dict[str, Any]]:
    """Return transfers, newest first: from, to, units, when they left and what arrived."""
    rows = warehouse.sql(_OPEN, {"most": most}).to_pylist()
    return [{**row, "from_id": row["supplier_id"].removeprefix(PREFIX)} for row in rows]


def lines(warehouse: Warehouse, transfer_id: str) -> list[dict[str, Any]]:
    """Return a transfer's products with their units and what arrived; empty for none."""
    return warehouse.sql(
        "SELECT item_id, quantity, received, supplier_id, location_id FROM purchase_orders "
        "WHERE purchase_order_id = $id AND starts_with(supplier_id, 'transfer:') ORDER BY item_id",
        {"id": transfer_id},
    ).to_pylist()
