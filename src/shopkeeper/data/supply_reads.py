"""What supply reads of the tables: stock with its moves, orders that hold units, parcels, plans.

SQL lives in data/; supply and operate get Arrow tables or plain rows from here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shopkeeper.data.warehouse import Warehouse

# The last count of each cell and what moved after it, each move named as features.py names it.
_COUNTS = """
SELECT location_id, item_id, occurred_us, quantity
FROM (
    SELECT coalesce(location_id, '') AS location_id, item_id, occurred_us, quantity,
        row_number() OVER (
            PARTITION BY coalesce(location_id, ''), item_id ORDER BY occurred_us DESC, seq DESC
        ) AS age
    FROM stock
) AS told
WHERE age = 1
"""
_ARRIVED = """
SELECT coalesce(location_id, '') AS location_id, item_id, occurred_us, quantity,
    coalesce(purchase_order_id, '') AS purchase_order_id, coalesce(shipment_id, '') AS shipment_id
FROM delivery_lines
WHERE item_id IS NOT NULL AND order_id IS NULL
    AND (purchase_order_id IS NOT NULL OR supplier_id IS NOT NULL)
"""
_LEFT = """
SELECT coalesce(location_id, '') AS location_id, item_id, min(occurred_us) AS occurred_us,
    sum(quantity) AS quantity, shipment_id, min(order_id) AS order_id
FROM shipments
WHERE item_id IS NOT NULL AND supplier_id IS NULL AND purchase_order_id IS NULL
GROUP BY event_id, location_id, item_id, shipment_id
"""
_SOLD = """
SELECT l.location_id, l.item_id, min(l.occurred_us) AS occurred_us, sum(l.quantity) AS quantity,
    l.order_id
FROM (
    SELECT order_id, item_id, location_id, line, quantity, min(occurred_us) AS occurred_us
    FROM order_lines GROUP BY order_id, item_id, location_id, line, quantity
) AS l
JOIN locations AS p ON l.location_id = p.location_id
WHERE l.order_id NOT IN (SELECT order_id FROM reservation_lines WHERE status = 'held')
    AND l.order_id NOT IN (SELECT order_id FROM shipments WHERE order_id IS NOT NULL)
    AND l.order_id NOT IN (SELECT order_id FROM refunds WHERE kind = 'cancel')
GROUP BY l.order_id, l.location_id, l.item_id
"""
_PURCHASED = """
SELECT purchase_order_id, supplier_id, location_id, status, promised_us, item_id, quantity,
    occurred_us
FROM purchase_order_lines
ORDER BY occurred_us, seq, line
"""


def stock_moves(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """Return counts, and what arrived, left and was sold, as rows."""
    texts = {"counts": _COUNTS, "arrived": _ARRIVED, "left": _LEFT, "sold": _SOLD}
    texts["purchased"] = _PURCHASED
    return {name: warehouse.sql(text).to_pylist() for name, text in texts.items()}


def locations(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return all places as they stand."""
    return warehouse.sql("SELECT * FROM locations ORDER BY location_id").to_pylist()


def supply_rules(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the rules of supply as they stand: rule_id, status, text."""
    return warehouse.sql(
        "SELECT rule_id, status, text, occurred_us FROM rules WHERE capability = 'supply'"
    ).to_pylist()


def allocated_orders(warehouse: Warehouse) -> set[str]:
    """Return the orders whose units were held, or left by a shipment."""
    found = warehouse.sql(
        "SELECT order_id FROM reservation_lines WHERE status = 'held' "
        "UNION SELECT order_id FROM shipments WHERE order_id IS NOT NULL"
    )
    return set(found["order_id"].to_pylist())


def last_seq(warehouse: Warehouse) -> int:
    """Return the number of the newest event that the tables show."""
    return int(warehouse.sql("SELECT max(seq) AS seq FROM events")["seq"][0].as_py() or 0)


def ends_of_orders(warehouse: Warehouse, order_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the log says of some orders: bought, cancelled, and what left from where."""
    if not order_ids:
        return []
    return warehouse.sql(
        "SELECT kind, order_id, seq, location_id, occurred_us, "
        "CASE WHEN lines IS NULL THEN NULL ELSE to_json(lines) END AS lines FROM events "
        "WHERE kind IN ('purchase', 'cancel', 'shipment') AND order_id IN "
        "(SELECT unnest($orders)) ORDER BY seq",
        {"orders": list(order_ids)},
    ).to_pylist()


def parcels(warehouse: Warehouse) -> Any:
    """Return all parcels to customers as an Arrow table, oldest order first."""
    return warehouse.sql(
        "SELECT * FROM parcels WHERE ordered_us IS NOT NULL ORDER BY ordered_us, shipment_id"
    )


def load_json(text: str | None) -> Any:
    """Return decoded JSON, None for nothing."""
    return None if text is None else json.loads(text)


def some_stocked_item(warehouse: Warehouse) -> str | None:
    """Return a product that is stocked somewhere, None where nothing is."""
    found = warehouse.sql("SELECT item_id FROM stock ORDER BY item_id LIMIT 1")["item_id"]
    return found[0].as_py() if len(found) else None


def latest_baskets(
    warehouse: Warehouse, since_us: int, until_us: int, most: int
) -> list[dict[str, Any]]:
    """Return customers' orders of a span, in an order that looks random and never changes."""
    return warehouse.sql(
        "SELECT order_id, customer_id, occurred_us FROM orders WHERE customer_id IS NOT NULL "
        "AND occurred_us >= $since AND occurred_us < $until AND status = 'placed' "
        "ORDER BY md5(order_id) LIMIT $most",
        {"since": since_us, "until": until_us, "most": most},
    ).to_pylist()


def lines_of(warehouse: Warehouse, order_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the products of some orders, whole units."""
    return warehouse.sql(
        "SELECT order_id, item_id, ceil(sum(quantity)) AS quantity FROM order_lines "
        "WHERE order_id IN (SELECT unnest($orders)) GROUP BY order_id, item_id "
        "ORDER BY order_id, item_id",
        {"orders": list(order_ids)},
    ).to_pylist()


def ledger_before(warehouse: Warehouse, location_id: str, day: str) -> list[tuple[str, float]]:
    """Return (item_id, units) of a place by the stock ledger at the end of the day before."""
    rows = warehouse.sql(
        "SELECT item_id, on_hand FROM (SELECT item_id, on_hand, row_number() OVER ("
        "PARTITION BY item_id ORDER BY dt DESC) AS age FROM stock_days "
        "WHERE location_id = $place AND dt < CAST($day AS DATE)) AS told WHERE age = 1 "
        "ORDER BY item_id",
        {"place": location_id, "day": day},
    )
    return [(row["item_id"], float(row["on_hand"] or 0.0)) for row in rows.to_pylist()]
